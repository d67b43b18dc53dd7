//! The framework-adaptation standard as Rust types and traits.
//!
//! - [`types`]: the words of the standard, one Rust type for each WIT type.
//! - [`Adapter`] and [`Ledger`]: what an adapter offers, as its host, the conformance suite and the node see it. A
//!   component is made one by the host; a native plug-in is one by itself.
//! - [`Lender`] and [`Imports`]: what a host lends to an adapter, and all that an adapter can reach.
//!
//! What each of these promises is written down in `STANDARD.md`, in numbered clauses; [`standard`] reads them.

mod adapter;
mod call_error;
mod imports;
pub mod standard;
pub mod types;

pub use adapter::{Adapter, Interfaces, Ledger};
pub use async_trait::async_trait;
pub use call_error::{CallError, Ended, Limit};
pub use imports::{Function, GrpcStream, Imports, Lender};
