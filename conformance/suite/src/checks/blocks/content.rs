//! What is in a block.

use adapter_spec::{
    Function,
    types::{Block, BlockSelector, StoreEntry, StoreOperation},
};

use super::{get, hash_of, written};
use crate::{
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail, same},
    trial::{Begun, Observed, Trial},
};

/// 2009-01-01 and 2200-01-01, milliseconds since 1970. No ledger of before is followed, and none of after.
const PLAUSIBLE: std::ops::Range<u64> = 1_230_768_000_000..7_258_118_400_000;
/// How many parents are followed.
const LINKS: u64 = 6;

fn block(call: &Observed) -> Option<Block> {
    if call.function == Function::Block { call.success() } else { None }
}

pub(super) fn headers_hash(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    let block = block(call)?;
    let header = block.header?;
    let hash = hash_of(&header, block.reference.number);
    Some(if hash == block.reference.hash {
        Ok(())
    } else {
        let expected =
            format!("header bytes that hash to the block's hash, {}", hex::encode(&block.reference.hash));
        Err(Fault::new(expected, format!("they hash to {}", hex::encode(hash))))
    })
}

pub(super) fn has_header(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    if facts.testbed.absent.contains_key("header") {
        return None;
    }
    let block = block(call)?;
    Some(match block.header {
        Some(_) => Ok(()),
        None => {
            Err(Fault::new("the header of every block", format!("block {} without", block.reference.number)))
        }
    })
}

pub(super) fn milliseconds(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    let block = block(call)?;
    let time = block.timestamp_millis?;
    // The first block is made by whoever writes a file, often with no time at all.
    if block.reference.number <= 1 {
        return None;
    }
    Some(if PLAUSIBLE.contains(&time) {
        Ok(())
    } else {
        Err(Fault::new("a time in milliseconds since 1970", format!("{time}")))
    })
}

pub(super) async fn parents_link(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    for _ in 0..2 {
        written(trial, &application).await?;
    }
    let mut block = get(&application, BlockSelector::At(adapter_spec::types::Confidence::Latest)).await?;
    for _ in 0..LINKS {
        let number = block.reference.number;
        if number == 0 || block.parent.is_empty() {
            return ensure(number <= 1, "a parent for every block but the first", || {
                format!("block {number} has none")
            });
        }
        let parent = match application.block(BlockSelector::Hash(block.parent.clone())).await {
            Ok(parent) => parent,
            // What the ledger puts there where no block is before.
            Err(_) if number == 1 => return Ok(()),
            Err(error) => {
                return fail(format!("the parent of block {number}, by its hash"), error.to_string());
            }
        };
        same(&(number - 1), &parent.reference.number, "the number of a block's parent")?;
        let by_number = get(&application, BlockSelector::Number(number - 1)).await?;
        same(&block.parent, &by_number.reference.hash, "the parent is the hash of the block before")?;
        block = parent;
    }
    Ok(())
}

pub(super) async fn transactions(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let transaction = written(trial, &application).await?;
    let Some(reference) = transaction.receipt.block else { return fail("the transaction's block", "none") };
    let block = get(&application, BlockSelector::Hash(reference.hash)).await?;
    is_in(&block, &transaction.envelope.transaction, transaction.receipt.index, Some(false))
}

/// A fault unless the transaction is in the block once, at this place.
fn is_in(block: &Block, transaction: &str, index: Option<u32>, failed: Option<bool>) -> Checked {
    let places: Vec<_> =
        block.transactions.iter().enumerate().filter(|(_, entry)| entry.transaction == transaction).collect();
    let [(place, entry)] = places.as_slice() else {
        return fail(
            "the transaction of the receipt in the block's transactions, once",
            format!("{} times among {}", places.len(), block.transactions.len()),
        );
    };
    if let Some(index) = index {
        same(&usize::try_from(index).unwrap_or(usize::MAX), place, "the receipt's index in the block")?;
    }
    ensure(entry.failed.is_none() || entry.failed == failed, format!("failed is {failed:?}, or none"), || {
        format!("{:?}", entry.failed)
    })
}

pub(super) async fn many_transactions(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let mut envelopes = Vec::new();
    for _ in 0..3 {
        let actor = trial.actor(&application).await?;
        let (call, options) = (trial.add(1)?, trial.options());
        envelopes.push(application.envelope(call, &actor, options).await?);
    }
    trial.control("hold", &[]).await?;
    let mut sent = Ok(());
    for envelope in &envelopes {
        if sent.is_ok() {
            sent = application.send(envelope.clone()).await.expected("send of a good envelope succeeds");
        }
    }
    trial.control("release", &[]).await?;
    sent?;
    let mut places = Vec::new();
    for envelope in &envelopes {
        let receipt = application.included(envelope).await?;
        let Some(reference) = receipt.block else { return fail("the transaction's block", "none") };
        let block = get(&application, BlockSelector::Hash(reference.hash)).await?;
        is_in(&block, &envelope.transaction, receipt.index, Some(false))?;
        places.push((block.reference.number, receipt.index));
    }
    let mut distinct = places.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let are_distinct = distinct.len() == places.len() || places.iter().any(|(_, index)| index.is_none());
    ensure(are_distinct, "a place of its own for each transaction", || format!("{places:?}"))
}

pub(super) async fn failed_transaction(trial: &mut Trial) -> Checked {
    let (one, other) = (trial.store().await?, trial.store().await?);
    let insert = StoreOperation::Insert(StoreEntry { key: trial.name(), value: b"1".to_vec() });
    let (first, second) = (one.begin(&insert).await?, other.begin(&insert).await?);
    let (Begun::Signed(winner), Begun::Signed(loser)) = (&first, &second) else {
        return Err(Stop::NotApplicable("no transaction that fails can be made".into()));
    };
    for (store, envelope) in [(&one, winner), (&other, loser)] {
        if store.application.try_send(envelope).await?.is_err() {
            return Err(Stop::NotApplicable("what will fail is refused before it is in a block".into()));
        }
        store.application.included(envelope).await?;
    }
    let mut seen = false;
    for (store, envelope) in [(&one, winner), (&other, loser)] {
        let receipt = store.application.receipt(&envelope.transaction, envelope.tracking.clone()).await;
        let receipt = receipt.expected("a receipt")?;
        let (Some(reference), Some(outcome)) = (receipt.block, receipt.outcome) else { continue };
        let block = get(&one.application, BlockSelector::Hash(reference.hash)).await?;
        seen |= outcome.is_err();
        is_in(&block, &envelope.transaction, receipt.index, Some(outcome.is_err()))?;
    }
    if seen { Ok(()) } else { Err(Stop::NotApplicable("what fails is in no block".into())) }
}
