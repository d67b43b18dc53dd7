//! The store: what the node keeps for good, in whatever keeps it.

use std::error::Error as StdError;

use async_trait::async_trait;
use thiserror::Error;

/// The most bytes of a key. At least one.
pub const MAX_KEY: usize = 1 << 10;
/// The most bytes of a value, and of one entry of a sequence.
pub const MAX_VALUE: usize = 16 << 20;
/// The most bytes of a sequence's name. At least one.
pub const MAX_SEQUENCE_NAME: usize = 256;
/// The most entries of one page.
pub const MAX_PAGE_ENTRIES: usize = 1_000;
/// A page ends once its keys and values have this many bytes together; it has at least one entry, where there is one.
pub const MAX_PAGE_BYTES: usize = 4 << 20;

/// Why the store did not read or write.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A key is empty or too long: the caller's fault, nothing is written.
    #[error("a key has 1 to {MAX_KEY} bytes, not {length}")]
    Key {
        /// Its bytes.
        length: usize,
    },
    /// A value is too long: the caller's fault, nothing is written.
    #[error("a value has at most {MAX_VALUE} bytes, not {length}")]
    Value {
        /// Its bytes.
        length: usize,
    },
    /// A sequence's name is empty or too long: the caller's fault, nothing is written.
    #[error("a sequence's name has 1 to {MAX_SEQUENCE_NAME} bytes, not {length}")]
    SequenceName {
        /// Its bytes.
        length: usize,
    },
    /// What is kept is not what this store writes: look at the disk, restore a backup.
    #[error("the store is damaged: {what}")]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
    /// The database or the machine below failed: look at the disk. A write may be done or not.
    #[error("the store could not {what}")]
    Failed {
        /// What it was about to do.
        what: &'static str,
        /// Why it could not.
        #[source]
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A flush failed, this one or an earlier one, so nobody knows what is durable: open the store anew.
    #[error("a flush failed ({first}), so nothing more is held to be durable until the store is opened anew")]
    Doubtful {
        /// How the first one failed, with its causes.
        first: String,
    },
}

/// Some entries in the order of their keys, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Keys and values.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// The key to go on from; none at the end.
    pub next: Option<Vec<u8>>,
}

/// Some entries of a sequence in their order, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequencePage {
    /// Positions and values.
    pub entries: Vec<(u64, Vec<u8>)>,
    /// The position to go on from; none at the end of what there is now.
    pub next: Option<u64>,
}

/// Keys with values, and named sequences, in one store. The two do not meet.
///
/// What is written is seen by every later reader of the same store at once, and is durable after the next
/// [`flush`](Store::flush). Of writes that no flush has followed, a crash may leave any and take any: nobody may rely on
/// their order. A single write is wholly there or not at all.
///
/// The trait asks for no more than a key-value bucket with revisions and a stream have, so that a distributed store can
/// stand behind it: there a flush may have nothing to do, compare-and-set compares revisions, and a scan sorts.
///
/// A future that is dropped leaves its write done or not done.
#[async_trait]
pub trait Store: Send + Sync {
    /// The value; none where there is no such key.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes `new` exactly if the value is still `expected`, and tells whether it was. None is no value, so none as
    /// `new` deletes.
    ///
    /// # Errors
    /// [`StoreError`]; after [`StoreError::Failed`] it may have been written.
    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError>;

    /// Entries whose keys begin with `prefix`, in the order of their bytes, beginning with the first that is not less
    /// than `from` (empty: from the start). At most `limit` of them, and at most what a page holds. An entry that
    /// changes between two pages is seen in either state.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError>;

    /// Puts an entry at the end of a sequence, and gives its position: 0 for the first, growing by one. A crash can take
    /// the last, unflushed positions, which are then given anew, or leave a gap between them.
    ///
    /// # Errors
    /// [`StoreError`]; after [`StoreError::Failed`] it may have been written.
    async fn append(&self, sequence: &str, value: &[u8]) -> Result<u64, StoreError>;

    /// Entries of a sequence from a position on, in their order. At most `limit` of them, and at most what a page
    /// holds. A sequence that nobody wrote to is empty.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError>;

    /// Returns once everything that was written before this call is durable.
    ///
    /// # Errors
    /// [`StoreError`]; what was written since the last flush is then in doubt.
    async fn flush(&self) -> Result<(), StoreError>;
}

/// Refuses keys that no store takes.
pub(crate) fn check_key(key: &[u8]) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(StoreError::Key { length: key.len() });
    }
    Ok(())
}

/// Refuses values that no store takes.
pub(crate) fn check_value(value: &[u8]) -> Result<(), StoreError> {
    if value.len() > MAX_VALUE {
        return Err(StoreError::Value { length: value.len() });
    }
    Ok(())
}

/// Refuses names that no store takes.
pub(crate) fn check_sequence(name: &str) -> Result<(), StoreError> {
    if name.is_empty() || name.len() > MAX_SEQUENCE_NAME {
        return Err(StoreError::SequenceName { length: name.len() });
    }
    Ok(())
}

/// A page of what an ordered walk gives, within the bounds; `size` is an entry's bytes, `position` where to go on from.
pub(crate) fn paged<T, P>(
    walk: impl Iterator<Item = Result<T, StoreError>>,
    limit: usize,
    size: impl Fn(&T) -> usize,
    position: impl Fn(T) -> P,
) -> Result<(Vec<T>, Option<P>), StoreError> {
    let limit = limit.min(MAX_PAGE_ENTRIES);
    let mut entries = Vec::new();
    let mut bytes = 0_usize;
    for entry in walk {
        let entry = entry?;
        if entries.len() >= limit || bytes >= MAX_PAGE_BYTES {
            return Ok((entries, Some(position(entry))));
        }
        bytes = bytes.saturating_add(size(&entry));
        entries.push(entry);
    }
    Ok((entries, None))
}
