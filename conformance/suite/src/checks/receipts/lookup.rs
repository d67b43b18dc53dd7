//! By what a receipt is found.

use adapter_spec::types::{ErrorCode, Inclusion};

use super::super::once::{Ready, ready};
use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, same},
    trial::Trial,
};

/// Blocks that are made between two looks.
const SOME_BLOCKS: u64 = 40;
/// Requests that a longer chain may add, since a newer head may have to be looked at.
const FEW: usize = 4;

pub(super) async fn malformed(trial: &mut Trial) -> Checked {
    let Ready { application, envelope, .. } = ready(trial).await?;
    let id = &envelope.transaction;
    let malformed = [String::new(), format!("{id} {id}"), format!("\u{2603}{id}"), format!("../{id}\n")];
    for id in malformed {
        for tracking in [Vec::new(), envelope.tracking.clone()] {
            let error = application.receipt(&id, tracking).await;
            let error = error.refused(&format!("`invalid-argument` for the malformed id {id:?}"))?;
            ensure(
                error.code == ErrorCode::InvalidArgument,
                format!("`invalid-argument` for the malformed id {id:?}"),
                || error.to_string(),
            )?;
        }
    }
    Ok(())
}

pub(super) async fn unheard_of(trial: &mut Trial) -> Checked {
    let Ready { application, envelope, .. } = ready(trial).await?;
    // It is signed and was never sent.
    for tracking in [envelope.tracking.clone(), Vec::new()] {
        let receipt = application.receipt(&envelope.transaction, tracking).await;
        let receipt =
            receipt.expected("a receipt, not an error, for an id that the ledger has not heard of")?;
        same(&Inclusion::Unknown, &receipt.inclusion, "a transaction that was never sent")?;
    }
    Ok(())
}

pub(super) async fn without_tracking(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    let known = application.included(envelope).await?;
    for instance in [application.clone(), application.restarted().await?] {
        let bare = instance.receipt(&envelope.transaction, Vec::new()).await;
        let bare = bare.expected("a receipt by the id alone: what the ledger can find, or `unknown`")?;
        ensure(
            bare.inclusion == Inclusion::Unknown || (bare.block == known.block && bare.index == known.index),
            "by the id alone the same receipt, or `unknown`",
            || format!("{:?} in {:?}, not in {:?}", bare.inclusion, bare.block, known.block),
        )?;
    }
    Ok(())
}

/// How many requests a look without tracking takes, for an id that the ledger has not heard of.
async fn requests(application: &Application, transaction: &str) -> Result<usize, Stop> {
    let receipt = application.receipt(transaction, Vec::new()).await;
    receipt.expected("a receipt by the id alone: what the ledger can find, or `unknown`")?;
    Ok(application.last_call()?.requests().len())
}

pub(super) async fn no_search(trial: &mut Trial) -> Checked {
    let Ready { application, envelope, .. } = ready(trial).await?;
    let before = requests(&application, &envelope.transaction).await?;
    trial.advance(SOME_BLOCKS).await?;
    let after = requests(&application.restarted().await?, &envelope.transaction).await?;
    ensure(after <= before + FEW, "a receipt without tracking does not search through the chain", || {
        format!("{before} requests, and {after} when the chain has {SOME_BLOCKS} blocks more")
    })
}
