//! `cargo xtask`: set-up, components, demo, test, bench. `cargo xtask --help` tells more.

mod arguments;
mod browser;
mod cache;
mod cargo_deny;
mod certify;
mod components;
mod debian;
mod evm_clients;
mod fabric;
mod failure;
mod geth;
mod guest_toolchain;
mod node_tools;
mod places;
mod process;
mod python;
mod steps;
mod tasks;
mod workspace;

use std::process::ExitCode;

use arguments::{Arguments, HELP, Task};
use failure::Outcome;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    match arguments.task {
        Task::Help => {
            print!("{HELP}");
            Ok(())
        }
        Task::Setup => tasks::setup(&arguments),
        Task::Components => tasks::components(),
        Task::Demo => tasks::demo(&arguments),
        Task::Test => tasks::test(&arguments),
        Task::Bench => tasks::bench(&arguments),
    }
}
