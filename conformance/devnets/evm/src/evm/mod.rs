//! The EVM with the rules of FISCO-like chains. Ethereum-like chains run revm's own.

mod execute;
pub mod state;
pub mod system;

pub use execute::{Ending, Message, Outcome, Rules, error_text, execute};
