//! Hyperledger Fabric's own programs, for `--real fabric`.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    cache::Cache,
    failure::{Failure, Outcome},
    node_tools, process,
    workspace::Workspace,
};

/// The module. Its path has no major version's suffix, so that Go takes a release by its commit alone.
const MODULE: &str = "github.com/hyperledger/fabric";
/// What a network needs.
const PROGRAMS: [&str; 5] = ["orderer", "peer", "cryptogen", "configtxgen", "osnadmin"];
/// What the chaincodes are installed from.
const CHAINCODE: &str = "adapters/fabric/chaincode";

/// A release of Fabric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// As `--real` takes it.
    pub name: &'static str,
    version: &'static str,
    commit: &'static str,
}

impl Release {
    /// The name of its folder in the cache.
    fn folder(self) -> String {
        format!("fabric-{}", self.version)
    }
}

/// The releases that are known; the first is the one to test against.
pub const RELEASES: [Release; 2] = [
    Release { name: "fabric", version: "3.1.5", commit: "86c1172bec37e6590c6b1ae6f847833df48d65fc" },
    Release { name: "fabric-2.5", version: "2.5.16", commit: "f871cf92a026aba7b12e6f06d71ded3e6e659d71" },
];

/// What the chaincodes need, and Fabric's official client, from npm: the folder `node_modules`.
pub fn modules(workspace: &Workspace, cache: &Cache) -> Outcome<PathBuf> {
    let what = "fabric-shim and fabric-gateway";
    let folder =
        node_tools::install_packages(cache, &workspace.root.join(CHAINCODE), "fabric-chaincode", what)?;
    println!("  {what} in {}", folder.display());
    Ok(folder.join("node_modules"))
}

/// The folder with the programs that `$BERTH_FABRIC` names, else with those of a release, built with Go the first time, into the
/// cache.
pub fn install(cache: &Cache, release: Release) -> Outcome<PathBuf> {
    let programs = match env::var_os("BERTH_FABRIC").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => build(cache, release)?,
    };
    check(&programs)?;
    Ok(programs)
}

/// The same where nobody asked for it and it costs nothing: where `$BERTH_FABRIC` names a folder, or the release to test against was
/// built before.
pub fn at_hand(cache: &Cache) -> Option<PathBuf> {
    let named = env::var_os("BERTH_FABRIC").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let [newest, ..] = RELEASES;
    named.or_else(|| cache.get(&newest.folder())).filter(|programs| check(programs).is_ok())
}

fn build(cache: &Cache, release: Release) -> Outcome<PathBuf> {
    if Command::new("go").arg("version").output().is_err() {
        return Err(Failure::new(
            "Go is missing, which builds Fabric (1.26.4 or later): https://go.dev/doc/install",
        ));
    }
    cache.get_or_fill(&release.folder(), |partial| {
        println!("  building Fabric {} with Go (two to five minutes)", release.version);
        let mut go = Command::new("go");
        // What the programs call themselves, as in Fabric's own Makefile.
        let version = format!("-ldflags=-X {MODULE}/common/metadata.Version=v{}", release.version);
        go.arg("install").arg(version).env("GOBIN", partial).current_dir(partial);
        for program in PROGRAMS {
            go.arg(format!("{MODULE}/cmd/{program}@{}", release.commit));
        }
        process::read(&mut go).map(drop).map_err(|failure| {
            let said = failure.to_string();
            let why = said.lines().next_back().unwrap_or_default().trim();
            Failure::new(format!(
                "Go cannot get or build Fabric {}: {why} (BERTH_FABRIC can name a folder with its programs)",
                release.version
            ))
        })
    })
}

/// A program that is missing is told now, not by a test in the middle of its work.
fn check(programs: &Path) -> Outcome<()> {
    for program in PROGRAMS {
        if !programs.join(program).is_file() {
            return Err(Failure::new(format!("{} has no program {program}", programs.display())));
        }
    }
    let version = process::read(Command::new(programs.join("peer")).arg("version"))?;
    let version = version.lines().find_map(|line| line.trim().strip_prefix("Version:")).unwrap_or_default();
    println!("  Fabric ({}) in {}", version.trim(), programs.display());
    Ok(())
}
