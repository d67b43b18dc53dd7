//! What a run came to.

use std::{collections::BTreeMap, time::Duration};

use adapter_spec::{Interfaces, standard};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::testbed::Node;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The clause is kept, as far as the check looks.
    Pass,
    /// A SHOULD is not kept.
    Warn,
    /// The adapter does not declare what the clause is about.
    NotApplicable,
    /// A certifier has waived it.
    Waived,
    /// A MUST is not kept.
    Fail,
    /// It could not be found out.
    Unknown,
    /// The suite or the test bed is broken.
    Error,
}

impl Outcome {
    /// Whether it may be in a certificate.
    #[must_use]
    pub fn is_certifiable(self) -> bool {
        matches!(self, Outcome::Pass | Outcome::Warn | Outcome::NotApplicable | Outcome::Waived)
    }

    /// What several checks of one clause come to together: the one that matters most. What does not apply matters less than
    /// a pass; a failure matters more than what is unknown.
    #[must_use]
    pub fn worst(outcomes: impl IntoIterator<Item = Outcome>) -> Option<Outcome> {
        outcomes.into_iter().max_by_key(|outcome| match outcome {
            Outcome::NotApplicable => 0,
            Outcome::Pass => 1,
            Outcome::Waived => 2,
            Outcome::Warn => 3,
            Outcome::Unknown => 4,
            Outcome::Fail => 5,
            Outcome::Error => 6,
        })
    }

    /// Its name, as reports write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Pass => "pass",
            Outcome::Warn => "warn",
            Outcome::NotApplicable => "not-applicable",
            Outcome::Waived => "waived",
            Outcome::Fail => "fail",
            Outcome::Unknown => "unknown",
            Outcome::Error => "error",
        }
    }
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The clause's id.
    pub clause: String,
    /// The check's id: clause, a slash, its name.
    pub check: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it is not applicable, unknown, waived or an error; none otherwise.
    pub reason: Option<String>,
    /// What was expected and what came, of a failure or a warning.
    pub fault: Option<FaultReport>,
    /// How many calls of the adapter it made, or of a rule, how many it looked at.
    pub calls: u64,
    /// How long it took. No part of the evidence, since no two runs take the same time.
    #[serde(skip)]
    pub took: Duration,
}

impl CheckResult {
    /// Whether it is no check's result but that of what comes before all checks.
    #[must_use]
    pub fn is_preparation(&self) -> bool {
        !self.check.contains('/')
    }

    /// The check's name, without its clause.
    #[must_use]
    pub fn name(&self) -> &str {
        self.check.split_once('/').map_or(&self.check, |(_, name)| name)
    }
}

/// A failure, told in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    /// What the clause asks for, here.
    pub expected: String,
    /// What came instead.
    pub actual: String,
    /// The calls that led there, the last one last; the newest of them only.
    pub calls: Vec<CallReport>,
}

/// A call of the adapter, cut to what a person reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReport {
    /// The application.
    pub application: String,
    /// The function, e.g. `core.ledger.begin`.
    pub function: String,
    /// Its arguments, JSON, cut.
    pub arguments: String,
    /// Its result, cut.
    pub result: String,
    /// What it asked of its imports and got, each cut.
    pub exchanges: Vec<ExchangeReport>,
}

/// One import call, cut to what a person reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeReport {
    /// The import.
    pub import: String,
    /// Its arguments, cut.
    pub request: String,
    /// What it returned, cut; none when the call ended before.
    pub answer: Option<String>,
}

/// What a run came to. Its canonical JSON is the same for the same adapter, seed and recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The form of this record; 1.
    pub version: u32,
    /// What was tested.
    pub adapter: Subject,
    /// Which standard.
    pub standard: Versioned,
    /// Which suite.
    pub suite: Versioned,
    /// The node, as the test bed names it.
    pub node: Node,
    /// The test bed's name.
    pub testbed: String,
    /// The seed.
    pub seed: u64,
    /// Whether the slow checks were left out.
    pub quick: bool,
    /// Whether a filter left checks out.
    pub filtered: bool,
    /// Every check that was chosen, in the standard's order.
    pub results: Vec<CheckResult>,
    /// SHA-256 of the recordings, hexadecimal; see `Evidence`.
    pub evidence: String,
}

