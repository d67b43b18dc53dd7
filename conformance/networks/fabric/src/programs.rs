//! Where the programs are.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{self, NetworkError};

/// Fabric's programs, and the modules of npm that the chaincodes need.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    modules: PathBuf,
}

impl Programs {
    /// The programs in a folder, with the folder of `node_modules` that `adapters/fabric/chaincode/package.json` asks for.
    #[must_use]
    pub fn at(folder: PathBuf, modules: PathBuf) -> Programs {
        Programs { folder, modules }
    }

    /// The programs that `BERTH_FABRIC` and `BERTH_FABRIC_MODULES` name, as `cargo xtask test --real fabric` sets them.
    ///
    /// # Errors
    /// [`NetworkError::NotGiven`] when one of them is not set.
    pub fn from_environment() -> Result<Programs, NetworkError> {
        let named = |name: &'static str| {
            let value = std::env::var_os(name).filter(|value| !value.is_empty());
            value.map(PathBuf::from).ok_or(NetworkError::NotGiven { name })
        };
        Ok(Programs::at(named("BERTH_FABRIC")?, named("BERTH_FABRIC_MODULES")?))
    }

    /// One of them: `orderer`, `peer`, `cryptogen`, `configtxgen` or `osnadmin`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the peer's program calls itself, such as `v3.1.5`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn version(&self) -> Result<String, NetworkError> {
        let said = process::run(Command::new(self.program("peer")).arg("version"))?;
        let version = said.lines().find_map(|line| line.trim().strip_prefix("Version:"));
        Ok(version.unwrap_or("of unknown version").trim().to_owned())
    }

    /// The folder that is named `node_modules`.
    pub(crate) fn modules(&self) -> &Path {
        &self.modules
    }
}
