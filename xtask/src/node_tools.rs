//! What comes from npm, at the versions that the lock file fixes: Anvil, a local Ethereum node; solc, a compiler; Fabric's official
//! client; and Playwright, which drives a browser.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache::Cache,
    failure::{Failure, OrFail as _, Outcome},
    process,
    workspace::Workspace,
};

/// The oldest major version of Node.js that will do.
const NODE: u32 = 20;

/// What npm installs from.
const FILES: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// The installed tools.
pub struct NodeTools {
    /// The folder that has `node_modules`.
    pub folder: PathBuf,
    /// The program `anvil`.
    pub anvil: PathBuf,
}

/// Installs the tools the first time, outside the repository, and makes sure that Anvil runs.
pub fn install(workspace: &Workspace, cache: &Cache) -> Outcome<NodeTools> {
    let from = workspace.root.join("xtask").join("npm");
    let folder = install_packages(cache, &from, "node-tools", "Anvil, solc, Fabric's client and Playwright")?;
    let anvil = anvil(workspace, &folder)?;
    let version = process::read(Command::new(&anvil).arg("--version"))
        .or_fail("Anvil is installed but does not run; BERTH_ANVIL can name another one")?;
    println!("  {} in {}", version.lines().next().unwrap_or("Anvil").trim(), anvil.display());
    Ok(NodeTools { folder, anvil })
}

/// Installs what the folder `from` asks for, the first time, into the cache, and gives the folder that has `node_modules`. The
/// name is for the cache's folder; `what` is said to people.
pub fn install_packages(cache: &Cache, from: &Path, name: &str, what: &str) -> Outcome<PathBuf> {
    check_node()?;
    let mut digest = DefaultHasher::new();
    for file in FILES {
        let path = from.join(file);
        fs::read(&path).or_fail(format!("cannot read {}", path.display()))?.hash(&mut digest);
    }
    cache.get_or_fill(&format!("{name}-{:016x}", digest.finish()), |partial| {
        for file in FILES {
            let path = from.join(file);
            fs::copy(&path, partial.join(file)).or_fail(format!("cannot copy {}", path.display()))?;
        }
        println!("  installing {what} with npm");
        // No package needs to run a program of its own to be installed.
        process::read(Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(partial)).map(drop)
    })
}

/// The Anvil program: `$BERTH_ANVIL`, else the one in npm's package for this platform, else the Ethereum-like node, which is
/// started in the same way.
fn anvil(workspace: &Workspace, folder: &Path) -> Outcome<PathBuf> {
    if let Some(program) = env::var_os("BERTH_ANVIL").filter(|program| !program.is_empty()) {
        return Ok(program.into());
    }
    let package = platform_package(env::consts::OS, env::consts::ARCH);
    let program = folder.join("node_modules").join(&package).join("bin").join("anvil");
    if program.exists() {
        return Ok(program);
    }
    println!(
        "  xtask/npm/package-lock.json has no Anvil for this platform ({package}): the Ethereum-like node stands in for it; \
         Foundry's anvil 1.7 can be named in BERTH_ANVIL"
    );
    process::run(workspace.cargo().args(["build", "--workspace", "--bin", "ethereum-like"]))?;
    Ok(workspace.target.join("debug").join("ethereum-like"))
}

/// The npm package with Anvil for an operating system and a processor, in Rust's words for them.
fn platform_package(system: &str, processor: &str) -> String {
    let system = match system {
        "macos" => "darwin",
        other => other,
    };
    let processor = match processor {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("@foundry-rs/anvil-{system}-{processor}")
}

fn check_node() -> Outcome<()> {
    let how = format!(
        "Node.js {NODE} or later with npm is needed: `apt-get install nodejs npm` on Debian 13 or Ubuntu 25.04 and later, \
         else https://nodejs.org/en/download"
    );
    let version = process::read(Command::new("node").arg("--version")).or_fail(&how)?;
    if major(&version).is_none_or(|major| major < NODE) {
        return Err(Failure::new(format!("{how}; this is {}", version.trim())));
    }
    if process::exists("npm") { Ok(()) } else { Err(Failure::new(format!("{how}; npm is missing"))) }
}

/// The major version in an answer such as `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_read() {
        assert_eq!(major("v20.11.1\n"), Some(20));
        assert_eq!(major("nonsense"), None);
    }

    #[test]
    fn the_platforms_package_is_named_as_npm_does() {
        assert_eq!(platform_package("linux", "x86_64"), "@foundry-rs/anvil-linux-amd64");
        assert_eq!(platform_package("macos", "aarch64"), "@foundry-rs/anvil-darwin-arm64");
    }

    #[test]
    fn the_locks_pin_every_package_by_digest_and_name_no_registry() {
        let locks = [
            (include_str!("../npm/package-lock.json"), "node_modules/@foundry-rs/anvil-linux-amd64"),
            (include_str!("../../adapters/fabric/chaincode/package-lock.json"), "node_modules/fabric-shim"),
        ];
        for (lock, needed) in locks {
            let lock: serde_json::Value = serde_json::from_str(lock).unwrap();
            let packages = lock["packages"].as_object().unwrap();
            assert!(packages.contains_key(needed));
            for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
                assert!(package["integrity"].as_str().unwrap().starts_with("sha512-"), "{name}");
                assert!(package.get("resolved").is_none(), "{name}");
            }
        }
    }
}
