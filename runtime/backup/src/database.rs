//! The database that everything of a node is in.

use std::{
    fs::File,
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use sled::{Db, Tree};

use crate::gate::{Gate, Pass};

/// sled's file in a database's folder.
pub(crate) const DATABASE_FILE: &str = "db";

/// A sled database, the gate that every write to it passes, and a flush that holds against a loss of power too. Copies are the same one.
///
/// sled's own flush hands the log's bytes to the device and waits for them (`sync_file_range`): enough where a process dies. It brings
/// neither the file's length nor what is in the device's cache to rest, so after a loss of power a flushed write could be gone.
/// [`Database::flush`] has the file synchronized as well.
#[derive(Clone)]
pub struct Database {
    opened: Db,
    gate: Arc<Gate>,
    /// None of a database that ends with the process.
    file: Option<Arc<File>>,
    flushes: Arc<Flushes>,
}

/// Flushes that are shared: whoever comes while one is under way waits for the next one, with all others who came meanwhile.
struct Flushes {
    /// How many asked so far.
    asked: AtomicU64,
    /// How many of them have been served, or how a flush failed.
    served: Mutex<Result<u64, String>>,
}

impl Default for Flushes {
    fn default() -> Self {
        Flushes { asked: AtomicU64::new(0), served: Mutex::new(Ok(0)) }
    }
}

impl Database {
    /// Opens the database in a folder, or makes it. It keeps up to `memory` bytes in memory. Blocks.
    ///
    /// # Errors
    /// When the folder cannot be used, another process has it, or what is in it is broken.
    pub fn open(folder: &Path, memory: u64) -> sled::Result<Self> {
        let opened = sled::Config::new().path(folder).cache_capacity(memory).open()?;
        let file = File::open(folder.join(DATABASE_FILE))?;
        // What was just made must not lose its name.
        File::open(folder)?.sync_all()?;
        Ok(Database { opened, gate: Arc::default(), file: Some(Arc::new(file)), flushes: Arc::default() })
    }

    /// One that is gone when the last copy is dropped. For tests.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn temporary() -> sled::Result<Self> {
        let opened = sled::Config::new().temporary(true).open()?;
        Ok(Database { opened, gate: Arc::default(), file: None, flushes: Arc::default() })
    }

    /// A tree of it, which is made where there is none. Whoever writes to it holds a [`Database::pass`] meanwhile.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn tree(&self, name: &str) -> sled::Result<Tree> {
        self.opened.open_tree(name)
    }

    /// The names of its trees.
    #[must_use]
    pub fn tree_names(&self) -> Vec<sled::IVec> {
        self.opened.tree_names()
    }

    /// Into the gate, to write.
    #[must_use]
    pub fn pass(&self) -> Pass<'_> {
        self.gate.pass()
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Returns once everything that was written before is on the disk. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// When the disk fails, now or at an earlier flush. The system tells a failure once, and the next flush would succeed without
    /// what the failed one lost: so nothing more counts as kept until the database is opened anew.
    pub fn flush(&self) -> sled::Result<()> {
        let mine = self.flushes.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut served = self.flushes.served.lock().unwrap_or_else(PoisonError::into_inner);
        match &*served {
            Ok(served) if *served >= mine => return Ok(()),
            Ok(_) => {}
            Err(first) => return Err(io::Error::other(format!("an earlier flush failed: {first}")).into()),
        }
        // Whoever asked until now has written before.
        let asked = self.flushes.asked.load(Ordering::SeqCst);
        // Holds until the flush has ended well, so also where it panics.
        *served = Err("it came to no end".to_owned());
        let flushed = self.flush_now();
        *served = flushed.as_ref().map(|()| asked).map_err(ToString::to_string);
        flushed
    }

    fn flush_now(&self) -> sled::Result<()> {
        self.opened.flush()?;
        let synced: io::Result<()> = self.file.as_ref().map_or(Ok(()), |file| file.sync_data());
        Ok(synced?)
    }
}
