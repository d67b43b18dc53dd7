//! `berth certify`, and `berth adapter check`, which runs the same suite.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::certificates::CertificateCommand;

#[derive(Debug, Subcommand)]
pub(crate) enum CertifyCommand {
    #[command(flatten)]
    Suite(SuiteCommand),
    #[command(flatten)]
    Certificates(CertificateCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SuiteCommand {
    /// Run the conformance suite
    Run(CertifyRun),
    /// Repeat a run from its evidence, without a network
    Replay(CertifyReplay),
}

/// What every run of the suite takes.
#[derive(Args, Debug, Clone)]
pub(crate) struct SuiteRun {
    /// The component
    #[arg(value_name = "COMPONENT", required_unless_present_any = ["list", "native"])]
    pub(crate) file: Option<PathBuf>,
    /// A plug-in that is linked into this very program, in place of a component
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    pub(crate) native: Option<String>,
    /// The test bed: which node there is, and what to call on it (TOML)
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    pub(crate) testbed: Option<PathBuf>,
    /// Fill in a place of the test bed, written ${NAME} there; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = place)]
    pub(crate) set: Vec<(String, String)>,
    /// Decides names, keys, sizes and order: the same seed makes the same run. Random without it; shown at the end
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Only the checks of this clause or area, or this check; may be given several times. Makes no certificate
    #[arg(long, value_name = "CLAUSE|CHECK|AREA")]
    pub(crate) only: Vec<String>,
    /// List the checks, and run none
    #[arg(long)]
    pub(crate) list: bool,
    /// Write verdict.json, junit.xml, report.html and evidence.berth into this folder
    #[arg(long, value_name = "FOLDER")]
    pub(crate) report: Option<PathBuf>,
    /// Answer with one JSON document; progress goes to standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// Compile the component anew, and keep no compiled code
    #[arg(long)]
    pub(crate) no_cache: bool,
}

/// `berth certify run`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth certify run ethereum.component.wasm --testbed devnet.toml \\
     --set node=http://127.0.0.1:8545 --report report
  berth certify run ethereum.component.wasm --testbed devnet.toml --quick
  berth certify run --native ethereum --testbed devnet.toml --report report
  berth certify run ethereum.component.wasm --testbed devnet.toml \\
     --only ONCE-3 --only FIN --seed 42
  berth certify run --list --only ONCE

Exit codes: 0 conformant; 1 not conformant; 2 unknown; 3 the test bed, a file,
the suite itself or wrong usage.")]
pub(crate) struct CertifyRun {
    #[command(flatten)]
    pub(crate) run: SuiteRun,
    /// Leave the slow checks out. Makes no certificate
    #[arg(long)]
    pub(crate) quick: bool,
    /// Let a clause be, for a reason that the certificate names; may be given several times
    #[arg(long, value_name = "CLAUSE=REASON", value_parser = waiver)]
    pub(crate) waive: Vec<(String, String)>,
}

/// `berth certify replay`
#[derive(Args, Debug)]
#[command(
    allow_missing_positional = true,
    after_help = "\
The replay must come to the verdict of the evidence, with the same digest.

Examples:
  berth certify replay ethereum.component.wasm report/evidence.berth
  berth certify replay --native ethereum report/evidence.berth

Exit codes: 0 the same verdict, conformant; 1 the adapter fails; 2 the same
verdict, unknown; 3 the replay parts from the evidence, a file, wrong usage."
)]
pub(crate) struct CertifyReplay {
    /// The component
    #[arg(value_name = "COMPONENT", required_unless_present = "native", conflicts_with = "native")]
    pub(crate) file: Option<PathBuf>,
    /// The evidence of the run, as --report wrote it
    pub(crate) evidence: PathBuf,
    /// A plug-in that is linked into this very program, in place of a component
    #[arg(long, value_name = "NAME")]
    pub(crate) native: Option<String>,
    /// Answer with one JSON document; progress goes to standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// Compile the component anew, and keep no compiled code
    #[arg(long)]
    pub(crate) no_cache: bool,
}

/// `berth adapter check`
#[derive(Args, Debug)]
#[command(after_help = "\
With --watch it runs again whenever the component or the test bed changes, what
failed last time first, until it is stopped (Ctrl-C).

Examples:
  berth adapter check ethereum.component.wasm --testbed devnet.toml
  berth adapter check ethereum.component.wasm --testbed devnet.toml --watch
  berth adapter check ethereum.component.wasm --testbed devnet.toml --full \\
     --only ONCE

Exit codes: 0 conformant; 1 not conformant; 2 unknown; 3 the test bed, a file,
the suite itself or wrong usage.")]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) run: SuiteRun,
    /// Run the slow checks too
    #[arg(long)]
    pub(crate) full: bool,
    /// Run again whenever the component or the test bed changes
    #[arg(long, conflicts_with_all = ["json", "list"])]
    pub(crate) watch: bool,
}

fn place(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("write it as NAME=VALUE, e.g. node=http://127.0.0.1:8545".into()),
    }
}

fn waiver(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((clause, reason)) if !clause.is_empty() && !reason.trim().is_empty() => {
            Ok((clause.into(), reason.trim().into()))
        }
        _ => {
            Err("write it as CLAUSE=REASON, e.g. 'EVT-4=the node forgets events, until its version 8'".into())
        }
    }
}
