//! One line on standard error that says what is waited for.

use std::{
    io::{IsTerminal as _, Write as _},
    time::Duration,
};

use adapter_spec::types::{Inclusion, Receipt};

use crate::show;

/// The line. On a terminal it is written over and goes away in the end; elsewhere there is a line for each change.
pub(super) struct Progress {
    on_terminal: bool,
    is_shown: bool,
    last: Option<Inclusion>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Progress { on_terminal: std::io::stderr().is_terminal(), is_shown: false, last: None }
    }

    /// What the newest receipt says. Nothing within the first half second, since most waits end there.
    pub(super) fn show(&mut self, receipt: &Receipt, waited: Duration) {
        if waited < Duration::from_millis(500) {
            return;
        }
        let text = format!("waiting: {} ({} s)", show::inclusion(&receipt.inclusion), waited.as_secs());
        let mut stderr = std::io::stderr().lock();
        // Progress that cannot be shown is no reason to stop.
        if self.on_terminal {
            let _ = write!(stderr, "\r\x1b[K{text}");
            let _ = stderr.flush();
            self.is_shown = true;
        } else if self.last.as_ref() != Some(&receipt.inclusion) {
            let _ = writeln!(stderr, "{text}");
            self.last = Some(receipt.inclusion.clone());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
