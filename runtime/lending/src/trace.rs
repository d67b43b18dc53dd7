//! Spans of requests to endpoints, for the operator's traces.
//!
//! They name the endpoint by its own name and tell sizes. Addresses, paths, headers and bodies are in none of them: there may be keys
//! and private arguments in those.

use adapter_spec::{
    GrpcStream,
    types::transport::{
        Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
    },
};
use tracing::{Instrument as _, Span, field::Empty, info_span};

/// Bytes of a method's name in a span.
const MAX_METHOD: usize = 128;

/// A span of one request: its name is the method, which an adapter chose, and so is looked at first.
macro_rules! request_span {
    ($kind:literal, $endpoint:expr, $method:expr, $bytes:expr) => {
        info_span!(
            target: "berth::trace",
            "endpoint.request",
            otel.kind = "client",
            otel.name = shown($method).unwrap_or($kind),
            berth.endpoint = $endpoint.as_str(),
            berth.transport = $kind,
            berth.method = shown($method),
            berth.request_bytes = $bytes as u64,
            berth.response_bytes = Empty,
            berth.response_code = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        )
    };
}

/// The name of a method, where it is one: what an adapter writes there could be anything.
fn shown(method: &str) -> Option<&str> {
    let is_name = (1..=MAX_METHOD).contains(&method.len())
        && method
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-'));
    is_name.then_some(method)
}

pub(crate) fn http(request: &HttpRequest) -> Span {
    request_span!("http", request.endpoint, &request.method, request.body.len())
}

pub(crate) fn json_rpc(request: &JsonRpcRequest) -> Span {
    request_span!("json-rpc", request.endpoint, &request.method, request.params.len())
}

pub(crate) fn grpc(request: &GrpcRequest) -> Span {
    request_span!("grpc", request.endpoint, &request.method, request.message.len())
}

pub(crate) fn grpc_stream(request: &GrpcRequest) -> Span {
    request_span!("grpc-stream", request.endpoint, &request.method, request.message.len())
}

/// Carries a request out in its span, which tells what came of it.
pub(crate) async fn traced<A: Told>(span: Span, request: impl Future<Output = A>) -> A {
    let answer = request.instrument(span.clone()).await;
    answer.note(&span);
    answer
}

/// What a request came to, as its span tells it.
pub(crate) trait Told {
    /// Notes it.
    fn note(&self, span: &Span);
}

impl Told for Result<HttpResponse, Failure> {
    fn note(&self, span: &Span) {
        match self {
            Ok(answer) => {
                span.record("berth.response_code", answer.status);
                bytes(span, answer.body.len());
            }
            Err(failure) => failed(span, kind(failure)),
        }
    }
}

impl Told for Result<String, JsonRpcFailure> {
    fn note(&self, span: &Span) {
        match self {
            Ok(answer) => bytes(span, answer.len()),
            Err(JsonRpcFailure::Transport(failure)) => failed(span, kind(failure)),
            Err(JsonRpcFailure::Error(error)) => {
                span.record("berth.response_code", error.code);
                failed(span, "answered");
            }
        }
    }
}

impl Told for Result<Vec<u8>, GrpcFailure> {
    fn note(&self, span: &Span) {
        match self {
            Ok(answer) => bytes(span, answer.len()),
            Err(failure) => grpc_failed(span, failure),
        }
    }
}

impl Told for Result<Box<dyn GrpcStream>, GrpcFailure> {
    fn note(&self, span: &Span) {
        if let Err(failure) = self {
            grpc_failed(span, failure);
        }
    }
}

fn grpc_failed(span: &Span, failure: &GrpcFailure) {
    match failure {
        GrpcFailure::Transport(failure) => failed(span, kind(failure)),
        GrpcFailure::Status(status) => {
            span.record("berth.response_code", status.code);
            failed(span, "answered");
        }
    }
}

fn bytes(span: &Span, bytes: usize) {
    span.record("berth.response_bytes", bytes as u64);
}

fn failed(span: &Span, kind: &'static str) {
    span.record("error.type", kind);
    span.record("otel.status_code", "ERROR");
}

/// The failure without its words, which can be a server's.
fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Refused(_) => "refused",
        Failure::Unreachable(_) => "unreachable",
        Failure::Interrupted(_) => "interrupted",
        Failure::Timeout => "timeout",
        Failure::TooLarge(_) => "too-large",
        Failure::Exhausted => "exhausted",
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_span_names_methods_and_nothing_else_that_an_adapter_writes_in_their_place() {
        for method in ["GET", "eth_call", "/gateway.Gateway/Evaluate", "a-b"] {
            assert_eq!(shown(method), Some(method));
        }
        for other in ["", "my secret", "{\"key\":1}", "k=v", "é", &"m".repeat(129)] {
            assert_eq!(shown(other), None, "{other}");
        }
    }
}
