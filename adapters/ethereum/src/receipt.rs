//! What became of a transaction.

use adapter_sdk::{
    Imports,
    types::{BlockRef, Error, ErrorCode, Event, Extension, Inclusion, Output, Receipt},
};
use alloy_primitives::{Address, B256, Bytes, U64, U256, hex};
use serde::Deserialize;

use crate::{
    continuation::Tracking,
    errors::corrupt,
    finality::{self, Heights},
    nonces,
    rpc::{self, BlockId, Head, Log, LogPlace, Message, Node, TransactionInfo},
    settings::Settings,
    transaction,
};

const METHOD: &str = "eth_getTransactionReceipt";

/// The node's receipt.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeReceipt {
    transaction_hash: B256,
    transaction_index: U64,
    block_hash: B256,
    block_number: U64,
    /// From Byzantium on: 1 or 0.
    status: Option<U64>,
    gas_used: U256,
    effective_gas_price: Option<U256>,
    contract_address: Option<Address>,
    logs: Vec<Log>,
}

/// A receipt with nothing in it but how far the transaction has come.
fn empty(id: B256, inclusion: Inclusion) -> Receipt {
    Receipt {
        transaction: id.to_string(),
        inclusion,
        block: None,
        index: None,
        outcome: None,
        created: None,
        events: Vec::new(),
        fee: None,
        extensions: Vec::new(),
    }
}

/// What became of a transaction. Its id binds the chain's, so the node's is not asked for.
pub(crate) async fn receipt(
    settings: &Settings,
    host: &dyn Imports,
    transaction: &str,
    tracking: &[u8],
) -> Result<Receipt, Error> {
    let id = transaction::parse_id(transaction)?;
    let tracking = Tracking::decode(tracking)?;
    let node = Node::lent(host)?;
    // Up to here receipts were answered for good. Only one that may be among them asks how far this node is, and asks
    // first: a node that is behind now may not be any more when it is asked afterwards.
    let remembered = finality::remembered(settings, host).await?;
    let among = remembered > 0 && tracking.as_ref().is_none_or(|tracking| tracking.first_block <= remembered);
    let behind = among && finality::last_final(settings, &node).await? < remembered;
    let (receipt, settled) = look(settings, host, &node, id, tracking.as_ref()).await?;
    let taken_back = match (&receipt.inclusion, &receipt.block) {
        (Inclusion::Final, _) => false,
        (_, Some(block)) => block.number <= remembered,
        (_, None) => behind,
    };
    if taken_back {
        return Err(Error::retryable(
            ErrorCode::Unavailable,
            format!(
                "the node is behind: block {remembered} was final already; ask again later, or another node"
            ),
        ));
    }
    if let Some(height) = settled.filter(|height| *height > remembered) {
        finality::remember(settings, host, height).await?;
    }
    Ok(receipt)
}

/// The receipt as this node has it, and the height of the final block that makes it one for good.
async fn look(
    settings: &Settings,
    host: &dyn Imports,
    node: &Node<'_>,
    id: B256,
    tracking: Option<&Tracking>,
) -> Result<(Receipt, Option<u64>), Error> {
    // Most looks find nothing yet, so they ask for little.
    let found: Option<NodeReceipt> = node.ask(vec![rpc::receipt(id)]).await.next_known()?;
    if let Some(found) = found {
        let heights = heights(settings, node).await?;
        if let Some(receipt) = included(node, &heights, id, found).await? {
            return Ok(receipt);
        }
    }
    let info: Option<TransactionInfo> = node.ask(vec![rpc::transaction(id)]).await.next_known()?;
    if info.as_ref().is_some_and(|info| info.hash != id) {
        return Err(corrupt("eth_getTransactionByHash", "another transaction"));
    }
    match (info, tracking) {
        (Some(_), _) => Ok((empty(id, Inclusion::Pending), None)),
        (None, Some(tracking)) => superseded(settings, host, node, id, tracking).await,
        (None, None) => Ok((empty(id, Inclusion::Unknown), None)),
    }
}

