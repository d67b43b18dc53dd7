//! Threads aside: where calls run on that compute for long, so that they take no thread from everything else.

use std::{panic, sync::OnceLock};

use thread_priority::{ThreadPriority, ThreadPriorityValue};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

/// Threads of a lower priority than all others, made when the first call comes.
#[derive(Debug, Default)]
pub(crate) struct Aside(OnceLock<Option<Runtime>>);

/// Of 0 to 100: niceness 1 on Linux. Hardly less than others: a long call may hold what a short one waits for, in the store for example.
/// At niceness 9 a flood of writes made its neighbour wait for 300 ms now and then.
const PRIORITY: u8 = 45;

impl Aside {
    /// Runs this on one of the threads. It is dropped with this future, or as soon as it comes to its next wait.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + Unpin + 'static,
    ) -> T {
        let Some(runtime) = self.0.get_or_init(runtime) else { return work.await };
        // A set of one, since that ends what it holds when it is dropped.
        let mut works = JoinSet::new();
        works.spawn_on(work, runtime.handle());
        match works.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(ended)) if ended.is_panic() => panic::resume_unwind(ended.into_panic()),
            // The host is being dropped, and with it whoever waits here.
            Some(Err(_)) | None => std::future::pending().await,
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Some(Some(runtime)) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// How many processors long calls have together: one is left for everything else, where there are two. What a call does before it asks for
/// its first turn is no short thing in a call that is expected to be long, so there are no more threads than turns.
pub(crate) fn beside_others() -> usize {
    (processors() - 1).max(1)
}

/// How many there are.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// None where the system gives no threads.
fn runtime() -> Option<Runtime> {
    let first = || {
        let priority = ThreadPriorityValue::try_from(PRIORITY).map(ThreadPriority::Crossplatform);
        if !priority.is_ok_and(|priority| priority.set_for_current().is_ok()) {
            tracing::debug!("long calls run at the priority of all others: the system lowers none");
        }
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(beside_others())
        .enable_all()
        .thread_name("berth-aside")
        .on_thread_start(first)
        .build();
    runtime
        .inspect_err(|error| tracing::warn!(%error, "long calls run among all others: no threads for them"))
        .ok()
}
