//! What can be typed. The help texts are the documentation.
//!
//! - `adapter`: `berth adapter`, with its calls in `call`.
//! - `certify`: `berth certify`.
//! - `given`: what a certificate is about.

mod adapter;
mod call;
mod certify;
mod given;

use clap::{Parser, Subcommand};

pub(crate) use adapter::*;
pub(crate) use call::*;
pub(crate) use certify::*;
pub(crate) use given::Given;

use crate::node::NodeCommand;

/// Loads blockchain-framework adapters, shows what they are, makes any call of the standard with them, and decides whether
/// they keep it.
#[derive(Debug, Parser)]
#[command(name = "berth", version, propagate_version = true, max_term_width = 80)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at adapters and try them out
    Adapter {
        #[command(subcommand)]
        command: AdapterCommand,
    },
    /// Decide whether an adapter keeps the standard, and prove it to others
    Certify {
        #[command(subcommand)]
        command: CertifyCommand,
    },
    /// Run a node: let adapters in, create applications, enrol participants
    Node {
        #[command(subcommand)]
        command: NodeCommand,
    },
}

impl Arguments {
    /// Whether the answer is for programs.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Command::Adapter { command } => match command {
                AdapterCommand::Inspect(inspect) => inspect.json,
                AdapterCommand::Call(call) => call.common.json,
                AdapterCommand::Check(check) => check.run.json,
            },
            Command::Certify { command } => match command {
                CertifyCommand::Suite(SuiteCommand::Run(run)) => run.run.json,
                CertifyCommand::Suite(SuiteCommand::Replay(replay)) => replay.json,
                CertifyCommand::Certificates(command) => command.json(),
            },
            Command::Node { command } => command.json(),
        }
    }

    /// Whether this process becomes a node.
    pub(crate) fn serves(&self) -> bool {
        matches!(&self.command, Command::Node { command: NodeCommand::Serve(_) })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Arguments::command().debug_assert();
    }

    /// Every command that has no commands below it.
    fn leaves(command: &clap::Command, path: String, found: &mut Vec<(String, String)>) {
        if command.get_subcommands().next().is_none() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            found.push((path, help));
        } else {
            for one in command.get_subcommands() {
                leaves(one, format!("{path} {}", one.get_name()), found);
            }
        }
    }

    #[test]
    fn examples_fit_eighty_columns() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "berth".into(), &mut found);
        for (path, help) in found {
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{path}: {help}");
        }
    }

    #[test]
    fn no_command_takes_a_private_key_as_an_argument() {
        for line in ["--key-hex 00", "--private-key 00", "--secret 00"] {
            let words = format!("berth adapter call f status {line}");
            assert!(Arguments::try_parse_from(words.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn every_command_with_arguments_of_its_own_has_an_example() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "berth".into(), &mut found);
        assert!(found.len() > 20);
        let plain = ["describe", "status", "insert", "update", "delete", "get", "history"];
        for (path, help) in found {
            let has_own = !plain.iter().any(|name| path.ends_with(&format!(" {name}")));
            assert!(!has_own || help.contains("Example"), "{path} has no example");
        }
    }
}
