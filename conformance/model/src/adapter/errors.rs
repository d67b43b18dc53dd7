//! What nodes and contracts say went wrong, in the standard's words: data, in one place.

use adapter_sdk::types::{
    Error, ErrorCode,
    transport::{Failure, JsonRpcError, JsonRpcFailure},
};
use serde::Deserialize;

use crate::wire::{Malformed, codes};

/// The most bytes of a contract's reason in a message; messages have at most 4,096.
const MAX_REASON: usize = 3000;

/// What a code means.
pub(super) struct Meaning {
    pub(super) native: i64,
    pub(super) code: ErrorCode,
    pub(super) retryable: bool,
    /// What was wrong and what to do.
    pub(super) message: &'static str,
}

const fn never(native: i64, code: ErrorCode, message: &'static str) -> Meaning {
    Meaning { native, code, retryable: false, message }
}

const fn later(native: i64, code: ErrorCode, message: &'static str) -> Meaning {
    Meaning { native, code, retryable: true, message }
}

/// Every code of the ledger.
pub(super) const TABLE: &[Meaning] = &[
    never(codes::KNOWN, ErrorCode::AlreadyExists, "the node has this transaction already"),
    later(codes::NONCE_USED, ErrorCode::Conflict, "another transaction used the nonce; begin the call anew"),
    later(
        codes::REPLACEMENT_UNDERPRICED,
        ErrorCode::Conflict,
        "another transaction with the nonce waits and pays as much; begin the call anew",
    ),
    never(codes::UNDERPRICED, ErrorCode::Underpriced, "the node wants a higher fee; begin the call anew"),
    never(codes::INSUFFICIENT_FUNDS, ErrorCode::InsufficientFunds, "the account cannot pay amount and fee"),
    never(codes::TOO_LARGE, ErrorCode::TooLarge, "the ledger does not take so many bytes"),
    never(codes::MALFORMED, ErrorCode::InvalidArgument, "the node cannot read the transaction"),
    never(codes::BAD_SIGNATURE, ErrorCode::Rejected, "the node does not accept the signature"),
    never(codes::OTHER_CHAIN, ErrorCode::InvalidArgument, "the transaction is of another ledger or space"),
    never(
        codes::NOT_ADMITTED,
        ErrorCode::PermissionDenied,
        "the account is not admitted to the space; an administrator must admit it",
    ),
    never(
        codes::WINDOW_PASSED,
        ErrorCode::Expired,
        "no later block may carry the transaction; begin the call anew",
    ),
    later(codes::POOL_FULL, ErrorCode::QuotaExceeded, "the node's pool is full; try later"),
    later(codes::CONFLICT, ErrorCode::Conflict, "a concurrent change came first; begin the call anew"),
    never(codes::PRUNED, ErrorCode::Pruned, "the node does not keep this block any more"),
    later(codes::FUTURE_BLOCK, ErrorCode::OutOfRange, "there is no such block yet"),
    never(codes::UNKNOWN_BLOCK, ErrorCode::NotFound, "no block has this hash"),
    never(codes::UNKNOWN_CONTRACT, ErrorCode::NotFound, "there is no such contract"),
    never(codes::UNKNOWN_FUNCTION, ErrorCode::NotFound, "the contract has no function with this signature"),
    never(codes::BAD_ARGUMENTS, ErrorCode::InvalidArgument, "the arguments do not fit what was called"),
    never(codes::UNKNOWN_SPACE, ErrorCode::NotFound, "there is no such space; look at the setting `space`"),
    never(codes::UNKNOWN_CODE, ErrorCode::InvalidArgument, "the ledger knows no such code"),
    later(codes::SYNCING, ErrorCode::Unavailable, "the node is catching up; try later"),
    later(codes::RATE_LIMITED, ErrorCode::QuotaExceeded, "the node takes no more requests now; try later"),
    later(codes::NODE_FAULT, ErrorCode::Unavailable, "the node has a fault; try later"),
    later(codes::NODE_TIMEOUT, ErrorCode::Timeout, "the node took too long; try later"),
    never(
        codes::NOT_LET_IN,
        ErrorCode::PermissionDenied,
        "the node does not let the operator's key read this",
    ),
    never(codes::REVERTED, ErrorCode::Reverted, "the contract failed"),
    never(codes::EXISTS, ErrorCode::AlreadyExists, "it is there already"),
    never(codes::MISSING, ErrorCode::NotFound, "it is not there"),
    never(codes::FORBIDDEN, ErrorCode::PermissionDenied, "the ledger does not let this account do that"),
    never(codes::OUT_OF_UNITS, ErrorCode::Reverted, "the contract used up the units that were paid for"),
    never(
        codes::UNKNOWN_METHOD,
        ErrorCode::Unavailable,
        "the node does not have this method; it is no node of this ledger",
    ),
    never(codes::BAD_PARAMS, ErrorCode::InvalidArgument, "the node cannot read the request"),
    never(-32700, ErrorCode::Unavailable, "the node cannot read the request"),
    never(-32600, ErrorCode::Unavailable, "the node cannot read the request"),
    later(-32603, ErrorCode::Unavailable, "the node has a fault; try later"),
];

