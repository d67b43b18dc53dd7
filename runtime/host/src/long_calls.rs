//! Calls that compute for long take turns, so that those that are soon done are not kept waiting by them.
//!
//! Every call computes at once for up to a [`TICK`](crate::TICK). Whoever wants more waits for a turn of one tick, behind all others of
//! its application and then behind other applications: so an application with many endless loops has no more of the processors
//! than one with a single one. All long calls together leave a processor free for everything else, where there are two.
//!
//! In a node such a call runs on a thread [aside](crate::aside) from its first turn on, and the next calls of its application begin there, until
//! one of them was short: what a call does before it can be interrupted for the first time may be long, too.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::aside::{Aside, beside_others, processors};

thread_local! {
    /// Whether the call that was polled last on this thread wants a turn.
    static WANTS_A_TURN: Cell<bool> = const { Cell::new(false) };
}

/// Long calls of one host, or of one application.
#[derive(Clone, Debug)]
pub(crate) struct LongCalls {
    all: Arc<Semaphore>,
    own: Arc<Semaphore>,
    /// None where everything is polled where it is awaited.
    aside: Option<Arc<Aside>>,
    /// Whether the application's last call wanted a turn.
    expected: Arc<AtomicBool>,
}

impl LongCalls {
    /// Of a host.
    pub(crate) fn of_host(aside: bool) -> Self {
        let aside = aside.then(Arc::default);
        let all = Arc::new(Semaphore::new(beside_others()));
        LongCalls { own: all.clone(), all, aside, expected: Arc::default() }.of_application()
    }

    /// Of one more application of the same host: at most a quarter of the processors at once.
    pub(crate) fn of_application(&self) -> Self {
        let own = Arc::new(Semaphore::new((processors() / 4).max(1)));
        LongCalls { own, expected: Arc::default(), ..self.clone() }
    }

    /// Runs a call: here for as long as it is short, and aside once it wants a turn. It is dropped with this future, or soon after.
    pub(crate) async fn run<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> T {
        let Some(aside) = &self.aside else { return call.await };
        let expected = self.expected.clone();
        let mut call = Box::pin(call);
        if !expected.load(Ordering::Relaxed) {
            let short = poll_fn(|context| match polled(call.as_mut(), context) {
                (Poll::Ready(answer), _) => Poll::Ready(Some(answer)),
                (Poll::Pending, true) => Poll::Ready(None),
                (Poll::Pending, false) => Poll::Pending,
            });
            if let Some(answer) = short.await {
                return answer;
            }
            expected.store(true, Ordering::Relaxed);
            return aside.run(call).await;
        }
        let mut long = false;
        let watched = poll_fn(move |context| {
            let (answer, wants) = polled(call.as_mut(), context);
            long |= wants;
            if answer.is_ready() && !long {
                expected.store(false, Ordering::Relaxed);
            }
            answer
        });
        aside.run(watched).await
    }

    /// Of one call after the other.
    pub(crate) fn turns(&self) -> Arc<Turns> {
        Arc::new(Turns { of: self.clone(), held: Mutex::default() })
    }
}

/// Polls a call. Whether it wants a turn, besides.
fn polled<F: Future>(call: Pin<&mut F>, context: &mut Context<'_>) -> (Poll<F::Output>, bool) {
    WANTS_A_TURN.set(false);
    let answer = call.poll(context);
    (answer, WANTS_A_TURN.get())
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
        WANTS_A_TURN.set(true);
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

    fn one_at_once() -> LongCalls {
        let [all, own] = [1, 1].map(|turns| Arc::new(Semaphore::new(turns)));
        LongCalls { all, own, aside: Some(Arc::default()), expected: Arc::default() }
    }

    fn thread() -> String {
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn a_call_goes_aside_when_it_wants_a_turn_and_not_when_it_waits_for_something_else() {
        let (host, here) = (one_at_once(), thread());
        let waits = async {
            tokio::task::yield_now().await;
            thread()
        };
        assert_eq!(host.run(waits).await, here);
        let turns = host.turns();
        let long = async move {
            let before = thread();
            turns.next().await;
            (before, thread())
        };
        assert_eq!(host.run(long).await, (here.clone(), "berth-aside".to_owned()));
        assert_eq!(
            host.run(async { thread() }).await,
            "berth-aside",
            "the next call is expected to be long too"
        );
        assert_eq!(host.run(async { thread() }).await, here, "it was short");
    }

    #[tokio::test]
    async fn a_call_that_nobody_waits_for_any_more_is_dropped_aside_too() {
        let host = one_at_once();
        let (turns, (alive, dropped)) = (host.turns(), tokio::sync::oneshot::channel::<()>());
        let endless = async move {
            let _alive = alive;
            loop {
                turns.clone().next().await;
            }
        };
        // It wants its turn as it is polled first, and is aside then.
        let call = tokio::time::timeout(std::time::Duration::ZERO, host.run(endless));
        assert!(call.await.is_err());
        assert!(dropped.await.is_err());
        host.turns().next().await;
    }

    #[tokio::test]
    async fn an_application_with_many_long_calls_has_no_more_turns_than_one_with_a_single_one() {
        let host = one_at_once();
        let application = || LongCalls { own: Arc::new(Semaphore::new(1)), ..host.clone() };
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
        let host = one_at_once();
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
