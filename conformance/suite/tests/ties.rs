//! The standard and the checks are tied both ways.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use adapter_spec::standard::{Bound, Clause, clause, clauses};
use berth_suite::{
    checks,
    ties::{Shown, Tie, changed_since, digest, ties},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn reviewed() -> PathBuf {
    root().join("conformance/suite/reviewed.txt")
}

#[test]
fn every_clause_is_tied_in_the_standards_order() {
    let tied: Vec<_> = ties().iter().map(|(clause, _)| clause.id.as_str()).collect();
    assert_eq!(tied, clauses().iter().map(|clause| clause.id.as_str()).collect::<Vec<_>>());
    let checks: usize = ties()
        .iter()
        .map(|(_, tie)| match tie {
            Some(Tie::Checks(ids)) => ids.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(checks, checks::all().len());
}

#[test]
fn every_clause_has_a_check_or_a_reason_and_not_both() {
    let untied: Vec<_> =
        ties().iter().filter(|(_, tie)| tie.is_none()).map(|(clause, _)| clause.id.as_str()).collect();
    assert!(untied.is_empty(), "neither check nor reason: {untied:?}");
    let checked: BTreeSet<_> = checks::all().iter().map(|check| check.clause).collect();
    for (id, reason) in checks::reasons() {
        assert!(!checked.contains(id), "{id} has a check, and a reason for having none: {reason}");
    }
    for (clause, tie) in ties() {
        let is_host = matches!(tie, Some(Tie::Host(_)));
        assert_eq!(is_host, clause.bound == Bound::Host, "{}", clause.id);
    }
}

#[test]
fn every_check_and_every_reason_is_of_a_clause_and_checks_have_names_of_their_own() {
    let mut ids = BTreeSet::new();
    for check in checks::all() {
        assert!(clause(check.clause).is_some(), "{} is no clause", check.clause);
        assert!(ids.insert(check.id()), "{} is there twice", check.id());
    }
    for (id, _) in checks::reasons() {
        assert!(clause(id).is_some(), "{id} is no clause");
    }
}

#[test]
fn a_clause_of_the_hosts_is_shown_by_a_test_that_is_there() {
    for (clause, tie) in ties() {
        let Some(Tie::Host(Shown::By(file, test))) = tie else { continue };
        let source =
            fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{}: {file}: {e}", clause.id));
        assert!(source.contains(&format!("fn {test}(")), "{}: no {test} in {file}", clause.id);
    }
}

#[test]
fn no_clause_was_changed_without_its_checks_being_looked_at_again() {
    if std::env::var_os("BLESS").is_some() {
        let lines: String =
            clauses().iter().map(|clause| format!("{} {}\n", clause.id, digest(clause))).collect();
        fs::write(reviewed(), lines).unwrap();
        return;
    }
    let reviewed = fs::read_to_string(reviewed()).unwrap();
    let changed: Vec<_> = changed_since(&reviewed).iter().map(|clause| clause.id.as_str()).collect();
    assert!(
        changed.is_empty(),
        "these clauses say something else than when their checks were last looked at: {changed:?}. Look at the checks, then \
         run this test with BLESS=1"
    );
}

#[test]
fn a_clause_that_was_changed_and_a_new_one_are_named() {
    let [first, second, ..] = clauses() else { panic!("fewer than two clauses") };
    let as_they_are = |clause: &Clause| format!("{} {}\n", clause.id, digest(clause));
    let reviewed: String = clauses().iter().map(as_they_are).collect();
    assert_eq!(changed_since(&reviewed), Vec::<&Clause>::new());
    let without_the_first = reviewed.replacen(&as_they_are(first), "", 1);
    assert_eq!(changed_since(&without_the_first), [first]);
    for changed in [
        Clause { text: format!("{} ", second.text), ..second.clone() },
        Clause {
            bound: if second.bound == Bound::Host { Bound::Adapter } else { Bound::Host },
            ..second.clone()
        },
    ] {
        let before = reviewed.replacen(&as_they_are(second), &as_they_are(&changed), 1);
        assert_eq!(changed_since(&before), [second]);
    }
}
