//! Who may go on: calls that run side by side take turns at their import calls, in an order that the seed decides. So a
//! concurrent run repeats exactly, and a call can be made to end at any import call.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use rand_chacha::{ChaCha8Rng, rand_core::Rng as _};

/// Shared by all applications of a trial. Open unless something is driven through it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<Turns>>);

#[derive(Default)]
struct Turns {
    /// The task that is driven now; none: everybody goes on.
    current: Option<usize>,
    /// How often each task was let through.
    released: BTreeMap<usize, u64>,
    /// Whether the current task waits at the gate.
    is_parked: bool,
}

/// A call that runs.
type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What became of a call that was to end early.
#[derive(Debug)]
pub enum Crash<T> {
    /// It was ended at the import call asked for.
    Ended,
    /// It came to its end before.
    Finished(T),
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the task that makes this import call may go on. Passed before each import call and after it.
    pub(crate) async fn pass(&self) {
        let Some(task) = self.lock().current else { return };
        let before = self.lock().released.get(&task).copied().unwrap_or(0);
        poll_fn(|_| {
            let mut turns = self.lock();
            if turns.released.get(&task).copied().unwrap_or(0) > before {
                return Poll::Ready(());
            }
            turns.is_parked = true;
            Poll::Pending
        })
        .await;
    }

    /// Polls the task until it waits at the gate or ends.
    async fn drive<T>(
        &self,
        task: usize,
        future: &mut Pin<Box<dyn Future<Output = T> + Send + '_>>,
    ) -> Option<T> {
        {
            let mut turns = self.lock();
            turns.current = Some(task);
            turns.is_parked = false;
        }
        let end = poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if self.lock().is_parked => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await;
        let mut turns = self.lock();
        turns.current = None;
        turns.is_parked = false;
        end
    }

    fn release(&self, task: usize) {
        *self.lock().released.entry(task).or_default() += 1;
    }

    /// Runs the futures side by side, one import call at a time, in an order that `rng` decides.
    pub(crate) async fn interleave<'a, T>(&self, rng: &mut ChaCha8Rng, futures: Vec<Task<'a, T>>) -> Vec<T> {
        let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
        let mut waiting: Vec<(usize, Task<'a, T>)> = Vec::new();
        let mut coming: Vec<_> = futures.into_iter().enumerate().collect();
        self.lock().released.clear();
        // A task begins when its turn comes, so that some begin after others have gone far.
        while !(coming.is_empty() && waiting.is_empty()) {
            let choice = below(rng, coming.len() + waiting.len());
            let (task, mut future) = if choice < coming.len() {
                coming.swap_remove(choice)
            } else {
                let (task, future) = waiting.swap_remove(choice - coming.len());
                self.release(task);
                (task, future)
            };
            match self.drive(task, &mut future).await {
                Some(value) => {
                    if let Some(result) = results.get_mut(task) {
                        *result = Some(value);
                    }
                }
                None => waiting.push((task, future)),
            }
        }
        results.into_iter().flatten().collect()
    }

    /// Runs the future and drops it when it has passed the gate `passes` times.
    pub(crate) async fn crash_after<T>(
        &self,
        passes: u32,
        future: impl Future<Output = T> + Send,
    ) -> Crash<T> {
        let mut future: Pin<Box<dyn Future<Output = T> + Send + '_>> = Box::pin(future);
        self.lock().released.clear();
        for _ in 0..=passes {
            if let Some(value) = self.drive(0, &mut future).await {
                return Crash::Finished(value);
            }
            self.release(0);
        }
        Crash::Ended
    }
}

/// A number below `bound`, which is not 0.
pub(crate) fn below(rng: &mut ChaCha8Rng, bound: usize) -> usize {
    let bound = u64::try_from(bound.max(1)).unwrap_or(1);
    usize::try_from(rng.next_u64() % bound).unwrap_or(0)
}
