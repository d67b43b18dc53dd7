//! The words of what a host lends: endpoints and the ways they fail.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

use super::{Effect, Error, ErrorCode, SendFailure};

/// Why an exchange with an endpoint came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
pub enum Failure {
    /// Not lent, not a read outside `send`, or malformed; it never left: no effect.
    #[cfg_attr(feature = "component", component(name = "refused"))]
    Refused(String),
    /// It never left: no effect.
    #[cfg_attr(feature = "component", component(name = "unreachable"))]
    Unreachable(String),
    /// It left, and no whole answer came: effect unknown.
    #[cfg_attr(feature = "component", component(name = "interrupted"))]
    Interrupted(String),
    /// No answer within the deadline: effect unknown.
    #[cfg_attr(feature = "component", component(name = "timeout"))]
    Timeout,
    /// The answer has more bytes than this, the lender's cap: effect unknown.
    #[cfg_attr(feature = "component", component(name = "too-large"))]
    TooLarge(u64),
    /// The lender's budget of calls or bytes is used up, perhaps by the answer: effect unknown.
    #[cfg_attr(feature = "component", component(name = "exhausted"))]
    Exhausted,
}

/// An endpoint that the operator lends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct Lent {
    /// The name to use in requests.
    pub endpoint: String,
    /// Operator's labels, e.g. ("organisation", "Org1MSP").
    pub labels: Vec<(String, String)>,
    /// SHA-256 of the TLS client certificate (DER), where the framework binds requests to it.
    #[cfg_attr(feature = "component", component(name = "client-certificate-sha256"))]
    #[serde(with = "crate::types::hex_bytes::option")]
    pub client_certificate_sha256: Option<Vec<u8>>,
}

/// One HTTP request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct HttpRequest {
    /// The lent endpoint.
    pub endpoint: String,
    /// GET, POST, and so on.
    pub method: String,
    /// Appended to the endpoint's base address; it cannot leave it. Redirects are not followed.
    pub path: String,
    /// Never Host, Authorization, Cookie or hop-by-hop headers: those are the host's.
    pub headers: Vec<(String, String)>,
    /// As it is sent.
    #[serde(with = "crate::types::hex_bytes")]
    pub body: Vec<u8>,
    /// Sealed in recordings.
    pub sensitive: bool,
}

/// The answer to an HTTP request, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// In the order they came.
    pub headers: Vec<(String, String)>,
    /// At most the lender's cap.
    #[serde(with = "crate::types::hex_bytes")]
    pub body: Vec<u8>,
}

/// One JSON-RPC call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct JsonRpcRequest {
    /// The lent endpoint.
    pub endpoint: String,
    /// The method.
    pub method: String,
    /// A JSON array or object.
    pub params: String,
    /// Sealed in recordings.
    pub sensitive: bool,
}

/// The error object of an answer, as the node gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct JsonRpcError {
    /// Its code.
    pub code: i64,
    /// Its message.
    pub message: String,
    /// Its data, as JSON.
    pub data: Option<String>,
}

/// Why a JSON-RPC call has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
pub enum JsonRpcFailure {
    /// The node answered with an error.
    #[cfg_attr(feature = "component", component(name = "error"))]
    Error(JsonRpcError),
    /// No answer came, or none that is JSON-RPC.
    #[cfg_attr(feature = "component", component(name = "transport"))]
    Transport(Failure),
}

/// One gRPC call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct GrpcRequest {
    /// The lent endpoint.
    pub endpoint: String,
    /// "/package.Service/Method"
    pub method: String,
    /// The message, encoded.
    #[serde(with = "crate::types::hex_bytes")]
    pub message: Vec<u8>,
    /// Sealed in recordings.
    pub sensitive: bool,
}

/// A gRPC status that is not OK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
pub struct GrpcStatus {
    /// The status code, 1 to 16.
    pub code: u32,
    /// The message.
    pub message: String,
    /// `grpc-status-details-bin`, decoded from base64.
    #[serde(with = "crate::types::hex_bytes")]
    pub details: Vec<u8>,
}

/// Why a gRPC call has no message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
pub enum GrpcFailure {
    /// The server answered with a status.
    #[cfg_attr(feature = "component", component(name = "status"))]
    Status(GrpcStatus),
    /// No answer came.
    #[cfg_attr(feature = "component", component(name = "transport"))]
    Transport(Failure),
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[repr(u8)]
pub enum LogLevel {
    /// For whoever looks for a fault.
    #[cfg_attr(feature = "component", component(name = "debug"))]
    Debug,
    /// Worth knowing.
    #[cfg_attr(feature = "component", component(name = "info"))]
    Info,
    /// Somebody should look, some day.
    #[cfg_attr(feature = "component", component(name = "warn"))]
    Warn,
    /// Somebody should look now.
    #[cfg_attr(feature = "component", component(name = "error"))]
    Error,
}

enum_from_discriminant!(LogLevel { Debug, Info, Warn, Error });

impl Failure {
    /// Whether what was sent can have had an effect.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Failure::Refused(_) | Failure::Unreachable(_) => Effect::Never,
            Failure::Interrupted(_) | Failure::Timeout | Failure::TooLarge(_) | Failure::Exhausted => {
                Effect::Unknown
            }
        }
    }
}

/// What an adapter answers where no answer came from an endpoint (STANDARD.md, ERR and NODE).
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(message) => {
                Error::new(ErrorCode::Unavailable, format!("the host refused the request: {message}"))
            }
            Failure::Unreachable(message) => {
                Error::retryable(ErrorCode::Unavailable, format!("the node cannot be reached: {message}"))
            }
            Failure::Interrupted(message) => {
                Error::retryable(ErrorCode::Unavailable, format!("the node's answer broke off: {message}"))
            }
            Failure::Timeout => Error::retryable(ErrorCode::Timeout, "the node did not answer in time"),
            Failure::TooLarge(cap) => {
                Error::new(ErrorCode::TooLarge, format!("the node's answer has more than {cap} bytes"))
            }
            Failure::Exhausted => {
                Error::new(ErrorCode::QuotaExceeded, "the call's budget of requests or bytes is used up")
            }
        }
    }
}

/// The same where a transaction was sent.
impl From<Failure> for SendFailure {
    fn from(failure: Failure) -> Self {
        SendFailure { effect: failure.effect(), error: failure.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_that_never_left_is_known_to_have_no_effect() {
        let never = [Failure::Refused("not lent".into()), Failure::Unreachable("no route".into())];
        let unknown = [
            Failure::Interrupted("reset".into()),
            Failure::Timeout,
            Failure::TooLarge(9),
            Failure::Exhausted,
        ];
        assert!(never.into_iter().all(|failure| SendFailure::from(failure).effect == Effect::Never));
        assert!(unknown.into_iter().all(|failure| SendFailure::from(failure).effect == Effect::Unknown));
    }
}
