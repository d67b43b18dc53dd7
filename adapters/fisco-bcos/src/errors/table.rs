//! What nodes say when they refuse or when an execution failed, and what it means: data, in one place.
//!
//! Sources: 2.x `librpc/Common.h` (codes), `libethcore/TransactionException.h` (statuses), `libtxpool/TxPool.cpp` (wordings); 3.x
//! `bcos-rpc/jsonrpc/Common.h`, `bcos-protocol/TransactionStatus.h`, `bcos-framework/ledger/LedgerTypeDef.h`.

use adapter_sdk::types::{Error, ErrorCode};

use crate::settings::Generation;

/// The methods that hand a transaction over.
pub(crate) const SENDING: [&str; 2] = ["sendRawTransaction", "sendTransaction"];

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The node has this very transaction: for a send that is success.
    AlreadyKnown,
    /// A transaction with this random id is in the chain or the pool: this one, or another.
    NonceUsed,
    /// Refused, with the standard's code; `retryable`: the same bytes may be taken later.
    Refusal {
        /// The standard's code.
        code: ErrorCode,
        /// The same may succeed later.
        retryable: bool,
        /// What to look at; may be empty.
        why: &'static str,
    },
}

const fn refusal(code: ErrorCode, why: &'static str) -> Meaning {
    Meaning::Refusal { code, retryable: false, why }
}

const fn later(code: ErrorCode, why: &'static str) -> Meaning {
    Meaning::Refusal { code, retryable: true, why }
}

/// A transaction is not in its window. One that is late is refused for good, one that is early by a node that is behind.
pub(crate) const WINDOW: Meaning = refusal(
    ErrorCode::Expired,
    "its block limit is not in the node's window: the window has passed, or the node is far behind",
);
const CHAIN: &str = "it is of another chain: see the setting `chain`";
const GROUP: &str = "the group is not there or the transaction is of another: see the setting `group`";
const SIGNATURE: &str = "the signature does not verify there: see the setting `crypto`";
const METHOD: &str = "it has no such method: see the setting `generation`";

/// Part of a message in lower case, of 2.x. The first that fits counts.
pub(crate) const WORDINGS: &[(&str, Meaning)] = &[
    ("transactionalreadykown", Meaning::AlreadyKnown), // sic
    ("transactionalreadyknown", Meaning::AlreadyKnown),
    ("transactionalreadyinchain", Meaning::AlreadyKnown),
    ("alreadyinchain", Meaning::AlreadyKnown),
    ("transactionnoncecheckfail", Meaning::NonceUsed),
    ("blocklimitcheckfailed", WINDOW),
    ("invalidchainid", refusal(ErrorCode::InvalidArgument, CHAIN)),
    ("invalidgroupid", refusal(ErrorCode::InvalidArgument, GROUP)),
    ("field:signature", refusal(ErrorCode::Rejected, SIGNATURE)),
    ("invalidsignature", refusal(ErrorCode::Rejected, SIGNATURE)),
    ("invalidzerosignatureformat", refusal(ErrorCode::Rejected, SIGNATURE)),
    (
        "invalid rc2 transaction format",
        refusal(ErrorCode::Rejected, "the node cannot read it: see the settings `generation` and `crypto`"),
    ),
    ("txpoolisfull", later(ErrorCode::QuotaExceeded, "its pool is full")),
    ("transactionpoolisfull", later(ErrorCode::QuotaExceeded, "its pool is full")),
    ("overgroupmemorylimit", later(ErrorCode::QuotaExceeded, "the group's memory is used up")),
    ("transactionfiltercheckfail", refusal(ErrorCode::PermissionDenied, "the account may not write here")),
    ("notxpermission", refusal(ErrorCode::PermissionDenied, "the account may not write here")),
    ("nodeploypermission", refusal(ErrorCode::PermissionDenied, "the account may not deploy here")),
    ("nocallpermission", refusal(ErrorCode::PermissionDenied, "the account may not call this")),
    (
        "malformedtx",
        refusal(ErrorCode::InvalidArgument, "the node cannot read it: see the setting `generation`"),
    ),
    (
        "invalidtransactionformat",
        refusal(ErrorCode::InvalidArgument, "the node cannot read it: see the setting `generation`"),
    ),
    ("transactionrefused", refusal(ErrorCode::Rejected, "")),
];

