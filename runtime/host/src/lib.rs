//! Runs adapters: isolates, limits, meters.
//!
//! [`Host::load`] makes a component an [`Adapter`](adapter_spec::Adapter); opening it for an application gives a
//! [`Ledger`](adapter_spec::Ledger), whose calls run in instances that belong to this application alone. A trap, a
//! time-out or a limit ends the one call, with a typed error, and the instance with it; the host goes on.
//!
//! What an application lends its adapter comes from outside, as a [`Lender`](adapter_spec::Lender): the crate
//! `berth-lending` makes one of endpoints, keys and a state store.

mod aside;
mod cache;
mod compiler;
mod component;
mod descriptor;
mod exports;
mod host;
mod imports;
mod instance;
mod ledger;
mod limits;
mod load_error;
mod long_calls;
mod pool;
mod reserve;
mod signatures;
mod trace;
mod words;

pub use compiler::{Compiler, CompilerChild, compile_as_child};
pub use component::{ComponentAdapter, Facts};
pub use host::{CallObserver, CallRecord, Host, HostConfig, engine_digest};
pub use limits::{Limits, TICK, Usage};
pub use load_error::LoadError;
pub use reserve::Reserve;
