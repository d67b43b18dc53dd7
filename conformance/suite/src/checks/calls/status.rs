//! Where the ledger stands.

use adapter_spec::{
    Function,
    types::{BlockSelector, Confidence, LedgerStatus},
};

use crate::{
    check::{Checked, Expect as _, Facts, Fault, ensure, fail},
    trial::{Observed, Trial},
};

pub(super) fn finalized_below_head(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::Status {
        return None;
    }
    let LedgerStatus { head, finalized, .. } = call.success()?;
    Some(if finalized.number > head.number {
        Err(Fault::new(
            format!("the newest final block is not above the head, {}", head.number),
            format!("finalized is {}", finalized.number),
        ))
    } else if finalized.number == head.number && finalized.hash != head.hash {
        Err(Fault::new("one block at one height", format!("head and finalized differ at {}", head.number)))
    } else {
        Ok(())
    })
}

pub(super) async fn head_is_the_newest(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let before = application.status().await.expected("status answers")?;
    let (call, options) = (trial.add(1)?, trial.options());
    let written = application.write_well(call, &actor, options).await?;
    let Some(block) = written.receipt.block else {
        return fail("a receipt that names its block", "it names none");
    };
    let after = application.status().await.expected("status answers")?;
    ensure(
        after.head.number >= block.number,
        format!("a head of at least {}, where a transaction is", block.number),
        || format!("head is {} (before it was {})", after.head.number, before.head.number),
    )?;
    ensure(
        after.head.number != block.number || after.head.hash == block.hash,
        "the head's own hash",
        || format!("head is {} with the hash {}", after.head.number, hex::encode(&after.head.hash)),
    )?;
    ensure(after.finalized.number >= before.finalized.number, "a final block stays final", || {
        format!("finalized was {} and is {}", before.finalized.number, after.finalized.number)
    })?;
    if trial.can("advance") {
        let blocks = 1 + u64::try_from(trial.below(4)).unwrap_or(0);
        trial.advance(blocks).await?;
        let later = application.status().await.expected("status answers")?;
        ensure(
            later.head.number >= after.head.number + blocks,
            format!("a head that grows by the {blocks} blocks that were made"),
            || format!("head was {} and is {}", after.head.number, later.head.number),
        )?;
    }
    if !trial.facts.interfaces.blocks {
        return Ok(());
    }
    let status = application.status().await.expected("status answers")?;
    for (of, reference) in [("head", &status.head), ("finalized", &status.finalized)] {
        let selector = BlockSelector::Number(reference.number);
        let block =
            application.block(selector).await.expected(&format!("the block that status calls {of}"))?;
        ensure(
            block.reference.hash == reference.hash,
            format!("{of} with the hash that the ledger has at its height"),
            || format!("the hash {}", hex::encode(&reference.hash)),
        )?;
    }
    // Between two questions the ledger may have gone on, never back.
    let newest = application.block(BlockSelector::At(Confidence::Final)).await;
    let newest = newest.expected("the newest final block")?;
    ensure(newest.reference.number >= status.finalized.number, "finalized as blocks.get has it", || {
        format!(
            "finalized is {}, and the newest final block {}",
            status.finalized.number, newest.reference.number
        )
    })
}
