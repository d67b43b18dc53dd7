//! A log on disk, in the layout of C2SP's tlog-tiles: a web server of static files can serve it as it is.
//!
//! `checkpoint`, `tile/<level>/<index>[.p/<width>]` and `tile/entries/<index>[.p/<width>]`; besides them `lock`, which is
//! no part of the log. The checkpoint is written last, and each file is moved into place in whole, so a crash leaves the
//! log as it was before, with perhaps some tiles that no checkpoint speaks of.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    merkle::{MAX_SIZE, Tree},
    note::{MAX_NOTE_BYTES, SignedNote, Witness},
    proof::LogProof,
    tiles,
};
use crate::{
    digest::Digest,
    files::{read_bounded, write_whole},
    keys::PrivateKey,
};

/// Bytes of one entry, at most: what the layout's 16-bit lengths can count.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// Why a log cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// A file could not be read or written.
    #[error("the log's file {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program writes to the log.
    #[error("the log at {0} is in use by another program")]
    InUse(PathBuf),
    /// There is a log already.
    #[error("there is a log at {0} already")]
    Exists(PathBuf),
    /// The checkpoint on disk does not decode.
    #[error("the log's checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The entries on disk are not those of the checkpoint.
    #[error("the log's entries do not come to the root of its checkpoint: it was damaged or tampered with")]
    OtherRoot,
    /// An entry is longer than the layout can hold.
    #[error("an entry of {0} bytes; a log holds at most {MAX_ENTRY_BYTES}")]
    EntryTooLarge(usize),
    /// A name that cannot stand in a signature line or as an origin.
    #[error("{0:?} is no name of a log or witness: white space and + do not belong there")]
    Name(String),
    /// There is no such entry or size.
    #[error("the log has {size} entries; there is no {asked}")]
    OutOfRange {
        /// What was asked for.
        asked: u64,
        /// What there is.
        size: u64,
    },
    /// An earlier write failed half-way; open the log again.
    #[error("an earlier write to the log failed; open it again")]
    Broken,
}

/// A log on disk, open for reading and appending. All entries are held in memory.
#[derive(Debug)]
pub struct Log {
    folder: PathBuf,
    origin: String,
    tree: Tree,
    checkpoint: String,
    broken: bool,
    /// Held while the log is open.
    _lock: File,
}

impl Log {
    /// Makes an empty log; its first checkpoint, of no entry, is signed by the witness.
    ///
    /// # Errors
    /// [`LogError`], also when there is one already.
    pub fn create(folder: &Path, origin: &str, witness: &str, key: &PrivateKey) -> Result<Self, LogError> {
        if !Witness::is_key_name(origin) {
            return Err(LogError::Name(origin.to_owned()));
        }
        let lock = lock(folder)?;
        if folder.join("checkpoint").exists() {
            return Err(LogError::Exists(folder.to_owned()));
        }
        let mut log = Log {
            folder: folder.to_owned(),
            origin: origin.to_owned(),
            tree: Tree::default(),
            checkpoint: String::new(),
            broken: false,
            _lock: lock,
        };
        log.write_checkpoint(witness, key)?;
        Ok(log)
    }

