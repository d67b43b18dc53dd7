//! `berth certify`: decides whether an adapter keeps the standard.
//!
//! - `run`, `replay`, `list`: one command each.
//! - `subject`: the adapter that is tested.
//! - `show`: what a run came to, for people, programs and files.

mod list;
mod replay;
mod run;
mod show;
mod subject;

use std::process::ExitCode;

pub(crate) use list::list;
pub(crate) use run::{Bench, Rounds, chosen_by};

use crate::{arguments::SuiteCommand, failure::Failure};

/// Does it.
pub(crate) async fn run(command: SuiteCommand) -> Result<ExitCode, Failure> {
    match command {
        SuiteCommand::Run(arguments) => run::run(arguments).await,
        SuiteCommand::Replay(arguments) => replay::run(arguments).await,
    }
}
