//! Recording and replay of every import call.
//!
//! All that is not deterministic enters an adapter through its imports. So a [`Recorder`] around what is lent holds all
//! that a run depended on, and a [`Replayer`] gives the same run again without a network, or tells where it parted.
//! A recording has a bound, its [`Room`]; of a run that needs more there is no recording.

mod exchange;
mod recorder;
mod replayer;
mod room;
mod seal;

use adapter_spec::Function;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use exchange::{Content, Exchange, Import};
pub use recorder::Recorder;
pub use replayer::{Divergence, Leftover, Replayer};
pub use room::Room;
pub use seal::OperatorKey;

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The calls of a run, with all that they asked of their imports and what they got.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// Of the format.
    pub version: u32,
    /// Goes into the digests of what is sealed, so that digests of different recordings tell nothing together. 32 bytes.
    pub salt: Hex,
    /// In the order they began.
    pub calls: Vec<RecordedCall>,
}

/// One call of an adapter's function.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCall {
    /// The function that was called.
    pub function: Function,
    /// What it asked of its imports, in order.
    pub exchanges: Vec<Exchange>,
}

/// Why a recording cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// Larger than the reader allows.
    #[error("the recording has {length} bytes, and at most {allowed} are read")]
    TooLarge {
        /// Its bytes.
        length: usize,
        /// What is allowed.
        allowed: usize,
    },
    /// Of another format.
    #[error("the recording has the format's version {0}, and this program reads version 1")]
    Version(u32),
    /// No recording, or a broken one.
    #[error("the recording is malformed")]
    Malformed(#[from] serde_json::Error),
    /// There was no room for all of it, so there is none.
    #[error("the recording was cut off: there is room for {allowed} bytes, and the adapter asked for more")]
    CutOff {
        /// The bytes that there is room for.
        allowed: u64,
    },
    /// Randomness for a salt or a seal.
    #[error("the system gave no random bytes")]
    Random,
}

impl Recording {
    /// Reads a recording of at most `max_bytes` bytes.
    ///
    /// # Errors
    /// When it is larger, of another version or malformed.
    pub fn from_json(json: &[u8], max_bytes: usize) -> Result<Self, RecordingError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        if json.len() > max_bytes {
            return Err(RecordingError::TooLarge { length: json.len(), allowed: max_bytes });
        }
        // First by itself, so that another version is named, not called malformed.
        let Versioned { version } = serde_json::from_slice(json)?;
        if version != VERSION {
            return Err(RecordingError::Version(version));
        }
        Ok(serde_json::from_slice(json)?)
    }

    /// The recording as JSON.
    ///
    /// # Errors
    /// When memory for it cannot be had in one piece; in practice never.
    pub fn to_json(&self) -> Result<Vec<u8>, RecordingError> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// Bytes; lower-case hexadecimal with `0x` in JSON, as all bytes of the standard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("0x{}", hex::encode(&self.0)))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        hex::decode(digits).map(Hex).map_err(serde::de::Error::custom)
    }
}
