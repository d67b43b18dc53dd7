//! The transparency log: every certificate that was ever issued, in one append-only tree that anybody can look through.
//!
//! After C2SP's tlog-tiles, tlog-checkpoint, tlog-proof and signed-note, with the tree hashes of RFC 6962.

pub mod checkpoint;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod store;
mod tiles;
