//! Hashes, verification and signing over the standard's own types, at native speed.
//!
//! Everything that comes in is hostile: what is malformed verifies as false and recovers to nothing, and never
//! panics. A signature has one accepted form only, so that nobody can make a second valid one out of it.

mod hash;
mod input;
mod nothing_lent;
mod recover;
mod secp256k1;
mod signing_key;
mod sm2_identity;
mod typed_data;
mod verify;

pub use hash::hash;
pub use input::InputError;
pub use nothing_lent::NothingLent;
pub use recover::recover;
pub use signing_key::{KeyError, SignError, SigningKey};
pub use sm2_identity::DEFAULT_SM2_ID;
pub use verify::verify;
