//! The adapters that a gateway has, however they were loaded.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use adapter_spec::{Adapter, types::Descriptor};

/// An adapter that was let in.
pub struct Offered {
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
    /// What it says of itself.
    pub descriptor: Descriptor,
    /// Whether it runs in a sandbox; a native plug-in does not, and operators are told so.
    pub sandboxed: bool,
    /// SHA-256 of its file.
    pub digest: Option<String>,
    /// SHA-256 of the certificate that it was let in by; none where the policy lets in without.
    pub certificate: Option<String>,
}

/// Adapters by their own names. One that is put in again takes new calls; what runs on the old one ends there.
#[derive(Default)]
pub struct Adapters {
    offered: RwLock<BTreeMap<String, Arc<Offered>>>,
}

impl Adapters {
    /// Puts an adapter in, in place of the one of its name. Gives the one that was there.
    pub fn put(&self, offered: Offered) -> Option<Arc<Offered>> {
        let name = offered.descriptor.name.clone();
        self.offered.write().unwrap_or_else(PoisonError::into_inner).insert(name, Arc::new(offered))
    }

    /// Takes an adapter out: its applications answer that it is missing.
    pub fn remove(&self, name: &str) -> Option<Arc<Offered>> {
        self.offered.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// The adapter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Offered>> {
        self.offered.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All of them, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Offered>> {
        self.offered.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
