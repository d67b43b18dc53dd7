//! The envelope: its id, and that it stands for itself.

use adapter_spec::types::Inclusion;

use super::send::{Ready, ready};
use crate::{
    check::{Checked, Expect as _, ensure, fail, same},
    trial::Trial,
};

pub(super) async fn id_finds(trial: &mut Trial) -> Checked {
    let Ready { application, envelope, .. } = ready(trial).await?;
    ensure(!envelope.transaction.is_empty(), "an envelope with the transaction's id", || {
        "an empty id".into()
    })?;
    same(&Ok(()), &application.try_send(&envelope).await?, "sending a good envelope")?;
    for instance in [application.clone(), application.restarted().await?] {
        for look in 0.. {
            let receipt = instance.receipt(&envelope.transaction, envelope.tracking.clone()).await;
            let receipt = receipt.expected("the receipt of the envelope's id")?;
            same(&envelope.transaction, &receipt.transaction, "the receipt is of the id that was asked for")?;
            if !matches!(receipt.inclusion, Inclusion::Unknown | Inclusion::Pending) {
                break;
            }
            if look >= trial.facts.testbed.patience {
                return fail(
                    "the envelope's id is the one under which the receipt is found",
                    format!("it stays {:?}", receipt.inclusion),
                );
            }
            instance.pause_after(look).await;
        }
    }
    Ok(())
}

pub(super) async fn same_bytes_same_id(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    let first = application.envelope(call.clone(), &actor, options.clone()).await?;
    let again = application.restarted().await?.envelope(call, &actor, options).await?;
    // The salt is the same, so that the bytes may be, but need not: time may be in them.
    if first.bytes == again.bytes {
        same(&first.transaction, &again.transaction, "the same envelope bytes have the same id")?;
    } else if first.transaction == again.transaction && first.tracking != again.tracking {
        // One id for both is right only where the ledger takes one of them.
        let counter = trial.counter(&application, &actor).await?;
        same(&Ok(()), &application.try_send(&first).await?, "sending a good envelope")?;
        application.included(&first).await?;
        application.try_send(&again).await?.ok();
        trial.advance(2).await?;
        counter.grew_by(trial, &application, 1, "different transactions with one id").await?;
    }
    Ok(())
}

pub(super) async fn stands_for_itself(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let envelope = &ready.envelope;
    // Other applications with the same settings: nothing in memory, nothing in the state.
    let (sender, finder) = (trial.application().await?, trial.application().await?);
    let sent = sender.try_send(envelope).await?;
    ensure(sent.is_ok(), "another instance with the same settings sends the envelope", || {
        format!("{sent:?}")
    })?;
    let receipt = finder.included(envelope).await?;
    same(&envelope.transaction, &receipt.transaction, "a third one finds its receipt")?;
    ready.took_effect_once(trial, "one envelope, sent by another instance").await
}
