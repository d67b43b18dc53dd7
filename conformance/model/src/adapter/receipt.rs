//! What became of a transaction.

use adapter_sdk::{
    Imports,
    types::{BlockRef, Error, ErrorCode, Event, Extension, Inclusion, Receipt},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    begin,
    blocks::{self, Checked, Status, Which},
    errors::{self, Asked, corrupt, invalid},
    records::Tracking,
    rpc::{self, Ask, Nodes},
    settings::Settings,
};
use crate::wire::{Announced, Hash, Record, Wire as _, value};

/// Where the node has a transaction.
pub(super) enum Known {
    Nowhere,
    Pool,
    Block { number: u64, index: usize },
}

/// Looks for a transaction.
pub(super) async fn look(settings: &Settings, nodes: &Nodes<'_>, id: &Hash) -> Result<Known, Error> {
    #[derive(Deserialize)]
    struct Found {
        pooled: bool,
        number: Option<u64>,
        index: Option<usize>,
    }
    let ask = Ask::new(settings, "ledger_transaction", json!({"id": hex::encode(id)}));
    let found: Found = nodes.one(ask).await?;
    match found {
        Found { number: Some(number), index: Some(index), .. } => Ok(Known::Block { number, index }),
        Found { number: None, index: None, pooled: true } => Ok(Known::Pool),
        Found { number: None, index: None, pooled: false } => Ok(Known::Nowhere),
        _ => Err(corrupt("a transaction is half in a block")),
    }
}

/// An id as receipts take it.
pub(super) fn parse_id(text: &str) -> Result<Hash, Error> {
    let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let parsed = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok()).filter(|_| lower);
    parsed.ok_or_else(|| invalid("a transaction's id is 64 hexadecimal digits in lower case"))
}

