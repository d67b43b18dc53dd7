//! Geth, a real Ethereum node, for `--real ethereum`.

use std::{path::PathBuf, process::Command};

use crate::{
    cache::Cache,
    failure::{Failure, Outcome},
    process,
};

/// The version that is built.
const VERSION: &str = "v1.17.5";

/// Builds Geth with Go the first time, into the cache.
pub fn install(cache: &Cache) -> Outcome<PathBuf> {
    if Command::new("go").arg("version").output().is_err() {
        return Err(Failure::new("Go is missing, which builds Geth: https://go.dev/doc/install"));
    }
    let folder = cache.get_or_fill(&format!("geth-{VERSION}"), |partial| {
        println!("  building Geth {VERSION} with Go (about six minutes)");
        process::read(
            Command::new("go")
                .args(["install", &format!("github.com/ethereum/go-ethereum/cmd/geth@{VERSION}")])
                .env("GOBIN", partial)
                .current_dir(partial),
        )
        .map(drop)
    })?;
    let program = folder.join("geth");
    let version = process::read(Command::new(&program).arg("--version"))?;
    println!("  {} in {}", version.trim(), program.display());
    Ok(program)
}