/// Codes of 2.x.
const CODES_TWO: &[(i64, Meaning)] = &[
    (-40001, refusal(ErrorCode::InvalidArgument, GROUP)),
    (-40002, refusal(ErrorCode::Unavailable, "")),
    (-40003, refusal(ErrorCode::NotFound, "there is no such block")),
    (-40004, refusal(ErrorCode::NotFound, "there is no such block")),
    (-40005, refusal(ErrorCode::OutOfRange, "the block has no such transaction")),
    (-40006, refusal(ErrorCode::InvalidArgument, "a call needs somebody who makes it")),
    (-40007, refusal(ErrorCode::Unsupported, "")),
    (-40008, refusal(ErrorCode::NotFound, "there is no such configuration")),
    (-40009, refusal(ErrorCode::InvalidArgument, GROUP)),
    (-40010, later(ErrorCode::Unavailable, "it is starting")),
    (-40011, later(ErrorCode::QuotaExceeded, "too many questions at once")),
    (-40012, refusal(ErrorCode::PermissionDenied, "it does not serve this client")),
    (-40099, refusal(ErrorCode::OutOfRange, "")),
    (-100001, refusal(ErrorCode::PermissionDenied, "")),
    (-32603, later(ErrorCode::Unavailable, "")),
];

/// Codes of 3.x: JSON-RPC's own, the pool's, the ledger's.
const CODES_THREE: &[(i64, Meaning)] = &[
    (
        -32000,
        later(
            ErrorCode::Unavailable,
            "the group's node is not there or not started: see the setting `group`",
        ),
    ),
    (-32001, refusal(ErrorCode::AlreadyExists, "")),
    (-32002, refusal(ErrorCode::AlreadyExists, "")),
    (-32003, refusal(ErrorCode::PermissionDenied, "")),
    (-32004, later(ErrorCode::Unavailable, "it is starting")),
    (-32005, refusal(ErrorCode::InvalidArgument, GROUP)),
    (-32603, later(ErrorCode::Unavailable, "")),
    (10000, Meaning::NonceUsed),
    (10001, WINDOW),
    (10002, later(ErrorCode::QuotaExceeded, "its pool is full")),
    (10003, refusal(ErrorCode::InvalidArgument, "the node cannot read it: see the setting `generation`")),
    (10004, Meaning::AlreadyKnown),
    (10005, Meaning::AlreadyKnown),
    (10006, refusal(ErrorCode::InvalidArgument, CHAIN)),
    (10007, refusal(ErrorCode::InvalidArgument, GROUP)),
    (10008, refusal(ErrorCode::Rejected, SIGNATURE)),
    (10009, refusal(ErrorCode::InvalidArgument, GROUP)),
    (10010, later(ErrorCode::Timeout, "it waited too long in the pool")),
    (10011, Meaning::AlreadyKnown),
    (10012, refusal(ErrorCode::InvalidArgument, "an amount is too large")),
    (10013, refusal(ErrorCode::TooLarge, "the contract's code is too large")),
    (10014, refusal(ErrorCode::PermissionDenied, "a contract cannot sign")),
    (10015, refusal(ErrorCode::InsufficientFunds, "the account cannot pay")),
    (3003, refusal(ErrorCode::NotFound, "there is no such block or transaction")),
    (3006, refusal(ErrorCode::Pruned, "it does not have all parts of the block any more")),
    (3008, refusal(ErrorCode::NotFound, "there is no such block or transaction")),
    (3009, refusal(ErrorCode::NotFound, "there is no such block or transaction")),
];

/// Codes that both have.
const CODES: &[(i64, Meaning)] = &[
    (-32700, refusal(ErrorCode::Unavailable, "")),
    (-32600, refusal(ErrorCode::Unavailable, "")),
    (-32601, refusal(ErrorCode::Unsupported, METHOD)),
    (
        -32602,
        refusal(ErrorCode::InvalidArgument, "its parameters have another form: see the setting `generation`"),
    ),
    (-32604, refusal(ErrorCode::Unavailable, "")),
];

fn find(list: &[(i64, Meaning)], code: i64) -> Option<Meaning> {
    list.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning)
}

/// What an error object means, where the tables know it.
pub(crate) fn of_answer(generation: Generation, code: i64, message: &str) -> Option<Meaning> {
    let message = message.to_lowercase();
    let own = match generation {
        Generation::Two => {
            let worded = WORDINGS.iter().find(|(wording, _)| message.contains(wording));
            worded.map(|(_, meaning)| *meaning).or_else(|| find(CODES_TWO, code))
        }
        Generation::Three if code == -1 && message.contains("chain id mismatch") => {
            Some(refusal(ErrorCode::InvalidArgument, CHAIN))
        }
        Generation::Three => find(CODES_THREE, code),
    };
    own.or_else(|| find(CODES, code))
}

