//! What a mutant keeps in memory, which it must not.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// Values by name, for all applications.
pub(crate) struct Memory<T>(Mutex<BTreeMap<String, T>>);

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Memory(Mutex::default())
    }
}

impl<T: Clone> Memory<T> {
    /// The value of this name.
    pub(crate) fn get(&self, name: &str) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Keeps a value; gives the one before.
    pub(crate) fn set(&self, name: impl Into<String>, value: T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), value)
    }

    /// Forgets a value.
    pub(crate) fn forget(&self, name: &str) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// All values.
    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Memory<u64> {
    /// Counts one more under this name; gives the count before.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let before = self.get(name).unwrap_or_default();
        self.set(name, before + 1);
        before
    }
}
