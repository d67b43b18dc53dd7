//! What people and programs see of a run.
//!
//! - `outline`: the standard's clauses with what the run says of each; every report is made from it.
//! - [`terminal`]: live progress, and the end of a run for a person at a terminal.
//! - [`json`], [`junit`], [`html`]: files.
//! - `words`: outcomes and numbers in words, and the escapes that every report needs.
//!
//! Texts of adapters and nodes are hostile: no report writes one that was not escaped.

pub mod html;
pub mod json;
pub mod junit;
mod outline;
pub mod terminal;
mod words;

use jiff::Timestamp;
use thiserror::Error;

pub use outline::{Area, Entry, Outline, Standing, Ties, ties_of_this_suite};
pub use words::plain;

use crate::{
    evidence::{Evidence, EvidenceError},
    verdict::{CheckResult, Verdict},
};

/// Why a file of a run cannot be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The form for test runners.
    #[error("junit.xml could not be made")]
    Junit(#[from] quick_junit::SerializeError),
    /// The recordings.
    #[error("the evidence could not be packed")]
    Evidence(#[from] EvidenceError),
}

/// All that a report is made from.
pub struct Report<'a> {
    /// What the run came to.
    pub verdict: &'a Verdict,
    /// The standard's clauses with what the run says of each.
    pub outline: Outline<'a>,
    /// The command that was typed, up to its filter and seed, to tell how a check is repeated.
    pub command: String,
    /// When the run ended. No part of the evidence.
    pub ended: Option<Timestamp>,
}

impl<'a> Report<'a> {
    /// A report on this verdict, with this suite's standard.
    #[must_use]
    pub fn new(verdict: &'a Verdict) -> Self {
        let outline = Outline::new(verdict, adapter_spec::standard::TEXT, &ties_of_this_suite());
        Report {
            verdict,
            outline,
            command: "berth certify run COMPONENT --testbed TESTBED".into(),
            ended: None,
        }
    }

    /// The files of a run, with their names; `evidence` is what the verdict is of.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub fn files(&self, evidence: &Evidence) -> Result<[(&'static str, Vec<u8>); 4], ReportError> {
        Ok([
            ("verdict.json", self.verdict.canonical_json().into_bytes()),
            ("junit.xml", junit::junit(self)?.into_bytes()),
            ("report.html", html::html(self).into_bytes()),
            ("evidence.berth", evidence.pack()?),
        ])
    }

    /// The command that repeats one check.
    #[must_use]
    pub fn repeat(&self, result: &CheckResult) -> String {
        let seed = self.verdict.seed;
        // The preparation is part of every run, and no filter names it.
        let only = if result.is_preparation() { String::new() } else { format!(" --only {}", result.check) };
        plain(&format!("{} --seed {seed}{only}", self.command))
    }
}
