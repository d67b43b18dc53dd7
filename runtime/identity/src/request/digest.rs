//! `Content-Digest` (RFC 9530).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sfv::{Dictionary, ListEntry, Parser};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Why a body is not the one that was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DigestError {
    /// The header does not decode, or has no `sha-256`.
    #[error("Content-Digest is not `sha-256=:…:` (RFC 9530)")]
    Malformed,
    /// The body has another digest.
    #[error("the body is not the one that Content-Digest says")]
    Differs,
}

/// The header's value for this body.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(body)))
}

/// Whether the header's `sha-256` is the body's. Other algorithms in it are not looked at.
///
/// # Errors
/// [`DigestError`]
pub fn check_digest(header: &[u8], body: &[u8]) -> Result<(), DigestError> {
    let digests: Dictionary = Parser::new(header).parse().map_err(|_| DigestError::Malformed)?;
    let Some(ListEntry::Item(item)) = digests.get("sha-256") else { return Err(DigestError::Malformed) };
    let told = item.bare_item.as_byte_sequence().ok_or(DigestError::Malformed)?;
    if told != Sha256::digest(body).as_slice() {
        return Err(DigestError::Differs);
    }
    Ok(())
}
