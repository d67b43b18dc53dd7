//! A client that uses FISCO BCOS's official Go SDK, which the FISCO-like node is held against.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
    process::Command,
};

use crate::{
    cache::Cache,
    failure::{Failure, OrFail as _, Outcome},
    process,
    workspace::Workspace,
};

/// What it is built from.
const FOLDER: &str = "conformance/devnets/evm/tests/clients/go-sdk";
const FILES: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// Builds the client the first time, into the cache; the SDK comes as a Go module, at the version that `go.mod` fixes.
pub fn install(workspace: &Workspace, cache: &Cache) -> Outcome<PathBuf> {
    if Command::new("go").arg("version").output().is_err() {
        return Err(Failure::new("Go is missing, which builds the client: https://go.dev/doc/install"));
    }
    let from = workspace.root.join(FOLDER);
    let mut digest = DefaultHasher::new();
    for file in FILES {
        fs::read(from.join(file)).or_fail(format!("cannot read {FOLDER}/{file}"))?.hash(&mut digest);
    }
    let folder = cache.get_or_fill(&format!("fisco-go-sdk-{:016x}", digest.finish()), |partial| {
        println!("  building a client of FISCO BCOS's Go SDK (about a minute)");
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(partial.join("go-sdk-client")).arg(".").current_dir(&from);
        process::read(&mut go).map(drop)
    })?;
    Ok(folder.join("go-sdk-client"))
}
