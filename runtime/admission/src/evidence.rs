//! The evidence statement: which checks ran, in the in-toto project's own words for test results.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    certificate::{Certificate, Counts},
    digest::DigestSet,
};

/// The `predicateType` of an evidence statement.
pub const PREDICATE_TYPE: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// The name under which `configuration` holds the evidence file.
pub const EVIDENCE: &str = "evidence";
/// The name under which `configuration` holds the suite.
pub const SUITE: &str = "suite";

/// in-toto's test result, version 0.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// How it ended altogether.
    pub result: Outcome,
    /// What it was run with: at least [`SUITE`] and [`EVIDENCE`].
    pub configuration: Vec<ResourceDescriptor>,
    /// Where the run can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The checks that passed, by name.
    #[serde(default)]
    pub passed_tests: Vec<String>,
    /// The checks that passed with a warning.
    #[serde(default)]
    pub warned_tests: Vec<String>,
    /// The checks that failed.
    #[serde(default)]
    pub failed_tests: Vec<String>,
}

/// How a test ended altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Without a warning.
    Passed,
    /// With warnings.
    Warned,
    /// Failed.
    Failed,
}

/// in-toto's description of a file, as far as it is needed here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceDescriptor {
    /// What it is.
    pub name: String,
    /// Where it can be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its digest.
    pub digest: DigestSet,
}

/// Why an evidence statement does not bear a certificate out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EvidenceFault {
    /// It says that the test failed.
    #[error("the evidence says that the test failed")]
    Failed,
    /// It names another file, or none.
    #[error("the evidence does not name the {0} that the certificate names")]
    OtherConfiguration(&'static str),
    /// It lists other numbers of checks than the certificate counts.
    #[error("the evidence lists {listed} checks as {outcome}, the certificate counts {counted}")]
    OtherCount {
        /// Which.
        outcome: &'static str,
        /// In the evidence.
        listed: usize,
        /// In the certificate.
        counted: u64,
    },
    /// A check is listed twice.
    #[error("the evidence lists the check {0:?} twice")]
    Twice(String),
}

impl TestResult {
    /// A result without failures, of these checks.
    #[must_use]
    pub fn new(
        suite: DigestSet,
        evidence: DigestSet,
        passed_tests: Vec<String>,
        warned_tests: Vec<String>,
    ) -> Self {
        let describe = |name: &str, digest| ResourceDescriptor { name: name.to_owned(), uri: None, digest };
        TestResult {
            result: if warned_tests.is_empty() { Outcome::Passed } else { Outcome::Warned },
            configuration: vec![describe(SUITE, suite), describe(EVIDENCE, evidence)],
            url: None,
            passed_tests,
            warned_tests,
            failed_tests: Vec::new(),
        }
    }

    /// Whether it bears the certificate out.
    ///
    /// # Errors
    /// [`EvidenceFault`]
    pub fn check(&self, certificate: &Certificate) -> Result<(), EvidenceFault> {
        if self.result == Outcome::Failed || !self.failed_tests.is_empty() {
            return Err(EvidenceFault::Failed);
        }
        for (name, digest) in [(SUITE, certificate.suite.digest), (EVIDENCE, certificate.evidence.digest)] {
            let mut named = self.configuration.iter().filter(|one| one.name == name);
            if named.next().map(|one| one.digest) != Some(digest) || named.next().is_some() {
                return Err(EvidenceFault::OtherConfiguration(name));
            }
        }
        let Counts { pass, warn, .. } = certificate.counts;
        for (outcome, tests, counted) in
            [("passed", &self.passed_tests, pass), ("warned", &self.warned_tests, warn)]
        {
            if tests.len() as u64 != counted {
                return Err(EvidenceFault::OtherCount { outcome, listed: tests.len(), counted });
            }
        }
        let mut names = BTreeSet::new();
        match self.passed_tests.iter().chain(&self.warned_tests).find(|name| !names.insert(*name)) {
            Some(name) => Err(EvidenceFault::Twice(name.clone())),
            None => Ok(()),
        }
    }
}
