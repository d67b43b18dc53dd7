//! `berth node`: what operators do.

mod admit;
mod audit;

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
    /// Show the record of who was let in and who was not, and look whether it is whole
    Audit(audit::Audit),
}

impl NodeCommand {
    pub(crate) fn json(&self) -> bool {
        match self {
            NodeCommand::Admit(admit) => admit.json,
            NodeCommand::Audit(audit) => audit.json,
        }
    }

    pub(crate) async fn run(self) -> Result<(), Failure> {
        match self {
            NodeCommand::Admit(admit) => admit::run(&admit).await,
            NodeCommand::Audit(audit) => audit::run(&audit),
        }
    }
}

/// Where a node's folder has what admission must not forget.
fn places(folder: &Path) -> Places {
    let place = |name: &str| -> PathBuf { folder.join(name) };
    Places { memory: place("admission.json"), audit: place("audit.jsonl") }
}
