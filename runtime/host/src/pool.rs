//! The instances of one application. One instance never serves two applications.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use adapter_spec::Ended;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::{host::Shared, instance::ComponentInstance, limits::Limits};

/// Instances that lie idle, and how many there may be.
pub(crate) struct Pool {
    idle: Mutex<Vec<Idle>>,
    permits: Semaphore,
}

struct Idle {
    since: Instant,
    pooled: Pooled,
}

/// An instance and the slot of the engine that it occupies. Fields drop in this order: first the instance.
struct Pooled {
    instance: ComponentInstance,
    slot: OwnedSemaphorePermit,
}

/// A turn to run one call. Holds an instance, or the slot for one.
pub(crate) struct Turn<'a> {
    pool: &'a Pool,
    slot: Option<OwnedSemaphorePermit>,
    instance: Option<ComponentInstance>,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Pool { idle: Mutex::new(Vec::new()), permits: Semaphore::new(limits.instances) })
    }

    /// Waits for a turn, at most `patience`.
    pub(crate) async fn turn(&self, shared: &Shared, patience: Duration) -> Result<Turn<'_>, Ended> {
        let overloaded = || Ended::Overloaded { waited: patience };
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => tokio::time::timeout(patience, self.permits.acquire())
                .await
                .map_err(|_| overloaded())?
                .map_err(|_| overloaded())?,
        };
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(Idle { pooled: Pooled { instance, slot }, .. }) = idle {
            return Ok(Turn { pool: self, slot: Some(slot), instance: Some(instance), _permit: permit });
        }
        let slot = match shared.slots.clone().try_acquire_owned() {
            Ok(slot) => slot,
            Err(_) => {
                // Others' idle instances make room before anybody waits.
                shared.drop_idle(Instant::now());
                tokio::time::timeout(patience, shared.slots.clone().acquire_owned())
                    .await
                    .map_err(|_| overloaded())?
                    .map_err(|_| overloaded())?
            }
        };
        Ok(Turn { pool: self, slot: Some(slot), instance: None, _permit: permit })
    }

    /// Drops instances that were not used since `since`.
    pub(crate) fn drop_idle(&self, since: Instant) {
        let dropped: Vec<Idle> = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            // The longest idle are at the bottom.
            let keep_from = idle.iter().position(|idle| idle.since > since).unwrap_or(idle.len());
            idle.drain(..keep_from).collect()
        };
        drop(dropped);
    }
}

impl Turn<'_> {
    /// The idle instance that came with the turn, if there was one.
    pub(crate) fn take(&mut self) -> Option<ComponentInstance> {
        self.instance.take()
    }

    /// Ends the turn; the instance is as good as before the call.
    pub(crate) fn give_back(mut self, instance: ComponentInstance, limits: &Limits) {
        if instance.served >= limits.calls_per_instance {
            return;
        }
        if let Some(slot) = self.slot.take() {
            let idle = Idle { since: Instant::now(), pooled: Pooled { instance, slot } };
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
        }
    }
}
