//! Every mutant under every check, and not only under those of its own clause: which clauses does each fault show on?
//!
//! It takes long, and is run by hand: `cargo xtask test --mutants`. What it came to is `conformance/MUTANTS.md`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

mod support;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use berth_mutants::{Mutant, all};
use futures_util::stream::{StreamExt as _, iter};
use support::{chosen, examine_mutant, has_found};

/// A mutant that keeps the suite busy for longer is given up.
const PATIENCE: Duration = Duration::from_secs(600);

/// On which clauses a mutant is failed.
struct Row {
    mutant: &'static Mutant,
    /// None: the suite did not come to an end.
    clauses: Option<BTreeSet<String>>,
}

async fn row(mutant: &'static Mutant) -> Row {
    let evidence = tokio::time::timeout(PATIENCE, examine_mutant(mutant, Vec::new())).await;
    let clauses = evidence.ok().map(|evidence| {
        let results = evidence.verdict.results.iter().filter(|result| has_found(result));
        results.map(|result| result.clause.clone()).collect()
    });
    Row { mutant, clauses }
}

fn table(rows: &[Row], took: Duration) -> String {
    let own = rows.iter().filter(|row| row.is_failed_on_its_own()).count();
    let alone =
        rows.iter().filter(|row| row.clauses.as_ref().is_some_and(|clauses| clauses.len() == 1)).count();
    let mut text = format!(
        "# On which clauses each mutant is failed\n\n\
         Made by `cargo xtask test --mutants`, which runs every mutant under all checks of the suite on the model ledger, seed 7. \
         It took {} minutes on {} cores.\n\n\
         {} mutants: {own} are failed on the clause that they were made for, {alone} of all on one clause alone.\n\n\
         | made for | mutant | failed on |\n|---|---|---|\n",
        took.as_secs().div_ceil(60),
        cores(),
        rows.len(),
    );
    for row in rows {
        let clauses = match &row.clauses {
            None => "**the suite did not come to an end**".to_owned(),
            Some(clauses) if clauses.is_empty() => "**nothing**".to_owned(),
            Some(clauses) => clauses.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        writeln!(text, "| {} | `{}` | {clauses} |", row.mutant.clause, row.mutant.name).unwrap();
    }
    text
}

impl Row {
    fn is_failed_on_its_own(&self) -> bool {
        self.clauses.as_ref().is_some_and(|clauses| clauses.contains(self.mutant.clause))
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes long; cargo xtask test --mutants"]
async fn every_mutant_is_failed_on_its_clause_when_all_checks_run() {
    let mutants: &'static [Mutant] = Box::leak(all().into_boxed_slice());
    let chosen: Vec<_> = mutants.iter().filter(|mutant| chosen(mutant.clause)).collect();
    let start = Instant::now();
    let runs = chosen.into_iter().map(|mutant| async move {
        let row = tokio::spawn(row(mutant)).await.unwrap();
        println!("{}/{} {:?}", mutant.clause, mutant.name, row.clauses);
        row
    });
    let rows: Vec<_> = iter(runs).buffered(cores()).collect().await;
    if std::env::var_os("BERTH_ONLY").is_none() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../MUTANTS.md");
        fs::write(file, table(&rows, start.elapsed())).unwrap();
    }
    let missed: Vec<_> = rows.iter().filter(|row| !row.is_failed_on_its_own()).collect();
    let missed: Vec<_> = missed.iter().map(|row| (row.mutant.clause, row.mutant.name)).collect();
    assert!(missed.is_empty(), "not failed on their own clauses: {missed:?}");
}
