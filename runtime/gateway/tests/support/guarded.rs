//! A store that does not write what is below some keys, or not at once.

use std::sync::{Arc, Mutex};

use adapter_spec::async_trait;
use berth_journal::{MemoryStore, Page, SequencePage, Store, StoreError};
use tokio::sync::Notify;

#[derive(Default)]
pub struct Guarded {
    store: MemoryStore,
    refused: Mutex<Option<&'static str>>,
    gate: Mutex<Option<(&'static str, Arc<Gate>)>>,
}

/// Where one write waits.
#[derive(Default)]
pub struct Gate {
    /// It has come.
    pub reached: Notify,
    /// It may go on.
    pub go_on: Notify,
}

impl Guarded {
    /// Refuses all writes below this from now on.
    pub fn refuse(&self, prefix: Option<&'static str>) {
        *self.refused.lock().unwrap() = prefix;
    }

    /// Has the next write below this wait.
    pub fn hold(&self, prefix: &'static str) -> Arc<Gate> {
        let gate = Arc::new(Gate::default());
        *self.gate.lock().unwrap() = Some((prefix, gate.clone()));
        gate
    }
}

#[async_trait]
impl Store for Guarded {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key).await
    }

    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        let refused = *self.refused.lock().unwrap();
        if refused.is_some_and(|prefix| key.starts_with(prefix.as_bytes())) {
            return Err(StoreError::Failed { what: "write", source: "it is refused".into() });
        }
        let gate = self.gate.lock().unwrap().take_if(|(prefix, _)| key.starts_with(prefix.as_bytes()));
        if let Some((_, gate)) = gate {
            gate.reached.notify_one();
            gate.go_on.notified().await;
        }
        self.store.compare_and_set(key, expected, new).await
    }

    async fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError> {
        self.store.scan(prefix, from, limit).await
    }

    async fn append(&self, sequence: &str, value: &[u8]) -> Result<u64, StoreError> {
        self.store.append(sequence, value).await
    }

    async fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError> {
        self.store.read(sequence, from, limit).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.store.flush().await
    }
}
