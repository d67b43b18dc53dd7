//! When something is sent again, and after how long.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause,
const FIRST: Duration = Duration::from_millis(100);
/// doubled each time, to this.
const LONGEST: Duration = Duration::from_secs(5);

/// Growing pauses, until patience is over.
pub(crate) struct BackOff {
    next: Duration,
    end: Instant,
}

impl BackOff {
    pub(crate) fn new(patience: Duration) -> Self {
        BackOff { next: FIRST, end: Instant::now() + patience }
    }

    /// Waits for the next try; false where patience is over.
    pub(crate) async fn pause(&mut self) -> bool {
        if Instant::now() + self.next > self.end {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST);
        true
    }
}
