//! Where the chain stands, and its blocks: every hash that can be computed is.

use adapter_sdk::types::{
    Block, BlockEntry, BlockRef, BlockSelector, Confidence, Error, ErrorCode, HashAlgorithm, HeaderPreimage,
    LedgerStatus,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    errors::corrupt,
    rpc::{self, Ask, Nodes},
    settings::Settings,
};
use crate::wire::{Hash, Header, Record, Wire as _, records_root};

/// Where the chain stands, as the node sees it.
pub(super) struct Status {
    pub(super) head: Header,
    pub(super) syncing: bool,
    pub(super) peers: u32,
    /// The least price of a unit.
    pub(super) price: u64,
    depth: u64,
}

/// A block whose header and records fit each other.
pub(super) struct Checked {
    pub(super) header: Header,
    pub(super) hash: Hash,
    pub(super) records: Vec<Record>,
}

/// Which block is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Number(u64),
    Hash(Hash),
}

impl Which {
    pub(super) fn params(self) -> Value {
        match self {
            Which::Number(number) => json!({"number": number}),
            Which::Hash(hash) => json!({"hash": hex::encode(hash)}),
        }
    }

    /// Whether this is the header that was asked for.
    fn check(self, header: &Header) -> Result<(), Error> {
        let fits = match self {
            Which::Number(number) => header.number == number,
            Which::Hash(hash) => header.hash() == hash,
        };
        if fits { Ok(()) } else { Err(corrupt("it is another block")) }
    }
}

pub(super) fn reference(header: &Header) -> BlockRef {
    BlockRef { number: header.number, hash: header.hash().to_vec() }
}

fn header(settings: &Settings, text: &str) -> Result<Header, Error> {
    let header = Header::decode(&rpc::bytes(text)?).map_err(|_| corrupt("a header does not decode"))?;
    if header.chain != settings.chain || header.space != settings.space {
        return Err(corrupt("a header is of another ledger or space"));
    }
    Ok(header)
}

impl Status {
    pub(super) fn last_final(&self) -> u64 {
        self.head.number.saturating_add(1).saturating_sub(self.depth)
    }

    /// The newest height of this confidence. A block is safe under another one.
    pub(super) fn at(&self, confidence: Confidence) -> u64 {
        match confidence {
            Confidence::Latest => self.head.number,
            Confidence::Safe => self.head.number.saturating_sub(1).max(self.last_final()),
            Confidence::Final => self.last_final(),
        }
    }

    pub(super) fn check(&self, number: u64) -> Result<(), Error> {
        if number <= self.head.number {
            return Ok(());
        }
        let newest = self.head.number;
        Err(Error::retryable(
            ErrorCode::OutOfRange,
            format!("there is no block {number} yet; the newest is {newest}"),
        ))
    }
}

/// The question where the chain stands.
pub(super) fn ask_status(settings: &Settings) -> Ask {
    Ask::new(settings, "ledger_status", json!({}))
}

/// What the answer to [`ask_status`] says.
pub(super) fn read_status(settings: &Settings, answer: Value) -> Result<Status, Error> {
    #[derive(Deserialize)]
    struct Answer {
        chain: String,
        space: String,
        head: String,
        syncing: bool,
        peers: u32,
        price: u64,
    }
    let answer: Answer = rpc::decode(answer)?;
    if answer.space != settings.space {
        return Err(corrupt("it is about another space"));
    }
    if answer.chain != settings.chain {
        return Err(super::errors::invalid(format!(
            "the setting `chain` is `{}`, and the node is of another ledger",
            settings.chain
        )));
    }
    Ok(Status {
        head: header(settings, &answer.head)?,
        syncing: answer.syncing,
        peers: answer.peers,
        price: answer.price,
        depth: settings.finality_depth,
    })
}

/// Where the chain stands.
pub(super) async fn chain_status(settings: &Settings, nodes: &Nodes<'_>) -> Result<Status, Error> {
    read_status(settings, nodes.one(ask_status(settings)).await?)
}

