//! What nodes say when they refuse, and what it means: data, in one place.
//!
//! JSON-RPC has no codes for most of it (-32000 stands for nearly everything), so clients are told apart from their
//! wordings. Sources: Geth `core/txpool/errors.go` and `core/error.go`; Anvil `crates/anvil/src/eth/error.rs`;
//! Nethermind `AcceptTxResult`; Erigon `txpoolcfg` discard reasons; Besu `TransactionInvalidReason` and `RpcErrorType`;
//! EIP-1474 and the execution API's error groups for codes.

use adapter_sdk::types::ErrorCode;

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The node has this very transaction: for a send that is success.
    AlreadyKnown,
    /// A transaction with this nonce is in the chain: this one, or another.
    NonceUsed,
    /// Refused, with the standard's code; `retryable`: the same bytes may be taken later.
    Refusal {
        /// The standard's code.
        code: ErrorCode,
        /// The same may succeed later.
        retryable: bool,
    },
}

const fn refusal(code: ErrorCode) -> Meaning {
    Meaning::Refusal { code, retryable: false }
}

const fn later(code: ErrorCode) -> Meaning {
    Meaning::Refusal { code, retryable: true }
}

/// Part of a message in lower case, and what it means. The first that fits counts, so longer wordings stand first.
pub(crate) const WORDINGS: &[(&str, Meaning)] = &[
    // The pool or the chain has it already.
    ("already known", Meaning::AlreadyKnown),     // Geth, Reth, Erigon
    ("alreadyknown", Meaning::AlreadyKnown),      // Nethermind
    ("already imported", Meaning::AlreadyKnown),  // Anvil
    ("known transaction", Meaning::AlreadyKnown), // Besu, Geth before 1.9
    ("existing tx with same hash", Meaning::AlreadyKnown), // Erigon
    ("transaction with the same hash was already imported", Meaning::AlreadyKnown), // OpenEthereum
    // Nonces.
    ("nonce too low", Meaning::NonceUsed), // Geth, Anvil, Erigon, Besu, Reth
    ("oldnonce", Meaning::NonceUsed),      // Nethermind
    ("nonce is too low", Meaning::NonceUsed), // OpenEthereum
    ("nonce below sender account nonce", Meaning::NonceUsed), // Besu
    ("nonce too high", later(ErrorCode::Conflict)),
    ("nonce too distant", later(ErrorCode::Conflict)), // Besu, Erigon
    ("nonce is too distant", later(ErrorCode::Conflict)), // Besu
    ("noncegap", later(ErrorCode::Conflict)),          // Nethermind
    ("nonce has max value", refusal(ErrorCode::Rejected)),
    ("ownnoncealreadyused", later(ErrorCode::Conflict)), // Nethermind
    ("future transaction tries to replace pending", later(ErrorCode::Conflict)), // Geth
    ("address already reserved", later(ErrorCode::Conflict)), // Geth: a blob transaction is pending
    // Fees.
    ("replacement transaction underpriced", refusal(ErrorCode::Underpriced)), // Geth, Besu, Reth
    ("insufficient gas price to replace", refusal(ErrorCode::Underpriced)),   // Anvil
    ("could not replace existing tx", refusal(ErrorCode::Underpriced)),       // Erigon
    ("replacementnotallowed", refusal(ErrorCode::Underpriced)),               // Nethermind
    ("underpriced", refusal(ErrorCode::Underpriced)),                         // Geth, Erigon
    ("less than block base fee", refusal(ErrorCode::Underpriced)),            // Geth, Anvil
    ("fee cap less than base fee", refusal(ErrorCode::Underpriced)),          // Erigon
    ("feetoolow", refusal(ErrorCode::Underpriced)), // Nethermind; FeeTooLowToCompete too
    ("fee too low", refusal(ErrorCode::Underpriced)), // Erigon
    ("gas price below", refusal(ErrorCode::Underpriced)), // Besu
    ("gas price is too low", refusal(ErrorCode::Underpriced)), // OpenEthereum
    ("exceeds the configured cap", refusal(ErrorCode::Rejected)), // Geth: --rpc.txfeecap
    ("priority fee per gas higher than max fee", refusal(ErrorCode::InvalidArgument)),
    // Money.
    ("insufficient funds", refusal(ErrorCode::InsufficientFunds)), // Geth, Anvil, Erigon
    ("insufficientfunds", refusal(ErrorCode::InsufficientFunds)),  // Nethermind
    ("insufficient balance", refusal(ErrorCode::InsufficientFunds)), // OpenEthereum
    ("upfront cost exceeds", refusal(ErrorCode::InsufficientFunds)), // Besu
    ("gas required exceeds allowance", refusal(ErrorCode::InsufficientFunds)), // Geth, Anvil: an estimate
    // Size and gas.
    ("oversized data", refusal(ErrorCode::TooLarge)), // Geth
    ("initcode size", refusal(ErrorCode::TooLarge)),  // Geth, Anvil, Erigon
    ("rlp too long", refusal(ErrorCode::TooLarge)),   // Erigon
    ("maxtxsizeexceeded", refusal(ErrorCode::TooLarge)), // Nethermind
    ("exceeds block gas limit", refusal(ErrorCode::TooLarge)), // Geth, Besu
    ("gas limit is greater than the block gas limit", refusal(ErrorCode::TooLarge)), // Anvil
    ("gas limit too high", refusal(ErrorCode::TooLarge)), // Geth: EIP-7825
    ("gaslimitexceeded", refusal(ErrorCode::TooLarge)), // Nethermind
    ("intrinsic gas too high", refusal(ErrorCode::TooLarge)), // Anvil
    ("intrinsic gas", refusal(ErrorCode::Rejected)),  // too low: Geth, Anvil, Erigon, Besu
    ("out of gas", refusal(ErrorCode::Reverted)),
    // The pool is full.
    ("txpool is full", later(ErrorCode::QuotaExceeded)), // Geth, Reth
    ("pool is full", later(ErrorCode::QuotaExceeded)),
    ("transaction pool not enabled", later(ErrorCode::Unavailable)), // Besu
    ("account limit exceeded", later(ErrorCode::QuotaExceeded)),     // Geth
    ("pendingtxslimitexceeded", later(ErrorCode::QuotaExceeded)),    // Nethermind
    ("rate limit", later(ErrorCode::QuotaExceeded)),
    ("too many requests", later(ErrorCode::QuotaExceeded)),
    // The signature or the chain does not fit.
    ("invalid chain id", refusal(ErrorCode::InvalidArgument)), // Geth, Anvil
    ("wrong chain", refusal(ErrorCode::InvalidArgument)),      // Besu
    ("eip-155 transaction, signed for another chain", refusal(ErrorCode::InvalidArgument)), // Anvil
    ("invalid sender", refusal(ErrorCode::Rejected)),          // Geth
    ("invalid signature", refusal(ErrorCode::Rejected)),       // Besu, OpenEthereum
    ("failedtoresolvesender", refusal(ErrorCode::Rejected)),   // Nethermind
    ("sender not an eoa", refusal(ErrorCode::PermissionDenied)), // Geth, Anvil
    ("senderiscontract", refusal(ErrorCode::PermissionDenied)), // Nethermind
    ("sender account not authorized", refusal(ErrorCode::PermissionDenied)), // Besu
    ("type not supported", refusal(ErrorCode::Unsupported)),   // Geth
    ("not supported by the current hardfork", refusal(ErrorCode::Unsupported)), // Anvil
    // What the node keeps.
    ("missing trie node", refusal(ErrorCode::Pruned)), // Geth
    ("pruned", refusal(ErrorCode::Pruned)),            // Geth, Nethermind, Reth
    ("history is not available", refusal(ErrorCode::Pruned)), // Erigon
    ("historical state", refusal(ErrorCode::Pruned)),  // Geth with path-based state
    ("required historical", refusal(ErrorCode::Pruned)), // Geth
    ("world state unavailable", refusal(ErrorCode::Pruned)), // Besu
    ("blockoutofrange", refusal(ErrorCode::OutOfRange)), // Anvil
    ("header for hash not found", refusal(ErrorCode::NotFound)), // Geth
    ("header not found", refusal(ErrorCode::NotFound)), // Geth
    ("unknown block", refusal(ErrorCode::NotFound)),   // Geth, Besu
    ("block not found", refusal(ErrorCode::NotFound)), // Geth, Anvil
    ("is not currently canonical", refusal(ErrorCode::NotFound)), // Geth: a block hash off the chain
    ("query returned more than", refusal(ErrorCode::TooLarge)), // providers: logs
    ("beyond current head", later(ErrorCode::OutOfRange)), // Geth: logs of the future
    ("block range", refusal(ErrorCode::TooLarge)),     // providers: logs
    ("range is too large", refusal(ErrorCode::TooLarge)),
    ("response size", refusal(ErrorCode::TooLarge)),
    ("execution timeout", later(ErrorCode::Timeout)),
    ("execution aborted", later(ErrorCode::Timeout)), // Geth: eth_call over its time
    ("timeout", later(ErrorCode::Timeout)),           // Geth, providers: logs
    ("indexing is in progress", later(ErrorCode::Unavailable)), // Geth: receipts
    ("request timed out", later(ErrorCode::Timeout)),
];

