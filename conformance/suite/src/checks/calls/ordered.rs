//! Whether the calls of an account must wait for each other.

use adapter_spec::types::{Envelope, Inclusion};

use crate::{
    check::{Checked, Expect as _, Stop, fail},
    trial::{Actor, Application, Trial},
};

/// How many looks say that a transaction waits.
const LOOKS: u32 = 10;

/// Whether it is in a block after some blocks were made.
async fn enters(trial: &Trial, application: &Application, envelope: &Envelope) -> Result<bool, Stop> {
    for _ in 0..LOOKS {
        trial.advance(1).await?;
        let receipt = application.receipt(&envelope.transaction, envelope.tracking.clone()).await;
        let receipt = receipt.expected("a receipt")?;
        if matches!(receipt.inclusion, Inclusion::Included(_) | Inclusion::Final) {
            return Ok(true);
        }
        if !trial.can("advance") {
            application.pause().await;
        }
    }
    Ok(false)
}

async fn signed(trial: &mut Trial, application: &Application, actor: &Actor) -> Result<Envelope, Stop> {
    let (call, options) = (trial.add(1)?, trial.options());
    application.envelope(call, actor, options).await
}

pub(super) async fn as_declared(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let first = signed(trial, &application, &actor).await?;
    let second = signed(trial, &application, &actor).await?;
    // The second is sent while the first is not.
    let taken = application.try_send(&second).await?;
    let entered = taken.is_ok() && enters(trial, &application, &second).await?;
    let first_taken = application.try_send(&first).await?;
    let both = first_taken.is_ok() && entered && enters(trial, &application, &first).await?;
    if !entered && taken.is_ok() {
        // It waited for the first; neither is left behind.
        application.included(&second).await?;
    }
    match (trial.facts.descriptor.ordered_accounts, entered && both) {
        (true, true) => fail(
            "ordered-accounts only where a second call excludes the first or must wait for it",
            "ordered-accounts is true, and the second was taken before the first, and then the first",
        ),
        (false, false) => fail(
            "ordered-accounts where a second call excludes the first or must wait for it",
            "ordered-accounts is false, and the second was not taken beside the first",
        ),
        _ => Ok(()),
    }
}
