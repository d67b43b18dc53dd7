//! Spans of what the gateway does of its own accord, for the operator's traces. Each begins a trace: what it goes on with may have
//! begun in many requests, before a restart too.

use tracing::{Span, field::Empty, info_span};

/// Of one look at what is under way in an application, after a restart too.
pub(crate) fn followed(application: &str) -> Span {
    info_span!(
        target: "berth::trace",
        parent: None,
        "follow",
        berth.application = application,
    )
}

/// Of one attempt to deliver events to a webhook, as a body of so many bytes.
pub(crate) fn delivered(application: &str, bytes: usize) -> Span {
    info_span!(
        target: "berth::trace",
        parent: None,
        "deliver",
        otel.kind = "client",
        berth.application = application,
        berth.request_bytes = bytes,
        otel.status_code = Empty,
    )
}

/// Notes that it came to nothing. Why is for the webhook's owner, and may name addresses.
pub(crate) fn failed(span: &Span) {
    span.record("otel.status_code", "ERROR");
}
