//! The adapters that a gateway has, however they were loaded.
//!
//! - `permitted`: which of them the node may run at all.
//! - `trial`: a new version beside the one before.
//! - `beside`: a ledger on both.

pub(crate) mod beside;
mod permitted;
mod trial;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use adapter_spec::{Adapter, types::Descriptor};
use jiff::Timestamp;

pub use permitted::{NotPermitted, Permitted};
pub use trial::{TakenBack, Trial};

/// An adapter that was let in.
pub struct Offered {
    /// The adapter.
    pub adapter: Arc<dyn Adapter>,
    /// What it says of itself.
    pub descriptor: Descriptor,
    /// Whether it runs in a sandbox; a native plug-in does not, and operators are told so.
    pub sandboxed: bool,
    /// SHA-256 of its file.
    pub digest: Option<String>,
    /// SHA-256 of the certificate that it was let in by; none where the policy lets in without.
    pub certificate: Option<String>,
}

/// One adapter of a name, and what became of its upgrades.
pub struct Slot {
    /// What takes calls, unless its trial has failed.
    pub offered: Arc<Offered>,
    /// While it is on trial: the version before it, which goes on where it fails.
    pub trial: Option<Arc<Trial>>,
    /// The newest version that was tried and taken back.
    pub taken_back: Option<TakenBack>,
}

impl Slot {
    /// What takes calls now.
    #[must_use]
    pub fn current(&self) -> &Arc<Offered> {
        match &self.trial {
            Some(trial) if trial.failure().is_some() => &trial.before,
            _ => &self.offered,
        }
    }
}

/// Adapters by their own names.
#[derive(Default)]
pub struct Adapters {
    permitted: Permitted,
    slots: RwLock<BTreeMap<String, Slot>>,
}

impl Adapters {
    /// None yet, and later those that are permitted.
    #[must_use]
    pub fn new(permitted: Permitted) -> Self {
        Adapters { permitted, slots: RwLock::default() }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Slot>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which adapters the node may run.
    #[must_use]
    pub fn permitted(&self) -> &Permitted {
        &self.permitted
    }

    /// Puts an adapter in, in place of the one of its name and without a trial: for the node's start.
    ///
    /// # Errors
    /// Where the node may not run it.
    pub fn put(&self, offered: Offered) -> Result<(), NotPermitted> {
        self.put_after(offered, None)
    }

    /// The same, where a version was tried and taken back before.
    ///
    /// # Errors
    /// Where the node may not run it.
    pub fn put_after(&self, offered: Offered, taken_back: Option<TakenBack>) -> Result<(), NotPermitted> {
        self.permitted.check(&offered.descriptor)?;
        let name = offered.descriptor.name.clone();
        self.write().insert(name, Slot { offered: Arc::new(offered), trial: None, taken_back });
        Ok(())
    }

    /// Puts a version in beside the one of its name, on trial until then. Calls go to it from now on.
    pub(crate) fn try_out(
        &self,
        offered: Arc<Offered>,
        before: Arc<Offered>,
        until: Timestamp,
    ) -> Arc<Trial> {
        let trial = Arc::new(Trial::new(before, until));
        let name = offered.descriptor.name.clone();
        self.write().insert(name, Slot { offered, trial: Some(trial.clone()), taken_back: None });
        trial
    }

    /// Ends a trial: one version is left, which is given. None where this trial has ended before.
    pub(crate) fn end(&self, name: &str, ending: &Arc<Trial>) -> Option<Arc<Offered>> {
        let mut slots = self.write();
        let slot = slots.get_mut(name)?;
        let trial = slot.trial.take_if(|trial| Arc::ptr_eq(trial, ending))?;
        if let Some(taken_back) = trial.taken_back(&slot.offered) {
            slot.taken_back = Some(taken_back);
            slot.offered = trial.before.clone();
        }
        Some(slot.offered.clone())
    }

    /// Takes the version with this digest out. Where it was on trial, the one before it goes on; where it was the one before,
    /// there is nothing to go back to any more; else the adapter's applications answer that it is missing.
    pub fn withdraw(&self, name: &str, digest: Option<&str>, why: &str) {
        let mut slots = self.write();
        let Some(slot) = slots.get_mut(name) else { return };
        let is = |offered: &Offered| offered.digest.as_deref() == digest;
        match &slot.trial {
            Some(trial) if is(&slot.offered) => trial.fail(why),
            Some(trial) if is(&trial.before) => {
                if trial.failure().is_some() {
                    slots.remove(name);
                } else {
                    slot.trial = None;
                }
            }
            None if is(&slot.offered) => {
                slots.remove(name);
            }
            _ => {}
        }
    }

    /// The adapter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Offered>> {
        self.read().get(name).map(|slot| slot.current().clone())
    }

    /// The trial of the adapter of this name, while there is one.
    #[must_use]
    pub fn trial(&self, name: &str) -> Option<Arc<Trial>> {
        self.read().get(name)?.trial.clone()
    }

    /// The version of this name that is on trial, with its trial.
    pub(crate) fn on_trial(&self, name: &str) -> Option<(Arc<Offered>, Arc<Trial>)> {
        let slots = self.read();
        let slot = slots.get(name)?;
        Some((slot.offered.clone(), slot.trial.clone()?))
    }

    /// Whether the adapter still stands where the end of this trial has left it.
    pub(crate) fn is_taken_back(&self, name: &str, trial: &Arc<Trial>, taken_back: &TakenBack) -> bool {
        let slots = self.read();
        let is_this = |running: &Arc<Trial>| Arc::ptr_eq(running, trial);
        slots.get(name).is_some_and(|slot| {
            slot.trial.as_ref().is_some_and(is_this) || slot.taken_back.as_ref() == Some(taken_back)
        })
    }

    /// The trial that this version is on; none where it is on none, or has failed.
    pub(crate) fn trial_of(&self, offered: &Arc<Offered>) -> Option<Arc<Trial>> {
        let slots = self.read();
        let slot = slots.get(&offered.descriptor.name)?;
        let trial = slot.trial.as_ref().filter(|trial| trial.failure().is_none())?;
        Arc::ptr_eq(&slot.offered, offered).then(|| trial.clone())
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// Something of each, in the order of their names.
    pub fn each<T>(&self, look: impl FnMut(&Slot) -> T) -> Vec<T> {
        self.read().values().map(look).collect()
    }
}
