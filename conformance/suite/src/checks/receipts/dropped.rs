//! Blocks that leave the chain take their receipts with them.

use adapter_spec::types::{BlockRef, Inclusion, Receipt};
use futures_util::future::BoxFuture;

use super::{
    super::once::{Ready, ready},
    course::look,
};
use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::Trial,
};

/// Blocks after which any block that is still there is final, by what devnets are set to.
const MOST_BLOCKS: u32 = 300;
/// How often a reorganisation is made between two import calls.
const ROUNDS: usize = 6;

/// A transaction in a block that can still be dropped, and that block.
async fn in_a_block(trial: &mut Trial) -> Result<(Ready, BlockRef), Stop> {
    let ready = ready(trial).await?;
    same(&Ok(()), &ready.application.try_send(&ready.envelope).await?, "sending a good envelope")?;
    let receipt = ready.application.included(&ready.envelope).await?;
    match (receipt.inclusion, receipt.block) {
        (Inclusion::Final, _) => {
            Err(Stop::NotApplicable("a transaction is final as soon as it is in a block".into()))
        }
        (_, Some(block)) => Ok((ready, block)),
        (_, None) => fail("the block of an included transaction", "none"),
    }
}

/// The count of blocks that have to go so that this one does.
async fn depth(application: &Application, block: &BlockRef) -> Result<u64, Stop> {
    let head = application.status().await.expected("the ledger's status")?.head.number;
    Ok(head.saturating_sub(block.number).saturating_add(1))
}

async fn drop_block(trial: &Trial, application: &Application, block: &BlockRef) -> Checked {
    let depth = depth(application, block).await?;
    trial.control("reorganise", &[("depth", depth)]).await
}

/// A fault if the receipt still names the block that has left the chain.
fn names_another(receipt: &Receipt, dropped: &BlockRef) -> Checked {
    let named = receipt.block.as_ref().is_some_and(|block| block.hash == dropped.hash);
    ensure(!named, "a receipt from a block that has left the chain is withdrawn", || {
        format!("it is {:?} in block {} still", receipt.inclusion, dropped.number)
    })
}

pub(super) async fn withdrawn(trial: &mut Trial) -> Checked {
    let (ready, block) = in_a_block(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    drop_block(trial, application, &block).await?;
    for instance in [application.clone(), application.restarted().await?] {
        names_another(&look(&instance, envelope).await?, &block)?;
    }
    // The very same bytes are good again.
    let again = application.try_send(envelope).await?;
    ensure(again.is_ok(), "a transaction that lost its block can be sent again", || format!("{again:?}"))?;
    let receipt = application.included(envelope).await?;
    names_another(&receipt, &block)?;
    ready.took_effect_once(trial, "one envelope that lost its block").await
}

pub(super) async fn never_final(trial: &mut Trial) -> Checked {
    let (ready, block) = in_a_block(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    drop_block(trial, application, &block).await?;
    for _ in 0..MOST_BLOCKS {
        let status = application.status().await.expected("the ledger's status")?;
        let receipt = look(application, envelope).await?;
        let named = receipt.block.as_ref().is_some_and(|named| named.hash == block.hash);
        ensure(
            !(named && receipt.inclusion == Inclusion::Final),
            "`final` is checked against the chain that holds the block at that moment",
            || format!("`final` in block {}, which has left the chain", block.number),
        )?;
        if status.finalized.number >= block.number {
            return Ok(());
        }
        trial.advance(1).await?;
        application.pause().await;
    }
    Err(Stop::Unknown("no later block became final while the suite waited".into()))
}

pub(super) async fn no_mixture(trial: &mut Trial) -> Checked {
    for _ in 0..ROUNDS {
        let (ready, block) = in_a_block(trial).await?;
        let Ready { application, envelope, .. } = &ready;
        let depth = depth(application, &block).await?;
        let instance = application.restarted().await?;
        let controls = trial.controls();
        // The reorganisation falls between two import calls of the receipt.
        let reads: BoxFuture<'_, Result<Option<Receipt>, Stop>> = Box::pin(async {
            match instance.receipt(&envelope.transaction, envelope.tracking.clone()).await {
                Ok(receipt) => Ok(Some(receipt)),
                Err(error) if error.answered().is_some() => Ok(None),
                Err(error) => fail("a receipt, or an error", error.to_string()),
            }
        });
        let drops: BoxFuture<'_, Result<Option<Receipt>, Stop>> = Box::pin(async move {
            controls.control("reorganise", &[("depth", depth)]).await?;
            Ok(None)
        });
        for seen in trial.interleave(vec![reads, drops]).await {
            let Some(receipt) = seen? else { continue };
            let in_old = receipt.block.as_ref().is_none_or(|named| *named == block);
            let whole = receipt.block.is_some() == receipt.outcome.is_some()
                && receipt.events.iter().all(|event| Some(&event.block) == receipt.block.as_ref());
            // The transaction is in no block of the new branch.
            ensure(
                whole && in_old,
                "a receipt's facts come from one block, also while the chain changes",
                || format!("{receipt:?}"),
            )?;
        }
        names_another(&look(application, envelope).await?, &block)?;
        application.try_send(envelope).await?.ok();
    }
    Ok(())
}
