//! What nodes and contracts say went wrong: the codes of JSON-RPC errors and of records.

/// The node has this very transaction, in its pool or in the chain.
pub const KNOWN: i64 = 1001;
/// A transaction with this nonce is in the chain.
pub const NONCE_USED: i64 = 1002;
/// A transaction with this nonce waits, and pays as much or nearly as much.
pub const REPLACEMENT_UNDERPRICED: i64 = 1003;
/// Less than the node's price.
pub const UNDERPRICED: i64 = 1004;
/// The sender cannot pay amount and fee.
pub const INSUFFICIENT_FUNDS: i64 = 1005;
/// More bytes than the node takes.
pub const TOO_LARGE: i64 = 1006;
/// The transaction does not decode, or contradicts itself.
pub const MALFORMED: i64 = 1007;
/// The signature is not the sender's.
pub const BAD_SIGNATURE: i64 = 1008;
/// The transaction is of another ledger or space.
pub const OTHER_CHAIN: i64 = 1009;
/// The sender is not admitted.
pub const NOT_ADMITTED: i64 = 1010;
/// No later block may carry the transaction.
pub const WINDOW_PASSED: i64 = 1011;
/// The node's pool is full.
pub const POOL_FULL: i64 = 1012;
/// Another change came first.
pub const CONFLICT: i64 = 1013;

/// The node no longer keeps it.
pub const PRUNED: i64 = 2001;
/// There is no such block yet.
pub const FUTURE_BLOCK: i64 = 2002;
/// No block has this hash.
pub const UNKNOWN_BLOCK: i64 = 2003;
/// There is no such contract.
pub const UNKNOWN_CONTRACT: i64 = 2004;
/// The contract has no such function.
pub const UNKNOWN_FUNCTION: i64 = 2005;
/// The arguments do not fit the function.
pub const BAD_ARGUMENTS: i64 = 2006;
/// There is no such space.
pub const UNKNOWN_SPACE: i64 = 2007;
/// There is no such code.
pub const UNKNOWN_CODE: i64 = 2008;

/// The node is catching up.
pub const SYNCING: i64 = 3001;
/// Too many requests.
pub const RATE_LIMITED: i64 = 3002;
/// The node has a fault.
pub const NODE_FAULT: i64 = 3003;
/// The node took too long.
pub const NODE_TIMEOUT: i64 = 3004;
/// The caller of this method is not let in.
pub const NOT_LET_IN: i64 = 3005;

/// The contract failed, for its own reason.
pub const REVERTED: i64 = 4001;
/// What should be made is there.
pub const EXISTS: i64 = 4002;
/// What should be there is not.
pub const MISSING: i64 = 4003;
/// The sender may not do that.
pub const FORBIDDEN: i64 = 4004;
/// The units of the transaction are used up.
pub const OUT_OF_UNITS: i64 = 4005;

/// JSON-RPC: there is no such method.
pub const UNKNOWN_METHOD: i64 = -32601;
/// JSON-RPC: the parameters do not fit.
pub const BAD_PARAMS: i64 = -32602;
