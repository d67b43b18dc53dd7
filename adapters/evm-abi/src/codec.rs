//! Versioned bytes that come back from outside: continuations, tracking, cursors, state.
//!
//! A byte for the kind, a byte for the version, then RLP. RLP is strict and bounded by its input, and every decoder
//! here refuses what is left over.

use adapter_sdk::types::{Error, ErrorCode};
use alloy_rlp::{Decodable, Encodable};

use crate::invalid;

/// Kind, version and content.
pub fn encode(kind: u8, version: u8, content: &impl Encodable) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + content.length());
    out.extend_from_slice(&[kind, version]);
    content.encode(&mut out);
    out
}

/// Reads what [`encode`] wrote; `what` names it in errors.
///
/// # Errors
/// `invalid-argument` where it is of another kind or version or does not decode.
pub fn decode<T: Decodable>(kind: u8, version: u8, bytes: &[u8], what: &str) -> Result<T, Error> {
    let content = match bytes {
        [k, v, content @ ..] if *k == kind && *v == version => content,
        _ => return Err(invalid(format!("{what} is not of this adapter, or of another version"))),
    };
    alloy_rlp::decode_exact(content).map_err(|error| invalid(format!("{what} does not decode: {error}")))
}

/// As [`decode`], of what the adapter itself wrote to the host's store. What does not decode is left as it is: another
/// version can read it, and guessing could use a nonce twice.
///
/// # Errors
/// `unavailable`, with what to do about the state.
pub fn decode_state<T: Decodable>(kind: u8, version: u8, bytes: &[u8], what: &str) -> Result<T, Error> {
    decode(kind, version, bytes, what).map_err(|error| {
        Error::new(
            ErrorCode::Unavailable,
            format!(
                "{}; it is in the application's state: go back to the adapter's version that wrote it, or restore the \
                 state from a backup",
                error.message
            ),
        )
    })
}
