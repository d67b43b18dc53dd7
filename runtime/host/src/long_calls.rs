//! Calls that compute for long take turns, so that those that are soon done are not kept waiting by them.
//!
//! Every call computes at once for up to a [`TICK`](crate::TICK). Whoever wants more waits for a turn of one tick, behind all others of
//! its application and then behind other applications: so an application with many endless loops has no more of the processors
//! than one with a single one. All long calls together leave a processor free for everything else, where there are two.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Long calls of one host, or of one application.
#[derive(Clone, Debug)]
pub(crate) struct LongCalls {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl LongCalls {
    /// Of a host.
    pub(crate) fn of_host() -> Self {
        let all = Arc::new(Semaphore::new((processors() - 1).max(1)));
        LongCalls { own: all.clone(), all }.of_application()
    }

    /// Of one more application of the same host: at most a quarter of the processors at once.
    pub(crate) fn of_application(&self) -> Self {
        LongCalls { all: self.all.clone(), own: Arc::new(Semaphore::new((processors() / 4).max(1))) }
    }

    /// Of one call after the other.
    pub(crate) fn turns(&self) -> Arc<Turns> {
        Arc::new(Turns { of: self.clone(), held: Mutex::default() })
    }
}

/// The turns of one instance, whose calls come one after the other.
#[derive(Debug)]
pub(crate) struct Turns {
    of: LongCalls,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    permits: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
    /// When the last turn began, until somebody has asked.
    began: Option<Instant>,
}

impl Turns {
    /// Ends the turn, if there is one: the call has ended, or waits for something.
    pub(crate) fn end(&self) {
        drop(self.lock().permits.take());
    }

    /// When the turn began, where nobody has asked yet: what was before it was no computing.
    pub(crate) fn began(&self) -> Option<Instant> {
        self.lock().began.take()
    }

    /// Ends the turn and waits for the next.
    pub(crate) async fn next(self: Arc<Self>) {
        self.end();
        // What is ready to run goes first, also where no other long call waits.
        tokio::task::yield_now().await;
        let own = self.of.own.clone().acquire_owned().await;
        let all = self.of.all.clone().acquire_owned().await;
        let mut held = self.lock();
        // They are never closed.
        held.permits = own.ok().zip(all.ok());
        held.began = Some(Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_application_with_many_long_calls_has_no_more_turns_than_one_with_a_single_one() {
        let host = LongCalls { all: Arc::new(Semaphore::new(1)), own: Arc::new(Semaphore::new(1)) };
        let application = || LongCalls { all: host.all.clone(), own: Arc::new(Semaphore::new(1)) };
        let (many, single) = (application(), application());
        let turns = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for (of, calls) in [(&many, 16), (&single, 1)] {
            for _ in 0..calls {
                let (taken, turns, name) = (of.turns(), turns.clone(), calls);
                tasks.spawn(async move {
                    for _ in 0..64 {
                        taken.clone().next().await;
                        turns.lock().unwrap().push(name);
                        // It computes, and the others come to wait for their turns.
                        tokio::task::yield_now().await;
                    }
                    taken.end();
                });
            }
        }
        tasks.join_all().await;
        let turns = turns.lock().unwrap();
        let last = turns.iter().rposition(|name| *name == 1).unwrap();
        let of_many = turns[..last].iter().filter(|name| **name == 16).count();
        assert!(of_many <= 3 * 64, "{of_many} turns of the many before the 64 of the single one were over");
    }

    #[tokio::test]
    async fn a_turn_ends_with_its_call_and_tells_once_when_it_began() {
        let host = LongCalls { all: Arc::new(Semaphore::new(1)), own: Arc::new(Semaphore::new(1)) };
        let (one, other) = (host.turns(), host.turns());
        one.clone().next().await;
        assert!(one.began().is_some() && one.began().is_none());
        one.end();
        other.clone().next().await;
        drop(other);
        one.next().await;
        assert_eq!(host.all.available_permits(), 1, "who is dropped holds nothing");
    }
}
