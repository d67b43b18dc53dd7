//! Replacements.

use adapter_spec::types::{Envelope, ErrorCode, Inclusion};

use super::send::{Ready, ready};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::{Signed, Trial},
};

/// Has the envelope replaced by one with the same effect, or none.
pub(in super::super) async fn replaced(trial: &mut Trial, ready: &Ready) -> Result<Envelope, Stop> {
    let Ready { application, actor, envelope, .. } = ready;
    let options = trial.options();
    let step = application.replace(envelope.clone(), actor.parties(), options).await;
    let step = step.expected("replace starts a replacement of what waits for a block")?;
    match application.sign(actor, step).await? {
        Signed::Envelope(replacement) => Ok(replacement),
        Signed::Answer(_) => fail("a replacement ends in send", "an answer"),
    }
}

/// Sends the original, and then its replacement, while no block is made.
pub(in super::super) async fn both_sent(trial: &mut Trial, ready: &Ready) -> Result<Envelope, Stop> {
    trial.control("hold", &[]).await?;
    let sent = both_waiting(trial, ready).await;
    trial.control("release", &[]).await?;
    sent
}

async fn both_waiting(trial: &mut Trial, ready: &Ready) -> Result<Envelope, Stop> {
    let Ready { application, envelope, .. } = ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    let replacement = replaced(trial, ready).await?;
    ensure(
        replacement.transaction != envelope.transaction,
        "a replacement is a transaction of its own",
        || format!("it has the original's id, {}", envelope.transaction),
    )?;
    // Either may be refused by now: one of them is there.
    application.try_send(&replacement).await?.ok();
    Ok(replacement)
}

pub(super) async fn one_of_two(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let replacement = both_sent(trial, &ready).await?;
    let Ready { application, envelope, .. } = &ready;
    let mut included = 0;
    for _ in 0..trial.facts.testbed.patience {
        trial.advance(1).await?;
        included = 0;
        for one in [envelope, &replacement] {
            let receipt = application.receipt(&one.transaction, one.tracking.clone()).await;
            let inclusion = receipt.expected("a receipt")?.inclusion;
            included += u32::from(matches!(inclusion, Inclusion::Included(_) | Inclusion::Final));
        }
        if included > 0 {
            break;
        }
        application.pause().await;
    }
    ensure(included > 0, "the original or its replacement gets into a block", || "neither does".into())?;
    // If both could take effect, the second needs no more than a few blocks.
    trial.advance(3).await?;
    let added = ready.counter.added(trial, application).await?;
    ensure(
        added == ready.amount || added == 0,
        format!("of an original and its replacement one takes effect: {} is added at most", ready.amount),
        || format!("the counter has grown by {added}"),
    )
}

pub(super) async fn in_a_block(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, actor, envelope, .. } = &ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    application.included(envelope).await?;
    let options = trial.options();
    let error = application.replace(envelope.clone(), actor.parties(), options).await;
    let error = error.refused("an error of a replacement of what is in a block")?;
    ensure(
        error.code == ErrorCode::AlreadyExists,
        "`already-exists` for a replacement of what is in a block already",
        || error.to_string(),
    )?;
    ready.took_effect_once(trial, "one envelope that nothing replaced").await
}
