//! The operator's node.
//!
//! - [`Door`] reads an adapter's file once, has it judged by `berth-admission`, has `berth-host` compile the very bytes that
//!   were judged, and gives an adapter that can be withdrawn while it runs. It is the one place of a node that makes
//!   adapters of files.
//! - [`Configuration`] is the node's one file; what is wrong in it is told with its line.
//! - `upgrade` puts new versions of adapters in while the node runs; `versions` keeps those that a take-back goes back to.
//! - [`Traces`] sends what `tracing` hears of requests, and of the node's own doing, to the operator's collector.
//! - [`Node`] puts them together with `berth-gateway`, which has the applications and serves them.

mod backup;
mod config;
mod door;
mod log;
mod run;
mod traces;
mod upgrade;
mod versions;
mod withdrawable;

pub use config::{
    AdapterConfig, AdmissionConfig, Config, ConfigError, Configuration, EXAMPLE, GatewayConfig,
    OperatorConfig, Secret, schema,
};
pub use door::{Door, DoorError, LetIn, host_limits};
pub use log::{LogConfig, LogFormat};
pub use run::{Node, NodeError};
pub use traces::{Traces, TracesConfig};
pub use upgrade::{Changed, UpgradeReport, UpgradeRequest};
pub use withdrawable::Withdrawable;
