//! Blocks whose bytes can be checked by others.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

use super::{BlockRef, Extension, HashAlgorithm};

/// Bytes that anybody can hash to check a block's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HeaderPreimage {
    /// The exact bytes that hash to the block's hash.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub bytes: Vec<u8>,
    /// The hash to apply.
    pub hash: HashAlgorithm,
    /// The first four bytes of the hash are replaced by the block number (EOS).
    #[cfg_attr(feature = "component", component(name = "number-prefix"))]
    pub number_prefix: bool,
}

/// One transaction of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockEntry {
    /// Its id.
    pub transaction: String,
    /// True: in the block without effect (invalid, duplicate, failed).
    pub failed: Option<bool>,
}

/// A block, as far as the standard looks into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Block {
    /// Number and hash.
    pub reference: BlockRef,
    /// The parent's hash.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub parent: Vec<u8>,
    /// When, by its maker's clock: milliseconds since 1970, UTC.
    #[cfg_attr(feature = "component", component(name = "timestamp-millis"))]
    pub timestamp_millis: Option<u64>,
    /// What hashes to the block's hash.
    pub header: Option<HeaderPreimage>,
    /// In order.
    pub transactions: Vec<BlockEntry>,
    /// Additions.
    pub extensions: Vec<Extension>,
}
