//! FISCO-like nodes: groups of one process, blocks that sealers sign, and the JSON-RPC of the generations 2.x and 3.x.

mod block;
pub mod client;
mod control;
mod group;
mod log;
mod node;
mod places;
mod rules;
mod status;
pub mod system;
mod transaction;
pub mod v2;
pub mod v3;

pub use block::{Block, Header, Receipt};
pub use control::Controls;
pub(crate) use group::now_seconds;
pub use group::{Group, Refusal, Sealing};
pub use node::{FiscoConfig, FiscoNode, Generation, ServedFisco, StartError};
pub use places::places;
pub use rules::rules;
pub use status::Status;
pub use transaction::{Fields, Transaction};
