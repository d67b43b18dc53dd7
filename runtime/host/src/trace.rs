//! The span of one call of an adapter's function, for the operator's traces. What goes in and what comes out is not in it.

use adapter_spec::{
    CallError, Ended, Function,
    types::{Error, ErrorCode, SendFailure},
};
use tracing::{Instrument as _, Span, field::Empty, info_span, instrument::Instrumented};

use crate::{component::Facts, limits::Usage};

/// An error with a code of the standard.
pub(crate) trait Coded: std::error::Error + 'static {
    /// Its code.
    fn code(&self) -> ErrorCode;
}

impl Coded for Error {
    fn code(&self) -> ErrorCode {
        self.code
    }
}

impl Coded for SendFailure {
    fn code(&self) -> ErrorCode {
        self.error.code
    }
}

/// A call's span; clones are the same.
#[derive(Clone)]
pub(crate) struct CallSpan(Span);

impl CallSpan {
    /// A span under the one that is current.
    pub(crate) fn new(facts: &Facts, function: Function) -> Self {
        let adapter = &facts.descriptor.name;
        CallSpan(info_span!(
            target: "berth::trace",
            "adapter.call",
            otel.name = %format_args!("{adapter} {function}"),
            berth.adapter = adapter,
            berth.adapter_digest = hex::encode(facts.digest).as_str(),
            berth.function = function.name(),
            berth.instance = Empty,
            berth.compute_micros = Empty,
            berth.host_calls = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        ))
    }

    /// The call itself, in it.
    pub(crate) fn around<F: Future>(&self, call: F) -> Instrumented<F> {
        call.instrument(self.0.clone())
    }

    /// Whether an instance lay ready.
    pub(crate) fn instance(&self, is_warm: bool) {
        self.0.record("berth.instance", if is_warm { "warm" } else { "fresh" });
    }

    /// What the call used.
    pub(crate) fn used(&self, usage: &Usage) {
        let micros = u64::try_from(usage.compute_time.as_micros()).unwrap_or(u64::MAX);
        self.0.record("berth.compute_micros", micros);
        self.0.record("berth.host_calls", usage.host_calls);
    }

    /// Why the call failed: the standard's code where the adapter answered, or how the host ended it. Words are for the log: there
    /// may be a ledger's or an adapter's own among them.
    pub(crate) fn failed<E: Coded>(&self, error: &CallError<E>) {
        let ended = match error {
            CallError::Answered(error) => {
                self.0.record("error.type", error.code().name());
                return;
            }
            CallError::Ended(ended) => ended,
        };
        let kind = match ended {
            Ended::Trapped { .. } => "trapped",
            Ended::LimitReached { .. } => "limit-reached",
            Ended::Overloaded { .. } => "overloaded",
            Ended::Withdrawn { .. } => "withdrawn",
            Ended::Host { .. } => "host",
        };
        self.0.record("error.type", kind);
        self.0.record("otel.status_code", "ERROR");
    }
}
