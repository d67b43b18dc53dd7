//! The `berth` command, as a library: `main.rs` only calls [`main`].
//!
//! - `arguments`: what can be typed.
//! - `inspect` and `call`: what the commands do; `certificates` and `node`: what certifiers and operators do.
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
mod certificates;
pub mod cost;
mod failure;
pub mod flow;
mod inspect;
mod node;
pub mod places;
pub mod show;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    arguments::{AdapterCommand, Arguments, CertifyCommand, Command},
    failure::Failure,
};

/// Reads the arguments, does what they say, and gives the exit code: 0 done, 1 the adapter or the ledger answered with an
/// error, 2 wrong usage, 3 a file or the host itself.
#[must_use]
pub fn main() -> ExitCode {
    // A node starts this program once more to compile what nobody vouches for.
    let raw: Vec<_> = std::env::args_os().collect();
    if raw.get(1).is_some_and(|command| command == node::COMPILE) {
        std::process::exit(berth_host::compile_as_child(&raw));
    }
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
    runtime.block_on(async {
        match arguments.command {
            Command::Adapter { command: AdapterCommand::Inspect(inspect) } => inspect::run(inspect).await,
            Command::Adapter { command: AdapterCommand::Call(call) } => call::run(*call).await,
            Command::Certify { command } => match command {
                CertifyCommand::Certificates(command) => command.run(),
            },
            Command::Node { command } => command.run().await,
        }
    })
}
