//! Why something was not done.

use adapter_spec::types::{Effect, ErrorCode};
use berth_api::ChainError;
use serde::{Deserialize, de::IntoDeserializer as _};
use thiserror::Error;

/// Why a call of the client did not do what it was asked to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The node answered with a problem.
    #[error("the node refused: {0}")]
    Problem(Box<Problem>),
    /// The node was not reached, or its answer broke off, until patience was over.
    #[error(
        "the node at {address} was not reached; it may have got the request: send the same again with the same idempotency key"
    )]
    Unreachable {
        /// Where.
        address: String,
        /// Why, the last time.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The answer is not what a gateway answers.
    #[error(
        "the answer is not a gateway's ({status}): is the address right, and is the node as new as this client?"
    )]
    Answer {
        /// Its HTTP status.
        status: u16,
        /// What does not decode, where it should.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// The request is no JSON.
    #[error("the request cannot be written as JSON")]
    Request(#[source] serde_json::Error),
    /// The address is none.
    #[error("the address is not https://NAME:PORT")]
    Address,
    /// The authority's certificate does not decode.
    #[error("the node's authority is not a certificate in PEM: take state/authority.pem of the node")]
    Authority,
    /// The participant's certificate or key does not decode, or they do not belong together.
    #[error(
        "the participant's certificate and key are not a certificate and its P-256 private key in PKCS#8 PEM"
    )]
    Identity,
    /// A key that is none.
    #[error("an idempotency key is 1 to 128 visible ASCII characters")]
    IdempotencyKey,
    /// The system gives no randomness.
    #[error("the system gave no random bytes")]
    Random,
    /// The request could not be signed.
    #[error("the request was not signed")]
    NotSigned(#[from] berth_identity::request::SignerError),
    /// A participant's own key did not sign.
    #[error("the participant's key did not sign, so nothing was sent")]
    Sign(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the node has written down does not hold.
    #[error("the node's records do not hold")]
    Chain(#[from] ChainError),
    /// The node asked for signatures again and again.
    #[error("the node asks for signatures without an end")]
    Endless,
}

/// Why the node did not carry a request out (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Error)]
#[error("{code}: {detail}")]
#[non_exhaustive]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The code, for programs: one of the standard's, or one of the gateway's own.
    pub code: String,
    /// What the code means.
    #[serde(default)]
    pub title: String,
    /// What was wrong this time, for people.
    #[serde(default)]
    pub detail: String,
    /// The framework's own code, verbatim.
    #[serde(default)]
    pub native: Option<String>,
    /// True where the same request may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Of a write: whether it may still have an effect; none where nothing was sent.
    #[serde(default)]
    pub effect: Option<Effect>,
}

impl Problem {
    /// The standard's code, where it is one of the standard's.
    #[must_use]
    pub fn standard(&self) -> Option<ErrorCode> {
        let code: serde::de::value::StrDeserializer<'_, serde::de::value::Error> =
            self.code.as_str().into_deserializer();
        ErrorCode::deserialize(code).ok()
    }
}

impl ClientError {
    /// The node's problem, where the node answered with one.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            ClientError::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}