    /// Opens a log and checks that its entries come to its checkpoint's root. Whose signature the checkpoint has is for
    /// [`Log::verify`] to say.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        let lock = lock(folder)?;
        let read = |name: &str, max_bytes| {
            let path = folder.join(name);
            read_bounded(&path, max_bytes).map_err(|source| LogError::File { path, source })
        };
        let not_text = CheckpointError::Form("not UTF-8");
        let checkpoint = String::from_utf8(read("checkpoint", MAX_NOTE_BYTES)?).map_err(|_| not_text)?;
        let note = SignedNote::parse(&checkpoint).map_err(CheckpointError::from)?;
        let Checkpoint { origin, head } = Checkpoint::from_text(&note.text)?;
        if head.size > MAX_SIZE {
            return Err(CheckpointError::Form("a size beyond all logs").into());
        }
        let mut tree = Tree::default();
        for (index, width) in tiles::row(head.size) {
            let bytes = read(
                &tiles::tile_path("entries", index, width),
                tiles::WIDTH as usize * (MAX_ENTRY_BYTES + 2),
            )?;
            for entry in tiles::unbundle(&bytes, width).ok_or(LogError::OtherRoot)? {
                tree.push(entry);
            }
        }
        if tree.head() != head {
            return Err(LogError::OtherRoot);
        }
        Ok(Log { folder: folder.to_owned(), origin, tree, checkpoint, broken: false, _lock: lock })
    }

    /// Checks the signatures of the newest checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError`]
    pub fn verify(&self, witnesses: &[Witness], threshold: usize) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::verify(&self.checkpoint, &self.origin, witnesses, threshold)
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// All entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Vec<u8>] {
        self.tree.entries()
    }

    /// The newest checkpoint, a signed note.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// Appends an entry, has the witness sign the new checkpoint, and says where the entry is. An entry that the log has
    /// already is not appended again. The result is on disk when this returns.
    ///
    /// # Errors
    /// [`LogError`]; after a failed write the log has to be opened again.
    pub fn append(&mut self, entry: &[u8], witness: &str, key: &PrivateKey) -> Result<u64, LogError> {
        let places = self.append_all(&[entry], witness, key)?;
        places.first().copied().ok_or(LogError::Broken)
    }

    /// Appends entries under one new checkpoint, as [`Log::append`] does one.
    ///
    /// # Errors
    /// [`LogError`]; after a failed write the log has to be opened again.
    pub fn append_all(
        &mut self,
        entries: &[&[u8]],
        witness: &str,
        key: &PrivateKey,
    ) -> Result<Vec<u64>, LogError> {
        if self.broken {
            return Err(LogError::Broken);
        }
        if let Some(entry) = entries.iter().find(|entry| entry.len() > MAX_ENTRY_BYTES) {
            return Err(LogError::EntryTooLarge(entry.len()));
        }
        if !Witness::is_key_name(witness) {
            return Err(LogError::Name(witness.to_owned()));
        }
        let older = self.entries().len();
        // From here on memory may be ahead of the disk.
        self.broken = true;
        let mut places = Vec::with_capacity(entries.len());
        for entry in entries {
            let known = self.entries().iter().position(|other| other == entry);
            let place = known.unwrap_or(self.entries().len());
            if known.is_none() {
                self.tree.push(entry.to_vec());
            }
            places.push(place as u64);
        }
        if self.entries().len() > older {
            let files = tiles::new_files(self.entries(), older as u64).ok_or(LogError::Broken)?;
            for file in files {
                let path = self.folder.join(file.path);
                write_whole(&path, &file.bytes).map_err(|source| LogError::File { path, source })?;
            }
            self.write_checkpoint(witness, key)?;
        }
        self.broken = false;
        Ok(places)
    }

    /// Adds another witness's signature to the newest checkpoint.
    ///
    /// # Errors
    /// [`LogError`]
    pub fn cosign(&mut self, witness: &str, key: &PrivateKey) -> Result<(), LogError> {
        if !Witness::is_key_name(witness) {
            return Err(LogError::Name(witness.to_owned()));
        }
        let mut note = SignedNote::parse(&self.checkpoint).map_err(CheckpointError::from)?;
        note.sign(witness, key);
        self.write_note(&note)
    }

    /// The proof that entry `index` is in the log, with the newest checkpoint.
    ///
    /// # Errors
    /// When there is no such entry.
    pub fn prove(&self, index: u64) -> Result<LogProof, LogError> {
        let size = self.entries().len() as u64;
        let path = self.tree.inclusion(index).ok_or(LogError::OutOfRange { asked: index, size })?;
        Ok(LogProof { index, path, checkpoint: self.checkpoint.clone() })
    }

    /// The proof that the log begins with its first `older` entries, for
    /// [`TreeHead::check_consistency`](super::merkle::TreeHead::check_consistency).
    ///
    /// # Errors
    /// When it never had so many.
    pub fn prove_consistency(&self, older: u64) -> Result<Vec<Digest>, LogError> {
        let size = self.entries().len() as u64;
        self.tree.consistency(older).ok_or(LogError::OutOfRange { asked: older, size })
    }

    fn write_checkpoint(&mut self, witness: &str, key: &PrivateKey) -> Result<(), LogError> {
        if !Witness::is_key_name(witness) {
            return Err(LogError::Name(witness.to_owned()));
        }
        let checkpoint = Checkpoint { origin: self.origin.clone(), head: self.tree.head() };
        let mut note = SignedNote::unsigned(checkpoint.to_text());
        note.sign(witness, key);
        self.write_note(&note)
    }

    fn write_note(&mut self, note: &SignedNote) -> Result<(), LogError> {
        let text = note.to_string();
        let path = self.folder.join("checkpoint");
        write_whole(&path, text.as_bytes()).map_err(|source| LogError::File { path, source })?;
        self.checkpoint = text;
        Ok(())
    }
}

fn lock(folder: &Path) -> Result<File, LogError> {
    let path = folder.join("lock");
    let failed = |source| LogError::File { path: path.clone(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::InUse(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