/// The adapter that was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its framework.
    pub framework: String,
    /// The framework's versions that it names.
    pub framework_versions: Vec<String>,
    /// Of a component file: SHA-256, hexadecimal. None for a native plug-in.
    pub component_sha256: Option<String>,
    /// Of a native plug-in, where whoever ran the suite knows it: SHA-256 of the program that it is linked into,
    /// hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_sha256: Option<String>,
    /// Of a component file: its imports.
    pub imports: Option<Vec<String>>,
    /// What it exports.
    pub interfaces: Interfaces,
}

/// A version and a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versioned {
    /// The version.
    pub version: String,
    /// SHA-256, hexadecimal.
    pub digest: String,
}

/// What the process exits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// 0: the adapter keeps every clause that was checked.
    Conformant,
    /// 1: it does not keep at least one.
    NotConformant,
    /// 2: it is not known whether it keeps all.
    Unknown,
    /// 3: the suite or the test bed is broken, or nothing was checked.
    HarnessError,
}

impl Conclusion {
    /// Its name, as reports write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Conclusion::Conformant => "conformant",
            Conclusion::NotConformant => "not-conformant",
            Conclusion::Unknown => "unknown",
            Conclusion::HarnessError => "harness-error",
        }
    }

    /// The process's exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Conclusion::Conformant => 0,
            Conclusion::NotConformant => 1,
            Conclusion::Unknown => 2,
            Conclusion::HarnessError => 3,
        }
    }
}

/// The profiles that a certificate can name, and the areas of clauses that each one takes.
pub const LEVELS: [(&str, &[&str]); 5] = [
    (
        "core",
        &[
            "DESC", "KEYS", "ISO", "CALL", "ONCE", "FIN", "CONF", "ERR", "NODE", "LIM", "NET", "ENV", "REC",
            "ABAN", "UPG", "SEC", "FORM",
        ],
    ),
    ("store", &["STORE"]),
    ("events", &["EVT"]),
    ("blocks", &["BLK"]),
    ("proofs", &["PROOF"]),
];

impl Verdict {
    /// How many checks ended how.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Outcome, u64> {
        let mut counts = BTreeMap::new();
        for result in &self.results {
            *counts.entry(result.outcome).or_default() += 1;
        }
        counts
    }

    /// What it means as a whole. A run that checked nothing is a broken one.
    #[must_use]
    pub fn conclusion(&self) -> Conclusion {
        let any = |outcome| self.results.iter().any(|result| result.outcome == outcome);
        if any(Outcome::Error)
            || !(any(Outcome::Pass) || any(Outcome::Fail) || any(Outcome::Warn) || any(Outcome::Unknown))
        {
            Conclusion::HarnessError
        } else if any(Outcome::Fail) {
            Conclusion::NotConformant
        } else if any(Outcome::Unknown) {
            Conclusion::Unknown
        } else {
            Conclusion::Conformant
        }
    }

    /// Why no certificate can be made of it; none when it can.
    #[must_use]
    pub fn obstacle(&self) -> Option<String> {
        if self.filtered {
            return Some("a filter left checks out".into());
        }
        if self.quick {
            return Some("a quick run leaves checks out".into());
        }
        let reason = match self.conclusion() {
            Conclusion::Conformant => return None,
            Conclusion::NotConformant => "the adapter does not keep every clause",
            Conclusion::Unknown => "not every clause could be checked",
            Conclusion::HarnessError => "the suite or the test bed is broken, or no check applied",
        };
        Some(reason.into())
    }

    /// The profiles that the adapter passed: every check of each area certifiable, and at least one passed.
    #[must_use]
    pub fn levels(&self) -> Vec<&'static str> {
        let area = |clause: &str| clause.split_once('-').map_or(String::new(), |(area, _)| area.to_owned());
        let passed = |areas: &[&str]| {
            let mut of_level = self
                .results
                .iter()
                .filter(|result| areas.contains(&area(&result.clause).as_str()))
                .peekable();
            of_level.peek().is_some()
                && of_level.clone().all(|result| result.outcome.is_certifiable())
                && of_level.any(|result| result.outcome == Outcome::Pass)
        };
        LEVELS.iter().filter(|(_, areas)| passed(areas)).map(|(level, _)| *level).collect()
    }

    /// The outcome of a clause: the worst of its checks.
    #[must_use]
    pub fn clause(&self, id: &str) -> Option<Outcome> {
        Outcome::worst(self.results.iter().filter(|result| result.clause == id).map(|result| result.outcome))
    }

    /// One JSON text for one verdict: keys in order, no spaces.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        crate::report::json::canonical(self)
    }

    /// SHA-256 of the canonical JSON, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(Sha256::digest(self.canonical_json()))
    }
}

