//! How much of the node an application may use.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use serde::{Deserialize, Serialize};

/// An application's quotas. Zero is no quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Writes in each second; as many may come at once.
    pub transactions_per_second: u32,
    /// Writes that are under way at once.
    pub open_transactions: u32,
    /// Bytes of requests and answers together, since the application was created.
    pub transferred_bytes: u64,
    /// Milliseconds of its adapter's instances, since the application was created.
    pub instance_millis: u64,
    /// Bytes of requests' payloads that were accepted to be written, since the application was created.
    pub stored_bytes: u64,
}

impl Default for Quotas {
    /// 100 writes a second, 1,000 under way, and no quota on the rest.
    fn default() -> Self {
        Quotas {
            transactions_per_second: 100,
            open_transactions: 1_000,
            transferred_bytes: 0,
            instance_millis: 0,
            stored_bytes: 0,
        }
    }
}

/// Lets at most so many through in a second, and no more than that at once. One atomic number: the time at which all that
/// was let through would be through at the even pace (the generic cell rate algorithm, ITU-T I.371).
pub(crate) struct Rate {
    begin: Instant,
    /// Nanoseconds of one; zero lets everything through.
    each: u64,
    /// How far ahead of now the even pace may be.
    ahead: u64,
    /// Nanoseconds since `begin`.
    due: AtomicU64,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        let each = if per_second == 0 { 0 } else { 1_000_000_000 / u64::from(per_second) };
        // So many may come at once; the last of them is one behind.
        let ahead = each.saturating_mul(u64::from(per_second).saturating_sub(1));
        Rate { begin: Instant::now(), each, ahead, due: AtomicU64::new(0) }
    }

    /// Whether one more may go through now; counts it if so.
    pub(crate) fn take(&self) -> bool {
        self.take_at(u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn take_at(&self, now: u64) -> bool {
        let next = |due: u64| {
            let from = due.max(now);
            (from - now <= self.ahead).then(|| from.saturating_add(self.each))
        };
        self.each == 0 || self.due.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn as_many_come_through_at_once_as_in_a_second_and_then_one_by_one() {
        let rate = Rate::new(10);
        let second = 1_000_000_000;
        assert_eq!((0..100).filter(|_| rate.take_at(5 * second)).count(), 10);
        assert_eq!((0..100).filter(|_| rate.take_at(5 * second + second / 10)).count(), 1);
        assert_eq!((0..100).filter(|_| rate.take_at(9 * second)).count(), 10);
        assert!((0..100).all(|_| Rate::new(0).take_at(0)));
    }

    #[test]
    fn a_burst_from_many_threads_lets_no_more_through() {
        let rate = Arc::new(Rate::new(50));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let rate = rate.clone();
                std::thread::spawn(move || (0..100).filter(|_| rate.take_at(7)).count())
            })
            .collect();
        let through: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(through, 50);
    }
}
