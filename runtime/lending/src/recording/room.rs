//! How much recordings may hold.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

/// What the frame of an exchange or a call is counted as: more than its names and brackets take as JSON, and than its
/// places take in memory.
const FRAME: u64 = 256;

/// Room for so many bytes of recordings, shared by all clones. Without an end an adapter could fill the memory of whoever
/// records it, by asking much within its limits for long enough.
///
/// Counted is what the exchanges take as JSON, rounded up; a recording's JSON has no more bytes than were counted for it.
#[derive(Clone, Debug)]
pub struct Room(Arc<Space>);

#[derive(Debug)]
struct Space {
    most: u64,
    taken: AtomicU64,
    overflowed: Notify,
}

impl Room {
    /// Room for `most` bytes.
    #[must_use]
    pub fn new(most: u64) -> Self {
        Room(Arc::new(Space { most, taken: AtomicU64::new(0), overflowed: Notify::new() }))
    }

    /// How many bytes it has room for at most.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.0.most
    }

    /// How many bytes were taken until now. Nothing is ever given back: what was recorded is kept.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Waits until a recording was cut off for want of room. One waiter is woken, once.
    pub async fn overflowed(&self) {
        self.0.overflowed.notified().await;
    }

    /// Takes the bytes of a content and a frame; false where there are not as many.
    pub(super) fn take(&self, content: usize) -> bool {
        let wanted = u64::try_from(content).unwrap_or(u64::MAX).saturating_add(FRAME);
        let add = |taken: u64| taken.checked_add(wanted).filter(|taken| *taken <= self.0.most);
        let has_room = self.0.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok();
        if !has_room {
            self.0.overflowed.notify_one();
        }
        has_room
    }
}
