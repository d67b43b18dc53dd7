//! The store in sled, on this machine's disk.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use berth_backup::Database;
use sled::{IVec, Tree};

use crate::store::{
    MAX_VALUE, Page, SequencePage, Store, StoreError, check_key, check_sequence, check_value, paged,
};

/// Bytes that a database which nobody else uses may keep in memory.
const MEMORY: u64 = 64 << 20;
const VALUES: &str = "store";
const SEQUENCES: &str = "sequences";

/// A store in a sled database. Its trees: `store` has the values, `sequences` the entries of all sequences under the
/// name's length (2 bytes, big-endian), the name, and the position (8 bytes, big-endian).
///
/// sled blocks on the disk now and then, a flush always: each call runs on tokio's threads for blocking work, so the store
/// needs tokio's runtime. That costs some microseconds beside the hundreds that a flush takes.
///
/// sled writes in the background too, so what was not flushed may be on disk or not. After a failure of the disk every
/// later call fails until the database is opened anew.
#[derive(Clone)]
pub struct SledStore {
    trees: Arc<Trees>,
}

struct Trees {
    database: Database,
    values: Tree,
    sequences: Tree,
}

impl SledStore {
    /// Opens the database at `path`, or makes it. Blocks: for start-up.
    ///
    /// # Errors
    /// When the folder cannot be used, another process has it, or what is in it is broken.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::in_database(Database::open(path, MEMORY).map_err(failed("open the database"))?)
    }

    /// Uses two trees of a database that is open already.
    ///
    /// # Errors
    /// When they cannot be opened.
    pub fn in_database(database: Database) -> Result<Self, StoreError> {
        let tree = |name: &str| database.tree(name).map_err(failed("open a tree of the database"));
        let (values, sequences) = (tree(VALUES)?, tree(SEQUENCES)?);
        Ok(SledStore { trees: Arc::new(Trees { database, values, sequences }) })
    }

    /// Runs `work` where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Trees) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let trees = Arc::clone(&self.trees);
        let done = tokio::task::spawn_blocking(move || work(&trees)).await;
        done.map_err(|source| StoreError::Failed { what, source: Box::new(source) })?
    }
}

#[async_trait]
impl Store for SledStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(key)?;
        let key = key.to_vec();
        self.blocking("read", move |trees| {
            let value = trees.values.get(key).map_err(failed("read"))?;
            value.map(|value| bounded(&value)).transpose()
        })
        .await
    }

    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        check_key(key)?;
        new.map_or(Ok(()), check_value)?;
        let (key, expected, new) = (key.to_vec(), expected.map(<[u8]>::to_vec), new.map(<[u8]>::to_vec));
        self.blocking("write", move |trees| {
            let pass = trees.database.pass();
            pass.will_change(VALUES, &key);
            let swapped = trees.values.compare_and_swap(key, expected, new).map_err(failed("write"))?;
            Ok(swapped.is_ok())
        })
        .await
    }

    async fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError> {
        let (prefix, start) = (prefix.to_vec(), prefix.max(from).to_vec());
        self.blocking("scan", move |trees| {
            let walk = trees.values.range(start..).map(|entry| entry.map_err(failed("scan")));
            let walk = walk
                .take_while(|entry| entry.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix)))
                .map(|entry| entry.and_then(|(key, value)| Ok((key.to_vec(), bounded(&value)?))));
            let (entries, next) = paged(walk, limit, |(key, value)| key.len() + value.len(), |(key, _)| key)?;
            Ok(Page { entries, next })
        })
        .await
    }

    async fn append(&self, sequence: &str, value: &[u8]) -> Result<u64, StoreError> {
        check_sequence(sequence)?;
        check_value(value)?;
        let (prefix, value) = (sequence_prefix(sequence), IVec::from(value));
        self.blocking("append", move |trees| {
            let pass = trees.database.pass();
            loop {
                let last = trees.sequences.scan_prefix(&prefix).keys().next_back();
                let position = match last.transpose().map_err(failed("append"))? {
                    Some(last) => position(&prefix, &last)?.checked_add(1).ok_or(FULL)?,
                    None => 0,
                };
                let key = [prefix.as_slice(), &position.to_be_bytes()].concat();
                pass.will_change(SEQUENCES, &key);
                let swapped = trees
                    .sequences
                    .compare_and_swap(key, None::<&[u8]>, Some(value.clone()))
                    .map_err(failed("append"))?;
                // Otherwise another one took the position.
                if swapped.is_ok() {
                    return Ok(position);
                }
            }
        })
        .await
    }

    async fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError> {
        check_sequence(sequence)?;
        let prefix = sequence_prefix(sequence);
        self.blocking("read a sequence", move |trees| {
            let start = [prefix.as_slice(), &from.to_be_bytes()].concat();
            let end = [prefix.as_slice(), &u64::MAX.to_be_bytes()].concat();
            let walk = trees.sequences.range(start..=end).map(|entry| {
                let (key, value) = entry.map_err(failed("read a sequence"))?;
                Ok((position(&prefix, &key)?, bounded(&value)?))
            });
            let (entries, next) = paged(walk, limit, |(_, value)| value.len(), |(position, _)| position)?;
            Ok(SequencePage { entries, next })
        })
        .await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.blocking("flush", |trees| trees.database.flush().map_err(failed("flush"))).await
    }
}

const FULL: StoreError = StoreError::Damaged { what: "a sequence has no position left" };

/// No name is the beginning of another's.
fn sequence_prefix(sequence: &str) -> Vec<u8> {
    // A name is checked before, so its length fits.
    let length = u16::try_from(sequence.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&length, sequence.as_bytes()].concat()
}

fn position(prefix: &[u8], key: &[u8]) -> Result<u64, StoreError> {
    let rest = key.strip_prefix(prefix).and_then(|rest| rest.try_into().ok());
    rest.map(u64::from_be_bytes).ok_or(StoreError::Damaged { what: "a sequence's key has no position" })
}

fn bounded(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    if value.len() > MAX_VALUE {
        return Err(StoreError::Damaged { what: "a value is longer than any that is written" });
    }
    Ok(value.to_vec())
}

fn failed(what: &'static str) -> impl Fn(sled::Error) -> StoreError {
    move |source| StoreError::Failed { what, source: Box::new(source) }
}
