//! A store whose machine stops at a chosen point, for tests of whatever relies on a store.

use std::{
    future::{Future, pending},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    memory_store::{Contents, MemoryStore},
    store::{Page, SequencePage, Store, StoreError, check_key, check_sequence, check_value},
};

/// When everything stops. It counts steps; at the chosen one nothing goes on any more: no answer comes, nothing runs.
#[derive(Debug)]
pub struct Crash {
    at: u64,
    steps: AtomicU64,
    crashed: watch::Sender<bool>,
}

impl Crash {
    /// Stops after this many steps: 1 for the first. After `u64::MAX` steps: never.
    #[must_use]
    pub fn after(steps: u64) -> Arc<Self> {
        Arc::new(Crash { at: steps, steps: AtomicU64::new(0), crashed: watch::Sender::new(false) })
    }

    /// A step has been made: what it did outside is done, and nobody has been told. Does not return if it was the last.
    pub async fn step(&self) {
        if self.steps.fetch_add(1, Ordering::SeqCst).saturating_add(1) >= self.at {
            self.crashed.send_replace(true);
        }
        self.alive().await;
    }

    /// Does not return once everything has stopped. To be called before a step does anything.
    pub async fn alive(&self) {
        if *self.crashed.borrow() {
            pending::<()>().await;
        }
    }

    /// Steps made so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }

    /// Runs `work` up to the crash; none if it did not get to its end.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut crashed = self.crashed.subscribe();
        tokio::select! {
            biased;
            _ = crashed.wait_for(|crashed| *crashed) => None,
            result = work => Some(result),
        }
    }
}

/// A store in memory that forgets at a crash what was not flushed. Each call of the store is one step of its [`Crash`].
#[derive(Debug)]
pub struct CrashStore {
    crash: Arc<Crash>,
    disk: Mutex<Disk>,
}

#[derive(Debug, Default)]
struct Disk {
    /// What readers see.
    seen: Contents,
    /// What a crash leaves for certain.
    durable: Contents,
    /// What was written since, in order.
    unflushed: Vec<Write>,
}

#[derive(Clone, Debug)]
enum Write {
    Set { key: Vec<u8>, new: Option<Vec<u8>> },
    Put { sequence: String, position: u64, value: Vec<u8> },
}

impl Write {
    fn apply(&self, contents: &mut Contents) {
        match self {
            Write::Set { key, new } => contents.set(key, new.as_deref()),
            Write::Put { sequence, position, value } => contents.put(sequence, *position, value),
        }
    }
}

impl Disk {
    fn write(&mut self, write: Write) {
        write.apply(&mut self.seen);
        self.unflushed.push(write);
    }
}

impl CrashStore {
    /// An empty store.
    #[must_use]
    pub fn new(crash: Arc<Crash>) -> Self {
        CrashStore { crash, disk: Mutex::default() }
    }

    /// How many writes no flush has followed.
    #[must_use]
    pub fn unflushed(&self) -> usize {
        self.lock().unflushed.len()
    }

    /// What a crash leaves for certain now.
    #[must_use]
    pub fn durable(&self) -> MemoryStore {
        MemoryStore::holding(self.lock().durable.clone())
    }

    /// The store as it is found after a restart: of the unflushed writes those are left whose number, from 0,
    /// `survives`.
    #[must_use]
    pub fn restarted(&self, crash: Arc<Crash>, mut survives: impl FnMut(usize) -> bool) -> CrashStore {
        let disk = self.lock();
        let mut durable = disk.durable.clone();
        for (_, write) in disk.unflushed.iter().enumerate().filter(|(number, _)| survives(*number)) {
            write.apply(&mut durable);
        }
        CrashStore { crash, disk: Mutex::new(Disk { seen: durable.clone(), durable, unflushed: Vec::new() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step: what it does, then perhaps the crash.
    async fn step<T>(&self, work: impl FnOnce(&mut Disk) -> T) -> T {
        self.crash.alive().await;
        let result = work(&mut self.lock());
        self.crash.step().await;
        result
    }
}

#[async_trait]
impl Store for CrashStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        check_key(key)?;
        Ok(self.step(|disk| disk.seen.get(key).cloned()).await)
    }

    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        check_key(key)?;
        new.map_or(Ok(()), check_value)?;
        let swap = |disk: &mut Disk| {
            let fits = disk.seen.get(key).map(Vec::as_slice) == expected;
            if fits {
                disk.write(Write::Set { key: key.to_vec(), new: new.map(<[u8]>::to_vec) });
            }
            fits
        };
        Ok(self.step(swap).await)
    }

    async fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError> {
        self.step(|disk| disk.seen.scan(prefix, from, limit)).await
    }

    async fn append(&self, sequence: &str, value: &[u8]) -> Result<u64, StoreError> {
        check_sequence(sequence)?;
        check_value(value)?;
        let append = |disk: &mut Disk| {
            let position = disk.seen.end(sequence);
            disk.write(Write::Put { sequence: sequence.to_string(), position, value: value.to_vec() });
            position
        };
        Ok(self.step(append).await)
    }

    async fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError> {
        check_sequence(sequence)?;
        self.step(|disk| disk.seen.read(sequence, from, limit)).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        let flush = |disk: &mut Disk| {
            disk.durable = disk.seen.clone();
            disk.unflushed.clear();
        };
        self.step(flush).await;
        Ok(())
    }
}
