//! The span of a request, for the operator's traces: the route and not the path, and nothing of headers and bodies.

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use tracing::{Instrument as _, Span, field::Empty, info_span};

/// Carries a request out in a span of its own, which ends when the answer begins.
pub(super) async fn traced(request: Request, next: Next) -> Response {
    let span = {
        let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
        let method = known(request.method());
        info_span!(
            target: "berth::trace",
            "request",
            otel.kind = "server",
            otel.name = %format_args!("{method} {}", route.unwrap_or("nothing")),
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            berth.participant = Empty,
            berth.application = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        )
    };
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

/// Notes who sends the request that runs.
pub(super) fn caller(participant: &str) {
    Span::current().record("berth.participant", participant);
}

/// Notes which application the request that runs is for, once it is known that its sender belongs there.
pub(super) fn application(name: &str) {
    Span::current().record("berth.application", name);
}

/// Notes with which code the request that runs is refused.
pub(crate) fn refused(code: &str) {
    Span::current().record("error.type", code);
}

/// A method that HTTP names; others, which a caller can make up, are all one.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::PATCH
        | Method::OPTIONS => method.as_str(),
        _ => "_OTHER",
    }
}