/// Whether a refusal says so little that the transaction may have been taken all the same.
pub(crate) fn is_vague(meaning: Meaning) -> bool {
    matches!(meaning, Meaning::Refusal { code: ErrorCode::Unavailable | ErrorCode::Timeout, .. })
}

/// What a status in an answer to a submission means: from 10000 on, the pool refused it.
pub(crate) fn of_pool_status(status: i64) -> Option<Meaning> {
    find(CODES_THREE, status).filter(|_| status >= 10_000)
}

/// The statuses of executions, with the name that the framework gives them.
const STATUSES_TWO: &[(u64, &str, ErrorCode)] = &[
    (1, "Unknown", ErrorCode::Reverted),
    (2, "BadRLP", ErrorCode::InvalidArgument),
    (3, "InvalidFormat", ErrorCode::InvalidArgument),
    (4, "OutOfGasIntrinsic", ErrorCode::Reverted),
    (5, "InvalidSignature", ErrorCode::Rejected),
    (6, "InvalidNonce", ErrorCode::Conflict),
    (7, "NotEnoughCash", ErrorCode::InsufficientFunds),
    (8, "OutOfGasBase", ErrorCode::Reverted),
    (9, "BlockGasLimitReached", ErrorCode::QuotaExceeded),
    (10, "BadInstruction", ErrorCode::Reverted),
    (11, "BadJumpDestination", ErrorCode::Reverted),
    (12, "OutOfGas", ErrorCode::Reverted),
    (13, "OutOfStack", ErrorCode::Reverted),
    (14, "StackUnderflow", ErrorCode::Reverted),
    (15, "NonceCheckFail", ErrorCode::Conflict),
    (16, "BlockLimitCheckFail", ErrorCode::Expired),
    (17, "FilterCheckFail", ErrorCode::PermissionDenied),
    (18, "NoDeployPermission", ErrorCode::PermissionDenied),
    (19, "NoCallPermission", ErrorCode::PermissionDenied),
    (20, "NoTxPermission", ErrorCode::PermissionDenied),
    (21, "PrecompiledError", ErrorCode::Reverted),
    (22, "RevertInstruction", ErrorCode::Reverted),
    (23, "InvalidZeroSignatureFormat", ErrorCode::Rejected),
    (24, "AddressAlreadyUsed", ErrorCode::AlreadyExists),
    (25, "PermissionDenied", ErrorCode::PermissionDenied),
    (26, "CallAddressError", ErrorCode::NotFound),
    (27, "GasOverflow", ErrorCode::Reverted),
    (28, "TxPoolIsFull", ErrorCode::QuotaExceeded),
    (29, "TransactionRefused", ErrorCode::Rejected),
    (30, "ContractFrozen", ErrorCode::PermissionDenied),
    (31, "AccountFrozen", ErrorCode::PermissionDenied),
    (32, "WASMValidationFailuer", ErrorCode::Reverted), // sic
    (33, "WASMArgumentOutOfRange", ErrorCode::Reverted),
    (34, "WASMUnreacheableInstruction", ErrorCode::Reverted), // sic
    (35, "WASMTrap", ErrorCode::Reverted),
    (10000, "AlreadyKnown", ErrorCode::AlreadyExists),
    (10001, "AlreadyInChain", ErrorCode::AlreadyExists),
    (10002, "InvalidChainId", ErrorCode::InvalidArgument),
    (10003, "InvalidGroupId", ErrorCode::InvalidArgument),
    (10004, "RequestNotBelongToTheGroup", ErrorCode::InvalidArgument),
    (10005, "MalformedTx", ErrorCode::InvalidArgument),
    (10006, "OverGroupMemoryLimit", ErrorCode::QuotaExceeded),
];

