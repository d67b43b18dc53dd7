//! Why there is no backup, or nothing was put back.

use std::{io, path::PathBuf};

use jiff::Timestamp;
use thiserror::Error;

use crate::format::VERSION;

/// Why there is no backup, or nothing was put back. [`BackupError::next`] says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file does not begin like a backup.
    #[error("this is no backup of a node")]
    NotABackup,
    /// A later version of this program wrote it.
    #[error("the backup has the format's version {found}, and this program reads {VERSION}")]
    NewerVersion {
        /// What the file says.
        found: u32,
    },
    /// The file ends before its end.
    #[error("the backup is cut short after {at} bytes")]
    Truncated {
        /// Bytes that were read.
        at: u64,
    },
    /// The file is not what was written.
    #[error("the backup is damaged: {what} (byte {at})")]
    Damaged {
        /// What does not fit.
        what: &'static str,
        /// Where, in bytes from the start.
        at: u64,
    },
    /// A file that every node has is not in the backup.
    #[error("the backup has no {file}")]
    Incomplete {
        /// Its name.
        file: &'static str,
    },
    /// The file was another when it was read the second time.
    #[error("the backup was changed while it was being put back; nothing was put back")]
    Changed,
    /// Something of the store is longer than anything that a node writes.
    #[error("{what} in the store is longer than any that a node writes")]
    TooLong {
        /// What.
        what: &'static str,
    },
    /// Another backup of this node is being made.
    #[error("another backup of this node is being made")]
    Busy,
    /// A node uses the folder.
    #[error("a node is running on {}", folder.display())]
    Running {
        /// The state's folder.
        folder: PathBuf,
    },
    /// There is nothing to copy.
    #[error("there is no node's store in {}", folder.display())]
    Nothing {
        /// The state's folder.
        folder: PathBuf,
    },
    /// There is something where the backup would be put.
    #[error("there is something in {} already", folder.display())]
    Occupied {
        /// The state's folder.
        folder: PathBuf,
    },
    /// There is a file where the backup would be written.
    #[error("{} is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The machine.
    #[error("{what}")]
    Machine {
        /// What could not be done.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database.
    #[error("the store cannot be {what}")]
    Store {
        /// What was to be done with it.
        what: &'static str,
        /// Why it was not.
        #[source]
        source: sled::Error,
    },
    /// The old folder was moved aside, and neither could the new one be put in its place nor the old one be moved back.
    #[error("the old folder was moved to {}, and could not be moved back", aside.display())]
    Between {
        /// Where the old folder is.
        aside: PathBuf,
        /// Why the new one could not be put in its place.
        #[source]
        source: io::Error,
    },
}

impl BackupError {
    /// What to do about it, a sentence or two.
    #[must_use]
    pub fn next(&self) -> &'static str {
        match self {
            BackupError::NotABackup => "Name a file that `berth node backup` wrote. Nothing was written.",
            BackupError::NewerVersion { .. } => {
                "Take the version of berth that wrote it, or a later one. Nothing was written."
            }
            BackupError::Truncated { .. } | BackupError::Damaged { .. } | BackupError::Incomplete { .. } => {
                "Take another copy of it, or an earlier backup. Nothing was written."
            }
            BackupError::Changed => "Copy it to a place where nobody writes, and try again.",
            BackupError::TooLong { .. } => "Look at the disk; the store may be damaged.",
            BackupError::Busy => "Wait for its end.",
            BackupError::Running { .. } => "Stop the node first. Nothing was written.",
            BackupError::Nothing { .. } => "Check `state` in the configuration.",
            BackupError::Occupied { .. } => {
                "With --force it is moved aside, and nothing of it is deleted. Nothing was written."
            }
            BackupError::Exists { .. } => "Choose another name; a backup never replaces a file.",
            BackupError::Machine { .. } | BackupError::Store { .. } => {
                "Look at the disk: room, permissions, the path."
            }
            BackupError::Between { .. } => "Move it back by hand.",
        }
    }
}

/// The machine did not do it.
pub(crate) fn machine(what: impl Into<String>) -> impl FnOnce(io::Error) -> BackupError {
    let what = what.into();
    move |source| BackupError::Machine { what, source }
}

/// The database did not do it.
pub(crate) fn store(what: &'static str) -> impl FnOnce(sled::Error) -> BackupError {
    move |source| BackupError::Store { what, source }
}

/// A time as the file has it.
pub(crate) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}
