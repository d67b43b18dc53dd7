//! One flush for many writers.

use std::{
    error::Error as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use crate::store::{Store, StoreError};

/// Shares flushes: whoever comes while a flush is under way waits for the next one, together with all others who came
/// meanwhile. One flush at a time is under way, whatever the number of writers, and where somebody waits the next one begins at once.
pub(crate) struct GroupFlush(Arc<Shared>);

struct Shared {
    store: Arc<dyn Store>,
    /// How many asked so far. Each asks after its own writes.
    asked: AtomicU64,
    turns: Mutex<Turns>,
    done: watch::Sender<Done>,
}

#[derive(Default)]
struct Turns {
    /// Whether a task flushes.
    running: bool,
    /// The last of those who asked and wait.
    awaited: u64,
}

#[derive(Default)]
struct Done {
    /// How many of those who asked have been served.
    served: u64,
    /// How a flush failed. The system may forget a failure once it has told it, so that the next flush would succeed without
    /// what the failed one lost: after one failure nothing more counts as durable.
    failed: Option<String>,
}

/// The number of somebody who asked.
pub(crate) struct Asked(u64);

impl GroupFlush {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let (asked, turns, done) = (AtomicU64::new(0), Mutex::default(), watch::Sender::default());
        GroupFlush(Arc::new(Shared { store, asked, turns, done }))
    }

    /// Asks for a flush of everything that the caller wrote or read before, and has none begin.
    pub(crate) fn ask(&self) -> Asked {
        Asked(self.0.asked.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Returns once it was flushed, be it for others, and has it flushed if nobody did.
    pub(crate) async fn served(&self, Asked(mine): Asked) -> Result<(), StoreError> {
        let mut heard = self.0.done.subscribe();
        loop {
            {
                let done = heard.borrow_and_update();
                if done.served >= mine {
                    return Ok(());
                }
                if let Some(first) = &done.failed {
                    return Err(StoreError::Doubtful { first: first.clone() });
                }
            }
            self.have_flushed(mine);
            // It is not closed, since the sender is in `self`.
            let _ = heard.changed().await;
        }
    }

    fn have_flushed(&self, mine: u64) {
        let mut turns = self.0.turns();
        turns.awaited = turns.awaited.max(mine);
        if !std::mem::replace(&mut turns.running, true) {
            // A task of its own: it goes on, and its end is told, also when this caller is cancelled meanwhile.
            let failure = Some("a flush came to no end".to_owned());
            tokio::spawn(flush(Running { shared: Arc::clone(&self.0), failure }));
        }
    }
}

impl Shared {
    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Flushes for as long as somebody waits for it.
async fn flush(mut running: Running) {
    let shared = Arc::clone(&running.shared);
    loop {
        // Whoever asked until now has written before; the flush begins after.
        let asked = shared.asked.load(Ordering::SeqCst);
        if let Err(error) = shared.store.flush().await {
            running.failure = Some(with_causes(&error));
            return;
        }
        shared.done.send_modify(|done| done.served = asked);
        let mut turns = shared.turns();
        if turns.awaited <= asked {
            turns.running = false;
            running.failure = None;
            return;
        }
    }
}

/// A task that flushes.
struct Running {
    shared: Arc<Shared>,
    /// What is told where it ends by it, or by a panic.
    failure: Option<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(failure) = self.failure.take() {
            self.shared.done.send_modify(|done| done.failed = Some(failure));
            // After it is told: whoever comes from here on begins no other flush, which could succeed.
            self.shared.turns().running = false;
        }
    }
}

fn with_causes(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
