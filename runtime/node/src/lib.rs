//! The operator's node.
//!
//! So far its door: [`Door`] reads an adapter's file once, has it judged by `berth-admission`, has `berth-host` compile the
//! very bytes that were judged, and gives an adapter that can be withdrawn while it runs. It is the one place of a node
//! that makes adapters of files.

mod door;
mod withdrawable;

pub use door::{Door, DoorError, LetIn, host_limits};
pub use withdrawable::Withdrawable;
