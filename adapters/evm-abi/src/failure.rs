//! What a node or the way to it did wrong, in the standard's words.

use adapter_sdk::types::{Error, ErrorCode, transport::Failure};

use crate::readable;

/// The node's answer to `method` does not decode or does not verify.
pub fn corrupt(method: &str, why: impl AsRef<str>) -> Error {
    Error::retryable(
        ErrorCode::CorruptResponse,
        format!("the node's answer to {method}: {}", readable(why.as_ref())),
    )
}

/// An exchange that came to nothing.
pub fn from_transport(method: &str, failure: &Failure) -> Error {
    match failure {
        Failure::Refused(why) => {
            Error::new(ErrorCode::PermissionDenied, format!("{method} is not lent: {}", readable(why)))
        }
        Failure::Unreachable(why) => {
            Error::retryable(ErrorCode::Unavailable, format!("the node cannot be reached: {}", readable(why)))
        }
        Failure::Interrupted(why) => {
            Error::retryable(ErrorCode::Unavailable, format!("{method} was cut off: {}", readable(why)))
        }
        Failure::Timeout => {
            Error::retryable(ErrorCode::Timeout, format!("the node did not answer {method} in time"))
        }
        Failure::TooLarge(most) => {
            Error::new(ErrorCode::TooLarge, format!("the answer to {method} has more than {most} bytes"))
        }
        Failure::Exhausted => Error::retryable(
            ErrorCode::QuotaExceeded,
            format!("no budget is left to ask the node for {method}"),
        ),
    }
}
