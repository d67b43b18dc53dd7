//! What the gateway answers where it does not do what was asked: problem details (RFC 9457).

use std::{borrow::Cow, collections::BTreeSet};

use adapter_spec::{
    CallError, Ended,
    types::{Effect, Error, ErrorCode, SendFailure},
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use berth_journal::{DriveError, JournalError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::trace;

/// What a problem's `type` begins with; the code follows.
pub const TYPE_PREFIX: &str = "urn:berth:problem:";

/// A problem: why a request was not carried out. Never holds a secret.
///
/// `code` is one of the standard's error codes where an adapter answered, or one of the gateway's own: `unauthenticated`,
/// `forbidden`, `no-application`, `suspended`, `idempotency-key`, `adapter-ended`, `adapter-missing`, `node-trouble`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// [`TYPE_PREFIX`] and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the code means, the same words each time.
    pub title: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong this time, for people.
    pub detail: String,
    /// The code itself, for programs.
    pub code: Cow<'static, str>,
    /// The framework's own code, verbatim.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub native: Option<Box<str>>,
    /// True where the same request, unchanged, may succeed later.
    pub retryable: bool,
    /// Of a write: `never` where it has no effect and never will, `unknown` where it may have one. Left out where
    /// nothing was sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effect: Option<Effect>,
}

impl Problem {
    /// A problem of the gateway's own.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Problem {
            kind: format!("{TYPE_PREFIX}{code}"),
            title: Cow::Borrowed(title),
            status: status.as_u16(),
            detail: detail.into(),
            code: Cow::Borrowed(code),
            native: None,
            retryable: false,
            effect: None,
        }
    }

    /// The same request may succeed later.
    #[must_use]
    pub fn retryable(self) -> Self {
        Problem { retryable: true, ..self }
    }

    /// Nobody known sent it. One wording for every reason, so that nobody learns which part was right.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Not from an enrolled participant",
            "sign the request (RFC 9421) or the connection (mutual TLS) with the key of a certificate of this node",
        )
    }

    /// The application is not there, or not for this participant: the two are not told apart.
    #[must_use]
    pub fn no_application() -> Self {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no-application",
            "No such application",
            "there is no application of this name in which you have a role",
        )
    }

    /// The participant's roles are not enough.
    #[must_use]
    pub fn forbidden(role: &str) -> Self {
        let detail = format!("this needs the role {role}: ask the application's owner");
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "Your roles do not allow it", detail)
    }

    /// What the caller sent does not fit.
    #[must_use]
    pub fn invalid(detail: impl Into<String>) -> Self {
        Problem::from(Error::new(ErrorCode::InvalidArgument, detail))
    }

    /// The node itself cannot go on: disk, memory, journal.
    #[must_use]
    pub fn trouble(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "node-trouble", "The node itself has trouble", detail)
            .retryable()
    }

    /// With what is known of the effect of a write.
    #[must_use]
    pub fn with_effect(self, effect: Effect) -> Self {
        Problem { effect: Some(effect), ..self }
    }
}

/// The gateway's own codes that participants can meet. A code that is not here fails the tests that meet it.
const OWN: [(StatusCode, &str); 20] = [
    (StatusCode::BAD_REQUEST, "idempotency-key"),
    (StatusCode::UNAUTHORIZED, "unauthenticated"),
    (StatusCode::UNAUTHORIZED, "signature"),
    (StatusCode::UNAUTHORIZED, "digest"),
    (StatusCode::UNAUTHORIZED, "replay"),
    (StatusCode::FORBIDDEN, "forbidden"),
    (StatusCode::FORBIDDEN, "suspended"),
    (StatusCode::FORBIDDEN, "not-granted"),
    (StatusCode::FORBIDDEN, "not-owner"),
    (StatusCode::NOT_FOUND, "no-resource"),
    (StatusCode::NOT_FOUND, "no-application"),
    (StatusCode::NOT_FOUND, "no-webhook"),
    (StatusCode::METHOD_NOT_ALLOWED, "method"),
    (StatusCode::CONFLICT, "key-mode"),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type"),
    (StatusCode::BAD_GATEWAY, "not-proved"),
    (StatusCode::BAD_GATEWAY, "adapter-ended"),
    (StatusCode::SERVICE_UNAVAILABLE, "adapter-ended"),
    (StatusCode::SERVICE_UNAVAILABLE, "adapter-missing"),
    (StatusCode::SERVICE_UNAVAILABLE, "node-trouble"),
];

/// All codes of problems with this status: the standard's, and the gateway's own.
pub(crate) fn codes(status: u16) -> BTreeSet<&'static str> {
    // What is beyond the last discriminant is the first again.
    let standard = (0..=u8::MAX).map(ErrorCode::_lift).map(|code| (meaning(code).0, code.name()));
    let all = standard.chain(OWN);
    all.filter(|(of, _)| of.as_u16() == status).map(|(_, code)| code).collect()
}

