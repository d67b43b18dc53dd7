//! Claims about a ledger that can be verified with no endpoint.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

use super::{BlockRef, Event};

/// A place in a contract's storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Slot {
    /// The contract.
    pub contract: String,
    /// The place, in the framework's form.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub key: Vec<u8>,
    /// What is there; none: nothing.
    #[serde(with = "crate::types::hex_bytes::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::types::hex_bytes::Hex>"))]
    pub value: Option<Vec<u8>>,
}

/// What the preset contract holds under a key; none: nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PresetValue {
    /// The key.
    pub key: String,
    /// The value; none: the key has none.
    #[serde(with = "crate::types::hex_bytes::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::types::hex_bytes::Hex>"))]
    pub value: Option<Vec<u8>>,
}

/// Something said of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Claim {
    /// This transaction is in the chain; says nothing of success.
    #[cfg_attr(feature = "component", component(name = "included"))]
    Included(String),
    /// This transaction is in the chain and had its effect.
    #[cfg_attr(feature = "component", component(name = "succeeded"))]
    Succeeded(String),
    /// The event with this very content.
    #[cfg_attr(feature = "component", component(name = "event"))]
    Event(Event),
    /// The preset contract holds this.
    #[cfg_attr(feature = "component", component(name = "preset-value"))]
    PresetValue(PresetValue),
    /// The storage holds this.
    #[cfg_attr(feature = "component", component(name = "slot"))]
    Slot(Slot),
}

/// A claim with what proves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Proof {
    /// The claim.
    pub claim: Claim,
    /// The block that it holds at.
    pub block: BlockRef,
    /// The proof, in the framework's form.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub bytes: Vec<u8>,
}
