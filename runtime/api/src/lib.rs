//! Words of a node's gateway that the standard does not have: how far a write has come, and what is signed by whom. The
//! node and its clients use the same types, so neither can say what the other does not read.

mod options;
mod own_keys;
mod written;

pub use options::OptionsRequest;
pub use own_keys::{Next, ToSign, possession};
pub use written::{Settlement, Stored, Until, Written, WrittenState};
