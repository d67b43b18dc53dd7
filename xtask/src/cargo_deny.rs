//! cargo-deny: are the dependencies ones that deny.toml allows?

use std::{path::PathBuf, process::Command};

use crate::{
    cache::Cache,
    failure::{Failure, Outcome},
    process,
    workspace::Workspace,
};

/// The version of cargo-deny that is built.
const VERSION: &str = "0.20.2";

/// Builds cargo-deny the first time, into the cache.
fn install(cache: &Cache, workspace: &Workspace) -> Outcome<PathBuf> {
    let folder = cache.get_or_fill(&format!("cargo-deny-{VERSION}"), |partial| {
        println!("  building cargo-deny {VERSION} (some minutes)");
        let mut command = workspace.cargo();
        command.args(["install", "cargo-deny", "--locked", "--quiet", "--no-default-features"]);
        command.args(["--version", VERSION]).arg("--root").arg(partial);
        command.arg("--target-dir").arg(partial.join("target"));
        // It runs for a second: building it fast counts more than running it fast.
        for (key, value) in [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "256"), ("DEBUG", "0")] {
            command.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
        process::run(&mut command)?;
        std::fs::remove_dir_all(partial.join("target"))
            .map_err(|cause| Failure::new(format!("cannot remove what cargo-deny was built from: {cause}")))
    })?;
    Ok(folder.join("bin").join("cargo-deny"))
}

/// What became of the check for known vulnerabilities.
pub enum Advisories {
    /// The database was reached, and names nothing that is used.
    Clean,
    /// The database was not reached.
    NotRun(String),
}

/// Checks bans, licences and sources; then advisories, if their database can be reached.
pub fn check(cache: &Cache, workspace: &Workspace) -> Outcome<Advisories> {
    let program = install(cache, workspace)?;
    let deny = |checks: &[&str]| {
        let mut command = Command::new(&program);
        command
            .current_dir(&workspace.root)
            .args(["--log-level", "error", "--all-features", "check"])
            .args(checks);
        command
    };
    process::run(&mut deny(&["bans", "licenses", "sources"]))?;
    match process::read(deny(&["advisories"]).env("GIT_TERMINAL_PROMPT", "0")) {
        Ok(_) => Ok(Advisories::Clean),
        Err(error) => match unreachable_reason(&error.to_string()) {
            Some(reason) => Ok(Advisories::NotRun(reason)),
            None => Err(error),
        },
    }
}

/// Why the database of advisories could not be fetched, if that is what failed.
fn unreachable_reason(said: &str) -> Option<String> {
    said.contains("failed to fetch advisory database")
        .then(|| "the database of advisories cannot be reached from here".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_database_out_of_reach_excuses_the_advisories() {
        assert!(unreachable_reason("[ERROR] failed to fetch advisory database https://x: refused").is_some());
        assert!(unreachable_reason("error[vulnerability]: a hole in some crate").is_none());
    }
}
