//! How much of the node an application may use.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use adapter_spec::types::{Error, ErrorCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{application::Application, problem::Problem};

/// For how long the answer is held at least that a quota is used up, and twice as long at most.
const HELD: Duration = Duration::from_millis(250);

/// Holds the answer that a quota is used up. Whoever asks again at once would otherwise keep the node's processors busy with signatures
/// and refusals, at the cost of other applications. Not equally long, so that those who were refused together do not come back together.
pub(crate) async fn hold() {
    let mut dice = [0; 2];
    // Without randomness all are held for the shortest time.
    let _ = getrandom::fill(&mut dice);
    let more = f64::from(u16::from_be_bytes(dice)) / f64::from(u16::MAX);
    tokio::time::sleep(HELD.mul_f64(1.0 + more)).await;
}

/// An application's quotas. Zero is no quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// Requests in each second, reads and writes, answered or refused; as many may come at once.
    pub requests_per_second: u32,
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
    /// 1,000 requests and 100 writes a second, 1,000 writes under way, and no quota on the rest.
    fn default() -> Self {
        Quotas {
            requests_per_second: 1_000,
            transactions_per_second: 100,
            open_transactions: 1_000,
            transferred_bytes: 0,
            instance_millis: 0,
            stored_bytes: 0,
        }
    }
}

/// What writes on their way take of the quotas before they are counted.
#[derive(Default)]
pub(crate) struct Reserved(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    transactions: usize,
    bytes: u64,
}

impl Reserved {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write's part of the quotas, until it is counted and followed, or has come to nothing.
pub(crate) struct Reservation {
    application: Arc<Application>,
    transactions: usize,
    bytes: AtomicU64,
}

impl Reservation {
    /// Puts the write on the bill; nobody sees it in both places, or in none.
    pub(crate) fn count(&self) {
        let mut taken = self.application.reserved.lock();
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        taken.bytes -= bytes;
        self.application.meter.transaction(bytes);
    }

    /// Ends with the write's being followed, which is when it is under way by itself.
    pub(crate) fn followed(mut self, follow: impl FnOnce()) {
        let mut taken = self.application.reserved.lock();
        follow();
        taken.transactions -= std::mem::take(&mut self.transactions);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = self.application.reserved.lock();
        taken.transactions -= self.transactions;
        taken.bytes -= *self.bytes.get_mut();
    }
}

/// Takes a write's part of the quotas, so that no burst comes to more than they are.
///
/// # Errors
/// `quota-exceeded`
pub(crate) fn reserve(application: &Arc<Application>, bytes: u64) -> Result<Reservation, Problem> {
    let quotas = application.record().order.quotas;
    let mut taken = application.reserved.lock();
    let open = usize::try_from(quotas.open_transactions).unwrap_or(usize::MAX);
    if open > 0 && application.follower.open().saturating_add(taken.transactions) >= open {
        return Err(used_up(format!("{open} transactions are under way, which is this application's quota")));
    }
    let stored = application.meter.usage().stored_bytes.saturating_add(taken.bytes).saturating_add(bytes);
    if quotas.stored_bytes > 0 && stored > quotas.stored_bytes {
        let most = quotas.stored_bytes;
        return Err(used_up(format!("{most} bytes are written, which is this application's quota")));
    }
    taken.transactions += 1;
    taken.bytes = taken.bytes.saturating_add(bytes);
    let bytes = AtomicU64::new(bytes);
    Ok(Reservation { application: application.clone(), transactions: 1, bytes })
}

/// As [`reserve`], for a write that begins now: at its pace too.
///
/// # Errors
/// `quota-exceeded`
pub(crate) fn admit(application: &Arc<Application>, bytes: u64) -> Result<Reservation, Problem> {
    let reservation = reserve(application, bytes)?;
    if application.rate.take() {
        return Ok(reservation);
    }
    let most = application.record().order.quotas.transactions_per_second;
    Err(used_up(format!("{most} writes a second is this application's quota")))
}

/// Lets a request in at the application's pace, if there is anything left of what it may transfer and compute.
///
/// # Errors
/// `quota-exceeded`
pub(crate) fn let_in(application: &Application) -> Result<(), Problem> {
    if !application.requests.take() {
        let most = application.record().order.quotas.requests_per_second;
        return Err(used_up(format!("{most} requests a second are this application's quota")));
    }
    something_left(application)
}

/// Whether something is left of the bytes and the time of an application's quotas.
///
/// # Errors
/// `quota-exceeded`
pub(crate) fn something_left(application: &Application) -> Result<(), Problem> {
    let usage = application.meter.usage();
    let quotas = application.record().order.quotas;
    let transferred = usage.bytes_in.saturating_add(usage.bytes_out);
    if (quotas.transferred_bytes > 0 && transferred >= quotas.transferred_bytes)
        || (quotas.instance_millis > 0 && usage.instance_micros / 1_000 >= quotas.instance_millis)
    {
        let what = "the application's quota of transferred bytes or instance time is used up: ask its operator for more";
        return Err(Error::new(ErrorCode::QuotaExceeded, what).into());
    }
    Ok(())
}

fn used_up(what: String) -> Problem {
    Error::retryable(ErrorCode::QuotaExceeded, what).into()
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

    #[tokio::test(start_paused = true)]
    async fn refusals_are_held_for_a_quarter_to_half_a_second_and_not_equally_long() {
        let mut times = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let began = tokio::time::Instant::now();
            hold().await;
            times.insert(began.elapsed().as_millis());
        }
        // Time is counted in whole milliseconds, upwards.
        assert!(times.first() >= Some(&250) && times.last() <= Some(&501), "{times:?}");
        assert!(times.len() > 20, "{times:?}");
    }
}
