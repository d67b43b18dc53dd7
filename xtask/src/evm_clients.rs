//! Clients of others that the local EVM nodes are held against: FISCO BCOS's official SDKs for Go and Java, and packages of npm.

use std::{
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
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
const GO_FOLDER: &str = "conformance/devnets/evm/tests/clients/go-sdk";
const GO_FILES: [&str; 3] = ["go.mod", "go.sum", "main.go"];
/// What the client of the Java SDK is built from.
const JAVA_FOLDER: &str = "conformance/devnets/evm/tests/clients/java-sdk";
const JAVA_FILES: [&str; 2] = ["pom.xml", "src/main/java/Client.java"];

/// Installs viem and sm-crypto the first time, into the cache.
pub fn install_packages(workspace: &Workspace, cache: &Cache) -> Outcome<PathBuf> {
    node_tools::install_packages(cache, &workspace.root.join(PACKAGES), "evm-clients", "viem and sm-crypto")
}

/// Builds the client of the Go SDK the first time, into the cache; the SDK comes as a Go module, at the version that `go.mod` fixes.
pub fn install_go(workspace: &Workspace, cache: &Cache) -> Outcome<PathBuf> {
    if Command::new("go").arg("version").output().is_err() {
        return Err(Failure::new("Go is missing, which builds the client: https://go.dev/doc/install"));
    }
    let from = workspace.root.join(GO_FOLDER);
    let folder = cache.get_or_fill(&format!("fisco-go-sdk-{}", digest(&from, &GO_FILES)?), |partial| {
        println!("  building a client of FISCO BCOS's Go SDK (about a minute)");
        let mut go = Command::new("go");
        go.args(["build", "-o"]).arg(partial.join("go-sdk-client")).arg(".").current_dir(&from);
        process::read(&mut go).map(drop)
    })?;
    Ok(folder.join("go-sdk-client"))
}

/// Builds the client of the Java SDK the first time, and gives the folder of the cache with its jar and those that it needs; the
/// SDK comes from where Maven looks, at the version that `pom.xml` fixes.
pub fn install_java(workspace: &Workspace, cache: &Cache) -> Outcome<PathBuf> {
    for (program, place) in [("java", "a JDK of version 11 or later"), ("mvn", "https://maven.apache.org")] {
        if !process::exists(program) {
            return Err(Failure::new(format!("{program} is missing, which the client needs: {place}")));
        }
    }
    let from = workspace.root.join(JAVA_FOLDER);
    let folder =
        cache.get_or_fill(&format!("fisco-java-sdk-{}", digest(&from, &JAVA_FILES)?), |partial| {
            println!("  building a client of FISCO BCOS's Java SDK (about a minute)");
            // Maven builds beside the sources.
            for file in JAVA_FILES {
                let copy = partial.join(file);
                let made = copy.parent().map_or(Ok(()), fs::create_dir_all);
                made.and_then(|()| fs::copy(from.join(file), &copy))
                    .or_fail(format!("cannot copy {file}"))?;
            }
            let jars = partial.join("jars");
            let mut option = OsString::from("-DoutputDirectory=");
            option.push(&jars);
            let mut maven = Command::new("mvn");
            maven.args(["--quiet", "--batch-mode", "package", "dependency:copy-dependencies"]).arg(option);
            // What Maven has to say of a failure, it says on its standard output.
            let said = maven.current_dir(partial).output().or_fail("cannot start mvn")?;
            if !said.status.success() {
                let text = String::from_utf8_lossy(&said.stdout).into_owned();
                return Err(Failure::new(
                    text.lines().find(|line| line.contains("Failed to execute")).unwrap_or("mvn failed"),
                ));
            }
            let jar = "java-sdk-client-1.jar";
            fs::copy(partial.join("target").join(jar), jars.join(jar)).or_fail("mvn made no jar").map(drop)
        })?;
    let jars = folder.join("jars");
    process::read(Command::new("java").arg("-cp").arg(jars.join("*")).args(["Client", "loads"]))?;
    Ok(jars)
}

/// A name for what these files are.
fn digest(folder: &Path, files: &[&str]) -> Outcome<String> {
    let mut digest = DefaultHasher::new();
    for file in files {
        fs::read(folder.join(file)).or_fail(format!("cannot read {file}"))?.hash(&mut digest);
    }
    Ok(format!("{:016x}", digest.finish()))
}
