//! One import call: what was asked, and what came.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Hex;

/// An import of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each case is the function of the same name in `Imports`, or of a stream")]
pub enum Import {
    LentAs,
    Http,
    JsonRpc,
    Grpc,
    GrpcStream,
    GrpcStreamNext,
    ServicePublicKey,
    ServiceSign,
    Hash,
    Verify,
    Recover,
    StateGet,
    StateSwap,
    NowMillis,
    Random,
    Log,
}

/// One import call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Which import.
    pub import: Import,
    /// Its arguments.
    pub request: Content,
    /// What it returned; none when the call ended before that.
    pub answer: Option<Content>,
}

/// Arguments or an answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// As JSON, byte for byte.
    Clear(Box<RawValue>),
    /// Sensitive, so only its digest; and its bytes for whoever has the operator's key.
    Sealed {
        /// SHA-256 over the recording's salt and the JSON.
        digest: Hex,
        /// XChaCha20-Poly1305: 24 bytes of nonce, then the ciphertext of the JSON. None without an operator's key.
        ciphertext: Option<Hex>,
    },
}

impl Content {
    /// How many bytes it has as JSON, its names and brackets aside.
    pub(super) fn length(&self) -> usize {
        match self {
            Content::Clear(json) => json.get().len(),
            Content::Sealed { digest, ciphertext } => {
                // Two digits for each byte.
                2 * (digest.0.len() + ciphertext.as_ref().map_or(0, |hex| hex.0.len()))
            }
        }
    }
}
