//! How the journal fails.

use thiserror::Error;

use crate::{
    journal::{MAX_ENVELOPE, MAX_REPLACEMENTS, MAX_TRANSACTION},
    key::EntryKey,
    store::StoreError,
};

/// Why the journal could not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The store below failed. Nothing that was not confirmed before counts as journalled.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no randomness for a salt.
    #[error("the system gives no randomness for a salt: {0}")]
    Salt(#[source] getrandom::Error),
    /// An entry does not decode: look at the disk, restore a backup. Nothing is sent for this key.
    #[error("the journal's entry {key} is damaged: {source}")]
    Damaged {
        /// Which.
        key: EntryKey,
        /// What does not decode.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An entry has another form, of a later version of this program: run that one.
    #[error("the journal's entry {key} has the form {version}, which this version does not know")]
    Version {
        /// Which.
        key: EntryKey,
        /// Its form.
        version: u32,
    },
    /// There is no such entry: it was never begun, or not kept any longer. Begin.
    #[error("the call {key} was not begun, or so long ago that it is forgotten")]
    NotBegun {
        /// Which.
        key: EntryKey,
    },
    /// The envelope is larger than any that is kept: it is not sent.
    #[error(
        "an envelope has at most {MAX_ENVELOPE} bytes and an id of {MAX_TRANSACTION}, not {bytes} and {id}"
    )]
    Envelope {
        /// Bytes of bytes and tracking.
        bytes: usize,
        /// Bytes of the id.
        id: usize,
    },
    /// What should be replaced has no envelope that could still take effect, or too many replacements.
    #[error("the call {key} has nothing to replace, or was replaced {MAX_REPLACEMENTS} times already")]
    NothingToReplace {
        /// Which.
        key: EntryKey,
    },
}
