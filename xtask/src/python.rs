//! Programs that this project did not write, from PyPI at fixed versions: what they say of our certificates is compared
//! with what we say, and what the gateway answers with what its OpenAPI document says.

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

/// What pip installs from.
const REQUIREMENTS: [&str; 2] = [
    "runtime/admission/tests/cross_check/requirements.txt",
    "runtime/gateway/tests/openapi/requirements.txt",
];

/// The installed packages.
pub struct Python {
    /// The folder of packages.
    pub packages: PathBuf,
}

/// Installs the packages the first time, outside the repository; nothing of the machine's own Python changes.
pub fn install(workspace: &Workspace, cache: &Cache) -> Outcome<Python> {
    if !process::exists("python3") {
        return Err(Failure::new("python3 is missing: `apt-get install python3 python3-pip` on Debian"));
    }
    let mut digest = DefaultHasher::new();
    for requirements in REQUIREMENTS {
        let read = fs::read(workspace.root.join(requirements));
        read.or_fail(format!("cannot read {requirements}"))?.hash(&mut digest);
    }
    let version = process::read(Command::new("python3").arg("--version"))?;
    version.hash(&mut digest);
    let packages = cache.get_or_fill(&format!("python-{:016x}", digest.finish()), |partial| {
        println!("  installing securesystemslib, in-toto-attestation and schemathesis with pip");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
        pip.args(["--only-binary", ":all:", "--target"]).arg(partial);
        for requirements in REQUIREMENTS {
            pip.arg("-r").arg(workspace.root.join(requirements));
        }
        process::read(&mut pip).map(drop)
    })?;
    Ok(Python { packages })
}
