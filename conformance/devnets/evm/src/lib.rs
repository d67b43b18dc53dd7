//! Local test nodes on one EVM: FISCO-like 2.x, FISCO-like 3.x and Ethereum-like.
//!
//! They run in the process of the test that starts them, make blocks at once or when they are told, keep everything in
//! memory or on disk, and answer as the frameworks' own nodes do where clients can tell: encodings, hashes, signatures,
//! receipts, proofs, error codes and their texts. There is no network of nodes, no consensus and no access control
//! behind them: one process holds every sealer's key. They are test nodes and never the frameworks' own programs.

pub mod encoding;
pub mod ethereum;
pub mod evm;
pub mod fisco;
pub mod rpc;
pub mod server;
pub mod suite;
