//! An application's turns on the processors.
//!
//! However many requests of one application are ready to go on, few of them stand in the runtime's queue at a time, and the others behind
//! them in the application's own. So who has one request waits behind a few of each other application, and not behind all that
//! somebody sends at once.

use std::{future::poll_fn, pin::pin, sync::Arc, task::ready};

use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::PollSemaphore;
use tracing::Instrument as _;

/// The turns of one application.
#[derive(Clone)]
pub(crate) struct Lane(Arc<Semaphore>);

impl Default for Lane {
    /// As many as there are processors: an application that is alone has all of them.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Lane(Arc::new(Semaphore::new(processors)))
    }
}

impl Lane {
    /// Does work by turns: a turn lasts until the work waits for something. Never within other work of the same lane, which would hold the
    /// turn that this waits for.
    pub(crate) async fn run<F: Future>(&self, work: F) -> F::Output {
        let mut turns = PollSemaphore::new(Arc::clone(&self.0));
        let mut work = pin!(work);
        poll_fn(move |context| {
            let _turn = ready!(turns.poll_acquire(context));
            work.as_mut().poll(context)
        })
        .await
    }

    /// The same in a task of its own, which goes on when nobody waits for it.
    pub(crate) fn spawn<F>(&self, work: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let lane = self.clone();
        tokio::spawn(async move { lane.run(work).await }.in_current_span())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn work_that_waits_holds_no_turn_and_everybody_comes_to_an_end() {
        let lane = Lane(Arc::new(Semaphore::new(1)));
        let gate = Arc::new(Semaphore::new(0));
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (lane, gate, waiting) = (lane.clone(), gate.clone(), waiting.clone());
            tasks.spawn(async move {
                lane.run(async {
                    waiting.fetch_add(1, Ordering::SeqCst);
                    gate.acquire().await.unwrap().forget();
                    tokio::task::yield_now().await;
                })
                .await;
            });
        }
        while waiting.load(Ordering::SeqCst) < 50 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(50);
        tasks.join_all().await;
    }

    #[tokio::test]
    async fn who_has_one_request_waits_behind_one_turn_of_a_flood() {
        let (flood, quiet) = (Lane(Arc::new(Semaphore::new(1))), Lane(Arc::new(Semaphore::new(1))));
        let turns = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let (flood, turns) = (flood.clone(), turns.clone());
            tokio::spawn(async move {
                flood
                    .run(async {
                        for _ in 0..100 {
                            turns.fetch_add(1, Ordering::SeqCst);
                            tokio::task::yield_now().await;
                        }
                    })
                    .await;
            });
        }
        // All of them have come as far as their lane.
        while turns.load(Ordering::SeqCst) < 200 {
            tokio::task::yield_now().await;
        }
        let before = turns.load(Ordering::SeqCst);
        let turns_of_quiet = 10;
        let work = async move {
            for _ in 0..turns_of_quiet {
                tokio::task::yield_now().await;
            }
        };
        quiet.spawn(work).await.unwrap();
        let meanwhile = turns.load(Ordering::SeqCst) - before;
        assert!(meanwhile <= 3 * (turns_of_quiet + 2), "{meanwhile}");
    }
}
