//! What adapters of frameworks with an EVM share. Above all Solidity's types: what a caller gives becomes the bytes of a call, and what
//! a contract gives back becomes JSON. Beside them the preset store, the frame of bytes that come back from outside, and the words for
//! what a node does wrong.
//!
//! Nothing here knows a node's methods, a transaction or a chain. Where the hash of names matters (selectors, topics), the adapter gives it:
//! Keccak-256 on most chains, SM3 on chains with Chinese cryptography.

#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        reason = "tests index what they made; clippy.toml covers test functions only"
    )
)]

mod abi;
mod arguments;
pub mod codec;
mod failure;
mod json;
pub mod preset;
pub mod revert;

use adapter_sdk::types::{Error, ErrorCode};
use alloy_primitives::B256;

pub use abi::{
    address, amount, call_data, creation_data, event, event_json, events, function, results, selector,
};
pub use failure::{corrupt, from_transport};

/// The hash that a chain takes of names: 32 bytes of any bytes.
pub type Hash<'a> = &'a dyn Fn(&[u8]) -> B256;

/// The longest text of a node's or a contract's that is passed on, characters.
const MAX_TEXT: usize = 300;

/// A text of a node's or a contract's, without control characters and bounded.
pub fn readable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT).collect()
}

/// The caller's arguments do not fit.
pub fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}
