//! How long a webhook waits.

use std::time::Duration;

use adapter_spec::async_trait;
use jiff::Timestamp;

/// The pause after the first failure,
const FIRST: Duration = Duration::from_secs(1);
/// doubled with each further one, to this.
const LAST: Duration = Duration::from_secs(300);

/// Time as webhooks see it. Tests put in one of their own, so that nobody waits minutes for a test.
#[async_trait]
pub trait Pace: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Timestamp;

    /// Waits.
    async fn pause(&self, duration: Duration);
}

/// The machine's own time.
pub(crate) struct RealPace;

#[async_trait]
impl Pace for RealPace {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The pause after so many failures in a row. `dice` is random: a half of the pause is, so that webhooks of one receiver that
/// was away do not all come back at once.
pub(crate) fn back_off(failures: u32, dice: u16) -> Duration {
    let doubled = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let full = FIRST.saturating_mul(doubled).min(LAST);
    let half = full / 2;
    (half + half * u32::from(dice) / u32::from(u16::MAX)).max(FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_their_bound_and_a_half_of_each_is_random() {
        let seconds = |failures, dice| back_off(failures, dice).as_secs_f64();
        for (failures, most) in [(1, 1.0), (2, 2.0), (3, 4.0), (9, 256.0), (10, 300.0), (u32::MAX, 300.0)] {
            assert_eq!(seconds(failures, u16::MAX), most, "{failures}");
            assert_eq!(seconds(failures, 0), f64::max(most / 2.0, 1.0), "{failures}");
        }
    }
}
