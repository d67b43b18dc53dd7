//! gRPC over HTTP/2, messages as bytes. The wire format is that of `PROTOCOL-HTTP2.md` in the gRPC repository.
//!
//! It is small enough to be read here. A library's decoder answers a broken `grpc-status-details-bin` with a panic, and
//! does not tell a server's status from its own.

mod messages;
mod status;
mod stream;

use adapter_spec::types::transport::{Failure, GrpcFailure, GrpcRequest};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response,
    header::{CONTENT_TYPE, TE},
};

use crate::{
    access::{Access, is_method_read},
    http::{TimedOut, not_a_read, path, send_on, within_deadline},
    lending::LentEndpoint,
    network::RequestBody,
};
use messages::Messages;
pub(crate) use stream::open;

/// Bytes of a method's path.
const MAX_METHOD: usize = 512;
/// Before each message: whether it is compressed, and its length in 4 bytes, big-endian.
const PREFIX: usize = 5;

impl From<TimedOut> for GrpcFailure {
    fn from(timed_out: TimedOut) -> Self {
        GrpcFailure::Transport(timed_out.into())
    }
}

/// Carries one unary call out.
pub(crate) async fn unary(
    endpoint: &LentEndpoint,
    access: Access,
    request: GrpcRequest,
) -> Result<Vec<u8>, GrpcFailure> {
    let mut request = prepare(endpoint, access, request)?.map(RequestBody::from);
    // The unit is milliseconds; the format has room for 8 digits.
    let millis = endpoint.deadline.as_millis().min(99_999_999);
    if let Ok(value) = HeaderValue::from_str(&format!("{millis}m")) {
        request.headers_mut().insert("grpc-timeout", value);
    }
    within_deadline(endpoint, async {
        let answer = send_on(&endpoint.clients.grpc, endpoint, request).await;
        let mut messages = read(answer.map_err(GrpcFailure::Transport)?, endpoint.max_response_bytes)?;
        let message = messages.next().await?;
        let nonsense = |reason: &str| Err(interrupted(reason));
        let Some(message) = message else { return nonsense("the server answered without a message") };
        match messages.next().await? {
            None => Ok(message),
            Some(_) => nonsense("the server answered a unary call with several messages"),
        }
    })
    .await
}

fn interrupted(reason: impl Into<String>) -> GrpcFailure {
    GrpcFailure::Transport(Failure::Interrupted(reason.into()))
}

/// The HTTP request of a call, if the call is allowed.
fn prepare(
    endpoint: &LentEndpoint,
    access: Access,
    request: GrpcRequest,
) -> Result<Request<Bytes>, GrpcFailure> {
    let refused = |reason: String| GrpcFailure::Transport(Failure::Refused(reason));
    if access != Access::Everything && !is_method_read(&endpoint.reads, &request.method) {
        return Err(GrpcFailure::Transport(not_a_read(&request.method)));
    }
    if !is_method(&request.method) {
        return Err(refused(format!(
            "{:.60?} is no gRPC method; \"/package.Service/Method\" is",
            request.method
        )));
    }
    let address = path::join(&endpoint.base, &request.method).map_err(refused)?;
    let length = u32::try_from(request.message.len())
        .map_err(|_| refused("the message has more than 4 GiB".into()))?;
    let mut body = BytesMut::with_capacity(PREFIX + request.message.len());
    body.put_u8(0);
    body.put_u32(length);
    body.extend_from_slice(&request.message);

    let mut made = Request::new(body.freeze());
    *made.method_mut() = Method::POST;
    *made.uri_mut() = address.as_str().parse().map_err(|_| refused("the method makes no address".into()))?;
    let headers = made.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    // Asked for by the protocol, so that trailers pass.
    headers.insert(TE, HeaderValue::from_static("trailers"));
    Ok(made)
}

fn is_method(method: &str) -> bool {
    let name = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    method.len() <= MAX_METHOD
        && method
            .strip_prefix('/')
            .and_then(|rest| rest.split_once('/'))
            .is_some_and(|(service, method)| name(service) && name(method))
}

/// The messages of an answer, if it is gRPC and no refusal at once.
fn read(answer: Response<hyper::body::Incoming>, cap: u64) -> Result<Messages, GrpcFailure> {
    let (head, body) = answer.into_parts();
    if let Some(status) = status::read(&head.headers)? {
        return Err(GrpcFailure::Status(status));
    }
    let is_grpc = |headers: &HeaderMap| {
        headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
    };
    if head.status != http::StatusCode::OK || !is_grpc(&head.headers) {
        return Err(interrupted(format!("the server's answer (HTTP {}) is not gRPC", head.status.as_u16())));
    }
    Ok(Messages::new(body, cap))
}

#[cfg(test)]
mod tests {
    use super::is_method;

    #[test]
    fn a_method_is_a_service_and_a_name_and_nothing_else() {
        for method in ["/gateway.Gateway/Evaluate", "/S/m", "/a.b_c-d/E"] {
            assert!(is_method(method), "{method}");
        }
        for method in ["", "/", "/S", "S/m", "//m", "/S/", "/S/m/n", "/S/m?x", "/S/%2e", "/S/m n", "/é/m"] {
            assert!(!is_method(method) || method == "{method}");
        }
    }
}
