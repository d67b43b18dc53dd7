//! From what nodes and the host say to the standard's error codes.

pub(crate) mod revert;
pub(crate) mod table;

use adapter_sdk::types::{
    Error, ErrorCode,
    transport::{Failure, JsonRpcError, JsonRpcFailure},
};

pub(crate) use adapter_evm_abi::{invalid, readable};

/// The node's answer to `method` does not decode or does not verify.
pub(crate) fn corrupt(method: &str, why: impl AsRef<str>) -> Error {
    Error::retryable(
        ErrorCode::CorruptResponse,
        format!("the node's answer to {method}: {}", readable(why.as_ref())),
    )
}

/// Why a call of `method` has no result, in the standard's words.
pub(crate) fn from_node(method: &str, failure: &JsonRpcFailure) -> Error {
    match failure {
        JsonRpcFailure::Transport(failure) => from_transport(method, failure),
        JsonRpcFailure::Error(error) => from_answer(method, error),
    }
}

/// An exchange that came to nothing.
pub(crate) fn from_transport(method: &str, failure: &Failure) -> Error {
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

/// The node's own error object.
pub(crate) fn from_answer(method: &str, error: &JsonRpcError) -> Error {
    if let Some(reverted) = revert::of_answer(error) {
        return reverted;
    }
    let native = format!("{}: {}", error.code, readable(&error.message));
    let (code, retryable) = match table::meaning(error.code, &error.message) {
        Some(table::Meaning::Refusal { code, retryable }) => (code, retryable),
        Some(table::Meaning::NonceUsed) => (ErrorCode::Conflict, true),
        Some(table::Meaning::AlreadyKnown) => (ErrorCode::AlreadyExists, false),
        None if method == crate::rpc::SEND => (ErrorCode::Rejected, false),
        None => (ErrorCode::Unavailable, false),
    };
    let message = format!("the node refused {method}; its own words are the framework's code");
    Error { code, message, native: Some(native), retryable }
}