/// Codes that speak for themselves; looked at after the wordings.
pub(crate) const CODES: &[(i64, Meaning)] = &[
    (-32700, refusal(ErrorCode::Unavailable)), // the node could not parse our JSON
    (-32600, refusal(ErrorCode::Unavailable)),
    (-32601, refusal(ErrorCode::Unsupported)),     // method not found
    (-32602, refusal(ErrorCode::InvalidArgument)), // invalid params
    (-32603, later(ErrorCode::Unavailable)),       // internal error
    (-32001, refusal(ErrorCode::NotFound)),        // EIP-1474: resource not found
    (-32002, later(ErrorCode::Unavailable)),       // EIP-1474: resource unavailable
    (-32003, refusal(ErrorCode::Rejected)),        // EIP-1474: transaction rejected
    (-32004, refusal(ErrorCode::Unsupported)),     // EIP-1474: method not supported
    (-32005, later(ErrorCode::QuotaExceeded)),     // EIP-1474: limit exceeded
    (-39001, refusal(ErrorCode::NotFound)),        // execution API: unknown block
    (429, later(ErrorCode::QuotaExceeded)),
    (4444, refusal(ErrorCode::Pruned)), // execution API: pruned history
];

/// What an error object means, where the table knows it.
pub(crate) fn meaning(code: i64, message: &str) -> Option<Meaning> {
    let message = message.to_lowercase();
    let worded = WORDINGS.iter().find(|(wording, _)| message.contains(wording)).map(|(_, meaning)| *meaning);
    worded.or_else(|| CODES.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wordings_of_real_clients_get_the_standards_codes() {
        let cases: &[(i64, &str, Meaning)] = &[
            (-32000, "already known", Meaning::AlreadyKnown),
            (-32003, "Tx: [0x12] already Imported", Meaning::AlreadyKnown),
            (-32000, "ALREADY_EXISTS: already known", Meaning::AlreadyKnown),
            (-32010, "AlreadyKnown", Meaning::AlreadyKnown),
            (-32000, "Known transaction", Meaning::AlreadyKnown),
            (-32000, "nonce too low: next nonce 5, tx nonce 4", Meaning::NonceUsed),
            (-32001, "Nonce too low", Meaning::NonceUsed),
            (-32010, "OldNonce, Current nonce: 2, nonce of rejected tx: 1", Meaning::NonceUsed),
            (-32000, "replacement transaction underpriced", refusal(ErrorCode::Underpriced)),
            (
                -32003,
                "Tx: [0x1] insufficient gas price to replace existing transaction",
                refusal(ErrorCode::Underpriced),
            ),
            (-32000, "INTERNAL_ERROR: could not replace existing tx", refusal(ErrorCode::Underpriced)),
            (-32010, "FeeTooLowToCompete", refusal(ErrorCode::Underpriced)),
            (
                -32000,
                "max fee per gas less than block base fee: address 0x0, maxFeePerGas: 1, baseFee: 7",
                refusal(ErrorCode::Underpriced),
            ),
            (
                -32000,
                "insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1",
                refusal(ErrorCode::InsufficientFunds),
            ),
            (-32004, "Upfront cost exceeds account balance", refusal(ErrorCode::InsufficientFunds)),
            (-32000, "txpool is full", later(ErrorCode::QuotaExceeded)),
            (-32000, "exceeds block gas limit", refusal(ErrorCode::TooLarge)),
            (-32000, "max initcode size exceeded: code size 1 limit 0", refusal(ErrorCode::TooLarge)),
            (-32000, "missing trie node 0abc (path ) state is not available", refusal(ErrorCode::Pruned)),
            (4444, "gone", refusal(ErrorCode::Pruned)),
            (-32601, "the method eth_x does not exist/is not available", refusal(ErrorCode::Unsupported)),
            (-39001, "safe tag not known", refusal(ErrorCode::NotFound)),
        ];
        for (code, message, expected) in cases {
            assert_eq!(meaning(*code, message), Some(*expected), "{message}");
        }
        assert_eq!(meaning(-32000, "something nobody has seen"), None);
    }

    #[test]
    fn no_wording_hides_a_later_one_that_means_something_else() {
        for (place, (wording, meaning)) in WORDINGS.iter().enumerate() {
            assert_eq!(*wording, wording.to_lowercase());
            let first = WORDINGS.iter().position(|(earlier, _)| wording.contains(earlier)).unwrap();
            assert!(first == place || WORDINGS[first].1 == *meaning, "{wording} is never reached");
        }
    }
}
