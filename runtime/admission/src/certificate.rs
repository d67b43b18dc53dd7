//! The certificate: what was shown of an adapter, by which suite, and under which limits.

use std::collections::BTreeSet;

use jiff::Timestamp;
use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::DigestSet;

/// The `predicateType` of a certificate. A name of this project's own; the namespace `berth` is not registered with
/// anybody, so nothing can be fetched by it.
pub const PREDICATE_TYPE: &str = "urn:berth:certificate:v1";

/// The fields of a certificate that this verifier understands: what its `critical` list may name.
pub const FIELDS: [&str; 20] = [
    "adapter",
    "framework",
    "standard",
    "suite",
    "tier",
    "levels",
    "imports",
    "limits",
    "engineConfiguration",
    "seed",
    "counts",
    "waivers",
    "evidence",
    "node",
    "recordedBy",
    "issued",
    "notBefore",
    "notAfter",
    "statusUri",
    "critical",
];

/// Areas of the standard whose clauses nobody can waive: isolation, limits, keys, exactly once.
pub const NEVER_WAIVED: [&str; 4] = ["ISO", "LIM", "KEYS", "ONCE"];

/// Elements of one list and characters of one text, at most.
const MAX_ELEMENTS: usize = 256;
const MAX_TEXT: usize = 1024;

/// What a certificate says. Fields of the JSON that are not here are ignored, unless its `critical` list names them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// Which adapter.
    pub adapter: AdapterIdentity,
    /// Which framework it was shown to work with.
    pub framework: FrameworkTested,
    /// The standard that it keeps.
    pub standard: Release,
    /// The suite that decided so.
    pub suite: Release,
    /// What kind of file the subject is.
    pub tier: Tier,
    /// The levels that it passed: `core`, `store`, `events`, `blocks`, `proofs`.
    pub levels: BTreeSet<String>,
    /// The imports that it may use, as the component names them, versions included. Empty for a native plug-in.
    pub imports: BTreeSet<String>,
    /// The limits that it ran under; it was never shown to work, or to behave, above them.
    pub limits: Limits,
    /// Digest of the engine's configuration that it ran in.
    pub engine_configuration: DigestSet,
    /// What the suite drew its names, keys, sizes and order from.
    pub seed: String,
    /// How its checks ended.
    pub counts: Counts,
    /// Clauses that it does not keep, and was forgiven.
    pub waivers: Vec<Waiver>,
    /// What shows all that.
    pub evidence: EvidenceReference,
    /// The node that it was tested against.
    pub node: NodeProgram,
    /// Who ran the suite.
    pub recorded_by: String,
    /// When the certificate was made.
    pub issued: Timestamp,
    /// From when it holds.
    pub not_before: Timestamp,
    /// Until when it holds; at this moment it no longer does.
    pub not_after: Timestamp,
    /// Where to ask about it: revocation list, corrections.
    pub status_uri: String,
    /// Fields that a verifier has to understand; one that it does not know makes it deny.
    pub critical: Vec<String>,
}

/// Which adapter: the words of its descriptor, and how far its faults are mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdapterIdentity {
    /// The descriptor's name.
    pub name: String,
    /// The descriptor's version.
    pub version: Version,
    /// Grows with every version that mends a fault of security. A host never goes back below the highest it has seen.
    pub security_version: u64,
}

/// Which framework.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FrameworkTested {
    /// The descriptor's framework.
    pub name: String,
    /// The framework's versions that nodes of the test ran.
    pub versions_tested: Vec<String>,
}

/// One release of the standard or of the suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// Digest of its text or program.
    pub digest: DigestSet,
}

/// What kind of file runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// A WebAssembly component, in the sandbox.
    Component,
    /// A plug-in linked into the program, which no sandbox holds; the subject is the program.
    Native,
}

/// What its files are called in a sentence: `components`, `native plug-ins`.
impl std::fmt::Display for Tier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Tier::Component => "components",
            Tier::Native => "native plug-ins",
        })
    }
}