/// The HTTP status and the title of one of the standard's codes.
fn meaning(code: ErrorCode) -> (StatusCode, &'static str) {
    match code {
        ErrorCode::Unsupported => (StatusCode::NOT_IMPLEMENTED, "The adapter does not offer this"),
        ErrorCode::InvalidArgument => (StatusCode::BAD_REQUEST, "The request does not fit"),
        ErrorCode::NotFound => (StatusCode::NOT_FOUND, "It is not there"),
        ErrorCode::AlreadyExists => (StatusCode::CONFLICT, "It is there already"),
        ErrorCode::Conflict => (StatusCode::CONFLICT, "Another write was first"),
        ErrorCode::PermissionDenied => (StatusCode::FORBIDDEN, "The ledger does not allow it"),
        ErrorCode::QuotaExceeded => (StatusCode::TOO_MANY_REQUESTS, "A quota is used up"),
        ErrorCode::InsufficientFunds => (StatusCode::UNPROCESSABLE_ENTITY, "The account cannot pay"),
        ErrorCode::Underpriced => (StatusCode::UNPROCESSABLE_ENTITY, "The fee is too low"),
        ErrorCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too many bytes"),
        ErrorCode::Rejected => (StatusCode::UNPROCESSABLE_ENTITY, "The ledger refused it"),
        ErrorCode::Reverted => (StatusCode::UNPROCESSABLE_ENTITY, "The contract failed"),
        ErrorCode::Expired => (StatusCode::GONE, "Its time has passed"),
        ErrorCode::Pruned => (StatusCode::GONE, "It is not kept any more"),
        ErrorCode::OutOfRange => (StatusCode::NOT_FOUND, "It is beyond what exists"),
        ErrorCode::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The ledger's node does not answer"),
        ErrorCode::Timeout => (StatusCode::GATEWAY_TIMEOUT, "The ledger's node did not answer in time"),
        ErrorCode::CorruptResponse => (StatusCode::BAD_GATEWAY, "The ledger's node answered nonsense"),
        ErrorCode::Internal => (StatusCode::BAD_GATEWAY, "The adapter has a fault"),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, title) = meaning(error.code);
        let Error { code, message, native, retryable } = error;
        let native = native.map(String::into_boxed_str);
        Problem { native, retryable, ..Problem::new(status, code.name(), title, message) }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Answered(error) => error.into(),
            CallError::Ended(ended) => ended.into(),
        }
    }
}

impl From<CallError<SendFailure>> for Problem {
    fn from(error: CallError<SendFailure>) -> Self {
        match error {
            CallError::Answered(SendFailure { error, effect }) => Problem::from(error).with_effect(effect),
            CallError::Ended(ended) => Problem::from(ended).with_effect(Effect::Unknown),
        }
    }
}

impl From<Ended> for Problem {
    fn from(ended: Ended) -> Self {
        let status = match &ended {
            Ended::Overloaded { .. } | Ended::Withdrawn { .. } | Ended::Host { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Ended::Trapped { .. } | Ended::LimitReached { .. } => StatusCode::BAD_GATEWAY,
        };
        let retryable = matches!(&ended, Ended::Overloaded { .. });
        let problem =
            Problem::new(status, "adapter-ended", "The node ended the adapter's call", ended.to_string());
        Problem { retryable, ..problem }
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::NotBegun { .. } => {
                Error::new(ErrorCode::NotFound, "there is no call with this idempotency key").into()
            }
            JournalError::NothingToReplace { .. } => {
                Error::new(ErrorCode::AlreadyExists, "there is nothing to replace any more").into()
            }
            JournalError::Envelope { .. } => Error::new(ErrorCode::TooLarge, error.to_string()).into(),
            other => {
                tracing::error!(error = %other, "the journal failed");
                Problem::trouble("the journal fails: send the same request again later, with the same key")
            }
        }
    }
}

impl From<DriveError> for Problem {
    fn from(error: DriveError) -> Self {
        match error {
            // Nothing is sent that the journal does not have. But it may have failed after the send, or have an envelope from
            // before, or one that it could not confirm and finds again at the next start.
            DriveError::Journal(error @ (JournalError::Store(_) | JournalError::Damaged { .. })) => {
                Problem::from(error).with_effect(Effect::Unknown)
            }
            DriveError::Journal(error) => error.into(),
            DriveError::Conflict => Problem {
                title: Cow::Borrowed("The idempotency key was used for another request"),
                ..Problem::from(Error::new(
                    ErrorCode::Conflict,
                    "the key belongs to another request: take a new key for a new request",
                ))
            },
            DriveError::Call { source, .. } => source.into(),
            DriveError::Signer(error) => {
                Error::new(ErrorCode::PermissionDenied, format!("nothing was signed: {error}")).into()
            }
            DriveError::NothingToReplace(_) => {
                Error::new(ErrorCode::AlreadyExists, "there is nothing to replace any more").into()
            }
            other => Error::new(ErrorCode::Internal, other.to_string()).into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        trace::refused(&self.code);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
