//! One flush for many writers.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Mutex;

use crate::store::{Store, StoreError};

/// Shares flushes: whoever comes while a flush is under way waits for the next one, together with all others who came
/// meanwhile. So one flush at a time is under way, whatever the number of writers.
pub(crate) struct GroupFlush {
    store: Arc<dyn Store>,
    /// How many asked so far. Each asks after its own writes.
    asked: AtomicU64,
    done: Arc<Mutex<Done>>,
}

/// The number of somebody who asked.
pub(crate) struct Asked(u64);

#[derive(Default)]
struct Done {
    /// How many of those who asked have been served.
    served: u64,
    /// How a flush failed. The system may forget a failure once it has told it, so that the next flush would succeed without
    /// what the failed one lost: after one failure nothing counts as durable.
    failed: Option<String>,
}

impl GroupFlush {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        GroupFlush { store, asked: AtomicU64::new(0), done: Arc::default() }
    }

    /// Returns once everything that the caller wrote or read before is durable.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        self.served(self.ask()).await
    }

    /// Asks for a flush of everything that the caller wrote or read before, and has none begin.
    pub(crate) fn ask(&self) -> Asked {
        Asked(self.asked.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Returns once it was flushed, be it for others, and flushes if nobody did.
    pub(crate) async fn served(&self, Asked(mine): Asked) -> Result<(), StoreError> {
        let mut done = Arc::clone(&self.done).lock_owned().await;
        if let Some(first) = &done.failed {
            return Err(StoreError::Doubtful { first: first.clone() });
        }
        if done.served >= mine {
            return Ok(());
        }
        // Whoever asked until now has written before; the flush begins after.
        let asked = self.asked.load(Ordering::SeqCst);
        let store = Arc::clone(&self.store);
        // Holds until the flush has ended well, so also when it panics.
        done.failed = Some("a flush came to no end".into());
        // A task of its own: it ends, and its end is noted, also when this caller is cancelled meanwhile.
        let flush = tokio::spawn(async move {
            let result = store.flush().await;
            match &result {
                Ok(()) => *done = Done { served: asked, failed: None },
                Err(error) => done.failed = Some(error.to_string()),
            }
            result
        });
        flush
            .await
            .unwrap_or_else(|source| Err(StoreError::Failed { what: "flush", source: Box::new(source) }))
    }
}
