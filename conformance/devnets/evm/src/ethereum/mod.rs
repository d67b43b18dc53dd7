//! Ethereum-like nodes: one chain, blocks at once or when told, the execution API's methods, and the test methods that
//! Anvil has.

mod block;
mod call;
mod chain;
mod node;
mod rpc;
pub mod transaction;

pub use block::{Block, Receipt};
pub use chain::{Chain, Refusal};
pub use node::{EthereumConfig, EthereumNode, ServedEthereum};
