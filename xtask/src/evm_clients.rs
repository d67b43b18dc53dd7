//! Clients of others that the local EVM nodes are held against: FISCO BCOS's official Go SDK, and packages of npm.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::PathBuf,
    process::Command,
};

use crate::{
    cache::Cache,
    failure::{Failure, OrFail as _, Outcome},
    node_tools, process,
    workspace::Workspace,
};

/// What npm installs from.
const PACKAGES: &str = "conformance/devnets/evm/tests/clients/node";
/// What the client of the Go SDK is built from.
const FOLDER: &str = "conformance/devnets/evm/tests/clients/go-sdk";
const FILES: [&str; 3] = ["go.mod", "go.sum", "main.go"];

/// Installs viem and sm-crypto the first time, into the cache.
pub fn install_packages(workspace: &Workspace, cache: &Cache) -> Outcome<PathBuf> {
    node_tools::install_packages(cache, &workspace.root.join(PACKAGES), "evm-clients", "viem and sm-crypto")
}

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
