//! Time passes: the adapter's clock, the node's, and blocks.

use std::sync::atomic::Ordering;

use adapter_spec::types::Validity;
use berth_lending::recording::Import;

use super::{Application, Trial, observed::json};
use crate::check::{Checked, Expect as _, Stop};

/// An hour in milliseconds.
pub const HOUR: u64 = 60 * 60 * 1000;
/// The most blocks that are made to get beyond a validity.
const MOST_BLOCKS: u64 = 5000;

impl Application {
    /// The time that the adapter saw last, milliseconds since 1970, skew included. None where it never asked.
    #[must_use]
    pub fn seen_millis(&self) -> Option<u64> {
        let calls = self.calls();
        let mut exchanges = calls.iter().rev().flat_map(|call| call.exchanges.iter().rev());
        exchanges.find_map(|exchange| match (exchange.import, &exchange.answer) {
            (Import::NowMillis, Some(answer)) => json(answer).as_u64(),
            _ => None,
        })
    }

    /// Moves the adapter's clock on by milliseconds, beside what it was moved before; how far it is ahead then.
    fn move_clock(&self, millis: i64) -> i64 {
        let mut kept = self.kept();
        kept.skew = kept.skew.saturating_add(millis);
        kept.skew
    }
}

impl Trial {
    /// Lets time pass: the adapter's clock moves on by milliseconds, and the node's with it where it has one that can be
    /// moved. A clock of the adapter's that is wrong is another thing, see [`Application::set_clock`].
    ///
    /// # Errors
    /// `NotApplicable` where the node goes by a clock that nobody can move.
    pub async fn let_pass(&self, application: &Application, millis: i64) -> Checked {
        if let Some(reason) = self.facts.testbed.absent.get("clock") {
            return Err(Stop::NotApplicable(reason.clone()));
        }
        let ahead = application.move_clock(millis);
        // A node has one clock, and this scenario's may have moved further for another application.
        let before = self.ahead.fetch_max(ahead, Ordering::Relaxed);
        if ahead > before && self.can("clock") {
            self.control("clock", &[("ahead", u64::try_from(ahead).unwrap_or_default())]).await?;
        }
        Ok(())
    }

    /// What came of letting time pass, for a check that has more to look at: nothing, where nobody can move the node's clock.
    ///
    /// # Errors
    /// Whatever else went wrong.
    pub fn where_it_can<T: Default>(passed: Result<T, Stop>) -> Result<T, Stop> {
        match passed {
            Err(Stop::NotApplicable(_)) => Ok(T::default()),
            passed => passed,
        }
    }

    /// Sets the clocks right again that time has passed on.
    ///
    /// # Errors
    /// When the test bed is broken.
    pub async fn turn_back(&self, application: &Application) -> Checked {
        application.set_clock(0);
        self.end().await
    }

    /// Gives the node's clock back as it was.
    pub(crate) async fn end(&self) -> Checked {
        if self.ahead.swap(0, Ordering::Relaxed) > 0 && self.can("clock") {
            self.control("clock", &[("ahead", 0)]).await?;
        }
        Ok(())
    }

    /// Moves time or blocks to `before` units before the end of a validity (blocks or milliseconds), or beyond it where
    /// `before` is negative. False: it has no end.
    ///
    /// # Errors
    /// `Unknown` where the end cannot be reached.
    pub async fn approach(
        &self,
        application: &Application,
        validity: &Validity,
        before: i64,
    ) -> Result<bool, Stop> {
        match validity {
            Validity::Unbounded => Ok(false),
            Validity::Millis(until) => {
                let Some(now) = application.seen_millis() else {
                    return Err(Stop::Unknown("the adapter never asked for the time".into()));
                };
                let target = until.saturating_add_signed(before.saturating_neg());
                let millis = i128::from(target) - i128::from(now);
                self.let_pass(application, i64::try_from(millis).unwrap_or(i64::MAX)).await?;
                Ok(true)
            }
            Validity::Block(until) => {
                let head = application.status().await.expected("the ledger's status")?.head.number;
                let blocks = until.saturating_add_signed(before.saturating_neg()).saturating_sub(head);
                if blocks > MOST_BLOCKS || (blocks > 0 && !self.can("advance")) {
                    return Err(Stop::Unknown(format!("{blocks} blocks cannot be made here")));
                }
                if blocks > 0 {
                    self.advance(blocks).await?;
                }
                Ok(true)
            }
        }
    }

    /// Moves time and blocks beyond a validity. False: it has no end.
    ///
    /// # Errors
    /// `Unknown` where the end cannot be reached.
    pub async fn pass(&self, application: &Application, validity: &Validity) -> Result<bool, Stop> {
        let beyond = match validity {
            Validity::Millis(_) => -i64::try_from(HOUR).unwrap_or(i64::MAX),
            Validity::Block(_) | Validity::Unbounded => -2,
        };
        let has_end = self.approach(application, validity, beyond).await?;
        if matches!(validity, Validity::Block(_)) {
            // Blocks take their time.
            self.let_pass(application, i64::try_from(HOUR).unwrap_or(0)).await?;
        }
        Ok(has_end)
    }
}
