//! `conformance/COVERAGE.md` is what the code says: clause, checks, mutants.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

use std::{fmt::Write as _, fs, path::Path};

use adapter_spec::standard::{Bound, Strength};
use berth_mutants::all;
use berth_suite::ties::{Shown, Tie, ties};

fn coverage() -> String {
    let mutants = all();
    let (mut checked, mut reasoned, mut shown, mut not_yet, mut checks) = (0, 0, 0, 0, 0);
    let mut table = String::new();
    let mut area = "";
    for (clause, tie) in ties() {
        if clause.area() != area {
            area = clause.area();
            write!(table, "\n## {area}\n\n| clause | binds | checks, or why there is none | mutants |\n|---|---|---|---|\n").unwrap();
        }
        let cell = match tie {
            Some(Tie::Checks(ids)) => {
                checked += 1;
                checks += ids.len();
                let names = ids.iter().map(|id| format!("`{}`", id.split_once('/').unwrap().1));
                names.collect::<Vec<_>>().join("<br>")
            }
            Some(Tie::Reason(reason)) => {
                reasoned += 1;
                format!("no check: {reason}")
            }
            Some(Tie::Host(Shown::By(file, test))) => {
                shown += 1;
                format!("`{test}` in `{file}`")
            }
            Some(Tie::Host(Shown::NotYet(why))) => {
                not_yet += 1;
                format!("**not shown yet**: {why}")
            }
            None => "**nothing**".into(),
        };
        let breaking: Vec<_> = mutants
            .iter()
            .filter(|mutant| mutant.clause == clause.id)
            .map(|mutant| format!("`{}`", mutant.name))
            .collect();
        let strength = if clause.strength == Strength::Must { "MUST" } else { "SHOULD" };
        let bound = if clause.bound == Bound::Adapter { "adapter" } else { "host" };
        writeln!(table, "| {} | {bound}, {strength} | {cell} | {} |", clause.id, breaking.join("<br>"))
            .unwrap();
    }
    format!(
        "# What checks which clause, and which mutant shows that the check can fail\n\n\
         Made from the code by the tests of `conformance/mutants`; after a change: `BLESS=1 cargo test -p berth-mutants --test \
         coverage`.\n\n\
         {checked} clauses of adapters have {checks} checks, {reasoned} have a reason for having none; {} mutants break them. {shown} \
         clauses of the host are shown by its tests, {not_yet} are not shown yet.\n{table}",
        mutants.len()
    )
}

#[test]
fn the_list_of_clauses_checks_and_mutants_is_what_the_code_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../COVERAGE.md");
    let coverage = coverage();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&file, &coverage).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == coverage, "conformance/COVERAGE.md is out of date; run this test with BLESS=1");
}
