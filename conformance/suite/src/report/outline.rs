//! The standard's clauses with what a run says of each.

use std::collections::BTreeMap;

use adapter_spec::standard::{self, Bound, Clause, Strength};

use crate::{
    ties::{self, Shown, Tie},
    verdict::{CheckResult, Outcome, Verdict},
};

/// By clause: what stands behind it.
pub type Ties = BTreeMap<String, Tie>;

/// What stands behind each clause in this suite.
#[must_use]
pub fn ties_of_this_suite() -> Ties {
    ties::ties().into_iter().filter_map(|(clause, tie)| Some((clause.id.clone(), tie?))).collect()
}

/// What is known of a clause after a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its checks came to this: the worst of them.
    Checked(Outcome),
    /// The suite has these checks, and this run did not come to them.
    NotRun(Vec<String>),
    /// It binds the host, not the adapter; what shows that the host keeps it, where that is known.
    Host(Option<Shown>),
    /// The suite has no check, for this reason where one is stated.
    Unchecked(Option<String>),
}

/// A clause and what the run says of it.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The clause.
    pub clause: Clause,
    /// What its checks came to.
    pub results: Vec<&'a CheckResult>,
    /// What is known of it.
    pub standing: Standing,
}

impl Entry<'_> {
    /// The outcome of its checks; none where there was none.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.standing {
            Standing::Checked(outcome) => Some(outcome),
            _ => None,
        }
    }
}

/// An area of the standard.
#[derive(Clone, Debug)]
pub struct Area<'a> {
    /// Its short name, e.g. `ONCE`.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// Its clauses, in the standard's order.
    pub entries: Vec<Entry<'a>>,
}

/// The whole standard, by area.
#[derive(Clone, Debug)]
pub struct Outline<'a> {
    /// Its areas, in the standard's order.
    pub areas: Vec<Area<'a>>,
}

impl<'a> Outline<'a> {
    /// The clauses of a standard's text with the results of a verdict. Results of clauses that are not in the text come in
    /// an area of their own, so that none is lost.
    #[must_use]
    pub fn new(verdict: &'a Verdict, text: &str, ties: &Ties) -> Self {
        let clauses = standard::parse(text).unwrap_or_default();
        let mut areas: Vec<Area<'a>> = titles(text)
            .map(|(name, title)| Area { name: name.into(), title: title.into(), entries: Vec::new() })
            .collect();
        let mut left: Vec<_> = verdict.results.iter().collect();
        for clause in clauses {
            let (of_clause, others) = left.into_iter().partition(|result| result.clause == clause.id);
            left = others;
            if let Some(area) = areas.iter_mut().find(|area| area.name == clause.area()) {
                area.entries.push(entry(clause, of_clause, ties));
            }
        }
        if !left.is_empty() {
            areas.push(foreign(left, ties));
        }
        areas.retain(|area| !area.entries.is_empty());
        Outline { areas }
    }

    /// All clauses.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.areas.iter().flat_map(|area| &area.entries)
    }

    /// All results with this outcome, with their clauses.
    pub fn with_outcome(&self, outcome: Outcome) -> impl Iterator<Item = (&Clause, &'a CheckResult)> {
        self.entries().flat_map(move |entry| {
            let results = entry.results.iter().copied().filter(move |result| result.outcome == outcome);
            results.map(|result| (&entry.clause, result))
        })
    }
}

fn entry<'a>(clause: Clause, results: Vec<&'a CheckResult>, ties: &Ties) -> Entry<'a> {
    let standing = match Outcome::worst(results.iter().map(|result| result.outcome)) {
        Some(worst) => Standing::Checked(worst),
        None => match ties.get(&clause.id) {
            Some(Tie::Checks(checks)) => Standing::NotRun(checks.clone()),
            Some(Tie::Host(shown)) => Standing::Host(Some(*shown)),
            Some(Tie::Reason(reason)) => Standing::Unchecked(Some((*reason).into())),
            None if clause.bound == Bound::Host => Standing::Host(None),
            None => Standing::Unchecked(None),
        },
    };
    Entry { clause, results, standing }
}

/// Results of clauses that the standard does not have.
fn foreign<'a>(results: Vec<&'a CheckResult>, ties: &Ties) -> Area<'a> {
    let mut by_clause: BTreeMap<&str, Vec<&CheckResult>> = BTreeMap::new();
    for result in results {
        by_clause.entry(&result.clause).or_default().push(result);
    }
    let entries = by_clause.into_iter().map(|(id, results)| {
        let clause = Clause {
            id: id.into(),
            strength: Strength::Must,
            bound: Bound::Adapter,
            text: "The standard that this program knows has no such clause.".into(),
            reason: String::new(),
        };
        entry(clause, results, ties)
    });
    let title = "Clauses of another standard".into();
    Area { name: "OTHER".into(), title, entries: entries.collect() }
}

/// The areas' names and titles in a standard's text.
pub(super) fn titles(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.strip_prefix("## ")?.split_once(": "))
}
