//! Who somebody is.
//!
//! - [`Authority`]: the node's certificate authority. It enrols participants from certificate signing requests, and makes the
//!   certificate that the node shows itself.
//! - [`MasterKey`]: seals what the node keeps and nobody else may read: the authority's key, keys held in trust,
//!   continuations.
//! - [`request`]: requests that their sender signed, after HTTP Message Signatures (RFC 9421), and the refusal of those
//!   that were seen before.
//!
//! A participant is known by the [`Fingerprint`] of the certificate that the authority gave them. Who is revoked is not
//! kept here: whoever keeps the participants asks for each request whether the fingerprint is still theirs.

mod authority;
mod certificate_request;
mod fingerprint;
mod master_key;
pub mod request;

pub use authority::{Authority, AuthorityError, Enrolled, Issued, MAX_REQUEST, check_name};
pub use certificate_request::certificate_request;
pub use fingerprint::Fingerprint;
pub use master_key::{MasterKey, MasterKeyError, SealError};
