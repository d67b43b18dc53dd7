//! `berth adapter`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Call, Check};

#[derive(Debug, Subcommand)]
pub(crate) enum AdapterCommand {
    /// Show what is in a component file, and what the adapter says of itself
    Inspect(Inspect),
    /// Make one call of the standard with an adapter
    Call(Box<Call>),
    /// See whether an adapter keeps the standard, while you write it; makes no certificate
    Check(Check),
}

/// `berth adapter inspect`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth adapter inspect ethereum.component.wasm
  berth adapter inspect ethereum.component.wasm --json | jq .descriptor")]
pub(crate) struct Inspect {
    /// The component
    pub(crate) file: PathBuf,
    /// Answer with one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Compile it anew, and keep no compiled code
    #[arg(long)]
    pub(crate) no_cache: bool,
}
