//! A Fabric-like test network in one process: organisations with peers, an ordering service and channels, which official
//! clients of Hyperledger Fabric accept.
//!
//! It is no Fabric, and for tests only: its keys come from a known seed. What a client can see is as Fabric has it: gRPC with
//! TLS, certificates of the organisations' authorities, the gateway's five methods, blocks with their hashes and signatures,
//! validation codes, the configuration in the first block. Contracts are built in ([`contract`]); there is no chaincode
//! lifecycle but its queries, no gossip and no discovery.
//!
//! [`Network::start`] starts one; the program `fabric-like` does the same from a shell.

mod channel;
pub mod client;
pub mod clock;
pub mod contract;
mod control;
mod error;
mod genesis;
pub mod identity;
mod ledger;
mod lifecycle;
mod material;
pub mod members;
mod network;
mod node;
pub mod options;
mod places;
mod policy;
mod proposal;
pub mod proto;
mod service;
mod system;

pub use channel::Channel;
pub use error::NetworkError;
pub use ledger::{BlockEntry, Found, Ledger, TransactionEntry, header_bytes, header_hash};
pub use network::Network;
pub use node::Node;
pub use options::{Batch, Consensus, Options};
