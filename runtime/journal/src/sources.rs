//! Where the journal has its salts and its time from.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{error::JournalError, key::Salt};

/// What is not determined by what the journal is asked: so a test can have it from a seed.
pub trait Sources: Send + Sync {
    /// 32 random bytes that nobody can guess and no other key gets.
    ///
    /// # Errors
    /// [`JournalError::Salt`] when there is no randomness.
    fn salt(&self) -> Result<Salt, JournalError>;

    /// Milliseconds since 1970, UTC.
    fn now_millis(&self) -> u64;
}

/// The system's randomness and clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSources;

impl Sources for SystemSources {
    fn salt(&self) -> Result<Salt, JournalError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(JournalError::Salt)?;
        Ok(Salt::from_bytes(bytes))
    }

    fn now_millis(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
