//! From what nodes and the host say to the standard's error codes.

pub(crate) mod table;

use adapter_sdk::types::{
    Error, ErrorCode,
    transport::{JsonRpcError, JsonRpcFailure},
};

pub(crate) use adapter_evm_abi::{corrupt, from_transport, invalid, readable};

use crate::settings::Generation;
use table::Meaning;

/// Why a call of `method` has no result, in the standard's words.
pub(crate) fn from_node(generation: Generation, method: &str, failure: &JsonRpcFailure) -> Error {
    match failure {
        JsonRpcFailure::Transport(failure) => from_transport(method, failure),
        JsonRpcFailure::Error(error) => from_answer(generation, method, error),
    }
}

/// The node's own error object.
pub(crate) fn from_answer(generation: Generation, method: &str, error: &JsonRpcError) -> Error {
    let native = format!("{}: {}", error.code, readable(&error.message));
    let meaning = table::of_answer(generation, error.code, &error.message);
    let (code, retryable, why) = match meaning {
        Some(Meaning::Refusal { code, retryable, why }) => (code, retryable, why),
        Some(Meaning::NonceUsed) => (ErrorCode::Conflict, true, "its random id was used in the window"),
        Some(Meaning::AlreadyKnown) => (ErrorCode::AlreadyExists, false, "it has the transaction already"),
        None if table::SENDING.contains(&method) => (ErrorCode::Rejected, false, ""),
        None => (ErrorCode::Unavailable, false, ""),
    };
    let message = if why.is_empty() {
        format!("the node refused {method}; its own words are the framework's code")
    } else {
        format!("the node refused {method}: {why}")
    };
    Error { code, message, native: Some(native), retryable }
}
