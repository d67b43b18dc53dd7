//! Where writers pass, so that a copy of the store can show one moment.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::error::BackupError;

/// Keys that were written, each with its tree.
pub type Changed = BTreeSet<(&'static str, Vec<u8>)>;

/// Every write to a database passes its gate. While nothing is copied that costs a shared lock, and nobody waits.
///
/// A copy walks through the trees while others write, and the gate keeps the keys that are written meanwhile. Then it copies
/// those keys once more, and again those that were written during that, until they are few. The last of them are copied
/// while no writer is in the gate. So of each key the last record shows that moment: either nobody wrote it since it was
/// copied, or it was copied then.
#[derive(Debug, Default)]
pub struct Gate {
    recording: RwLock<Option<Mutex<Changed>>>,
}

impl Gate {
    /// In. Whoever writes holds it from before the write to after it, and tells each key before it is written.
    /// Blocks for the moment in which a copy closes the gate; take one at a time, and never across an `await`.
    #[must_use]
    pub fn pass(&self) -> Pass<'_> {
        Pass(self.recording.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the keys that are written from now on. One copy at a time.
    ///
    /// # Errors
    /// [`BackupError::Busy`]
    pub fn record(&self) -> Result<Recording<'_>, BackupError> {
        let mut recording = self.closed();
        if recording.is_some() {
            return Err(BackupError::Busy);
        }
        *recording = Some(Mutex::default());
        Ok(Recording(self))
    }

    /// The gate, with no writer in it until this is dropped.
    fn closed(&self) -> RwLockWriteGuard<'_, Option<Mutex<Changed>>> {
        self.recording.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A writer in the gate.
#[derive(Debug)]
pub struct Pass<'a>(RwLockReadGuard<'a, Option<Mutex<Changed>>>);

impl Pass<'_> {
    /// This key of this tree may be written while the pass is held.
    pub fn will_change(&self, tree: &'static str, key: &[u8]) {
        if let Some(changed) = &*self.0 {
            changed.lock().unwrap_or_else(PoisonError::into_inner).insert((tree, key.to_vec()));
        }
    }
}

/// The gate keeps the written keys until this is dropped.
#[derive(Debug)]
pub struct Recording<'a>(&'a Gate);

impl Recording<'_> {
    /// What was written since the last time. Whoever told one of these keys has ended the write: the gate is closed for the
    /// moment of the taking.
    #[must_use]
    pub fn take(&self) -> Changed {
        self.0.closed().as_mut().map(take).unwrap_or_default()
    }

    /// The last of it, to a function that runs while no writer is in the gate.
    pub fn last<T>(self, read: impl FnOnce(Changed) -> T) -> T {
        let mut closed = self.0.closed();
        let changed = closed.as_mut().map(take).unwrap_or_default();
        let read = read(changed);
        // Nobody has to keep keys any more when the gate opens.
        *closed = None;
        // Its drop would come after the opening, and could end the recording of whoever is next.
        std::mem::forget(self);
        read
    }
}

fn take(changed: &mut Mutex<Changed>) -> Changed {
    std::mem::take(changed.get_mut().unwrap_or_else(PoisonError::into_inner))
}

impl Drop for Recording<'_> {
    fn drop(&mut self) {
        *self.0.closed() = None;
    }
}
