//! The log on stderr, and beside it a node's traces. Neither hears what is meant for the other.

use berth_node::Traces;
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{FilterExt as _, LevelFilter, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// The target of spans for traces.
const TRACES: &str = "berth::trace";

/// Errors by default, the host's and the adapter's; `RUST_LOG` asks for more.
pub(crate) fn to_stderr(traces: Option<&Traces>) {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    // With a level, so that what is wanted stays the one that decides.
    let no_traces = filter_fn(|metadata| metadata.target() != TRACES).with_max_level_hint(LevelFilter::TRACE);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .without_time()
        .with_filter(wanted.and(no_traces));
    // A second time, in tests, it is there already.
    let _ = tracing_subscriber::registry().with(traces.map(Traces::layer)).with(lines).try_init();
}
