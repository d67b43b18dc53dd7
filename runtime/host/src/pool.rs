//! The instances of one application. One instance never serves two applications.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use adapter_spec::Ended;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::{
    host::Shared, instance::ComponentInstance, limits::Limits, long_calls::LongCalls, reserve::Load,
};

/// Instances that lie idle, and how many there may be.
pub(crate) struct Pool {
    /// None of an adapter's own instances, which describe it and verify proofs.
    pub(crate) application: Option<String>,
    state: Mutex<State>,
    permits: Semaphore,
    /// Turns of its calls that compute for long.
    pub(crate) long_calls: LongCalls,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    /// Slots that are reserved for the application and have no instance now.
    spare: Vec<OwnedSemaphorePermit>,
    /// Calls that run.
    busy: usize,
    /// The most of them at once since the last look.
    peak: usize,
    load: Load,
    /// How many slots others cannot have.
    reserved: usize,
}

impl State {
    /// How many of the slots without a call are kept from others.
    fn kept(&self) -> usize {
        self.reserved.saturating_sub(self.busy)
    }
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
    _busy: Busy<'a>,
    _permit: SemaphorePermit<'a>,
}

/// Counts a call for as long as it has its turn.
struct Busy<'a>(&'a Pool);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.busy = state.busy.saturating_sub(1);
    }
}

impl Pool {
    pub(crate) fn new(long_calls: &LongCalls, limits: &Limits, application: Option<&str>) -> Arc<Self> {
        Arc::new(Pool {
            application: application.map(str::to_owned),
            state: Mutex::default(),
            permits: Semaphore::new(limits.instances),
            long_calls: long_calls.of_application(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (idle, spare, busy) = {
            let mut state = self.lock();
            state.busy += 1;
            state.peak = state.peak.max(state.busy);
            let idle = state.idle.pop();
            let spare = if idle.is_none() { state.spare.pop() } else { None };
            (idle, spare, Busy(self))
        };
        let turn =
            |slot, instance| Turn { pool: self, slot: Some(slot), instance, _busy: busy, _permit: permit };
        if let Some(Idle { pooled: Pooled { instance, slot }, .. }) = idle {
            return Ok(turn(slot, Some(instance)));
        }
        if let Some(slot) = spare {
            return Ok(turn(slot, None));
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
        Ok(turn(slot, None))
    }

    /// Drops instances that were not used since `since`, but for those that are reserved.
    pub(crate) fn drop_idle(&self, since: Instant) {
        let dropped: Vec<Idle> = {
            let mut state = self.lock();
            let kept = state.kept().saturating_sub(state.spare.len());
            // The longest idle are at the bottom.
            let keep_from = state.idle.iter().position(|idle| idle.since > since).unwrap_or(state.idle.len());
            let most = state.idle.len().saturating_sub(kept);
            state.idle.drain(..keep_from.min(most)).collect()
        };
        drop(dropped);
    }

    /// Looks at the load since the last look. Gives how many slots the application should have to itself.
    pub(crate) fn look(&self) -> usize {
        let mut state = self.lock();
        let State { busy, peak, load, .. } = &mut *state;
        load.saw(std::mem::replace(peak, *busy))
    }

    /// How many slots the application has to itself.
    pub(crate) fn reserved(&self) -> usize {
        self.lock().reserved
    }

    /// Gives the application so many slots to itself. What is more than before is kept as it comes free.
    pub(crate) fn reserve(&self, slots: usize) {
        let dropped: Vec<_> = {
            let mut state = self.lock();
            state.reserved = slots;
            let too_many = state.spare.len().saturating_sub(state.kept());
            state.spare.drain(..too_many).collect()
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
            self.pool.lock().idle.push(idle);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // The instance goes before its slot does.
        drop(self.instance.take());
        let Some(slot) = self.slot.take() else { return };
        let mut state = self.pool.lock();
        // This call is still counted as busy.
        let kept = state.reserved.saturating_sub(state.busy.saturating_sub(1));
        if state.idle.len() + state.spare.len() < kept {
            state.spare.push(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Host, HostConfig};

    const PATIENCE: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn reserved_slots_are_kept_from_others_until_they_are_given_back() {
        let host = Host::new(HostConfig { instances: 4, ..HostConfig::default() }).unwrap();
        let (busy, other) = (
            Pool::new(&LongCalls::of_host(false), &Limits::default(), Some("busy")),
            Pool::new(&LongCalls::of_host(false), &Limits::default(), Some("other")),
        );
        busy.reserve(2);
        let turns = (
            busy.turn(&host.shared, PATIENCE).await.unwrap(),
            busy.turn(&host.shared, PATIENCE).await.unwrap(),
            busy.turn(&host.shared, PATIENCE).await.unwrap(),
        );
        assert_eq!(host.instances(), 3);
        drop(turns);
        assert_eq!(host.instances(), 2, "two of the three stay its own");
        let _taken = (
            other.turn(&host.shared, PATIENCE).await.unwrap(),
            other.turn(&host.shared, PATIENCE).await.unwrap(),
        );
        assert!(matches!(other.turn(&host.shared, PATIENCE).await, Err(Ended::Overloaded { .. })));
        drop(busy.turn(&host.shared, PATIENCE).await.unwrap());
        assert_eq!(host.instances(), 4);
        busy.reserve(0);
        assert_eq!(host.instances(), 2);
        other.turn(&host.shared, PATIENCE).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_looked_at_is_the_most_calls_at_once_since_the_last_look() {
        let host = Host::new(HostConfig { instances: 4, ..HostConfig::default() }).unwrap();
        let pool = Pool::new(&LongCalls::of_host(false), &Limits::default(), Some("busy"));
        for _ in 0..5 {
            let turns = (
                pool.turn(&host.shared, PATIENCE).await.unwrap(),
                pool.turn(&host.shared, PATIENCE).await.unwrap(),
            );
            assert_eq!(pool.look(), 0);
            drop(turns);
        }
        assert_eq!(pool.look(), 2, "the calls of the last look were still there at its start");
        assert_eq!(pool.look(), 0, "nothing since");
    }
}
