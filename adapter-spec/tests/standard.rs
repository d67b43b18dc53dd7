//! STANDARD.md keeps the form that programs read it by, and speaks of everything.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};

use adapter_spec::{
    Function,
    standard::{Clause, TEXT, clauses, parse},
    types::ErrorCode,
};

#[test]
fn every_clause_has_an_id_of_its_own_in_order_a_text_and_a_reason() {
    let parsed = parse(TEXT).unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(parsed, clauses());
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for clause in clauses() {
        let number: u32 = clause.id.rsplit('-').next().unwrap().parse().unwrap();
        let before = last.insert(clause.area(), number).unwrap_or(0);
        assert!(number > before, "{} does not come after {before}", clause.id);
        for part in [&clause.text, &clause.reason] {
            assert!(part.len() > 10, "{} lacks its text or its reason", clause.id);
        }
    }
    let areas: BTreeSet<_> = last.into_keys().collect();
    let wanted = [
        "DESC", "KEYS", "ISO", "CALL", "ONCE", "FIN", "CONF", "EVT", "BLK", "STORE", "ERR", "NODE", "LIM",
        "NET", "ENV", "REC", "ABAN", "UPG", "SEC", "PROOF", "FORM",
    ];
    assert_eq!(areas, BTreeSet::from(wanted));
}

#[test]
fn a_clause_of_another_form_is_noticed() {
    for broken in [
        "## A: a\n### A-1 · MAY · host\n",
        "## A: a\n### A-1 MUST host\n",
        "## A: a\n### B-1 · MUST · host\n",
        "## A: a\n### A-one · MUST · host\n",
        "## A: a\n#### A-1 · MUST · host\n",
    ] {
        assert!(parse(broken).is_err(), "{broken}");
    }
    let parsed = parse("## A: a\n### A-1 · MUST · host\nText\nand more.\n\nWhy: reason\ntoo.\n").unwrap();
    let [clause] = parsed.as_slice() else { panic!("one clause") };
    assert_eq!((&*clause.text, &*clause.reason), ("Text and more.", "reason too."));
}

/// What stands in backquotes in the clauses' texts.
fn terms() -> BTreeSet<String> {
    let terms = |clause: &Clause| -> Vec<String> {
        clause.text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    clauses().iter().flat_map(terms).collect()
}

#[test]
fn every_function_and_every_error_code_is_spoken_of() {
    use ErrorCode as E;
    use Function as F;
    let functions = [
        F::Describe,
        F::Open,
        F::Status,
        F::Accounts,
        F::Begin,
        F::Resume,
        F::Abandon,
        F::Send,
        F::Replace,
        F::Receipt,
        F::Estimate,
        F::Plan,
        F::ContractAbi,
        F::Block,
        F::Events,
        F::ToCall,
        F::FromOutcome,
        F::Prove,
        F::Verify,
    ];
    let codes = [
        E::Unsupported,
        E::InvalidArgument,
        E::NotFound,
        E::AlreadyExists,
        E::Conflict,
        E::PermissionDenied,
        E::QuotaExceeded,
        E::InsufficientFunds,
        E::Underpriced,
        E::TooLarge,
        E::Rejected,
        E::Reverted,
        E::Expired,
        E::Pruned,
        E::OutOfRange,
        E::Unavailable,
        E::Timeout,
        E::CorruptResponse,
        E::Internal,
    ];
    let terms = terms();
    for name in functions.map(Function::name).into_iter().chain(codes.map(ErrorCode::name)) {
        assert!(terms.contains(name), "no clause speaks of `{name}`");
    }
}

/// The names of the functions that a WIT file declares.
fn functions(wit: &str) -> impl Iterator<Item = &str> {
    let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    wit.lines()
        .filter_map(|line| line.trim().split_once(": "))
        .filter(move |(function, rest)| rest.contains("func(") && function.chars().all(name))
        .map(|(function, _)| function)
}

#[test]
fn every_function_of_the_wit_files_is_spoken_of_the_imports_too() {
    let (adapter, host) = (include_str!("../../wit/adapter.wit"), include_str!("../../wit/host.wit"));
    let declared: BTreeSet<_> = functions(adapter).chain(functions(host)).collect();
    assert!(declared.contains("contract-abi") && declared.contains("lent-as"), "{declared:?}");
    let terms = terms();
    let silent: Vec<_> = declared
        .into_iter()
        .filter(|name| !terms.iter().any(|term| term.rsplit('.').next() == Some(*name)))
        .collect();
    assert!(silent.is_empty(), "no clause speaks of {silent:?}");
}