/// A receipt with nothing in it but how far the transaction has come.
fn empty(id: Hash, inclusion: Inclusion) -> Receipt {
    Receipt {
        transaction: hex::encode(id),
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

/// What became of a transaction. Where the chain stands is asked first, so that what comes after can only be newer.
pub(super) async fn receipt(
    settings: &Settings,
    host: &dyn Imports,
    transaction: &str,
    tracking: &[u8],
) -> Result<Receipt, Error> {
    let id = parse_id(transaction)?;
    let tracking = if tracking.is_empty() { None } else { Some(Tracking::decode(tracking)?) };
    let nodes = Nodes::lent(host)?;
    let status = fresh_status(settings, host, &nodes).await?;
    let receipt = match look(settings, &nodes, &id).await? {
        Known::Pool => empty(id, Inclusion::Pending),
        Known::Block { number, index } => included(settings, &nodes, &status, id, number, index).await?,
        Known::Nowhere => match tracking {
            Some(tracking) => nowhere(settings, &nodes, &status, id, &tracking).await?,
            None => empty(id, Inclusion::Unknown),
        },
    };
    if matches!(receipt.inclusion, Inclusion::Final | Inclusion::Expired | Inclusion::Superseded(_)) {
        remember(settings, host, status.last_final()).await;
    }
    Ok(receipt)
}

async fn included(
    settings: &Settings,
    nodes: &Nodes<'_>,
    status: &Status,
    id: Hash,
    number: u64,
    index: usize,
) -> Result<Receipt, Error> {
    let block = match blocks::chain_block(settings, nodes, Which::Number(number)).await {
        // It was in a block that has left the chain since.
        Err(error) if error.code == ErrorCode::OutOfRange => return Ok(empty(id, Inclusion::Pending)),
        block => block?,
    };
    let Some(record) = block.records.get(index).filter(|record| record.id == id) else {
        // Likewise; had the node just said so of this very block, it would be a lie.
        let now = look(settings, nodes, &id).await?;
        return match now {
            Known::Block { number: n, index: i } if (n, i) == (number, index) => {
                Err(corrupt("the block does not have the transaction"))
            }
            Known::Block { .. } | Known::Pool => Ok(empty(id, Inclusion::Pending)),
            Known::Nowhere => Ok(empty(id, Inclusion::Unknown)),
        };
    };
    // A block that came since is the newest.
    let head = status.head.number.max(number);
    let inclusion = if number <= status.last_final() {
        Inclusion::Final
    } else {
        Inclusion::Included(u32::try_from((head - number).saturating_add(1)).unwrap_or(u32::MAX))
    };
    let outcome = if record.status == 0 {
        Ok(begin::contract_output(&record.output))
    } else {
        Err(errors::native(Asked::Submission, record.status, &record.reason))
    };
    Ok(Receipt {
        inclusion,
        block: Some(blocks::reference(&block.header)),
        index: Some(u32::try_from(index).map_err(|_| corrupt("an index beyond 2^32"))?),
        outcome: Some(outcome),
        created: record.created.clone(),
        events: events(&block, record).collect(),
        fee: Some(record.fee.to_string()),
        extensions: vec![Extension {
            key: "model.units".into(),
            value: record.units.to_string().into_bytes(),
        }],
        ..empty(id, Inclusion::Unknown)
    })
}

/// The events of one record.
pub(super) fn events<'a>(block: &'a Checked, record: &'a Record) -> impl Iterator<Item = Event> + 'a {
    record.events.iter().map(|announced| {
        event(announced, &record.id, BlockRef { number: block.header.number, hash: block.hash.to_vec() })
    })
}

/// An event in the standard's form.
pub(super) fn event(announced: &Announced, transaction: &Hash, block: BlockRef) -> Event {
    Event {
        id: format!("{}:{}", hex::encode(&block.hash), announced.index),
        contract: announced.contract.clone(),
        name: announced.name.clone(),
        payload: announced.payload.clone(),
        json: value::decode(&announced.payload).ok().map(|decoded| value::json(&decoded)),
        transaction: hex::encode(transaction),
        block,
        index: announced.index,
        retracted: false,
        extensions: Vec::new(),
    }
}

/// The node has it neither in a block nor in its pool: another one may have its nonce, or its time may be over. Both are
/// said only where the blocks that decide it are final.
async fn nowhere(
    settings: &Settings,
    nodes: &Nodes<'_>,
    status: &Status,
    id: Hash,
    tracking: &Tracking,
) -> Result<Receipt, Error> {
    #[derive(Deserialize)]
    struct Used {
        id: Option<String>,
    }
    let last_final = status.last_final();
    let ask = Ask::new(
        settings,
        "ledger_nonce",
        json!({"account": tracking.account, "nonce": tracking.nonce, "number": last_final}),
    );
    let used: Used = nodes.one(ask).await?;
    Ok(match used.id.as_deref().map(rpc::hash).transpose()? {
        Some(other) if other != id => empty(id, Inclusion::Superseded(hex::encode(other))),
        // It came into the chain between two questions.
        Some(_) => empty(id, Inclusion::Pending),
        None if last_final >= tracking.last_block => empty(id, Inclusion::Expired),
        None => empty(id, Inclusion::Unknown),
    })
}

fn key(settings: &Settings) -> String {
    format!("final/{}/{}", settings.chain, settings.space)
}

async fn remembered(settings: &Settings, host: &dyn Imports) -> (Option<Vec<u8>>, u64) {
    let stored = host.state_get(&key(settings)).await;
    let height = stored.as_deref().and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes);
    (stored, height)
}

/// Keeps the height up to which something was called final, so that a node that is behind cannot take it back.
async fn remember(settings: &Settings, host: &dyn Imports, last_final: u64) {
    for _ in 0..16 {
        let (stored, height) = remembered(settings, host).await;
        let new = Some(last_final.to_be_bytes().to_vec());
        // What a later version keeps here stays.
        let foreign = stored.as_ref().is_some_and(|bytes| bytes.len() != 8);
        if foreign || height >= last_final || host.state_swap(&key(settings), stored, new).await {
            return;
        }
    }
}

/// Where the chain stands by a node that is not behind what was called final before.
async fn fresh_status(settings: &Settings, host: &dyn Imports, nodes: &Nodes<'_>) -> Result<Status, Error> {
    let (_, height) = remembered(settings, host).await;
    for _ in 0..nodes.count() {
        let status = blocks::chain_status(settings, nodes).await?;
        if status.last_final() >= height {
            return Ok(status);
        }
        nodes.turn();
    }
    Err(Error::retryable(ErrorCode::Unavailable, "the nodes are behind what they said before; try later"))
}