async fn heights(settings: &Settings, node: &Node<'_>) -> Result<Heights, Error> {
    finality::answered(settings, &mut node.ask(finality::asks(settings)).await)
}

/// The node knows nothing of it: another transaction may have used its nonce, for good once that one is final.
async fn superseded(
    settings: &Settings,
    host: &dyn Imports,
    node: &Node<'_>,
    id: B256,
    tracking: &Tracking,
) -> Result<(Receipt, Option<u64>), Error> {
    let unknown = || Ok((empty(id, Inclusion::Unknown), None));
    let (sender, nonce) = (tracking.sender, U64::from(tracking.nonce));
    let count: U64 = node.ask(vec![rpc::transaction_count(sender, BlockId::Latest)]).await.next()?;
    if count <= nonce {
        return unknown();
    }
    // The count was asked after the receipt; in between it may have been this very transaction that raised it.
    let book = nonces::read(host, settings.chain_id, sender).await?;
    let others = book.alternatives(id);
    let asks = std::iter::once(id).chain(others.iter().copied()).map(rpc::receipt).collect();
    let mut answers = node.ask(asks).await;
    let own: Option<NodeReceipt> = answers.next_known()?;
    let heights = heights(settings, node).await?;
    if let Some(found) = own {
        let receipt = included(node, &heights, id, found).await?;
        return Ok(receipt.unwrap_or_else(|| (empty(id, Inclusion::Pending), None)));
    }
    for other in others {
        let Some(found) = answers.next_known::<NodeReceipt>()? else { continue };
        return match inclusion(node, &heights, other, &found).await? {
            Some(Inclusion::Final) => {
                let receipt = empty(id, Inclusion::Superseded(other.to_string()));
                Ok((receipt, Some(found.block_number.to())))
            }
            _ => unknown(),
        };
    }
    // Another program's, whose id nobody tells: its nonce is used in the final part of the chain, or not yet.
    let last = heights.last_final;
    let asked = node.ask(vec![rpc::transaction_count(sender, BlockId::Number(last))]).await.next::<U64>();
    match asked {
        Ok(count) if count > nonce => Ok((empty(id, Inclusion::Superseded(String::new())), Some(last))),
        Ok(_) => unknown(),
        // A node that keeps few states may have dropped that of the final block: then it is not known yet.
        Err(error) if matches!(error.code, ErrorCode::Pruned | ErrorCode::NotFound) => unknown(),
        Err(error) => Err(error),
    }
}

/// How far it has come in, if the block that its receipt names is the chain's at its height.
async fn inclusion(
    node: &Node<'_>,
    heights: &Heights,
    id: B256,
    found: &NodeReceipt,
) -> Result<Option<Inclusion>, Error> {
    if found.transaction_hash != id {
        return Err(corrupt(METHOD, "the receipt of another transaction"));
    }
    let number: u64 = found.block_number.to();
    let is_block = |block: &Head| block.hash == found.block_hash && block.number() == number;
    // The newest block is the chain's; any other has to be looked up.
    if !is_block(&heights.head) {
        let canonical: Option<Head> =
            node.ask(vec![rpc::block(BlockId::Number(number))]).await.next_known()?;
        if !canonical.as_ref().is_some_and(is_block) {
            return Ok(None);
        }
    }
    if number <= heights.last_final {
        return Ok(Some(Inclusion::Final));
    }
    let confirmations = heights.head.number().saturating_sub(number).saturating_add(1);
    Ok(Some(Inclusion::Included(u32::try_from(confirmations).unwrap_or(u32::MAX))))
}

