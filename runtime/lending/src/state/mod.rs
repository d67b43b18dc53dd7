//! The small store that each application's adapter has.

mod memory;
mod sled_store;

use adapter_spec::async_trait;
use thiserror::Error;

pub use memory::MemoryState;
pub use sled_store::SledState;

/// How much one application may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateLimits {
    /// Bytes of a key.
    pub key: usize,
    /// Bytes of a value.
    pub value: usize,
    /// Bytes of all keys and values.
    pub total: u64,
}

impl Default for StateLimits {
    /// Keys up to 1 KiB, values up to 1 MiB, 16 MiB in all.
    fn default() -> Self {
        StateLimits { key: 1 << 10, value: 1 << 20, total: 16 << 20 }
    }
}

/// Why the state was not read or written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The key is too long.
    #[error("a key has at most {allowed} bytes, not {length}")]
    Key {
        /// Its bytes.
        length: usize,
        /// What is allowed.
        allowed: usize,
    },
    /// The value is too long.
    #[error("a value has at most {allowed} bytes, not {length}")]
    Value {
        /// Its bytes.
        length: usize,
        /// What is allowed.
        allowed: usize,
    },
    /// The application would have too much.
    #[error("the application may keep {allowed} bytes, and would have {total}")]
    Total {
        /// Bytes of all keys and values, with this one.
        total: u64,
        /// What is allowed.
        allowed: u64,
    },
    /// The store itself.
    #[error("the state's store failed: {0}")]
    Store(String),
}

impl StateError {
    /// Whether it was the application that asked for too much.
    #[must_use]
    pub fn is_limit(&self) -> bool {
        !matches!(self, StateError::Store(_))
    }
}

/// Durable values by application and key. No application reaches another's.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The value.
    ///
    /// # Errors
    /// When the store fails, or the key is longer than any can be.
    async fn get(&self, application: &str, key: &str) -> Result<Option<Vec<u8>>, StateError>;

    /// Writes `new` if the value is still `expected`; false if it is not. `None` is no value. When this returns true the
    /// write is durable.
    ///
    /// # Errors
    /// When a limit would be passed or the store fails; nothing is written then.
    async fn swap(
        &self,
        application: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StateError>;

    /// Bytes of all the application's keys and values.
    ///
    /// # Errors
    /// When the store fails.
    async fn usage(&self, application: &str) -> Result<u64, StateError>;

    /// Whether there is room for this write.
    ///
    /// # Errors
    /// Which limit would be passed, or that the store fails.
    async fn check(&self, application: &str, key: &str, new: Option<&[u8]>) -> Result<(), StateError>;

    /// Forgets everything of an application that nobody uses any more. When this returns, that is durable.
    ///
    /// # Errors
    /// When the store fails; some of it may be forgotten then.
    async fn forget(&self, application: &str) -> Result<(), StateError>;
}

impl StateLimits {
    fn check_key(&self, key: &str) -> Result<(), StateError> {
        if key.len() > self.key {
            return Err(StateError::Key { length: key.len(), allowed: self.key });
        }
        Ok(())
    }

    /// The bytes of all keys and values after a write, if they are within the limits. A write that takes bytes away is
    /// never refused for the total.
    fn usage_after(
        &self,
        usage: u64,
        key: &str,
        old: Option<usize>,
        new: Option<&[u8]>,
    ) -> Result<u64, StateError> {
        self.check_key(key)?;
        let new = new.map(<[u8]>::len);
        if let Some(length) = new.filter(|length| *length > self.value) {
            return Err(StateError::Value { length, allowed: self.value });
        }
        let size = |value: Option<usize>| value.map_or(0, |value| (key.len() + value) as u64);
        let total = usage.saturating_sub(size(old)).saturating_add(size(new));
        if total > self.total && total > usage {
            return Err(StateError::Total { total, allowed: self.total });
        }
        Ok(total)
    }
}