/// Limits of one call and of the instance that serves it. How many instances run, and for how long, is the operator's
/// own affair and no part of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// From the start of a call to its end, milliseconds.
    pub wall_time_millis: u64,
    /// In which the adapter computes, milliseconds.
    pub compute_time_millis: u64,
    /// Linear memory of one instance, bytes.
    pub memory_bytes: u64,
    /// Elements of one table.
    pub table_elements: u64,
    /// Component-model handles alive at once.
    pub handles: u64,
    /// Calls to imports.
    pub host_calls: u64,
    /// Answers of endpoints, bytes.
    pub bytes_in: u64,
    /// Sent to endpoints, bytes.
    pub bytes_out: u64,
    /// Log lines, bytes.
    pub log_bytes: u64,
    /// One key and value of state, bytes.
    pub state_value_bytes: u64,
    /// Handed over at once, bytes.
    pub result_bytes: u64,
}

impl Limits {
    /// No limit at all: where only other limits count.
    pub const NONE: Limits = Limits {
        wall_time_millis: u64::MAX,
        compute_time_millis: u64::MAX,
        memory_bytes: u64::MAX,
        table_elements: u64::MAX,
        handles: u64::MAX,
        host_calls: u64::MAX,
        bytes_in: u64::MAX,
        bytes_out: u64::MAX,
        log_bytes: u64::MAX,
        state_value_bytes: u64::MAX,
        result_bytes: u64::MAX,
    };

    /// Each limit with its name.
    #[must_use]
    pub fn each(&self) -> [(&'static str, u64); 11] {
        [
            ("wallTimeMillis", self.wall_time_millis),
            ("computeTimeMillis", self.compute_time_millis),
            ("memoryBytes", self.memory_bytes),
            ("tableElements", self.table_elements),
            ("handles", self.handles),
            ("hostCalls", self.host_calls),
            ("bytesIn", self.bytes_in),
            ("bytesOut", self.bytes_out),
            ("logBytes", self.log_bytes),
            ("stateValueBytes", self.state_value_bytes),
            ("resultBytes", self.result_bytes),
        ]
    }

    /// The first limit that is above the other's: its name, what it is here, and what it is there.
    #[must_use]
    pub fn first_above(&self, other: &Limits) -> Option<(&'static str, u64, u64)> {
        let both = self.each().into_iter().zip(other.each());
        both.map(|((name, here), (_, there))| (name, here, there)).find(|(_, here, there)| here > there)
    }
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Kept.
    pub pass: u64,
    /// Not kept.
    pub fail: u64,
    /// A SHOULD that is not kept.
    pub warn: u64,
    /// About what the adapter does not declare.
    pub not_applicable: u64,
    /// Not kept, and forgiven.
    pub waived: u64,
    /// The suite itself failed.
    pub error: u64,
    /// Not decided.
    pub unknown: u64,
}

/// A clause that the adapter does not keep, forgiven by the certifiers until a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// The clause's id, such as `EVT-4`.
    pub clause: String,
    /// Why.
    pub reason: String,
    /// Until when; at this moment it no longer holds.
    pub until: Timestamp,
}

/// Where the evidence is, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceReference {
    /// Digest of the evidence file: the recording and the report.
    pub digest: DigestSet,
    /// Where it can be had.
    pub uri: String,
    /// Digest of the payload of the evidence statement, which travels with the certificate.
    pub statement: DigestSet,
}

/// The node's program and chain. Whoever doubts the recording can set up the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeProgram {
    /// Digest of the node's program.
    pub digest: DigestSet,
    /// What it says of its version.
    pub version: String,
    /// What identifies its chain: usually the hash of its first block.
    pub genesis: String,
}

/// Why a certificate is not one that anybody could accept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// `critical` names a field that this verifier does not know.
    #[error("the certificate rests on the field {0:?}, which this verifier does not know")]
    UnknownCritical(String),
    /// A text or list is empty, too long, or has characters that do not belong there.
    #[error("the certificate's {0} is empty, too long or malformed")]
    Form(&'static str),
    /// The dates are out of order.
    #[error("the certificate ends before it begins, or begins before it was issued")]
    Dates,
    /// A clause's id is malformed.
    #[error("the waiver names {0:?}, which is no clause's id")]
    WaiverClause(String),
    /// A clause that nobody can waive.
    #[error("the waiver names {0}; clauses of ISO, LIM, KEYS and ONCE cannot be waived")]
    NeverWaived(String),
    /// The same clause twice.
    #[error("the waiver of {0} is there twice")]
    WaiverTwice(String),
    /// Waived checks without a waiver, or a waiver without a waived check.
    #[error("{waived} checks are waived by {waivers} waivers")]
    WaiversUncounted {
        /// Checks counted as waived.
        waived: u64,
        /// Waivers listed.
        waivers: usize,
    },
    /// Checks failed, or were not decided.
    #[error("{fail} checks failed, {error} ended in an error of the suite, {unknown} were not decided")]
    NotConformant {
        /// Failed.
        fail: u64,
        /// Errors of the suite.
        error: u64,
        /// Not decided.
        unknown: u64,
    },
    /// No check passed.
    #[error("no check passed")]
    NothingPassed,
}

