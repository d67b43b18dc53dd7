//! Words of a node's gateway that the standard does not have: how far a write has come, what is signed by whom,
//! what applications grant each other, and chains of signed records. The
//! node and its clients use the same types, so neither can say what the other does not read.

mod chain;
mod grants;
mod options;
mod own_keys;
mod written;

pub use chain::{ChainError, Entry, Place, SignedRecord, verify_chain};
pub use grants::{
    Grant, GrantCall, GrantCalls, GrantEntry, GrantRequest, GrantedAnswer, GrantedFunction, GrantedRead,
    GrantedUse, verify_grant_calls,
};
pub use options::OptionsRequest;
pub use own_keys::{Next, ToSign, possession};
pub use written::{Settlement, Stored, Until, Written, WrittenState};
