//! How far a write has come.

use adapter_spec::types::{Error, Receipt, StoreAnswer};
use serde::{Deserialize, Serialize};

/// How far a write has to have come before it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Until {
    /// It is in the journal and was sent, or is going to be.
    #[default]
    Sent,
    /// It is in a block.
    Included,
    /// It is known for good what became of it.
    Settled,
}

/// How far a write has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Written {
    /// The idempotency key.
    pub key: String,
    /// Where it is in the journal.
    pub state: WrittenState,
    /// The transaction's id; none before there is one.
    pub transaction: Option<String>,
    /// What became of it for good; none while that is open.
    pub settlement: Option<Settlement>,
    /// What the ledger said last, where it was heard.
    pub receipt: Option<Receipt>,
    /// What went wrong on the way, if anything did; the node goes on by itself.
    pub trouble: Option<String>,
}

/// Where a write is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WrittenState {
    /// Nothing is signed, so nothing was sent: come again with the same request.
    Begun,
    /// It may take effect, or has, and that can still change.
    UnderWay,
    /// It is known for good what became of it.
    Settled,
}

/// What became of a call, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Settlement {
    /// It was a read, and was answered. There is nothing to send; it may be read again.
    Answered,
    /// It is in a block that cannot disappear.
    Final {
        /// False where its execution failed there.
        succeeded: bool,
    },
    /// It can no longer enter a block.
    Expired,
    /// Another transaction took its place: its id where it is known, else empty.
    Superseded(String),
    /// It was never sent, or refused for good; with the adapter's error. A new attempt needs a new key.
    Never(Error),
}

/// How a store operation went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Stored {
    /// What it came to; none while its transaction is in no block.
    pub answer: Option<StoreAnswer>,
    /// How far its transaction has come; none of a read.
    pub written: Option<Written>,
}
