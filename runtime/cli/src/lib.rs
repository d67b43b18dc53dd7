//! The `berth` command, as a library: `main.rs` only calls [`main`].
//!
//! - `arguments`: what can be typed.
//! - `inspect` and `call`: what the commands do.
//! - [`flow`]: a call from begin to its receipt; of use to other programs too.
//! - `show`: answers laid out for people.
//! - `failure`: who failed, why and what next, and the exit codes.

#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::expect_used,
        clippy::unwrap_used,
        clippy::panic,
        reason = "tests"
    )
)]

mod arguments;
mod call;
pub mod cost;
mod failure;
pub mod flow;
mod inspect;
pub mod places;
pub mod show;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    arguments::{AdapterCommand, Arguments, Command},
    failure::Failure,
};

/// Reads the arguments, does what they say, and gives the exit code: 0 done, 1 the adapter or the ledger answered with an
/// error, 2 wrong usage, 3 a file or the host itself.
#[must_use]
pub fn main() -> ExitCode {
    // Wrong usage ends here, with 2.
    let arguments = Arguments::parse();
    log_to_stderr();
    let json = arguments.json();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report(json);
            failure.exit_code()
        }
    }
}

/// Warnings by default, the host's and the adapter's; `RUST_LOG` asks for more.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("error"));
    // A second time, in tests, it is there already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .try_init();
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::host("the async runtime could not be started", &error))?;
    let Command::Adapter { command } = arguments.command;
    runtime.block_on(async {
        match command {
            AdapterCommand::Inspect(inspect) => inspect::run(inspect).await,
            AdapterCommand::Call(call) => call::run(*call).await,
        }
    })
}
