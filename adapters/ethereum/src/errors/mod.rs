//! From what nodes and the host say to the standard's error codes.

pub(crate) mod revert;
pub(crate) mod table;

use adapter_sdk::types::{
    Error, ErrorCode,
    transport::{JsonRpcError, JsonRpcFailure},
};

pub(crate) use adapter_evm_abi::{corrupt, from_transport, invalid, readable};

/// Why a call of `method` has no result, in the standard's words.
pub(crate) fn from_node(method: &str, failure: &JsonRpcFailure) -> Error {
    match failure {
        JsonRpcFailure::Transport(failure) => from_transport(method, failure),
        JsonRpcFailure::Error(error) => from_answer(method, error),
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
