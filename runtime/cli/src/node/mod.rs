//! `berth node`: what operators do.

mod admit;
mod app;
mod audit;
mod backup;
mod grant;
mod openapi;
mod operator;
mod participant;
mod restore;
mod serve;
mod upgrade;
mod usage;

use std::path::{Path, PathBuf};

use berth_admission::Places;
use clap::Subcommand;

use crate::failure::Failure;

/// The argument by which this program compiles a component for the node that started it.
pub(crate) const COMPILE: &str = "compile-for-node";

/// What operators do.
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Let a component in: judge it by the policy, compile it, have it describe itself, write all that down
    Admit(admit::Admit),
    /// Write a commented configuration and a master key for a new node
    Init(serve::Init),
    /// Run the node: applications, participants, and the gateway that serves them
    Serve(serve::Serve),
    /// Create, list, show, suspend and remove applications
    App {
        #[command(subcommand)]
        command: app::App,
    },
    /// Enrol participants, list and revoke them
    Participant {
        #[command(subcommand)]
        command: participant::Participant,
    },
    /// Put new versions of adapters in while the node runs, and take them back where they fail
    Upgrade(upgrade::Upgrade),
    /// Show what an application used, and check the chain of signed records that says so
    Usage(usage::Usage),
    /// Show what applications grant each other, and check the chains of the calls under grants
    Grant {
        #[command(subcommand)]
        command: grant::Granted,
    },
    /// Copy what a node keeps into one file, also while it runs; the master key is not in it
    Backup(backup::Backup),
    /// Put a backup back, for a node that does not run
    Restore(restore::Restore),
    /// Print the OpenAPI description of what participants reach, which every node also serves at /v1/openapi.json
    #[command(after_help = "Example:\n  berth node openapi > openapi.json")]
    Openapi,
    /// Print the JSON Schema of node.toml, for editors
    #[command(after_help = "\
In an editor that knows TOML, with this as the first line of node.toml:
  #:schema node.schema.json

Example:
  berth node schema > city/node.schema.json")]
    Schema,
    /// Show the record of who was let in and who was not, and look whether it is whole
    Audit(audit::Audit),
}

impl NodeCommand {
    pub(crate) fn json(&self) -> bool {
        match self {
            NodeCommand::Admit(admit) => admit.json,
            NodeCommand::Audit(audit) => audit.json,
            NodeCommand::Usage(usage) => usage.which.json,
            NodeCommand::Upgrade(upgrade) => upgrade.which.json,
            NodeCommand::Backup(backup) => backup.which.json,
            NodeCommand::Restore(restore) => restore.which.json,
            NodeCommand::Init(_) | NodeCommand::Serve(_) | NodeCommand::Openapi | NodeCommand::Schema => {
                false
            }
            NodeCommand::App { command } => command.json(),
            NodeCommand::Participant { command } => command.json(),
            NodeCommand::Grant { command } => command.json(),
        }
    }

    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            NodeCommand::Admit(admit) => admit::run(&admit).await,
            NodeCommand::Audit(audit) => audit::run(&audit),
            NodeCommand::Usage(usage) => usage::run(&usage).await,
            NodeCommand::Upgrade(upgrade) => upgrade::run(&upgrade).await,
            NodeCommand::Backup(backup) => backup::run(&backup).await,
            NodeCommand::Restore(restore) => restore::run(&restore),
            NodeCommand::Init(init) => serve::init(&init),
            NodeCommand::Serve(serve) => serve::serve(&serve).await,
            NodeCommand::Openapi => openapi::run(),
            NodeCommand::Schema => {
                println!("{:#}", berth_node::schema());
                Ok(())
            }
            NodeCommand::App { command } => command.run().await,
            NodeCommand::Participant { command } => command.run().await,
            NodeCommand::Grant { command } => command.run().await,
        }
    }
}

/// Where a node's folder has what admission must not forget.
fn places(folder: &Path) -> Places {
    let place = |name: &str| -> PathBuf { folder.join(name) };
    Places { memory: place("admission.json"), audit: place("audit.jsonl") }
}
