//! A store whose disk begins to fail at a chosen point.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use adapter_spec::async_trait;
use berth_journal::{Crash, CrashStore, MemoryStore, Page, SequencePage, Store, StoreError};

/// How the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is full: what is written is not there.
    Full,
    /// It is full, which shows only when what was written is to be on the disk. Until then readers see it.
    FullAtTheFlush,
    /// The write is there, and the store says that it failed: it does not know.
    FullAfterTheWrite,
    /// The file system is mounted read-only, as systems do after an error of the disk.
    ReadOnly,
}

impl Fault {
    pub const ALL: [Fault; 4] =
        [Fault::Full, Fault::FullAtTheFlush, Fault::FullAfterTheWrite, Fault::ReadOnly];

    fn error(self, what: &'static str) -> StoreError {
        let kind = match self {
            Fault::ReadOnly => io::ErrorKind::ReadOnlyFilesystem,
            Fault::Full | Fault::FullAtTheFlush | Fault::FullAfterTheWrite => io::ErrorKind::StorageFull,
        };
        StoreError::Failed { what, source: Box::new(io::Error::from(kind)) }
    }
}

/// Writes, appends and flushes are counted; from the chosen one on all fail until the disk is repaired.
pub struct FailingStore {
    store: CrashStore,
    fault: Mutex<Option<Fault>>,
    /// Until the first failure.
    left: AtomicU64,
    failed: AtomicU64,
}

impl FailingStore {
    pub fn new() -> Arc<Self> {
        Arc::new(FailingStore {
            store: CrashStore::new(Crash::after(u64::MAX)),
            fault: Mutex::default(),
            left: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// From now on the first `left` writes and flushes go well.
    pub fn fail_after(&self, left: u64, fault: Fault) {
        self.failed.store(0, Ordering::SeqCst);
        self.left.store(left, Ordering::SeqCst);
        *self.fault.lock().unwrap() = Some(fault);
    }

    /// The disk is well again. Tells how often it has failed.
    pub fn repair(&self) -> u64 {
        *self.fault.lock().unwrap() = None;
        self.failed.load(Ordering::SeqCst)
    }

    /// The store as a crash leaves it now: without what no flush has followed.
    pub fn restarted(&self) -> Arc<Self> {
        Arc::new(FailingStore {
            store: self.store.restarted(Crash::after(u64::MAX), |_| false),
            fault: Mutex::default(),
            left: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        })
    }

    /// What a crash leaves for certain now.
    pub fn durable(&self) -> MemoryStore {
        self.store.durable()
    }

    /// The fault, where this write or flush meets it.
    fn step(&self) -> Option<Fault> {
        let fault = *self.fault.lock().unwrap();
        let fault = fault?;
        let well = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if well.is_ok() {
            return None;
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        Some(fault)
    }
}

#[async_trait]
impl Store for FailingStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key).await
    }

    async fn compare_and_set(
        &self,
        key: &[u8],
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<bool, StoreError> {
        match self.step() {
            None | Some(Fault::FullAtTheFlush) => self.store.compare_and_set(key, expected, new).await,
            Some(fault) => {
                if fault == Fault::FullAfterTheWrite {
                    self.store.compare_and_set(key, expected, new).await?;
                }
                Err(fault.error("write"))
            }
        }
    }

    async fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Page, StoreError> {
        self.store.scan(prefix, from, limit).await
    }

    async fn append(&self, sequence: &str, value: &[u8]) -> Result<u64, StoreError> {
        match self.step() {
            None | Some(Fault::FullAtTheFlush) => self.store.append(sequence, value).await,
            Some(fault) => Err(fault.error("append")),
        }
    }

    async fn read(&self, sequence: &str, from: u64, limit: usize) -> Result<SequencePage, StoreError> {
        self.store.read(sequence, from, limit).await
    }

    async fn flush(&self) -> Result<(), StoreError> {
        match self.step() {
            None => self.store.flush().await,
            Some(fault) => Err(fault.error("flush")),
        }
    }
}
