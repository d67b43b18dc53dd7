//! What applications do every day: the rules watch it.

use super::{blocks, calls, errors, events, once, store};
use crate::{check::Checked, trial::Trial};

/// What applications do every day.
pub(super) async fn ordinary_life(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    application.write_well(call, &actor, options).await?;
    calls::ordinary_use(trial, &application, &actor).await?;
    errors::ordinary_mistakes(trial, &application, &actor).await?;
    once::ordinary_use(trial, &application, &actor).await?;
    if trial.facts.interfaces.store {
        store::ordinary_use(trial, &application, &actor).await?;
    }
    if trial.facts.interfaces.events {
        events::ordinary_use(trial, &application, &actor).await?;
    }
    if trial.facts.interfaces.blocks {
        blocks::ordinary_use(trial, &application).await?;
    }
    Ok(())
}
