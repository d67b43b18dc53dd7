//! `berth adapter inspect`: what is in a file, and what it says of itself.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use berth_host::{ComponentAdapter, Facts, Host, HostConfig, Limits, LoadError};
use serde_json::json;

use adapter_spec::Adapter as _;

use crate::{
    arguments::Inspect,
    cost,
    failure::{Failure, Kind},
    places,
    show::{self, Sheet, grouped},
};

/// Does it.
pub(crate) async fn run(arguments: Inspect) -> Result<(), Failure> {
    let host =
        Host::new(HostConfig { cache: cache(arguments.no_cache), ..small_host() }).map_err(host_failed)?;
    let start = Instant::now();
    let adapter = load(&host, &arguments.file, Limits::default()).await?;
    let took = start.elapsed();
    let facts = adapter.facts();
    let interfaces = adapter.interfaces().names();
    if arguments.json {
        let document = json!({
            "file": arguments.file.display().to_string(),
            "sha256": hex::encode(facts.digest),
            "bytes": facts.bytes,
            "compiled_bytes": facts.compiled_bytes,
            "load_millis": took.as_secs_f64() * 1e3,
            "from_cache": facts.from_cache,
            "interfaces": interfaces,
            "imports": facts.imports,
            "exports": facts.exports,
            "descriptor": facts.descriptor,
        });
        println!("{document:#}");
        return Ok(());
    }
    let how = if facts.from_cache { "its code came from the cache" } else { "compiled just now" };
    print!("{}", sheet(facts, &interfaces, &format!("{}, {how}", cost::time(took))));
    Ok(())
}

fn sheet(facts: &Facts, interfaces: &[&str], loaded: &str) -> String {
    let mut sheet = Sheet::default();
    sheet.line(&format!("{} {}", facts.descriptor.name, facts.descriptor.version));
    sheet.gap();
    sheet.line("File");
    sheet.sub_field("SHA-256", &hex::encode(facts.digest));
    let sizes = (grouped(facts.bytes as u64), grouped(facts.compiled_bytes as u64));
    sheet.sub_field("size", &format!("{} bytes; {} compiled", sizes.0, sizes.1));
    sheet.sub_field("loaded in", loaded);
    sheet.sub_field("imports", &names(&facts.imports));
    sheet.sub_field("exports", &names(&facts.exports));
    sheet.gap();
    sheet.line("What it says of itself");
    sheet.field("interfaces", &interfaces.join(", "));
    show::descriptor(&mut sheet, &facts.descriptor);
    sheet.into_text()
}

/// Interfaces of one package and version, the package once.
fn names(interfaces: &[String]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for interface in interfaces {
        let (package, rest) = interface.split_once('/').unwrap_or(("other", interface));
        let (name, version) = rest.split_once('@').unwrap_or((rest, ""));
        let group = if version.is_empty() { package.to_owned() } else { format!("{package}@{version}") };
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, names)) => names.push(name),
            None => groups.push((group, vec![name])),
        }
    }
    let text: Vec<_> = groups.iter().map(|(group, names)| format!("{group}: {}", names.join(", "))).collect();
    if text.is_empty() { "none".into() } else { text.join("; ") }
}

/// A host for one command: it never has more than a few instances, and keeps them, so that a replay opens as often as the
/// run that was recorded.
pub(crate) fn small_host() -> HostConfig {
    HostConfig { instances: 4, idle: Duration::from_secs(24 * 3600), ..HostConfig::default() }
}

/// The folder of compiled code, unless it is not wanted.
pub(crate) fn cache(no_cache: bool) -> Option<PathBuf> {
    if no_cache { None } else { places::code_cache() }
}

/// The host itself could not be set up.
pub(crate) fn host_failed(error: LoadError) -> Failure {
    let next = match &error {
        LoadError::Cache { .. } => {
            "Make the folder writable, name another one in BERTH_CACHE, or go without (--no-cache)."
        }
        _ => "The machine must allow a few gigabytes of virtual memory and code that is made while running.",
    };
    Failure { kind: Kind::Host, ..Failure::usage(error.to_string()) }.next(next)
}

/// Reads a component's file and loads it.
pub(crate) async fn load(
    host: &Host,
    file: &std::path::Path,
    limits: Limits,
) -> Result<ComponentAdapter, Failure> {
    let shown = file.display();
    let bytes = read_bounded(file)
        .map_err(|error| Failure::host(format!("{shown} cannot be read"), &error).next("Check the path."))?;
    host.load(&bytes, limits).await.map_err(|error| {
        let next = next_step(&error);
        Failure::host(format!("{shown} was not loaded"), &error).next(next)
    })
}

/// At most one byte more than any host loads, so that a wrong path cannot fill the memory.
fn read_bounded(file: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let most = HostConfig::default().component_bytes as u64 + 1;
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn next_step(error: &LoadError) -> &'static str {
    match error {
        LoadError::TooLarge { .. } => "Build it with the profile `guest`, which makes it small.",
        LoadError::NotWasm => "Give a component, a file that ends with .component.wasm.",
        LoadError::CoreModule => "For an adapter of your own see adapters/sdk/README.md.",
        LoadError::Invalid { .. } => {
            "The file is damaged or cut short: build or fetch it again and compare its digest."
        }
        LoadError::CompileLimit { .. } => "Build it with the profile `guest`, which makes it small.",
        LoadError::Compiler { .. } => "Look at the machine: is the berth program whole, is there memory?",
        LoadError::NotAnAdapter { .. } | LoadError::MissingExport { .. } => {
            "Implement the trait `FrameworkAdapter` of the adapter SDK and export it with `export!`."
        }
        LoadError::ForeignImport { .. } => {
            "Build it for wasm32-unknown-unknown, where nothing but the standard's imports comes in."
        }
        LoadError::OtherTypes { .. } => "Build it again with this version of the adapter SDK.",
        LoadError::Undescribed { .. } | LoadError::BadDescriptor { .. } => {
            "This is a fault in the adapter's `describe`: tell its vendor."
        }
        LoadError::Cache { .. } | LoadError::Engine { .. } => "Try again with --no-cache.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_grouped_by_package_and_version() {
        let given = ["a:b/one@1.0.0", "a:b/two@1.0.0", "c:d/three@2.0.0", "bare"].map(String::from);
        assert_eq!(names(&given), "a:b@1.0.0: one, two; c:d@2.0.0: three; other: bare");
        assert_eq!(names(&[]), "none");
    }
}