/// The table's row of a code.
pub(super) fn meaning(native: i64) -> Option<&'static Meaning> {
    TABLE.iter().find(|meaning| meaning.native == native)
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

/// A node's answer that does not decode or does not fit. Another time it may.
pub(super) fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::retryable(ErrorCode::CorruptResponse, format!("the node's answer is not one: {what}"))
}

impl From<Malformed> for Error {
    fn from(error: Malformed) -> Self {
        invalid(error.to_string())
    }
}

/// At most so many bytes of a text, in whole characters.
pub(super) fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default()
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Read,
    Submission,
}

/// A code and the contract's reason, as an error of the standard.
pub(super) fn native(asked: Asked, native: i64, reason: &str) -> Error {
    let (code, retryable, message) = match meaning(native) {
        Some(meaning) => (meaning.code, meaning.retryable, meaning.message),
        None if asked == Asked::Submission => (
            ErrorCode::Rejected,
            false,
            "the node refused the transaction, for a reason that is not known here",
        ),
        None => (
            ErrorCode::Unavailable,
            false,
            "the node refused the request, for a reason that is not known here",
        ),
    };
    let message = match cut(reason, MAX_REASON) {
        "" => message.to_owned(),
        reason => format!("{message}: {reason}"),
    };
    Error { code, message, native: Some(native.to_string()), retryable }
}

/// The node's own error object.
pub(super) fn from_answer(asked: Asked, error: &JsonRpcError) -> Error {
    #[derive(Deserialize)]
    struct Data {
        reason: String,
    }
    let data = error.data.as_deref().and_then(|data| serde_json::from_str::<Data>(data).ok());
    native(asked, error.code, data.as_ref().map_or("", |data| &data.reason))
}

/// Why there is no answer.
pub(super) fn from_failure(asked: Asked, failure: &JsonRpcFailure) -> Error {
    match failure {
        JsonRpcFailure::Error(error) => from_answer(asked, error),
        JsonRpcFailure::Transport(failure) => from_transport(failure),
    }
}

fn from_transport(failure: &Failure) -> Error {
    let shown = |why: &str| cut(why, 500).escape_default().to_string();
    match failure {
        Failure::Refused(why) => {
            Error::new(ErrorCode::Unavailable, format!("the host refused the request: {}", shown(why)))
        }
        Failure::Unreachable(why) => {
            Error::retryable(ErrorCode::Unavailable, format!("the node cannot be reached: {}", shown(why)))
        }
        Failure::Interrupted(_) => {
            Error::retryable(ErrorCode::Unavailable, "the node's answer broke off, or was none")
        }
        Failure::Timeout => Error::retryable(ErrorCode::Timeout, "the node did not answer in time"),
        Failure::TooLarge(most) => {
            Error::new(ErrorCode::TooLarge, format!("the node's answer has more than {most} bytes"))
        }
        Failure::Exhausted => {
            Error::new(ErrorCode::QuotaExceeded, "the call's budget of requests or bytes is used up")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_the_table_once_and_unknown_ones_are_never_a_fault_of_the_adapter() {
        for (place, meaning) in TABLE.iter().enumerate() {
            assert!(TABLE[..place].iter().all(|other| other.native != meaning.native), "{}", meaning.native);
            assert_ne!(meaning.code, ErrorCode::Internal);
        }
        assert_eq!(native(Asked::Read, 77, "").code, ErrorCode::Unavailable);
        let unknown = native(Asked::Submission, 77, "");
        assert_eq!((unknown.code, unknown.native.as_deref()), (ErrorCode::Rejected, Some("77")));
    }

    #[test]
    fn a_reason_is_told_and_bounded() {
        let data = serde_json::json!({"reason": "\u{e9}".repeat(3000)}).to_string();
        let error =
            JsonRpcError { code: codes::REVERTED, message: "bytes of the node".into(), data: Some(data) };
        let told = from_answer(Asked::Read, &error);
        assert_eq!(told.code, ErrorCode::Reverted);
        assert!(told.message.contains('\u{e9}') && !told.message.contains("bytes of the node"));
        assert!(told.message.len() <= 4096);
    }
}
