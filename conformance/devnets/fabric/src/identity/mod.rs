//! Keys, certificates and the membership checks.

mod authority;
mod key;
mod msp;

pub use authority::{Authority, Role, Subject};
pub use key::Key;
pub use msp::{Identities, Identity, IdentityFault};
