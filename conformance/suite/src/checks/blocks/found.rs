//! Whether the block is the one that was asked for.

use adapter_spec::{
    CallError, Function,
    types::{Block, BlockSelector, Confidence, ErrorCode},
};

use super::{get, shown, written};
use crate::{
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail, same},
    trial::{Observed, Trial},
};

pub(super) fn asked_for(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::Block {
        return None;
    }
    let (selector, block): (BlockSelector, Block) = (call.argument(0)?, call.success()?);
    let fits = match &selector {
        BlockSelector::At(_) => return None,
        BlockSelector::Number(number) => block.reference.number == *number,
        BlockSelector::Hash(hash) => block.reference.hash == *hash,
    };
    Some(if fits {
        Ok(())
    } else {
        let came = format!("block {} {}", block.reference.number, hex::encode(&block.reference.hash));
        Err(Fault::new(format!("the block that is asked for: {}", shown(&selector)), came))
    })
}

pub(super) async fn every_way(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let transaction = written(trial, &application).await?;
    let Some(reference) = transaction.receipt.block else { return fail("the transaction's block", "none") };
    let by_number = get(&application, BlockSelector::Number(reference.number)).await?;
    same(&reference, &by_number.reference, "the block of the transaction's receipt, by number")?;
    let by_hash = get(&application, BlockSelector::Hash(reference.hash.clone())).await?;
    same(&by_number, &by_hash, "the same block by number and by hash")?;
    for confidence in [Confidence::Latest, Confidence::Safe, Confidence::Final] {
        // What status tells before and after bounds what may come in between.
        let bound = |status: adapter_spec::types::LedgerStatus| match confidence {
            Confidence::Latest => (status.head.number, status.head.number),
            Confidence::Safe => (status.finalized.number, status.head.number),
            Confidence::Final => (status.finalized.number, status.finalized.number),
        };
        let (least, _) = bound(application.status().await.expected("where the ledger stands")?);
        let block = get(&application, BlockSelector::At(confidence)).await?;
        let (_, most) = bound(application.status().await.expected("where the ledger stands")?);
        let number = block.reference.number;
        ensure(
            (least..=most).contains(&number),
            format!("the newest block of the confidence {confidence:?}: from {least} to {most}"),
            || format!("block {number}"),
        )?;
        let again = get(&application, BlockSelector::Hash(block.reference.hash.clone())).await?;
        same(&block, &again, "the newest block, asked for by its hash")?;
    }
    Ok(())
}

pub(super) async fn not_there(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let status = application.status().await.expected("where the ledger stands")?;
    // Far enough that no block that comes meanwhile is it.
    for number in [status.head.number.saturating_add(1_000), u64::from(u32::MAX), i64::MAX.unsigned_abs()] {
        let expected = format!("block {number}, above the head: out-of-range");
        let error = application.block(BlockSelector::Number(number)).await.refused(&expected)?;
        ensure(error.code == ErrorCode::OutOfRange, expected, || error.to_string())?;
    }
    let unknown = trial.bytes(status.head.hash.len());
    let expected = "a hash that no block has: not-found";
    let error = application.block(BlockSelector::Hash(unknown)).await.refused(expected)?;
    ensure(error.code == ErrorCode::NotFound, expected, || error.to_string())
}

pub(super) async fn dropped(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let old = written(trial, &application).await?;
    let Some(old) = old.receipt.block else { return fail("the transaction's block", "none") };
    for _ in 0..2 {
        written(trial, &application).await?;
    }
    let status = application.status().await.expected("where the ledger stands")?;
    trial.control("prune", &[("block", status.head.number)]).await?;
    let came = application.block(BlockSelector::Number(old.number)).await;
    let kept = application.block(BlockSelector::Number(status.head.number)).await;
    trial.control("prune", &[("block", 0)]).await?;
    let expected = "a block that the node has dropped: pruned";
    let error = came.refused(expected)?;
    ensure(error.code == ErrorCode::Pruned, expected, || error.to_string())?;
    kept.expected("a block that the node keeps").map(|_| ())
}

pub(super) async fn same_block(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let transaction = written(trial, &application).await?;
    let Some(reference) = transaction.receipt.block else { return fail("the transaction's block", "none") };
    let first = get(&application, BlockSelector::Hash(reference.hash.clone())).await?;
    written(trial, &application).await?;
    trial.advance(2).await?;
    let others = [application.clone(), application.restarted().await?, trial.application().await?];
    for other in others {
        let again = get(&other, BlockSelector::Hash(reference.hash.clone())).await?;
        same(&first, &again, "the same block for the same hash")?;
    }
    Ok(())
}

pub(super) async fn same_block_off_the_chain(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let transaction = written(trial, &application).await?;
    let Some(reference) = transaction.receipt.block else { return fail("the transaction's block", "none") };
    let first = get(&application, BlockSelector::Hash(reference.hash.clone())).await?;
    let status = application.status().await.expected("where the ledger stands")?;
    if reference.number <= status.finalized.number {
        return Err(Stop::Unknown("the block became final before it could be dropped".into()));
    }
    let depth = status.head.number.saturating_sub(reference.number).saturating_add(1);
    trial.control("reorganise", &[("depth", depth)]).await?;
    application.pause().await;
    match application.block(BlockSelector::Hash(reference.hash.clone())).await {
        Ok(again) => same(&first, &again, "the same block for the same hash, also off the chain")?,
        Err(CallError::Answered(error)) if matches!(error.code, ErrorCode::NotFound | ErrorCode::Pruned) => {}
        Err(error) => return fail("the same block, or not-found", error.to_string()),
    }
    match application.block(BlockSelector::Number(reference.number)).await {
        Ok(now) => ensure(now.reference.hash != reference.hash, "the block that is in the chain now", || {
            "the block that left it".into()
        }),
        Err(CallError::Answered(error)) if error.code == ErrorCode::OutOfRange => Ok(()),
        Err(error) => fail("the block that is in the chain now", error.to_string()),
    }
}
