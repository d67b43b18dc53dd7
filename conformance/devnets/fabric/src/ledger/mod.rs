//! One channel's ledger: blocks, the state that they make, and its history.

mod blocks;
mod simulation;
mod state;
mod store;
mod validation;

pub use blocks::{BlockEntry, Found, Ledger, TransactionEntry, header_bytes, header_hash};
pub(crate) use simulation::{Simulated, Simulation};
pub(crate) use state::State;
pub(crate) use store::Store;
pub(crate) use validation::{Rules, Validated, validate};
