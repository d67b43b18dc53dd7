//! The log on stderr, and beside it a node's traces. Neither hears what is meant for the other.

use std::io::IsTerminal as _;

use berth_node::{LogConfig, LogFormat, Traces};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, LevelFilter, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// The target of spans for traces.
const TRACES: &str = "berth::trace";

/// What the configuration asks for; without one errors, the host's and the adapter's. `RUST_LOG` goes before.
pub(crate) fn to_stderr(config: Option<&LogConfig>, traces: Option<&Traces>) {
    let level = config.map_or("error", |config| config.level.get_ref());
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // With a level, so that what is wanted stays the one that decides.
    let no_traces = filter_fn(|metadata| metadata.target() != TRACES).with_max_level_hint(LevelFilter::TRACE);
    let stderr = std::io::stderr;
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let lines = match config.map(|config| config.format) {
        Some(LogFormat::Json) => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
        Some(LogFormat::Text) | None => lines.without_time().boxed(),
    };
    let lines = lines.with_filter(wanted.and(no_traces));
    // A second time, in tests, it is there already.
    let _ = tracing_subscriber::registry().with(traces.map(Traces::layer)).with(lines).try_init();
}
