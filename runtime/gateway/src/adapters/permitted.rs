//! Which adapters a node may run: a jurisdiction may forbid ledgers that anybody can join.

use std::collections::BTreeSet;

use adapter_spec::types::Descriptor;
use thiserror::Error;

/// What a node may run. By default everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permitted {
    /// Whether ledgers that anybody can join may be served.
    pub public_ledgers: bool,
    /// The frameworks, by the names in descriptors; all where there is no list.
    pub frameworks: Option<BTreeSet<String>>,
    /// The adapters, by their own names; all where there is no list.
    pub adapters: Option<BTreeSet<String>>,
}

impl Default for Permitted {
    fn default() -> Self {
        Permitted { public_ledgers: true, frameworks: None, adapters: None }
    }
}

/// Why a node may not run an adapter.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotPermitted {
    /// It is for a public ledger.
    #[error(
        "{adapter} is for a ledger that anybody can join, and this node serves none (public_ledgers = false)"
    )]
    PublicLedger {
        /// The adapter's name.
        adapter: String,
    },
    /// Its framework is not in the list.
    #[error("{adapter} is for {framework:?}, which is not among this node's `frameworks`")]
    Framework {
        /// The adapter's name.
        adapter: String,
        /// Its framework.
        framework: String,
    },
    /// It is not in the list.
    #[error("{adapter} is not among this node's `adapter_names`")]
    Adapter {
        /// The adapter's name.
        adapter: String,
    },
}

impl Permitted {
    /// Whether an adapter that says this of itself may run.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, descriptor: &Descriptor) -> Result<(), NotPermitted> {
        let adapter = descriptor.name.clone();
        let is_in =
            |list: &Option<BTreeSet<String>>, name| list.as_ref().is_none_or(|list| list.contains(name));
        if !self.public_ledgers && !descriptor.permissioned {
            return Err(NotPermitted::PublicLedger { adapter });
        }
        if !is_in(&self.frameworks, &descriptor.framework) {
            return Err(NotPermitted::Framework { adapter, framework: descriptor.framework.clone() });
        }
        if !is_in(&self.adapters, &adapter) {
            return Err(NotPermitted::Adapter { adapter });
        }
        Ok(())
    }
}
