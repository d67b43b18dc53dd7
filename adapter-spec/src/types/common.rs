//! What several areas share: growth by extension, references to blocks.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

/// A named addition. Unknown keys are ignored, so that records can grow without breaking built components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Extension {
    /// Name, with the framework or the standard as prefix: `ethereum.gas-used`.
    pub key: String,
    /// Content; its form belongs to the key.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub value: Vec<u8>,
}

/// How sure a reader wants to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u8)]
pub enum Confidence {
    /// The newest block.
    #[cfg_attr(feature = "component", component(name = "latest"))]
    Latest,
    /// Unlikely to disappear, by the ledger's own word.
    #[cfg_attr(feature = "component", component(name = "safe"))]
    Safe,
    /// Cannot disappear.
    #[cfg_attr(feature = "component", component(name = "final"))]
    Final,
}

enum_from_discriminant!(Confidence { Latest, Safe, Final });

/// A block, by number and hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BlockRef {
    /// Height; the first block's is 0 on most ledgers.
    pub number: u64,
    /// The block's hash or id, as the ledger computes it.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub hash: Vec<u8>,
}

/// Which block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum BlockSelector {
    /// The newest one of this confidence.
    #[cfg_attr(feature = "component", component(name = "at"))]
    At(Confidence),
    /// At this height.
    #[cfg_attr(feature = "component", component(name = "number"))]
    Number(u64),
    /// With this hash.
    #[cfg_attr(feature = "component", component(name = "hash"))]
    Hash(
        #[serde(with = "crate::types::hex_bytes")]
        #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
        Vec<u8>,
    ),
}

/// What a contract answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Output {
    /// As the ledger gave it.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub raw: Vec<u8>,
    /// Decoded, where types are known.
    pub json: Option<String>,
}
