//! Where the journal has its secret and its time from.

use std::time::{SystemTime, UNIX_EPOCH};

use zeroize::Zeroizing;

use crate::error::JournalError;

/// What is not determined by what the journal is asked: so a test can have it from a seed.
pub trait Sources: Send + Sync {
    /// What the salts of a new store come of: 32 random bytes, so that nobody can guess them. Asked for once, and again where others ask at
    /// the same time.
    ///
    /// # Errors
    /// [`JournalError::Salt`] when there is no randomness.
    fn secret(&self) -> Result<Zeroizing<[u8; 32]>, JournalError>;

    /// Milliseconds since 1970, UTC.
    fn now_millis(&self) -> u64;
}

/// The system's randomness and clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSources;

impl Sources for SystemSources {
    fn secret(&self) -> Result<Zeroizing<[u8; 32]>, JournalError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(JournalError::Salt)?;
        Ok(bytes)
    }

    fn now_millis(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
