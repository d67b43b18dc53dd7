//! The preset contract: a key-value store that every framework offers alike.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

use super::BlockRef;

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoreEntry {
    /// UTF-8, 1 to 255 bytes.
    pub key: String,
    /// May be empty, which differs from no value.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub value: Vec<u8>,
}

/// What the preset store does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StoreOperation {
    /// Fails with already-exists.
    #[cfg_attr(feature = "component", component(name = "insert"))]
    Insert(StoreEntry),
    /// Fails with not-found.
    #[cfg_attr(feature = "component", component(name = "update"))]
    Update(StoreEntry),
    /// Fails with not-found.
    #[cfg_attr(feature = "component", component(name = "delete"))]
    Delete(String),
    /// Fails with not-found.
    #[cfg_attr(feature = "component", component(name = "get"))]
    Get(String),
    /// All versions, oldest first, deletions included; where `preset-history` is declared.
    #[cfg_attr(feature = "component", component(name = "history"))]
    History(String),
}

/// One state of a key; no value: deleted there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoreVersion {
    /// The value; none where the key was deleted.
    #[serde(with = "crate::types::hex_bytes::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::types::hex_bytes::Hex>"))]
    pub value: Option<Vec<u8>>,
    /// The transaction that wrote it.
    pub transaction: String,
    /// The block of that transaction.
    pub block: BlockRef,
}

/// What a store operation came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum StoreAnswer {
    /// Written.
    #[cfg_attr(feature = "component", component(name = "done"))]
    Done,
    /// Of a get.
    #[cfg_attr(feature = "component", component(name = "value"))]
    Value(
        #[serde(with = "crate::types::hex_bytes")]
        #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
        Vec<u8>,
    ),
    /// Oldest first.
    #[cfg_attr(feature = "component", component(name = "history"))]
    History(Vec<StoreVersion>),
}
