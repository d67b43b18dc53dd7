//! What applications do every day: the rules watch it.

use crate::{check::Checked, trial::Trial};

/// What applications do every day.
pub(super) async fn ordinary_life(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    application.write_well(call, &actor, options).await?;
    Ok(())
}
