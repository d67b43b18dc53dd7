//! Blocks whose header bytes hash to their id, signed by enough sealers.

use adapter_sdk::{
    Imports,
    types::{Block, BlockEntry, BlockSelector, Error, ErrorCode},
};
use alloy_primitives::B256;

use crate::{
    errors::{corrupt, invalid},
    merkle, quorum,
    rpc::{BlockId, Node},
    settings::Settings,
    settled,
};

/// A block, checked.
pub(crate) async fn block(
    settings: &Settings,
    host: &dyn Imports,
    selector: &BlockSelector,
) -> Result<Block, Error> {
    let node = Node::lent(host, settings)?;
    let direct = match selector {
        BlockSelector::At(_) => None,
        BlockSelector::Number(number) => Some(BlockId::Number(*number)),
        BlockSelector::Hash(hash) => Some(BlockId::Hash(
            B256::try_from(hash.as_slice()).map_err(|_| invalid("a block's hash has 32 bytes"))?,
        )),
    };
    let mut asks = vec![node.chain(), node.height()];
    asks.extend(direct.map(|id| node.block(id)).unwrap_or_default());
    let mut answers = node.ask(asks).await;
    answers.next_chain(settings)?;
    let head = answers.next_height()?;
    let id = match direct {
        Some(BlockId::Number(number)) if number > head => {
            return Err(settled::beyond(settings, host, number, head).await);
        }
        Some(id) => id,
        None => {
            let id = BlockId::Number(head);
            answers = node.ask(node.block(id)).await;
            id
        }
    };
    let found = answers.next_block(&node, id)?;
    let found = found.ok_or_else(|| match id {
        BlockId::Number(number) => pruned(number),
        BlockId::Hash(_) => Error::new(ErrorCode::NotFound, "the node has no such block"),
    })?;
    let header = &found.header;
    quorum::check(host, settings.crypto, &settings.sealers, header, "getBlockHeader")?;
    let (root, _) = merkle::tree(host, settings.generation, settings.crypto, &found.transactions, 0);
    if !found.transactions.is_empty() && root != header.transactions_root {
        return Err(corrupt("getBlock", "transactions that do not lead to the block's root"));
    }
    let entry = |id: &B256| BlockEntry { transaction: id.to_string(), failed: None };
    Ok(Block {
        reference: header.reference(),
        parent: header.parent.clone(),
        timestamp_millis: Some(header.timestamp),
        header: Some(header.preimage(settings.crypto.algorithm())),
        transactions: found.transactions.iter().map(entry).collect(),
        extensions: Vec::new(),
    })
}

/// The chain has the block, and the node does not any more.
pub(crate) fn pruned(number: u64) -> Error {
    Error::new(ErrorCode::Pruned, format!("the node has dropped block {number}"))
}
