//! State that a restart forgets: for tests, and for proofs that are verified once.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use adapter_spec::async_trait;

use super::{StateError, StateLimits, StateStore};

/// State in memory.
#[derive(Default)]
pub struct MemoryState {
    limits: StateLimits,
    applications: Mutex<HashMap<String, Application>>,
}

#[derive(Default)]
struct Application {
    values: HashMap<String, Vec<u8>>,
    usage: u64,
}

impl MemoryState {
    /// An empty store with these limits for each application.
    #[must_use]
    pub fn new(limits: StateLimits) -> Self {
        MemoryState { limits, ..MemoryState::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Application>> {
        self.applications.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StateStore for MemoryState {
    async fn get(&self, application: &str, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.limits.check_key(key)?;
        Ok(self.lock().get(application).and_then(|own| own.values.get(key)).cloned())
    }

    async fn swap(
        &self,
        application: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StateError> {
        let mut applications = self.lock();
        let own = applications.entry(application.to_string()).or_default();
        let old = own.values.get(key);
        let usage = self.limits.usage_after(own.usage, key, old.map(Vec::len), new)?;
        if old.map(Vec::as_slice) != expected {
            return Ok(false);
        }
        match new {
            Some(new) => own.values.insert(key.to_string(), new.to_vec()),
            None => own.values.remove(key),
        };
        own.usage = usage;
        Ok(true)
    }

    async fn usage(&self, application: &str) -> Result<u64, StateError> {
        Ok(self.lock().get(application).map_or(0, |own| own.usage))
    }

    async fn check(&self, application: &str, key: &str, new: Option<&[u8]>) -> Result<(), StateError> {
        let applications = self.lock();
        let own = applications.get(application);
        let old = own.and_then(|own| own.values.get(key)).map(Vec::len);
        self.limits.usage_after(own.map_or(0, |own| own.usage), key, old, new).map(drop)
    }

    async fn forget(&self, application: &str) -> Result<(), StateError> {
        self.lock().remove(application);
        Ok(())
    }
}
