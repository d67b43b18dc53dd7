//! BLK: blocks.

use std::sync::atomic::{AtomicU64, Ordering};

use adapter_spec::{
    CallError, Function, async_trait,
    types::{
        Block, BlockRef, BlockSelector, Confidence, Error, ErrorCode, HashAlgorithm, HeaderPreimage,
        transport::JsonRpcRequest,
    },
};
use berth_model::wire::{Header, Wire as _};
use serde_json::{Value, json};

use crate::{Honest, Mutant, Mutation, change_block::ChangeBlock};

fn asked(asked: fn(BlockSelector) -> BlockSelector) -> Box<dyn Mutation> {
    Box::new(ChangeBlock { asked, ..ChangeBlock::default() })
}

fn found(found: fn(Block) -> Block) -> Box<dyn Mutation> {
    Box::new(ChangeBlock { found, ..ChangeBlock::default() })
}

fn failed(failed: fn(Error) -> Result<BlockSelector, Error>) -> Box<dyn Mutation> {
    Box::new(ChangeBlock { failed, ..ChangeBlock::default() })
}

fn newest_after(error: Error, code: ErrorCode) -> Result<BlockSelector, Error> {
    if error.code == code { Ok(BlockSelector::At(Confidence::Latest)) } else { Err(error) }
}

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("BLK-1", "numbers-are-one-off", "the block that is asked for", || {
            asked(|selector| match selector {
                BlockSelector::Number(number) => BlockSelector::Number(number.saturating_sub(1)),
                other => other,
            })
        }),
        Mutant::new("BLK-1", "beyond-the-head-is-the-head", "above the head: out-of-range", || {
            failed(|error| newest_after(error, ErrorCode::OutOfRange))
        }),
        Mutant::new("BLK-1", "an-unknown-hash-is-the-head", "a hash that no block has: not-found", || {
            failed(|error| newest_after(error, ErrorCode::NotFound))
        }),
        Mutant::new("BLK-1", "dropped-is-not-found", "has dropped: pruned", || {
            failed(|error| {
                let code = if error.code == ErrorCode::Pruned { ErrorCode::NotFound } else { error.code };
                Err(Error { code, ..error })
            })
        }),
        Mutant::new("BLK-1", "final-is-the-newest", "the newest block of the confidence Final", || {
            asked(|selector| match selector {
                BlockSelector::At(_) => BlockSelector::At(Confidence::Latest),
                other => other,
            })
        }),
        Mutant::new("BLK-2", "parent-is-the-block-itself", "the number of a block's parent", || {
            found(|block| Block { parent: block.reference.hash.clone(), ..block })
        }),
        Mutant::new("BLK-2", "parent-is-written-backwards", "the parent of block", || {
            found(|block| Block { parent: block.parent.iter().rev().copied().collect(), ..block })
        }),
        Mutant::new(
            "BLK-3",
            "header-with-one-byte-more",
            "header bytes that hash to the block's hash",
            || {
                found(|mut block| {
                    if let Some(header) = &mut block.header {
                        header.bytes.push(0);
                    }
                    block
                })
            },
        ),
        Mutant::new("BLK-3", "another-hash", "header bytes that hash to the block's hash", || {
            found(|mut block| {
                if let Some(header) = &mut block.header {
                    header.hash = HashAlgorithm::DoubleSha256;
                }
                block
            })
        }),
        Mutant::new("BLK-3", "a-prefix-that-is-none", "header bytes that hash to the block's hash", || {
            found(|mut block| {
                if let Some(header) = &mut block.header {
                    header.number_prefix = true;
                }
                block
            })
        }),
        Mutant::new("BLK-4", "no-header", "the header of every block", || {
            found(|block| Block { header: None, ..block })
        }),
        Mutant::new("BLK-4", "no-header-of-old-blocks", "the header of every block", || {
            found(|block| Block { header: block.header.filter(|_| block.reference.number % 2 == 0), ..block })
        }),
        Mutant::new("BLK-5", "hashes-are-believed", "a forged block is refused: corrupt-response", || {
            Box::new(Believes { number: true })
        }),
        Mutant::new("BLK-5", "numbers-are-believed", "a forged block is refused: corrupt-response", || {
            Box::new(Believes { number: false })
        }),
        Mutant::new("BLK-5", "forged-is-not-found", "corrupt-response for another block's answer", || {
            failed(|error| {
                let corrupt = error.code == ErrorCode::CorruptResponse;
                Err(Error { code: if corrupt { ErrorCode::NotFound } else { error.code }, ..error })
            })
        }),
        Mutant::new("BLK-6", "a-block-has-the-time-of-asking", "the same block for the same hash", || {
            Box::new(TellsTheTime::default())
        }),
        Mutant::new("BLK-7", "no-transactions", "in the block's transactions, once", || {
            found(|block| Block { transactions: Vec::new(), ..block })
        }),
        Mutant::new("BLK-7", "ids-in-another-spelling", "in the block's transactions, once", || {
            found(|mut block| {
                for entry in &mut block.transactions {
                    entry.transaction = format!("0x{}", entry.transaction);
                }
                block
            })
        }),
        Mutant::new("BLK-7", "transactions-in-another-order", "the receipt's index in the block", || {
            found(|mut block| {
                block.transactions.reverse();
                block
            })
        }),
        Mutant::new("BLK-7", "failed-is-not-told", "failed is Some(true), or none", || {
            found(|mut block| {
                for entry in &mut block.transactions {
                    entry.failed = Some(false);
                }
                block
            })
        }),
        Mutant::new("BLK-8", "time-in-seconds", "a time in milliseconds since 1970", || {
            found(|block| Block { timestamp_millis: block.timestamp_millis.map(|time| time / 1000), ..block })
        }),
        Mutant::new("BLK-8", "time-in-nanoseconds", "a time in milliseconds since 1970", || {
            found(|block| Block {
                timestamp_millis: block.timestamp_millis.map(|time| time * 1_000_000),
                ..block
            })
        }),
    ]
}