/// The standard that this suite checks.
#[must_use]
pub fn standard_version() -> Versioned {
    Versioned { version: "0.1.0".into(), digest: hex::encode(Sha256::digest(standard::TEXT)) }
}

/// Calls that are told of a failure.
const CALLS_TOLD: usize = 4;
/// Import calls that are told of each.
const EXCHANGES_TOLD: usize = 12;
/// Bytes of each text that is told.
const BYTES_TOLD: usize = 2_000;

fn cut(mut text: String) -> String {
    if text.len() > BYTES_TOLD {
        let whole = text.len();
        let end = (0..=BYTES_TOLD).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str(&format!("… ({whole} bytes)"));
    }
    text
}

impl FaultReport {
    /// The fault, with the newest of the calls that led there.
    pub(crate) fn new(fault: crate::check::Fault, calls: &[crate::trial::Observed]) -> Self {
        let newest = calls.len().saturating_sub(CALLS_TOLD);
        let calls = calls.iter().skip(newest).map(CallReport::new).collect();
        FaultReport { expected: cut(fault.expected), actual: cut(fault.actual), calls }
    }
}

impl CallReport {
    fn new(call: &crate::trial::Observed) -> Self {
        use crate::trial::{Ending, observed::json};
        let result = match &call.ending {
            Ending::Success(value) => value.to_string(),
            Ending::Error(error) => error.to_string(),
            Ending::SendFailure(value, _) => value.to_string(),
            Ending::Ended(ended) => ended.to_string(),
            Ending::Dropped => "dropped by the suite".into(),
        };
        let newest = call.exchanges.len().saturating_sub(EXCHANGES_TOLD);
        let exchange = |exchange: &berth_lending::recording::Exchange| ExchangeReport {
            import: serde_json::to_value(exchange.import)
                .ok()
                .and_then(|name| name.as_str().map(str::to_owned))
                .unwrap_or_default(),
            request: cut(json(&exchange.request).to_string()),
            answer: exchange.answer.as_ref().map(|answer| cut(json(answer).to_string())),
        };
        CallReport {
            application: call.application.clone(),
            function: call.function.name().into(),
            arguments: cut(call.arguments.to_string()),
            result: cut(result),
            exchanges: call.exchanges.iter().skip(newest).map(exchange).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Fault;

    #[test]
    fn texts_are_told_whole_up_to_their_bound_and_cut_between_characters_beyond_it() {
        let whole = "x".repeat(BYTES_TOLD);
        assert_eq!(cut(whole.clone()), whole);
        assert_eq!(cut(format!("{whole}x")), format!("{whole}… ({} bytes)", BYTES_TOLD + 1));
        let before = "x".repeat(BYTES_TOLD - 1);
        assert_eq!(cut(format!("{before}éé")), format!("{before}… ({} bytes)", BYTES_TOLD + 3));
        let report = FaultReport::new(Fault::new("this", format!("{whole}x")), &[]);
        assert_eq!((report.expected.as_str(), report.actual.len() > BYTES_TOLD), ("this", true));
    }
}
