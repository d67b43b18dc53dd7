//! Requests that their sender signed.
//!
//! A strict part of HTTP Message Signatures (RFC 9421) with one algorithm, `ecdsa-p256-sha256`, and `Content-Digest` (RFC
//! 9530) with one hash, `sha-256`. A signed request covers at least `@method`, `@authority`, `@path` and `@query`, its
//! `content-digest` where it has a body, and its `idempotency-key` where it has one; and it has the parameters `created`,
//! `keyid` (the [`Fingerprint`](crate::Fingerprint) of the sender's certificate) and `nonce`, and may have `expires`.
//!
//! [`Presented::of`] reads what a request says; [`Presented::verify`] looks whether the key signed it; [`Nonces`] refuses
//! what is stale or was seen before. `sign` is the sender's side: of participants, and with
//! [`sign_message`] of whoever signs something else, as the gateway its webhooks.

mod digest;
mod nonces;
mod sign;
mod signature;

pub use digest::{DigestError, check_digest, content_digest};
pub use nonces::{Nonces, Refused};
pub use sign::{Said, Signer, SignerError, sign_message};
pub use signature::{MAX_NONCE, Presented, SignatureError};
