//! The `berth` command, as a library: `main.rs` only calls [`main`].
//!
//! - `arguments`: what can be typed.
//! - `inspect`, `call` and `check`: what the commands do; `certify`, `certificates` and `node`: what certifiers and
//!   operators do.
//! - `logs`: what goes to stderr.
//! - `natives`: the plug-ins that are linked in.
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
mod certify;
mod check;
pub mod cost;
mod failure;
mod files;
pub mod flow;
mod inspect;
mod lend_file;
mod logs;
mod natives;
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
/// error, 2 wrong usage, 3 a file or the host itself. Runs of the suite: 0 conformant, 1 not, 2 unknown, 3 all else.
#[must_use]
pub fn main() -> ExitCode {
    // A node starts this program once more to compile what nobody vouches for.
    let raw: Vec<_> = std::env::args_os().collect();
    if raw.get(1).is_some_and(|command| command == node::COMPILE) {
        std::process::exit(berth_host::compile_as_child(&raw));
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed stream is no reason to fail in another way.
            let _ = error.print();
            return ExitCode::from(match error.use_stderr() {
                false => 0,
                true if runs_the_suite(std::env::args().skip(1)) => 3,
                true => 2,
            });
        }
    };
    // A node does it once it has read what else hears of its spans.
    if !arguments.serves() {
        logs::to_stderr(None, None);
    }
    let json = arguments.json();
    match run(arguments) {
        Ok(code) => code,
        Err(failure) => {
            failure.report(json);
            failure.exit_code()
        }
    }
}

/// Whether these words ask for a run of the suite, whose exit codes 1 and 2 say something of an adapter.
fn runs_the_suite(mut words: impl Iterator<Item = String>) -> bool {
    match words.next().as_deref() {
        Some("certify") => matches!(words.next().as_deref(), Some("run" | "replay")),
        Some("adapter") => words.next().as_deref() == Some("check"),
        _ => false,
    }
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::host("the async runtime could not be started", &error))?;
    let done = |()| ExitCode::SUCCESS;
    runtime.block_on(async {
        match arguments.command {
            Command::Adapter { command } => match command {
                AdapterCommand::Inspect(inspect) => inspect::run(inspect).await.map(done),
                AdapterCommand::Call(call) => call::run(*call).await.map(done),
                AdapterCommand::Check(check) => check::run(check).await.map_err(Failure::of_suite),
            },
            Command::Certify { command } => match command {
                CertifyCommand::Suite(command) => certify::run(command).await.map_err(Failure::of_suite),
                CertifyCommand::Certificates(command) => command.run().map(done),
            },
            Command::Node { command } => command.run().await.map(done),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_usage_of_the_suite_is_not_the_exit_code_of_an_unknown_adapter() {
        let runs = |line: &str| runs_the_suite(line.split(' ').map(String::from));
        assert!(runs("certify run") && runs("adapter check --wrong"));
        assert!(!runs("adapter call") && !runs("adapter") && !runs("--help") && !runs("certify sign"));
    }
}
