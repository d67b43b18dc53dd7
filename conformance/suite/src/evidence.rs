//! The recordings of a run, from which it can be repeated without a network.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Read as _, Write},
};

use berth_lending::recording::Recording;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{testbed::Testbed, verdict::Verdict};

/// The most bytes of evidence after unpacking.
const MAX_BYTES: u64 = 1 << 30;
/// The most bytes of one check's recordings: twice those of the wordiest check of an honest adapter.
const MAX_RECORDED_CHECK: u64 = 128 << 20;
/// The most bytes of all recordings: nearly twice those of the wordiest honest run. The rest of what evidence may have is
/// the verdict's, which is cut to less.
const MAX_RECORDED: u64 = 768 << 20;
/// zstd's level: a quarter of a second for a run, and a tenth of its bytes.
const LEVEL: i32 = 9;

/// A run, with all that it depended on. Made from test data alone, so nothing in it is a secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Of the form; 1.
    pub version: u32,
    /// What the suite was told.
    pub testbed: Testbed,
    /// Only these clauses or checks were run; empty: all.
    pub only: Vec<String>,
    /// What it came to.
    pub verdict: Verdict,
    /// By check: what its applications were lent, in the order in which they were opened.
    pub recordings: BTreeMap<String, Vec<Recording>>,
}

/// How many bytes of recordings a run may make. An adapter that asks for more cannot fill the memory: its checks are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MostRecorded {
    /// Of one check.
    pub check: u64,
    /// Of all checks together.
    pub run: u64,
}

impl Default for MostRecorded {
    fn default() -> Self {
        MostRecorded { check: MAX_RECORDED_CHECK, run: MAX_RECORDED }
    }
}

/// Why evidence cannot be read.
#[derive(Debug, Error)]
pub enum EvidenceError {
    /// Not packed as evidence is.
    #[error("the evidence cannot be unpacked")]
    Unpack(#[from] io::Error),
    /// Larger than is read.
    #[error("the evidence has more than {most} bytes")]
    TooLarge {
        /// What is read.
        most: u64,
    },
    /// Not of the form.
    #[error("the evidence is malformed")]
    Malformed(#[from] serde_json::Error),
    /// Of another version.
    #[error("the evidence has version {0} of the form, and this program reads version 1")]
    Version(u32),
    /// Its recordings are not those of its verdict.
    #[error("the evidence's recordings have the digest {actual}, and its verdict names {named}")]
    Digest {
        /// What they have.
        actual: String,
        /// What the verdict says.
        named: String,
    },
}

impl Evidence {
    /// Packed with zstd.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn pack(&self) -> Result<Vec<u8>, EvidenceError> {
        // Written piece by piece: the whole as JSON would be hundreds of megabytes once more.
        let mut packed = BufWriter::new(zstd::Encoder::new(Vec::new(), LEVEL)?);
        serde_json::to_writer(&mut packed, self)?;
        let packed = packed.into_inner().map_err(|error| EvidenceError::Unpack(error.into_error()))?;
        Ok(packed.finish()?)
    }

    /// Reads what [`pack`](Self::pack) gives, and looks whether the verdict names these recordings.
    ///
    /// # Errors
    /// See [`EvidenceError`].
    pub fn unpack(packed: &[u8]) -> Result<Self, EvidenceError> {
        Evidence::unpack_at_most(packed, MAX_BYTES)
    }

    /// The same where evidence may have no more than `most` bytes after unpacking.
    ///
    /// # Errors
    /// See [`EvidenceError`].
    pub fn unpack_at_most(packed: &[u8], most: u64) -> Result<Self, EvidenceError> {
        let mut json = Vec::new();
        // One byte more shows that there are more.
        zstd::Decoder::new(packed)?.take(most.saturating_add(1)).read_to_end(&mut json)?;
        if json.len() as u64 > most {
            return Err(EvidenceError::TooLarge { most });
        }
        let evidence: Evidence = serde_json::from_slice(&json)?;
        if evidence.version != 1 {
            return Err(EvidenceError::Version(evidence.version));
        }
        let (actual, named) = (digest(&evidence.recordings), evidence.verdict.evidence.clone());
        if actual != named {
            return Err(EvidenceError::Digest { actual, named });
        }
        Ok(evidence)
    }
}

/// SHA-256 over the JSON of the recordings, hexadecimal.
#[must_use]
pub fn digest(recordings: &BTreeMap<String, Vec<Recording>>) -> String {
    let mut hashed = Hashed(Sha256::new());
    // Recordings always become JSON; were they not to, the digest would be of a part and fit no evidence.
    let _ = serde_json::to_writer(&mut hashed, recordings);
    hex::encode(hashed.0.finalize())
}

/// Hashes what is written, so that hundreds of megabytes of it are nowhere in memory.
struct Hashed(Sha256);

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
