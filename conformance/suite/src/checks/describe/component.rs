//! What a component file imports.

use crate::{
    check::{Checked, ensure},
    trial::Trial,
};

/// The standard's package, with the version that this suite checks.
const PACKAGE: &str = "bsn:framework/";
const VERSION: &str = "0.1.0";
/// Its interfaces that an adapter may import; `types` and `transport` have words only.
const IMPORTS: [&str; 7] =
    ["endpoints", "service-keys", "crypto", "state", "environment", "types", "transport"];

fn imports(trial: &Trial) -> Vec<String> {
    trial.facts.imports.clone().unwrap_or_default()
}

pub(super) async fn only_the_standard(trial: &mut Trial) -> Checked {
    let imports = imports(trial);
    let foreign: Vec<_> = imports.iter().filter(|import| !import.starts_with(PACKAGE)).collect();
    ensure(foreign.is_empty(), "imports from the package bsn:framework alone", || {
        format!("it imports {foreign:?}")
    })
}

pub(super) async fn no_wasi(trial: &mut Trial) -> Checked {
    let imports = imports(trial);
    let outside = |import: &&String| {
        let import = import.to_ascii_lowercase();
        // Preview 1 is a module of one name, preview 2 a package of many.
        let is_wasi = import.starts_with("wasi:") || import.starts_with("wasi_");
        is_wasi || import.contains("thread") || import.contains("shared-memory")
    };
    let outside: Vec<_> = imports.iter().filter(outside).collect();
    ensure(outside.is_empty(), "no import of WASI, threads or shared memory", || {
        format!("it imports {outside:?}")
    })
}

pub(super) async fn frozen_interfaces(trial: &mut Trial) -> Checked {
    let is_frozen = |import: &str| {
        import
            .strip_prefix(PACKAGE)
            .and_then(|interface| interface.split_once('@'))
            .is_some_and(|(name, version)| version == VERSION && IMPORTS.contains(&name))
    };
    // What is of another package altogether is another clause's.
    let imports = imports(trial);
    let other: Vec<_> =
        imports.iter().filter(|import| import.starts_with(PACKAGE) && !is_frozen(import)).collect();
    ensure(other.is_empty(), format!("the standard's interfaces in version {VERSION}"), || {
        format!("it imports {other:?}")
    })
}
