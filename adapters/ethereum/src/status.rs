//! Where the chain stands.

use adapter_sdk::{
    Imports,
    types::{Error, LedgerStatus},
};
use alloy_primitives::U64;
use serde_json::Value;

use crate::{
    errors::corrupt,
    finality,
    rpc::{self, BlockId, Head, Node},
    settings::Settings,
};

/// Head, finalized block, and whether the node keeps up.
pub(crate) async fn status(settings: &Settings, host: &dyn Imports) -> Result<LedgerStatus, Error> {
    let node = Node::lent(host)?;
    let mut asks = vec![rpc::chain_id(), rpc::syncing(), rpc::peer_count()];
    asks.extend(finality::asks(settings));
    let mut answers = node.ask(asks).await;
    answers.next_chain(settings)?;
    // False, or an object that says how far it has come.
    let syncing: Value = answers.next()?;
    let synced = match syncing {
        Value::Bool(syncing) => !syncing,
        Value::Object(_) => false,
        _ => return Err(corrupt("eth_syncing", "neither false nor an object")),
    };
    let peers: Option<U64> = answers.next_known()?;
    let heights = finality::answered(settings, &mut answers)?;
    let finalized: Head = if heights.last_final == heights.head.number() {
        heights.head.clone()
    } else {
        node.ask(vec![rpc::block(BlockId::Number(heights.last_final))]).await.next()?
    };
    Ok(LedgerStatus {
        head: heights.head.reference(),
        finalized: finalized.reference(),
        synced,
        peers: peers.map_or(0, |peers| u32::try_from(peers.to::<u64>()).unwrap_or(u32::MAX)),
    })
}
