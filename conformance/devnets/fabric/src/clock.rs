//! The time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// The clock of a network: the machine's, and ahead of it where a test says so.
#[derive(Clone, Default)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// Milliseconds since 1970.
    #[must_use]
    pub fn milliseconds(&self) -> u64 {
        milliseconds().saturating_add(self.0.load(Ordering::Relaxed))
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.milliseconds() / 1000
    }

    /// Sets it ahead of the machine's by milliseconds; what it was ahead before does not count.
    pub fn set_ahead(&self, milliseconds: u64) {
        self.0.store(milliseconds, Ordering::Relaxed);
    }
}

/// Milliseconds since 1970 by the machine's clock.
pub fn milliseconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
