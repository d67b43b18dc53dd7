//! Certificates of adapters, and who is let in.

pub mod bundle;
pub mod certificate;
pub mod component;
pub mod digest;
pub mod dsse;
pub mod evidence;
mod files;
pub mod json;
pub mod keys;
pub mod log;
pub mod revocation;
pub mod statement;
