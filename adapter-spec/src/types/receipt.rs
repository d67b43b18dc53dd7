//! What became of a transaction, and the events that it made.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

use super::{BlockRef, Confidence, Error, Extension, Output};

/// Something that a contract announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// Stable across deliveries; includes the block hash, and a retraction carries the same id.
    pub id: String,
    /// The contract that announced it.
    pub contract: String,
    /// Its name, or the first topic where the name is not known.
    pub name: String,
    /// As the ledger gave it.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub payload: Vec<u8>,
    /// Decoded, where types are known.
    pub json: Option<String>,
    /// The transaction that made it.
    pub transaction: String,
    /// The block that carries it.
    pub block: BlockRef,
    /// Its place among the events of the block.
    pub index: u32,
    /// The block that carried it has left the chain.
    pub retracted: bool,
    /// Additions.
    pub extensions: Vec<Extension>,
}

/// How far a transaction has come. It never goes back from final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Inclusion {
    /// The ledger has never heard of it.
    #[cfg_attr(feature = "component", component(name = "unknown"))]
    Unknown,
    /// Accepted, in no block.
    #[cfg_attr(feature = "component", component(name = "pending"))]
    Pending,
    /// In a block with this many confirmations; the block itself is the first.
    #[cfg_attr(feature = "component", component(name = "included"))]
    Included(u32),
    /// In a block that cannot disappear.
    #[cfg_attr(feature = "component", component(name = "final"))]
    Final,
    /// It can no longer enter a block, and that is final.
    #[cfg_attr(feature = "component", component(name = "expired"))]
    Expired,
    /// Another transaction took its place, and that is final: its id where it is known, else empty.
    #[cfg_attr(feature = "component", component(name = "superseded"))]
    Superseded(String),
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// Its id.
    pub transaction: String,
    /// How far it has come.
    pub inclusion: Inclusion,
    /// The block that carries it.
    pub block: Option<BlockRef>,
    /// Its place in the block, from 0.
    pub index: Option<u32>,
    /// None until included. A failed execution is an error here, whatever the inclusion.
    #[serde(with = "crate::types::outcome")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::types::outcome::Outcome<Output, Error>>"))]
    pub outcome: Option<Result<Output, Error>>,
    /// The contract or account that a deployment made.
    pub created: Option<String>,
    /// What it announced.
    pub events: Vec<Event>,
    /// Paid, smallest unit, decimal.
    pub fee: Option<String>,
    /// Additions.
    pub extensions: Vec<Extension>,
}

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventFilter {
    /// Only of this contract.
    pub contract: Option<String>,
    /// Only with this name, or signature where the framework needs types.
    pub name: Option<String>,
    /// Interface description to decode with.
    pub abi: Option<String>,
    /// Only from blocks of at least this confidence.
    pub confidence: Confidence,
}

/// Where to start reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum EventStart {
    /// With the first block.
    #[cfg_attr(feature = "component", component(name = "earliest"))]
    Earliest,
    /// After the newest block of the asked confidence: only what comes.
    #[cfg_attr(feature = "component", component(name = "latest"))]
    Latest,
    /// With this block.
    #[cfg_attr(feature = "component", component(name = "block"))]
    Block(u64),
    /// Where an earlier page with the same filter ended.
    #[cfg_attr(feature = "component", component(name = "cursor"))]
    Cursor(
        #[serde(with = "crate::types::hex_bytes")]
        #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
        Vec<u8>,
    ),
}

/// Some events, and where to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventPage {
    /// In the ledger's order; retractions before the events of the blocks that replaced theirs.
    pub events: Vec<Event>,
    /// Where to go on from; readable by every later version of the same major.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub cursor: Vec<u8>,
    /// Everything up to this block has been looked at, whether or not it matched.
    pub scanned: u64,
}