/// A header, by height in the chain or by hash.
pub(super) async fn chain_header(
    settings: &Settings,
    nodes: &Nodes<'_>,
    which: Which,
) -> Result<Header, Error> {
    #[derive(Deserialize)]
    struct Answer {
        header: String,
    }
    let answer: Answer = nodes.one(Ask::new(settings, "ledger_header", which.params())).await?;
    let header = header(settings, &answer.header)?;
    which.check(&header)?;
    Ok(header)
}

/// Blocks side by side, each by height in the chain or by hash.
pub(super) async fn chain_blocks(
    settings: &Settings,
    nodes: &Nodes<'_>,
    which: &[Which],
) -> Vec<Result<Checked, Error>> {
    let asks: Vec<_> = which.iter().map(|which| Ask::new(settings, "ledger_block", which.params())).collect();
    let answers = nodes.ask(&asks).await;
    answers.into_iter().zip(which).map(|(answer, which)| checked(settings, *which, answer?)).collect()
}

/// One block.
pub(super) async fn chain_block(
    settings: &Settings,
    nodes: &Nodes<'_>,
    which: Which,
) -> Result<Checked, Error> {
    let found = chain_blocks(settings, nodes, &[which]).await.into_iter().next();
    found.unwrap_or_else(|| Err(corrupt("there is none")))
}

fn checked(settings: &Settings, which: Which, answer: Value) -> Result<Checked, Error> {
    #[derive(Deserialize)]
    struct Answer {
        header: String,
        records: Vec<String>,
    }
    let answer: Answer = rpc::decode(answer)?;
    let header = header(settings, &answer.header)?;
    which.check(&header)?;
    let decoded = answer
        .records
        .iter()
        .map(|record| Record::decode(&rpc::bytes(record)?).map_err(|_| corrupt("a record does not decode")));
    let records: Vec<Record> = decoded.collect::<Result<_, Error>>()?;
    if records_root(&records) != header.records {
        return Err(corrupt("the records are not those of the header"));
    }
    Ok(Checked { hash: header.hash(), header, records })
}

/// Head, finalized block, and whether the node keeps up.
pub(super) async fn status(settings: &Settings, nodes: &Nodes<'_>) -> Result<LedgerStatus, Error> {
    let status = chain_status(settings, nodes).await?;
    let finalized = if status.last_final() == status.head.number {
        status.head.clone()
    } else {
        chain_header(settings, nodes, Which::Number(status.last_final())).await?
    };
    Ok(LedgerStatus {
        head: reference(&status.head),
        finalized: reference(&finalized),
        synced: !status.syncing,
        peers: status.peers,
    })
}

/// The block that is meant, as the node's questions name it. A height is checked against the chain's.
pub(super) async fn which(
    settings: &Settings,
    nodes: &Nodes<'_>,
    selector: &BlockSelector,
) -> Result<Which, Error> {
    match selector {
        BlockSelector::Hash(hash) => match hash.as_slice().try_into() {
            Ok(hash) => Ok(Which::Hash(hash)),
            Err(_) => Err(super::errors::invalid("a block's hash has 32 bytes")),
        },
        BlockSelector::Number(number) => {
            chain_status(settings, nodes).await?.check(*number)?;
            Ok(Which::Number(*number))
        }
        BlockSelector::At(confidence) => {
            Ok(Which::Number(chain_status(settings, nodes).await?.at(*confidence)))
        }
    }
}

/// A block with the bytes that hash to its id.
pub(super) async fn block(
    settings: &Settings,
    nodes: &Nodes<'_>,
    selector: &BlockSelector,
) -> Result<Block, Error> {
    let which = which(settings, nodes, selector).await?;
    let found = chain_block(settings, nodes, which).await?;
    let entry = |record: &Record| BlockEntry {
        transaction: hex::encode(record.id),
        failed: Some(record.status != 0),
    };
    Ok(Block {
        reference: reference(&found.header),
        parent: if found.header.number == 0 { Vec::new() } else { found.header.parent.to_vec() },
        timestamp_millis: Some(found.header.time),
        header: Some(HeaderPreimage {
            bytes: found.header.encode(),
            hash: HashAlgorithm::Sha256,
            number_prefix: false,
        }),
        transactions: found.records.iter().map(entry).collect(),
        extensions: Vec::new(),
    })
}
