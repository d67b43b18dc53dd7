//! Small records in the store, as JSON: applications, participants, sealed keys.

use std::sync::Arc;

use berth_journal::{MAX_PAGE_ENTRIES, Store, StoreError};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// Why a record was not read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record does not decode: restore a backup, or run the version that wrote it.
    #[error("the record {key} does not decode")]
    Damaged {
        /// Its key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A record that has to be signed was not.
    #[error("the record {key} is not signed, and so not written")]
    NotSigned {
        /// Its key.
        key: String,
    },
}

/// Records by key. What a function wrote is durable when it returns.
#[derive(Clone)]
pub(crate) struct Records {
    store: Arc<dyn Store>,
}

impl Records {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Records { store }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, RecordError> {
        let bytes = self.store.get(key.as_bytes()).await?;
        bytes.map(|bytes| decode(key, &bytes)).transpose()
    }

    /// Writes a record, whatever was there.
    pub(crate) async fn put(&self, key: &str, record: &impl Serialize) -> Result<(), RecordError> {
        self.put_unflushed(key, record).await?;
        self.flush().await
    }

    /// The same, durable after the next [`flush`](Self::flush).
    pub(crate) async fn put_unflushed(&self, key: &str, record: &impl Serialize) -> Result<(), RecordError> {
        let new = encode(key, record)?;
        loop {
            let old = self.store.get(key.as_bytes()).await?;
            if self.store.compare_and_set(key.as_bytes(), old.as_deref(), Some(&new)).await? {
                return Ok(());
            }
        }
    }

    pub(crate) async fn flush(&self) -> Result<(), RecordError> {
        Ok(self.store.flush().await?)
    }

    /// Writes a record where there is none; false where there is one.
    pub(crate) async fn add(&self, key: &str, record: &impl Serialize) -> Result<bool, RecordError> {
        let added = self.store.compare_and_set(key.as_bytes(), None, Some(&encode(key, record)?)).await?;
        self.store.flush().await?;
        Ok(added)
    }

    pub(crate) async fn remove(&self, key: &str) -> Result<(), RecordError> {
        self.take(key).await.map(drop)
    }

    /// Removes a record, and tells whether it was this call that did.
    pub(crate) async fn take(&self, key: &str) -> Result<bool, RecordError> {
        let mut taken = false;
        while let Some(old) = self.store.get(key.as_bytes()).await? {
            if self.store.compare_and_set(key.as_bytes(), Some(&old), None).await? {
                taken = true;
                break;
            }
        }
        self.store.flush().await?;
        Ok(taken)
    }

    /// Records below a prefix, from this key on, in the order of their keys: one page of at most so many, and whether there are more.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        prefix: &str,
        from: &str,
        most: usize,
    ) -> Result<(Vec<T>, bool), RecordError> {
        let page = self.store.scan(prefix.as_bytes(), from.as_bytes(), most.min(MAX_PAGE_ENTRIES)).await?;
        let records = page.entries.iter().map(|(key, bytes)| decode(&String::from_utf8_lossy(key), bytes));
        Ok((records.collect::<Result<_, _>>()?, page.next.is_some()))
    }

    /// All records whose keys begin so, with what follows in their keys.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, T)>, RecordError> {
        let (mut all, mut from) = (Vec::new(), Vec::new());
        loop {
            let page = self.store.scan(prefix.as_bytes(), &from, MAX_PAGE_ENTRIES).await?;
            for (key, bytes) in page.entries {
                let key = String::from_utf8_lossy(&key).into_owned();
                let record = decode(&key, &bytes)?;
                all.push((key.strip_prefix(prefix).unwrap_or_default().to_owned(), record));
            }
            match page.next {
                Some(next) => from = next,
                None => return Ok(all),
            }
        }
    }
}

fn encode(key: &str, record: &impl Serialize) -> Result<Vec<u8>, RecordError> {
    serde_json::to_vec(record).map_err(|source| RecordError::Damaged { key: key.into(), source })
}

fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, RecordError> {
    serde_json::from_slice(bytes).map_err(|source| RecordError::Damaged { key: key.into(), source })
}
