//! Clock, randomness and log.

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use adapter_spec::types::transport::LogLevel;

/// What tells adapters the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC.
    fn now_millis(&self) -> u64;
}

/// Where adapters' random bytes come from.
pub trait Randomness: Send + Sync {
    /// Fills the buffer with bytes that are fit for keys.
    ///
    /// # Errors
    /// When there are none. Adapters never get weaker bytes instead.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gave no random bytes")]
pub struct NoRandomness;

/// Where adapters' log lines go.
pub trait LogSink: Send + Sync {
    /// Takes one line of an application's adapter. Control characters are escaped already.
    fn log(&self, application: &str, level: LogLevel, message: &str);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_millis(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(buffer).map_err(|_| NoRandomness)
    }
}

/// Log lines as `tracing` events of the target `adapter`, with the application as a field.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingLog;

impl LogSink for TracingLog {
    fn log(&self, application: &str, level: LogLevel, message: &str) {
        match level {
            LogLevel::Debug => tracing::debug!(target: "adapter", application, "{message}"),
            LogLevel::Info => tracing::info!(target: "adapter", application, "{message}"),
            LogLevel::Warn => tracing::warn!(target: "adapter", application, "{message}"),
            LogLevel::Error => tracing::error!(target: "adapter", application, "{message}"),
        }
    }
}

/// Bytes of one line (ENV-6); the rest is left away.
const MAX_LINE: usize = 4 << 10;

/// One line that cannot look like several, nor steer a terminal: control characters and those that change the
/// direction of text are escaped.
pub(crate) fn one_line(message: &str) -> String {
    let mut line = String::with_capacity(message.len().min(MAX_LINE));
    for c in message.chars() {
        if line.len() >= MAX_LINE {
            line.push('…');
            break;
        }
        let steers = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || steers {
            // Writing to a string cannot fail.
            let _ = write!(line, "{}", c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_cannot_forge_another_line_or_steer_a_terminal() {
        let line = one_line("a\nERROR b\r\u{1b}[2J\u{202e}é");
        assert_eq!(line, "a\\nERROR b\\r\\u{1b}[2J\\u{202e}é");
        assert!(one_line(&"x".repeat(1 << 20)).len() <= MAX_LINE + 4);
    }
}
