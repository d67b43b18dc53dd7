//! The database that everything of a node is in.

use std::{fs::File, io, path::Path, sync::Arc};

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
        Ok(Database { opened, gate: Arc::default(), file: Some(Arc::new(file)) })
    }

    /// One that is gone when the last copy is dropped. For tests.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn temporary() -> sled::Result<Self> {
        let opened = sled::Config::new().temporary(true).open()?;
        Ok(Database { opened, gate: Arc::default(), file: None })
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
    /// When the disk fails. Nothing that was not flushed before counts as kept then: the system tells a failure once.
    pub fn flush(&self) -> sled::Result<()> {
        self.opened.flush()?;
        let synced: io::Result<()> = self.file.as_ref().map_or(Ok(()), |file| file.sync_data());
        Ok(synced?)
    }
}
