//! What a host lends to an adapter, made for one application: an [`adapter_spec::Lender`].
//!
//! - [`Network`]: connections, shared by all applications of a host.
//! - [`Endpoint`]: what the operator lends under a name of the descriptor's.
//! - [`Lending`]: all that one application lends; checked against the descriptor when it is built.
//! - [`StateStore`]: the small durable store, with [`MemoryState`] and [`SledState`].
//! - [`ScriptedLender`]: answers from memory, for tests and benchmarks.
//! - [`recording`]: every import call of every call, recorded, and replayed without a network.
//!
//! Nothing here depends on how an adapter runs: a component's host and a native plug-in lend the same way.

mod access;
mod endpoint;
mod environment;
mod error;
mod grpc;
mod http;
mod imports;
mod json_rpc;
mod lending;
mod network;
pub mod recording;
mod scripted;
mod state;
mod trace;

pub use endpoint::{Endpoint, Tls};
pub use environment::{Clock, LogSink, NoRandomness, Randomness, SystemClock, SystemRandomness, TracingLog};
pub use error::LendingError;
pub use lending::{Lending, LendingBuilder, ServiceKey};
pub use network::Network;
pub use scripted::ScriptedLender;
pub use state::{MemoryState, SledState, StateError, StateLimits, StateStore};
