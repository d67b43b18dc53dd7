//! Checkpoints (C2SP tlog-checkpoint): a log's origin, size and root, as the text of a signed note.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;

use super::{
    merkle::TreeHead,
    note::{NoteError, SignedNote, Witness},
};
use crate::digest::Digest;

/// What a log is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Its size and root.
    pub head: TreeHead,
}

/// Why a text is not a checkpoint that can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Not a note, or not signed as needed.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The signed text is not a checkpoint's.
    #[error("not a checkpoint: {0}")]
    Form(&'static str),
    /// Of another log.
    #[error("the checkpoint is of the log {found:?}, not of {wanted:?}")]
    OtherLog {
        /// Whose it is.
        found: String,
        /// Whose it has to be.
        wanted: String,
    },
}

impl Checkpoint {
    /// The text that is signed: origin, size, base64 of the root, each on a line of its own.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.head.size, STANDARD.encode(self.head.root.as_bytes()))
    }

    /// Reads the signed text. Extension lines, which may follow the third, are ignored.
    ///
    /// # Errors
    /// [`CheckpointError::Form`]
    pub fn from_text(text: &str) -> Result<Self, CheckpointError> {
        let lines = text.strip_suffix('\n').ok_or(CheckpointError::Form("the last line does not end"))?;
        let mut lines = lines.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Form("fewer than three lines"));
        };
        if origin.is_empty() || lines.any(str::is_empty) {
            return Err(CheckpointError::Form("an empty line"));
        }
        let size = decimal(size).ok_or(CheckpointError::Form("the size is no plain decimal"))?;
        let root = base64_digest(root).ok_or(CheckpointError::Form("the root is not base64 of 32 bytes"))?;
        Ok(Checkpoint { origin: origin.to_owned(), head: TreeHead { size, root } })
    }

    /// Reads a checkpoint of the log `origin` that at least `threshold` of the witnesses signed.
    ///
    /// # Errors
    /// [`CheckpointError`]
    pub fn verify(
        note: &str,
        origin: &str,
        witnesses: &[Witness],
        threshold: usize,
    ) -> Result<Self, CheckpointError> {
        let note = SignedNote::parse(note)?;
        note.verify(witnesses, threshold)?;
        let checkpoint = Self::from_text(&note.text)?;
        if checkpoint.origin != origin {
            return Err(CheckpointError::OtherLog { found: checkpoint.origin, wanted: origin.to_owned() });
        }
        Ok(checkpoint)
    }
}

/// A whole number in its one decimal spelling.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// A digest in standard base64.
pub(crate) fn base64_digest(text: &str) -> Option<Digest> {
    <[u8; 32]>::try_from(STANDARD.decode(text).ok()?).ok().map(Digest::from)
}
