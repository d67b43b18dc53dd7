//! HTTP requests.

mod headers;
pub(crate) mod path;

use std::error::Error as _;

use adapter_spec::types::transport::{Failure, HttpRequest, HttpResponse};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header::USER_AGENT};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy;

use crate::{
    access::{Access, is_http_read},
    lending::LentEndpoint,
    network::{HttpClient, RequestBody},
};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("berth/", env!("CARGO_PKG_VERSION")));

/// Carries one request out.
pub(crate) async fn exchange(
    endpoint: &LentEndpoint,
    access: Access,
    request: HttpRequest,
) -> Result<HttpResponse, Failure> {
    let method = method(&request.method)?;
    if access != Access::Everything && !is_http_read(&endpoint.reads, method.as_str(), &request.path) {
        return Err(not_a_read(&format!("{method} {}", request.path)));
    }
    let address = path::join(&endpoint.base, &request.path).map_err(Failure::Refused)?;
    let headers = headers::of_adapter(&request.headers).map_err(Failure::Refused)?;
    let address: Uri =
        address.as_str().parse().map_err(|_| Failure::Refused("the path makes no address".into()))?;
    let answer = within_deadline(endpoint, async {
        let answer = send(endpoint, method, address, headers, request.body.into()).await?;
        let (head, body) = answer.into_parts();
        let body = whole_body(body, endpoint.max_response_bytes).await?;
        Ok::<_, Failure>((head, body))
    });
    let (head, body) = answer.await?;
    Ok(HttpResponse {
        status: head.status.as_u16(),
        headers: headers::to_adapter(&head.headers),
        body: body.into(),
    })
}

/// What an adapter is told of a method that only `send` may use.
pub(crate) fn not_a_read(method: &str) -> Failure {
    Failure::Refused(format!(
        "{method:.200} is not a declared read; only core.ledger.send may do more than read"
    ))
}

/// Methods that make sense to a framework; CONNECT and TRACE are not among them.
fn method(name: &str) -> Result<Method, Failure> {
    match name {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "DELETE" => Ok(Method::DELETE),
        "HEAD" => Ok(Method::HEAD),
        "PATCH" => Ok(Method::PATCH),
        "OPTIONS" => Ok(Method::OPTIONS),
        _ => Err(Failure::Refused(format!("the method {name:.20?} is not lent"))),
    }
}

/// The future's outcome, or `timeout` when the endpoint's deadline comes first.
pub(crate) async fn within_deadline<T, E: From<TimedOut>>(
    endpoint: &LentEndpoint,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(endpoint.deadline, future).await.unwrap_or_else(|_| Err(TimedOut.into()))
}

/// The deadline came first.
pub(crate) struct TimedOut;

impl From<TimedOut> for Failure {
    fn from(TimedOut: TimedOut) -> Self {
        Failure::Timeout
    }
}

/// Sends a request with the operator's headers over `http`, and waits for the answer's head.
pub(crate) async fn send(
    endpoint: &LentEndpoint,
    method: Method,
    address: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response<hyper::body::Incoming>, Failure> {
    let mut request = Request::new(RequestBody::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = address;
    *request.headers_mut() = headers;
    send_on(&endpoint.clients.http, endpoint, request).await
}

/// The same for a request that is made already.
pub(crate) async fn send_on(
    client: &HttpClient,
    endpoint: &LentEndpoint,
    mut request: Request<RequestBody>,
) -> Result<Response<hyper::body::Incoming>, Failure> {
    prepare_headers(endpoint, request.headers_mut());
    client.request(request).await.map_err(|error| failure(&error))
}

/// Adds the operator's headers, which win.
pub(crate) fn prepare_headers(endpoint: &LentEndpoint, headers: &mut HeaderMap) {
    headers.entry(USER_AGENT).or_insert(AGENT);
    for (name, value) in &endpoint.headers {
        headers.insert(name.clone(), value.clone());
    }
}

/// Whether a request that failed can have had an effect.
pub(crate) fn failure(error: &legacy::Error) -> Failure {
    // Canceled: the connection was gone before the request was written to it.
    let canceled = error
        .source()
        .and_then(|error| error.downcast_ref::<hyper::Error>())
        .is_some_and(hyper::Error::is_canceled);
    if error.is_connect() || canceled {
        Failure::Unreachable(causes(error))
    } else {
        Failure::Interrupted(causes(error))
    }
}

/// An error with its causes, on one line. The library's errors name no address and no header.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// The whole body, if it has no more than `cap` bytes. Stops reading at the first byte beyond.
pub(crate) async fn whole_body(mut body: hyper::body::Incoming, cap: u64) -> Result<Bytes, Failure> {
    use hyper::body::Body as _;

    if body.size_hint().lower() > cap {
        return Err(Failure::TooLarge(cap));
    }
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut length = 0_u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::Interrupted(causes(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(data.len() as u64);
        if length > cap {
            return Err(Failure::TooLarge(cap));
        }
        // Most answers come in one piece, which is then not copied.
        match &first {
            None => first = Some(data),
            Some(begin) => {
                if rest.is_empty() {
                    rest.extend_from_slice(begin);
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
}
