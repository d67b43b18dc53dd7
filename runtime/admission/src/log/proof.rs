//! Inclusion proofs that need no network (C2SP tlog-proof): index, path and checkpoint in one text.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use thiserror::Error;

use super::{
    checkpoint::{Checkpoint, CheckpointError, base64_digest, decimal},
    merkle::ProofError,
    note::{MAX_NOTE_BYTES, Witness},
};
use crate::digest::Digest;

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Hashes of a path, at most: one for each level of the largest tree.
const MAX_PATH: usize = 64;

/// That an entry is in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// Which entry, counted from 0.
    pub index: u64,
    /// Hashes from the leaf's sibling up.
    pub path: Vec<Digest>,
    /// The signed note that states the root.
    pub checkpoint: String,
}

/// Why an entry is not shown to be in the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LogProofError {
    /// Not a proof's text.
    #[error("not a log proof: {0}")]
    Form(&'static str),
    /// The checkpoint cannot be trusted.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not where the proof says.
    #[error("the entry is not in the log: {0}")]
    NotIncluded(#[from] ProofError),
}

impl LogProof {
    /// Reads a proof's text. Says nothing of what it proves.
    ///
    /// # Errors
    /// [`LogProofError::Form`]
    pub fn parse(text: &str) -> Result<Self, LogProofError> {
        let form = LogProofError::Form;
        if text.len() > MAX_NOTE_BYTES + 8192 {
            return Err(form("too large"));
        }
        let (above, checkpoint) =
            text.split_once("\n\n").ok_or(form("no empty line before the checkpoint"))?;
        let mut lines = above.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(form("another first line"));
        }
        let mut next = lines.next();
        if let Some(extra) = next.and_then(|line| line.strip_prefix("extra ")) {
            // Authenticated by nothing, so it means nothing here.
            STANDARD.decode(extra).map_err(|_| form("the extra data is not base64"))?;
            next = lines.next();
        }
        let index = next.and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(form("no index"))?;
        let path = lines
            .take(MAX_PATH + 1)
            .map(|line| base64_digest(line).ok_or(form("a line that is not base64 of 32 bytes")))
            .collect::<Result<Vec<_>, _>>()?;
        if path.len() > MAX_PATH {
            return Err(form("too many hashes"));
        }
        Ok(LogProof { index, path, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that `entry` is in the log `origin`, as at least `threshold` of the witnesses saw it.
    ///
    /// # Errors
    /// [`LogProofError`]
    pub fn verify(
        &self,
        entry: &[u8],
        origin: &str,
        witnesses: &[Witness],
        threshold: usize,
    ) -> Result<Checkpoint, LogProofError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, origin, witnesses, threshold)?;
        checkpoint.head.check_inclusion(entry, self.index, &self.path)?;
        Ok(checkpoint)
    }
}

impl std::fmt::Display for LogProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{HEADER}\nindex {}\n", self.index)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash.as_bytes()))?;
        }
        f.write_char('\n')?;
        f.write_str(&self.checkpoint)
    }
}