/// The same of 3.x.
const STATUSES_THREE: &[(u64, &str, ErrorCode)] = &[
    (1, "Unknown", ErrorCode::Reverted),
    (2, "OutOfGasLimit", ErrorCode::Reverted),
    (7, "NotEnoughCash", ErrorCode::InsufficientFunds),
    (10, "BadInstruction", ErrorCode::Reverted),
    (11, "BadJumpDestination", ErrorCode::Reverted),
    (12, "OutOfGas", ErrorCode::Reverted),
    (13, "OutOfStack", ErrorCode::Reverted),
    (14, "StackUnderflow", ErrorCode::Reverted),
    (15, "PrecompiledError", ErrorCode::Reverted),
    (16, "RevertInstruction", ErrorCode::Reverted),
    (17, "ContractAddressAlreadyUsed", ErrorCode::AlreadyExists),
    (18, "PermissionDenied", ErrorCode::PermissionDenied),
    (19, "CallAddressError", ErrorCode::NotFound),
    (20, "GasOverflow", ErrorCode::Reverted),
    (21, "ContractFrozen", ErrorCode::PermissionDenied),
    (22, "AccountFrozen", ErrorCode::PermissionDenied),
    (23, "AccountAbolished", ErrorCode::PermissionDenied),
    (24, "ContractAbolished", ErrorCode::PermissionDenied),
    (32, "WASMValidationFailure", ErrorCode::Reverted),
    (33, "WASMArgumentOutOfRange", ErrorCode::Reverted),
    (34, "WASMUnreachableInstruction", ErrorCode::Reverted),
    (35, "WASMTrap", ErrorCode::Reverted),
    (10000, "NonceCheckFail", ErrorCode::Conflict),
    (10001, "BlockLimitCheckFail", ErrorCode::Expired),
    (10002, "TxPoolIsFull", ErrorCode::QuotaExceeded),
    (10003, "Malformed", ErrorCode::InvalidArgument),
    (10004, "AlreadyInTxPool", ErrorCode::AlreadyExists),
    (10005, "TxAlreadyInChain", ErrorCode::AlreadyExists),
    (10006, "InvalidChainId", ErrorCode::InvalidArgument),
    (10007, "InvalidGroupId", ErrorCode::InvalidArgument),
    (10008, "InvalidSignature", ErrorCode::Rejected),
    (10009, "RequestNotBelongToTheGroup", ErrorCode::InvalidArgument),
    (10010, "TransactionPoolTimeout", ErrorCode::Timeout),
    (10011, "AlreadyInTxPoolAndAccept", ErrorCode::AlreadyExists),
    (10012, "OverFlowValue", ErrorCode::InvalidArgument),
    (10013, "MaxInitCodeSizeExceeded", ErrorCode::TooLarge),
    (10014, "SenderNoEOA", ErrorCode::PermissionDenied),
    (10015, "InsufficientFunds", ErrorCode::InsufficientFunds),
];

/// The contract gave a reason back.
pub(crate) fn is_revert(generation: Generation, status: u64) -> bool {
    status
        == match generation {
            Generation::Two => 22,
            Generation::Three => 16,
        }
}

/// What a status other than success means for whoever called.
pub(crate) fn of_status(generation: Generation, status: u64) -> Error {
    let (list, native) = match generation {
        Generation::Two => (STATUSES_TWO, format!("{status:#x}")),
        Generation::Three => (STATUSES_THREE, status.to_string()),
    };
    let known = list.iter().find(|(known, _, _)| *known == status);
    let (code, name) =
        known.map_or((ErrorCode::Reverted, "a status that is not known here"), |known| (known.2, known.1));
    let message = match code {
        ErrorCode::NotFound => format!("there is no contract at that address ({name})"),
        ErrorCode::PermissionDenied => format!("the ledger does not let this account do that ({name})"),
        _ => format!("the execution failed: {name}"),
    };
    let retryable = matches!(code, ErrorCode::Conflict | ErrorCode::Timeout);
    Error { code, message, native: Some(native), retryable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wordings_are_lower_case_and_none_hides_a_later_one_that_means_something_else() {
        for (place, (wording, meaning)) in WORDINGS.iter().enumerate() {
            assert_eq!(*wording, wording.to_lowercase());
            let first = WORDINGS.iter().position(|(earlier, _)| wording.contains(earlier)).unwrap();
            assert!(first == place || WORDINGS[first].1 == *meaning, "{wording} is never reached");
        }
    }

    #[test]
    fn every_status_is_there_once_with_a_native_code() {
        for (generation, list) in [(Generation::Two, STATUSES_TWO), (Generation::Three, STATUSES_THREE)] {
            assert!(list.is_sorted_by(|a, b| a.0 < b.0));
            for (status, name, code) in list {
                let error = of_status(generation, *status);
                assert_eq!(error.code, *code);
                assert!(error.message.contains(name) && error.native.is_some());
            }
        }
        assert_eq!(of_status(Generation::Two, 9999).code, ErrorCode::Reverted);
    }
}
