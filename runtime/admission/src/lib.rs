//! Certificates of adapters, and who is let in.
//!
//! A certificate says what the conformance suite showed of one file. Certifiers sign it ([`dsse`]), a log that witnesses
//! watch holds it ([`log`]), and a host lets in only what its operator's [`policy`] accepts ([`admit`]). Every format is
//! written down in `FORMATS.md` beside this crate, so that another program could verify the same.
//!
//! Nothing here compiles or runs a component, and nothing waits for a network: all that a verdict needs travels with the
//! file. Start reading at [`verify`], which has the steps in their order.

pub mod admit;
pub mod audit;
pub mod bundle;
pub mod certificate;
pub mod component;
pub mod denial;
pub mod digest;
pub mod dsse;
pub mod evidence;
mod files;
pub mod issue;
pub mod json;
pub mod keys;
pub mod log;
pub mod memory;
pub mod policy;
pub mod revocation;
pub mod statement;
pub mod verify;

pub use admit::{Admission, Admitted, Described, Past, Places, Terms};
pub use bundle::Bundle;
pub use certificate::Certificate;
pub use denial::{Denial, Step};
pub use digest::Digest;
pub use policy::{Mode, Policy};
