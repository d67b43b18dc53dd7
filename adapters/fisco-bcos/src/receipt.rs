//! What became of a transaction: a receipt that leads to the root of a block that enough sealers signed.

use adapter_sdk::{
    Imports,
    types::{Error, Event, Extension, Inclusion, Output, Receipt},
};
use alloy_primitives::{B256, hex};

use crate::{
    continuation::Tracking,
    errors::corrupt,
    evaluate,
    executed::{Executed, Facts, Form, Log},
    header::{Chained, Header},
    merkle::{self, Level},
    quorum,
    rpc::{BlockId, Node},
    settings::Settings,
    settled,
    transaction::parse_id,
};

const METHOD: &str = "getTransactionReceipt";

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

/// What became of a transaction.
pub(crate) async fn receipt(
    settings: &Settings,
    host: &dyn Imports,
    transaction: &str,
    tracking: &[u8],
) -> Result<Receipt, Error> {
    let id = parse_id(transaction)?;
    let tracking = Tracking::decode(tracking)?;
    let node = Node::lent(host, settings)?;
    let remembered = settled::remembered(settings, host).await?;

    let mut answers = node.ask(vec![node.receipt(id), node.height()]).await;
    let mut found = answers.next_receipt()?;
    let head = answers.next_height()?;
    // Up to its last block it may have come in between the two questions.
    let over = tracking.as_ref().is_some_and(|tracking| head >= tracking.block_limit);
    if found.is_none() && over {
        found = node.ask(vec![node.receipt(id)]).await.next_receipt()?;
    }
    if let Some(found) = found {
        let proven = prove(&node, id, &found).await?;
        settled::remember(settings, host, proven.block.header.number).await?;
        return included(settings, host, id, &proven);
    }
    // A receipt that was answered for good may be of a block that this node does not have yet.
    let may_be_there = tracking.as_ref().is_none_or(|tracking| tracking.head < remembered);
    if may_be_there && head < remembered {
        return Err(settled::behind(remembered));
    }
    if over {
        // For good, as a final one: a node that is behind does not open the window again.
        settled::remember(settings, host, head).await?;
        return Ok(empty(id, Inclusion::Expired));
    }
    Ok(empty(id, Inclusion::Unknown))
}

/// A receipt whose place in a signed block is proven.
pub(crate) struct Proven {
    /// The block.
    pub(crate) block: Chained,
    /// Place in it.
    pub(crate) index: u32,
    /// The receipt in the form that the chain hashed, and its path.
    pub(crate) receipt: (Form, Vec<Level>),
    /// The path of the transaction's id.
    pub(crate) path: Vec<Level>,
}

/// Checks what the node says of a transaction against the block that holds it.
pub(crate) async fn prove(node: &Node<'_>, id: B256, found: &Executed) -> Result<Proven, Error> {
    if found.transaction != id {
        return Err(corrupt(METHOD, "the receipt of another transaction"));
    }
    let place = match found.block {
        Some(hash) => BlockId::Hash(hash),
        None => BlockId::Number(found.number),
    };
    let block = node.ask(node.block(place)).await.next_block(node, place)?;
    let Some(block) = block.filter(|block| block.header.number == found.number) else {
        return Err(corrupt(METHOD, "a receipt of a block that is not there"));
    };
    let (host, settings) = (node.host, node.settings);
    quorum::check(host, settings.crypto, &settings.sealers, &block.header, "getBlockHeader")?;
    let index = block.transactions.iter().position(|transaction| *transaction == id);
    let Some(index) = index else {
        return Err(corrupt(METHOD, "a receipt of a block that does not have the transaction"));
    };
    let (root, path) = merkle::tree(host, settings.generation, settings.crypto, &block.transactions, index);
    if root != block.header.transactions_root {
        return Err(corrupt("getBlock", "transactions that do not lead to the block's root"));
    }
    let place = u64::try_from(index).unwrap_or(u64::MAX);
    if found.index.is_some_and(|stated| stated != place) {
        return Err(corrupt(METHOD, "another place in the block than the transaction's"));
    }
    let proven = found.proven(host, settings.generation, settings.crypto, place, block.header.receipts_root);
    let receipt = proven.ok_or_else(|| {
        corrupt(METHOD, "the receipt does not lead to its block's root: the node made it up, or is of a version that is not known here")
    })?;
    let index = u32::try_from(index).map_err(|_| corrupt(METHOD, "a place beyond 2^32"))?;
    Ok(Proven { block, index, receipt, path })
}

fn included(settings: &Settings, host: &dyn Imports, id: B256, proven: &Proven) -> Result<Receipt, Error> {
    let facts = proven.receipt.0.facts();
    let header = &proven.block.header;
    let outcome = if facts.status == 0 {
        Ok(Output { raw: facts.output.to_vec(), json: None })
    } else {
        Err(evaluate::failure(settings, host, facts.status, &facts.output))
    };
    let events = events(header, id, proven.index, &facts);
    Ok(Receipt {
        transaction: id.to_string(),
        inclusion: Inclusion::Final,
        block: Some(header.reference()),
        index: Some(proven.index),
        created: facts.created.filter(|_| outcome.is_ok()),
        outcome: Some(outcome),
        events,
        fee: None,
        extensions: vec![Extension { key: "fisco-bcos.gas-used".into(), value: facts.gas_used.into_bytes() }],
    })
}

/// The events of a transaction in a block.
pub(crate) fn events(header: &Header, id: B256, place: u32, facts: &Facts) -> Vec<Event> {
    let numbered = (0u32..).zip(&facts.logs);
    numbered.map(|(log_place, log)| event(header, id, event_index(place, log_place), log)).collect()
}

/// Where an event stands in its block: nodes number logs in each transaction alone, so that the transaction's place comes first.
pub(crate) fn event_index(transaction: u32, log: u32) -> u32 {
    transaction.saturating_mul(1 << 16).saturating_add(log)
}

/// A log as the standard's event, named by its first topic.
pub(crate) fn event(header: &Header, id: B256, index: u32, log: &Log) -> Event {
    Event {
        id: format!("{}:{id}:{index}", hex::encode_prefixed(header.hash)),
        contract: log.contract.clone(),
        name: log.topics.first().map(ToString::to_string).unwrap_or_default(),
        payload: log.data.to_vec(),
        json: None,
        transaction: id.to_string(),
        block: header.reference(),
        index,
        retracted: false,
        extensions: vec![Extension { key: "fisco-bcos.topics".into(), value: log.topics.concat() }],
    }
}