impl Certificate {
    /// Whether it can be accepted by any policy: its critical fields are known, its form is right, its verdict is good.
    ///
    /// # Errors
    /// [`CertificateFault`]: the first thing that is wrong.
    pub fn check(&self) -> Result<(), CertificateFault> {
        self.check_critical()?;
        self.check_form()?;
        self.check_waivers()?;
        self.check_counts()
    }

    fn check_critical(&self) -> Result<(), CertificateFault> {
        match self.critical.iter().find(|field| !FIELDS.contains(&field.as_str())) {
            Some(field) => Err(CertificateFault::UnknownCritical(field.clone())),
            None => Ok(()),
        }
    }

    fn check_form(&self) -> Result<(), CertificateFault> {
        let texts = [
            ("adapter name", is_name(&self.adapter.name)),
            ("framework name", is_name(&self.framework.name)),
            ("tested versions", are_texts(&self.framework.versions_tested)),
            ("levels", !self.levels.is_empty() && self.levels.iter().all(|level| is_name(level))),
            ("list of levels", self.levels.len() <= MAX_ELEMENTS),
            ("imports", self.imports.iter().all(|import| is_text(import))),
            ("list of imports", self.imports.len() <= MAX_ELEMENTS),
            ("seed", is_text(&self.seed)),
            ("evidence address", is_text(&self.evidence.uri)),
            ("node version", is_text(&self.node.version)),
            ("genesis", is_text(&self.node.genesis)),
            ("recorder", is_text(&self.recorded_by)),
            ("status address", is_text(&self.status_uri)),
            ("list of waivers", self.waivers.len() <= MAX_ELEMENTS),
        ];
        if let Some((field, _)) = texts.into_iter().find(|(_, good)| !good) {
            return Err(CertificateFault::Form(field));
        }
        // A certificate may be made to hold later, never to have held before it was made.
        if self.not_before < self.issued || self.not_after <= self.not_before {
            return Err(CertificateFault::Dates);
        }
        Ok(())
    }

    fn check_waivers(&self) -> Result<(), CertificateFault> {
        let mut clauses = BTreeSet::new();
        for Waiver { clause, reason, .. } in &self.waivers {
            let area = clause_area(clause).ok_or_else(|| CertificateFault::WaiverClause(clause.clone()))?;
            if NEVER_WAIVED.contains(&area) {
                return Err(CertificateFault::NeverWaived(clause.clone()));
            }
            if !is_text(reason) {
                return Err(CertificateFault::Form("waiver's reason"));
            }
            if !clauses.insert(clause) {
                return Err(CertificateFault::WaiverTwice(clause.clone()));
            }
        }
        if (self.counts.waived == 0) != self.waivers.is_empty() {
            let waivers = self.waivers.len();
            return Err(CertificateFault::WaiversUncounted { waived: self.counts.waived, waivers });
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), CertificateFault> {
        let Counts { pass, fail, error, unknown, .. } = self.counts;
        if fail > 0 || error > 0 || unknown > 0 {
            return Err(CertificateFault::NotConformant { fail, error, unknown });
        }
        if pass == 0 { Err(CertificateFault::NothingPassed) } else { Ok(()) }
    }
}

/// The area of a clause's id, such as `EVT` of `EVT-4`. None when it is no id: capitals, a hyphen, a number that does
/// not begin with 0.
#[must_use]
pub fn clause_area(clause: &str) -> Option<&str> {
    let (area, number) = clause.split_once('-')?;
    let area_fits = (1..=8).contains(&area.len()) && area.bytes().all(|byte| byte.is_ascii_uppercase());
    let number_fits = (1..=4).contains(&number.len())
        && !number.starts_with('0')
        && number.bytes().all(|byte| byte.is_ascii_digit());
    (area_fits && number_fits).then_some(area)
}

/// A name as the standard's DESC-2 has it: 1 to 64 lower-case letters, digits and hyphens.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_text(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn are_texts(texts: &[String]) -> bool {
    (1..=MAX_ELEMENTS).contains(&texts.len()) && texts.iter().all(|text| is_text(text))
}
