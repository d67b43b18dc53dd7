//! What the probe's counters say.

use super::{Actor, Application, Trial};
use crate::check::{Stop, ensure, fail};

/// An actor's counter as it was at one time.
pub struct Counter {
    actor: Actor,
    before: u128,
}

impl Trial {
    /// The actor's counter now, as a number.
    ///
    /// # Errors
    /// A fault when it cannot be read, or is no number.
    pub async fn number(&self, application: &Application, actor: &Actor) -> Result<u128, Stop> {
        let text = self.count(application, actor).await?;
        text.parse().or_else(|_| fail("the counter is a decimal number", format!("{text:?}")))
    }

    /// The actor's counter, to be compared with later.
    ///
    /// # Errors
    /// A fault when it cannot be read.
    pub async fn counter(&self, application: &Application, actor: &Actor) -> Result<Counter, Stop> {
        Ok(Counter { actor: actor.clone(), before: self.number(application, actor).await? })
    }

    /// A number that calls add, from the seed: 1 to 1000.
    pub fn amount(&mut self) -> u32 {
        u32::try_from(self.below(1000)).unwrap_or(0) + 1
    }
}

impl Counter {
    /// By how much it has grown.
    ///
    /// # Errors
    /// A fault when it cannot be read.
    pub async fn added(&self, trial: &Trial, application: &Application) -> Result<u128, Stop> {
        let now = trial.number(application, &self.actor).await?;
        Ok(now.saturating_sub(self.before))
    }

    /// A fault unless it has grown by exactly this much.
    ///
    /// # Errors
    /// That fault.
    pub async fn grew_by(
        &self,
        trial: &Trial,
        application: &Application,
        amount: u128,
        what: &str,
    ) -> Result<(), Stop> {
        let added = self.added(trial, application).await?;
        ensure(added == amount, format!("{what}: the counter has grown by {amount}"), || {
            format!("it has grown by {added}")
        })
    }
}
