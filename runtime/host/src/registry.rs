//! The adapters that a host has, components and native plug-ins alike.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use adapter_spec::Adapter;
use thiserror::Error;

/// How an adapter runs, which is how much it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A component in the sandbox.
    Component {
        /// SHA-256 of its file.
        digest: [u8; 32],
    },
    /// Linked into this program: reaches the world through the same imports, but nothing isolates or limits it.
    Native,
}

/// An adapter of the registry.
#[derive(Clone)]
pub struct Registered {
    /// How it runs.
    pub kind: Kind,
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
}

/// There is an adapter of this name already.
#[derive(Debug, Error)]
#[error("an adapter named {name:?} is registered already; remove it first")]
pub struct NameTaken {
    /// The name.
    pub name: String,
}

/// Adapters by name.
#[derive(Default)]
pub struct Registry {
    adapters: RwLock<BTreeMap<String, Registered>>,
}

impl Registry {
    /// Adds an adapter.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn add(&self, name: &str, registered: Registered) -> Result<(), NameTaken> {
        let mut adapters = self.adapters.write().unwrap_or_else(PoisonError::into_inner);
        if adapters.contains_key(name) {
            return Err(NameTaken { name: name.to_owned() });
        }
        adapters.insert(name.to_owned(), registered);
        Ok(())
    }

    /// The adapter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Registered> {
        self.adapters.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Takes an adapter out. Ledgers that it opened go on until they are dropped.
    pub fn remove(&self, name: &str) -> Option<Registered> {
        self.adapters.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.adapters.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}
