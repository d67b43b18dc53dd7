//! A store that knows whether it is well.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    group_flush::{Asked, GroupFlush},
    store::{Page, SequencePage, Store, StoreError},
};

/// Another store, with two things more: it remembers that a write or a flush failed, until a flush succeeds; and its flushes
/// are shared. After one that failed all fail, for everybody who uses this store: the system may forget a failure once it has told
/// it, and the next flush would succeed without what the failed one lost.
pub struct WatchedStore {
    store: Arc<dyn Store>,
    flush: GroupFlush,
    trouble: Mutex<Option<String>>,
}

impl WatchedStore {
    /// Watches this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        WatchedStore { flush: GroupFlush::new(Arc::clone(&store)), store, trouble: Mutex::default() }
    }

    /// How the last write or flush failed; none where no flush has failed since one succeeded.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.lock().clone()
    }

    /// Asks for a flush of what was written until now, and has none begin.
    pub(crate) fn ask(&self) -> Asked {
        self.flush.ask()
    }

    /// Returns once that was flushed, be it for others, and has it flushed if nobody did.
    pub(crate) async fn served(&self, asked: Asked) -> Result<(), StoreError> {
        let flushed = self.noted(self.flush.served(asked).await);
        if flushed.is_ok() {
            *self.lock() = None;
        }
        flushed
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &result {
            match error {
                // The caller's fault.
                StoreError::Key { .. } | StoreError::Value { .. } | StoreError::SequenceName { .. } => {}
                StoreError::Damaged { .. } | StoreError::Failed { .. } | StoreError::Doubtful { .. } => {
                    *self.lock() = Some(error.to_string());
                }
            }
        }
        result
    }
}

#[async_trait]
impl Store for WatchedStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key).await
    }

    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        self.noted(self.store.compare_and_set(key, expected, new).await)
    }

    async fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError> {
        self.store.scan(prefix, from, limit).await
    }

    async fn append(&self, sequence: &str, value: &[u8]) -> Result<u64, StoreError> {
        self.noted(self.store.append(sequence, value).await)
    }

    async fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError> {
        self.store.read(sequence, from, limit).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.served(self.ask()).await
    }
}