/// Every answer has another time.
#[derive(Default)]
struct TellsTheTime(AtomicU64);

#[async_trait]
impl Mutation for TellsTheTime {
    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        let block = honest.ledger.block(selector).await?;
        let more = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Block { timestamp_millis: block.timestamp_millis.map(|time| time + more), ..block })
    }
}

/// Takes what the node gives for the block that was asked for.
struct Believes {
    /// Whether the number is compared; the hash is not.
    number: bool,
}

#[async_trait]
impl Mutation for Believes {
    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        let which = match &selector {
            BlockSelector::Hash(hash) if self.number => json!({"hash": hex::encode(hash)}),
            BlockSelector::Number(number) if !self.number => json!({"number": number}),
            _ => return honest.ledger.block(selector).await,
        };
        let corrupt =
            || CallError::Answered(Error::new(ErrorCode::CorruptResponse, "the node's answer is no block"));
        let header = header(honest, which).await.ok_or_else(corrupt)?;
        let (hash, number) = match selector {
            BlockSelector::Hash(hash) => (hash, header.number),
            BlockSelector::Number(number) => (header.hash().to_vec(), number),
            BlockSelector::At(_) => return Err(corrupt()),
        };
        Ok(Block {
            reference: BlockRef { number, hash },
            parent: header.parent.to_vec(),
            timestamp_millis: Some(header.time),
            header: Some(HeaderPreimage {
                bytes: header.encode(),
                hash: HashAlgorithm::Sha256,
                number_prefix: false,
            }),
            transactions: Vec::new(),
            extensions: Vec::new(),
        })
    }
}

/// The header as the node gives it.
async fn header(honest: &Honest, mut params: Value) -> Option<Header> {
    let settings: Value = serde_json::from_str(&honest.settings).ok()?;
    let space = settings.get("space").and_then(Value::as_str).unwrap_or(berth_model::MAIN_SPACE);
    params.as_object_mut()?.insert("space".into(), space.into());
    let imports = honest.imports(Function::Block);
    let endpoint = imports.lent_as("node").into_iter().next()?.endpoint;
    let request = JsonRpcRequest {
        endpoint,
        method: "ledger_block".into(),
        params: params.to_string(),
        sensitive: false,
    };
    let answer = imports.json_rpc(vec![request]).await.pop()?.ok()?;
    let answer: Value = serde_json::from_str(&answer).ok()?;
    Header::decode(&hex::decode(answer.get("answer")?.get("header")?.as_str()?).ok()?).ok()
}
