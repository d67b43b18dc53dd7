//! Entries as this journal wrote them last, so that the next change of one need not read it first.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, MutexGuard, PoisonError},
};

use lru::LruCache;

use crate::{entry::Entry, key::EntryKey};

/// How many entries; most calls come to their end while far fewer are under way.
const CAPACITY: NonZeroUsize = NonZeroUsize::new(1 << 10).unwrap();
/// Longer ones are read again instead: all of them together stay below 32 MiB.
const MAX_BYTES: usize = 16 << 10;

/// An entry, and the bytes in the store that it is.
pub(crate) type Kept = (Entry, Vec<u8>);

/// What the store held a moment ago. Others may have changed it since, so it is only good for a comparison that finds out.
pub(crate) struct Recent(Mutex<LruCache<EntryKey, Kept>>);

impl Recent {
    pub(crate) fn new() -> Self {
        Recent(Mutex::new(LruCache::new(CAPACITY)))
    }

    pub(crate) fn put(&self, entry: &Entry, bytes: Vec<u8>) {
        if bytes.len() <= MAX_BYTES {
            self.lock().put(entry.key.clone(), (entry.clone(), bytes));
        }
    }

    pub(crate) fn take(&self, key: &EntryKey) -> Option<Kept> {
        self.lock().pop(key)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<EntryKey, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
