//! A store that a restart forgets: for tests, and for runs that leave nothing behind.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::store::{Page, SequencePage, Store, StoreError, check_key, check_sequence, check_value, paged};

/// A store in memory. Everything is as durable as it gets at once; [`flush`](Store::flush) has nothing to do.
#[derive(Debug, Default)]
pub struct MemoryStore {
    contents: Mutex<Contents>,
}

/// What a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    sequences: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
}

impl Contents {
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Vec<u8>> {
        self.values.get(key)
    }

    pub(crate) fn set(&mut self, key: &[u8], new: Option<&[u8]>) {
        match new {
            Some(new) => self.values.insert(key.to_vec(), new.to_vec()),
            None => self.values.remove(key),
        };
    }

    pub(crate) fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError> {
        let start = prefix.max(from).to_vec();
        let walk = self
            .values
            .range(start..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| Ok((key.clone(), value.clone())));
        let (entries, next) = paged(walk, limit, |(key, value)| key.len() + value.len(), |(key, _)| key)?;
        Ok(Page { entries, next })
    }

    /// The position that the next entry of a sequence gets.
    pub(crate) fn end(&self, sequence: &str) -> u64 {
        let last = self.sequences.get(sequence).and_then(|entries| entries.keys().next_back());
        last.map_or(0, |last| last.saturating_add(1))
    }

    pub(crate) fn put(&mut self, sequence: &str, position: u64, value: &[u8]) {
        self.sequences.entry(sequence.to_string()).or_default().insert(position, value.to_vec());
    }

    pub(crate) fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError> {
        let entries = self.sequences.get(sequence).into_iter().flat_map(|entries| entries.range(from..));
        let walk = entries.map(|(position, value)| Ok((*position, value.clone())));
        let (entries, next) = paged(walk, limit, |(_, value)| value.len(), |(position, _)| position)?;
        Ok(SequencePage { entries, next })
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn holding(contents: Contents) -> Self {
        MemoryStore { contents: Mutex::new(contents) }
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(key)?;
        Ok(self.lock().get(key).cloned())
    }

    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        check_key(key)?;
        new.map_or(Ok(()), check_value)?;
        let mut contents = self.lock();
        let fits = contents.get(key).map(Vec::as_slice) == expected;
        if fits {
            contents.set(key, new);
        }
        Ok(fits)
    }

    async fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError> {
        self.lock().scan(prefix, from, limit)
    }

    async fn append(&self, sequence: &str, value: &[u8]) -> Result<u64, StoreError> {
        check_sequence(sequence)?;
        check_value(value)?;
        let mut contents = self.lock();
        let position = contents.end(sequence);
        contents.put(sequence, position, value);
        Ok(position)
    }

    async fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError> {
        check_sequence(sequence)?;
        self.lock().read(sequence, from, limit)
    }

    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
