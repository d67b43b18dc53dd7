//! A model ledger in memory, and an honest adapter of it: what mutants are made from.
//!
//! - [`ModelNode`]: the ledger, with the controls of a test bed; in this process or behind a socket.
//! - [`adapter`]: the adapter, which offers everything of the standard.
//! - [`wire`]: what both agree on.

pub mod adapter;
mod node;
pub mod wire;

pub use adapter::native;
pub use node::{MAIN_SPACE, ModelLender, ModelNode, OTHER_SPACE, RpcError, Served};
