//! The standard and the checks, tied both ways.

use std::collections::BTreeMap;

use adapter_spec::standard::{Clause, clauses};
use sha2::{Digest as _, Sha256};

pub use crate::checks::host::Shown;
use crate::checks::{self, host::HOST};

/// What stands behind a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tie {
    /// These checks look at it; their ids.
    Checks(Vec<String>),
    /// Nothing can look at it from outside; why.
    Reason(&'static str),
    /// It binds the host.
    Host(Shown),
}

/// Every clause of the standard with what stands behind it, in the standard's order; none: nothing does.
#[must_use]
pub fn ties() -> Vec<(&'static Clause, Option<Tie>)> {
    let mut by_clause: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for check in checks::all() {
        by_clause.entry(check.clause).or_default().push(check.id());
    }
    let reasons: BTreeMap<_, _> = checks::reasons().into_iter().collect();
    let host: BTreeMap<_, _> = HOST.iter().copied().collect();
    let tie = |clause: &'static Clause| {
        let id = clause.id.as_str();
        let checks = by_clause.get(id).cloned().map(Tie::Checks);
        let tie = checks.or_else(|| reasons.get(id).map(|reason| Tie::Reason(reason)));
        (clause, tie.or_else(|| host.get(id).map(|shown| Tie::Host(*shown))))
    };
    clauses().iter().map(tie).collect()
}

/// The first 16 hexadecimal digits of the SHA-256 of what a clause says and whom it binds how much.
#[must_use]
pub fn digest(clause: &Clause) -> String {
    let digest = Sha256::digest(format!("{:?} {:?} {}", clause.strength, clause.bound, clause.text));
    hex::encode(digest).chars().take(16).collect()
}

/// The clauses whose text is another than when their checks were last looked at. `reviewed` has them as they were then: id
/// and digest on each line.
#[must_use]
pub fn changed_since(reviewed: &str) -> Vec<&'static Clause> {
    let reviewed: BTreeMap<_, _> = reviewed.lines().filter_map(|line| line.split_once(' ')).collect();
    clauses()
        .iter()
        .filter(|clause| reviewed.get(clause.id.as_str()) != Some(&digest(clause).as_str()))
        .collect()
}
