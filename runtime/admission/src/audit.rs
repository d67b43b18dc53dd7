//! The audit log: one JSON line for every decision, each holding the digest of the line before it.
//!
//! Lines are only ever appended, and flushed to disk before the decision takes effect. Whoever changes, drops or inserts a
//! line breaks the chain at that place; whoever cuts lines off the end is found out by [`Memory`](crate::memory::Memory),
//! which keeps the chain's head.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufRead as _, BufReader, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{digest::Digest, files::sync_folder, json};

/// How many of the last lines an open log has at hand.
pub const RECENT: usize = 50;
/// Bytes of one line, at most.
pub const MAX_LINE_BYTES: usize = 64 << 10;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts the lines, from 0.
    pub sequence: u64,
    /// Digest of the line before, without its line feed; all zeros in the first.
    pub previous: Digest,
    /// When it was written.
    pub time: Timestamp,
    /// What was decided.
    pub event: Event,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Event {
    /// A file was let in.
    Admitted {
        /// Digest of the file.
        component: Digest,
        /// Digest of the certificate's payload, where there was one that holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        certificate: Option<Digest>,
        /// The adapter's name, where a certificate says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        adapter: Option<String>,
        /// Its security version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        security_version: Option<u64>,
        /// The policy's mode: `off`, `warn` or `enforce`.
        mode: crate::policy::Mode,
        /// What would have kept it out, had the mode been `enforce`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        warning: Option<String>,
    },
    /// A file was not let in, or what was let in did not go on.
    Denied {
        /// Digest of the file.
        component: Digest,
        /// At which step.
        step: String,
        /// Why.
        reason: String,
    },
    /// Mode `warn` let go on what `enforce` would not have.
    Warned {
        /// Digest of the file.
        component: Digest,
        /// At which step.
        step: String,
        /// Why.
        reason: String,
    },
    /// A revocation list was taken.
    RevocationList {
        /// Its number.
        number: u64,
        /// Digest of its payload.
        list: Digest,
        /// The security versions that it demands, by adapter name.
        minimum_security_versions: std::collections::BTreeMap<String, u64>,
    },
    /// The last line was torn by a crash, and cut off.
    Torn {
        /// How many bytes.
        bytes: u64,
    },
    /// The log is shorter than it was, or another; an operator said to go on.
    Restored {
        /// What was remembered of its head.
        remembered: Head,
    },
}

/// Where a chain ends: how many lines, and the digest of the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of lines.
    pub lines: u64,
    /// Digest of the last, without its line feed; all zeros when there is none.
    pub digest: Digest,
}

impl Head {
    /// The head of a log without a line.
    #[must_use]
    pub fn empty() -> Self {
        Head { lines: 0, digest: Digest::from([0; 32]) }
    }
}

/// Why an audit log cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The file could not be read or written.
    #[error("the audit log {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program writes to it.
    #[error("the audit log {0} is in use by another program")]
    InUse(PathBuf),
    /// A line does not follow from the one before.
    #[error(
        "line {0} of the audit log does not follow from the line before: it was changed, dropped or inserted"
    )]
    Broken(u64),
    /// A line is too long to write.
    #[error("a line of {0} bytes is too long for the audit log")]
    LineTooLarge(usize),
}

/// An audit log, open for appending by this program alone.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: File,
    head: Head,
    /// The last lines, the newest at the back.
    recent: VecDeque<Record>,
    /// Set when a write failed: what is on disk is then not known.
    failed: bool,
}

impl AuditLog {
    /// Opens the log, or makes it; walks through all its lines, and hands each to `each`. A last line that a crash tore is
    /// cut off: it was never flushed, so nothing was done on its word.
    ///
    /// # Errors
    /// [`AuditError`]
    pub fn open(
        path: &Path,
        now: Timestamp,
        mut each: impl FnMut(&Record, Head),
    ) -> Result<Self, AuditError> {
        let failed = |source| AuditError::File { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(AuditError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let mut recent = VecDeque::new();
        let (head, whole_bytes) = walk(&file, path, &mut |record, head| {
            keep(&mut recent, record.clone());
            each(record, head);
        })?;
        let length = file.seek(io::SeekFrom::End(0)).map_err(failed)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(folder).map_err(failed)?;
        let mut log = AuditLog { path: path.to_owned(), file, head, recent, failed: false };
        if length > whole_bytes {
            log.file.set_len(whole_bytes).map_err(failed)?;
            log.append(now, Event::Torn { bytes: length - whole_bytes })?;
        }
        Ok(log)
    }

    /// Reads a log without writing to it: its records in order, and its head.
    ///
    /// # Errors
    /// [`AuditError`]
    pub fn read(path: &Path, mut each: impl FnMut(&Record, Head)) -> Result<Head, AuditError> {
        let file = File::open(path).map_err(|source| AuditError::File { path: path.to_owned(), source })?;
        walk(&file, path, &mut each).map(|(head, _)| head)
    }

    /// Where the chain ends.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Appends a line; it is on disk when this returns.
    ///
    /// # Errors
    /// [`AuditError`]; after a failed write every further one fails too, until the log is opened again.
    pub fn append(&mut self, time: Timestamp, event: Event) -> Result<(), AuditError> {
        let failed = |source| AuditError::File { path: self.path.clone(), source };
        if self.failed {
            return Err(failed(io::Error::other("an earlier write failed")));
        }
        let record = Record { sequence: self.head.lines, previous: self.head.digest, time, event };
        let mut line = serde_json::to_vec(&record).map_err(|error| failed(error.into()))?;
        if line.len() > MAX_LINE_BYTES {
            return Err(AuditError::LineTooLarge(line.len()));
        }
        let digest = Digest::of(&line);
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            let error = failed(source);
            self.failed = true;
            return Err(error);
        }
        self.head = Head { lines: self.head.lines + 1, digest };
        keep(&mut self.recent, record);
        Ok(())
    }

    /// The last lines, at most [`RECENT`], the newest first.
    pub fn recent(&self) -> impl Iterator<Item = &Record> {
        self.recent.iter().rev()
    }
}

fn keep(recent: &mut VecDeque<Record>, record: Record) {
    if recent.len() == RECENT {
        recent.pop_front();
    }
    recent.push_back(record);
}

/// Walks through all whole lines: the head, and how many bytes they have.
fn walk(file: &File, path: &Path, each: &mut impl FnMut(&Record, Head)) -> Result<(Head, u64), AuditError> {
    let failed = |source| AuditError::File { path: path.to_owned(), source };
    let mut reader = BufReader::new(file);
    let mut head = Head::empty();
    let mut whole_bytes = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = io::Read::take(&mut reader, MAX_LINE_BYTES as u64 + 2);
        let length = bounded.read_until(b'\n', &mut line).map_err(failed)? as u64;
        let Some(text) = line.strip_suffix(b"\n") else {
            // Longer than any line that is written is no torn line.
            return if line.len() > MAX_LINE_BYTES + 1 {
                Err(AuditError::Broken(head.lines))
            } else {
                Ok((head, whole_bytes))
            };
        };
        let broken = AuditError::Broken(head.lines);
        let Ok(record) = json::from_slice::<Record>(text, MAX_LINE_BYTES) else { return Err(broken) };
        if record.sequence != head.lines || record.previous != head.digest {
            return Err(broken);
        }
        head = Head { lines: head.lines + 1, digest: Digest::of(text) };
        whole_bytes += length;
        each(&record, head);
    }
}