/// The receipt, if the block that it names is the chain's at its height.
async fn included(
    node: &Node<'_>,
    heights: &Heights,
    id: B256,
    found: NodeReceipt,
) -> Result<Option<(Receipt, Option<u64>)>, Error> {
    let Some(inclusion) = inclusion(node, heights, id, &found).await? else { return Ok(None) };
    let number: u64 = found.block_number.to();
    let block = BlockRef { number, hash: found.block_hash.to_vec() };
    let settled = (inclusion == Inclusion::Final).then_some(number);
    let outcome = match found.status.map(|status| status.to::<u64>()) {
        Some(1) => Ok(Output { raw: Vec::new(), json: None }),
        Some(0) => Err(reason(node, number, id, found.gas_used).await),
        Some(_) => return Err(corrupt(METHOD, "a status that is neither 1 nor 0")),
        // Before Byzantium a receipt does not say it, and success is not guessed.
        None => Err(Error::new(
            ErrorCode::Unsupported,
            "the receipt is from before Byzantium and does not say whether the transaction succeeded",
        )),
    };
    let mut events = Vec::with_capacity(found.logs.len());
    for log in &found.logs {
        let place = log.place(METHOD)?;
        if place.block != found.block_hash || place.transaction != id || place.number != number {
            return Err(corrupt(METHOD, "a log of another transaction"));
        }
        events.push(event(log, place, None));
    }
    let created = outcome.is_ok().then_some(found.contract_address).flatten();
    let index = u32::try_from(found.transaction_index.to::<u64>())
        .map_err(|_| corrupt(METHOD, "a transaction index beyond 2^32"))?;
    let receipt = Receipt {
        transaction: id.to_string(),
        inclusion,
        block: Some(block),
        index: Some(index),
        created: created.map(|address| address.to_checksum(None)),
        outcome: Some(outcome),
        events,
        fee: found.effective_gas_price.map(|price| found.gas_used.saturating_mul(price).to_string()),
        extensions: vec![Extension {
            key: "ethereum.gas-used".into(),
            value: found.gas_used.to_string().into_bytes(),
        }],
    };
    Ok(Some((receipt, settled)))
}

/// Why it failed: found by running it again, on the state after its block and, where that does not fail, before it.
async fn reason(node: &Node<'_>, number: u64, id: B256, gas_used: U256) -> Error {
    let failed = |why: &str| Error::new(ErrorCode::Reverted, format!("the contract failed{why}"));
    let asked = node.ask(vec![rpc::transaction(id)]).await.next_known::<TransactionInfo>();
    let Some(info) = asked.ok().flatten().filter(|info| info.hash == id) else {
        return failed("; the node does not give the transaction to run it again");
    };
    let message = Message { from: Some(info.from), to: info.to, value: info.value, data: info.input };
    let before = BlockId::Number(number.saturating_sub(1));
    let mut answers =
        node.ask(vec![rpc::call(&message, BlockId::Number(number)), rpc::call(&message, before)]).await;
    for _ in 0..2 {
        if let Err(error) = answers.next::<Bytes>() {
            let told = [ErrorCode::Reverted, ErrorCode::AlreadyExists, ErrorCode::NotFound];
            // Not found can also be the block; the contract's own word carries the bytes it gave back.
            if told.contains(&error.code)
                && error.native.as_ref().is_some_and(|native| native.starts_with("0x"))
            {
                return error;
            }
        }
    }
    if gas_used == U256::from(info.gas) {
        return failed(": it ran out of gas");
    }
    failed("; run again, it gives no reason")
}

/// A log as the standard's event. `decoded`: name and JSON, where the types are known.
pub(crate) fn event(log: &Log, place: LogPlace, decoded: Option<(String, Option<String>)>) -> Event {
    let first = log.topics.first().map(ToString::to_string).unwrap_or_default();
    let (name, json) = decoded.unwrap_or((first, None));
    Event {
        id: event_id(place.block, place.transaction, place.index),
        contract: log.address.to_checksum(None),
        name,
        payload: log.data.to_vec(),
        json,
        transaction: place.transaction.to_string(),
        block: BlockRef { number: place.number, hash: place.block.to_vec() },
        index: place.index,
        retracted: false,
        extensions: vec![Extension { key: "ethereum.topics".into(), value: log.topics.concat() }],
    }
}

/// Stable, and different in every block that carries the log.
pub(crate) fn event_id(block: B256, transaction: B256, index: u32) -> String {
    format!("{}:{}:{index}", hex::encode_prefixed(block), hex::encode_prefixed(transaction))
}
