//! Where the chain stands.

use adapter_sdk::{
    Imports,
    types::{BlockRef, Error, LedgerStatus},
};
use alloy_primitives::B256;
use serde::Deserialize;
use serde_json::Value;

use crate::{errors::corrupt, number, rpc::Node, settings::Settings};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sync {
    is_syncing: bool,
    #[serde(deserialize_with = "number::small")]
    block_number: u64,
    /// Without `0x`.
    latest_hash: String,
    #[serde(default)]
    peers: Vec<Value>,
}

/// The newest block, and whether the node keeps up.
pub(crate) async fn status(settings: &Settings, host: &dyn Imports) -> Result<LedgerStatus, Error> {
    let node = Node::lent(host, settings)?;
    let mut answers = node.ask(vec![node.chain(), node.sync()]).await;
    answers.next_chain(settings)?;
    // Nodes of 3.x give it as a text of JSON.
    let sync = match answers.next::<Value>()? {
        Value::String(text) => serde_json::from_str::<Sync>(&text),
        other => serde_json::from_value(other),
    };
    let malformed = |_| corrupt("getSyncStatus", "not a state of synchronisation");
    let sync = sync.map_err(malformed)?;
    let digits = sync.latest_hash.trim_start_matches("0x");
    let hash: B256 = digits.parse().map_err(|_| corrupt("getSyncStatus", "a hash that is none"))?;
    let head = BlockRef { number: sync.block_number, hash: hash.to_vec() };
    Ok(LedgerStatus {
        finalized: head.clone(),
        head,
        synced: !sync.is_syncing,
        peers: u32::try_from(sync.peers.len()).unwrap_or(u32::MAX),
    })
}
