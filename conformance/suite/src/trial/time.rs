//! Time passes: the adapter's clock, and blocks.

use adapter_spec::types::Validity;
use berth_lending::recording::Import;

use super::{Application, Trial, observed::json};
use crate::check::{Expect as _, Stop};

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

    /// Moves the adapter's clock on by milliseconds, beside what it was moved before.
    pub fn move_clock(&self, millis: i64) {
        let mut kept = self.kept();
        kept.skew = kept.skew.saturating_add(millis);
    }
}

impl Trial {
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
                application.move_clock(i64::try_from(millis).unwrap_or(i64::MAX));
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
            application.move_clock(i64::try_from(HOUR).unwrap_or(0));
        }
        Ok(has_end)
    }
}
