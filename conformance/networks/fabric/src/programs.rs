//! Where the programs are.

use std::path::{Path, PathBuf};

use crate::process::NetworkError;

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

    /// The folder that is named `node_modules`.
    pub(crate) fn modules(&self) -> &Path {
        &self.modules
    }
}
