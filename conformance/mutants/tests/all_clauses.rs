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
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use berth_mutants::{Mutant, all};
use futures_util::stream::{StreamExt as _, iter};
use rlimit::Resource;
use support::{chosen, examine_mutant, has_found};

/// A mutant that keeps the suite busy for longer is given up.
const PATIENCE: Duration = Duration::from_secs(180);

/// What the suite may use for one mutant: a recording of everything that a mutant of large answers is given takes gigabytes.
const MEMORY: u64 = 4 << 30;

/// Names the mutant to a child of this program.
const CHILD: &str = "BERTH_MUTANT";

/// Before the clauses in a child's output.
const FAILED_ON: &str = "failed on: ";

/// On which clauses a mutant is failed.
struct Row {
    mutant: &'static Mutant,
    /// None: the suite did not come to an end.
    clauses: Option<BTreeSet<String>>,
}

/// In a process of its own, whose memory is bounded.
fn row(mutant: &'static Mutant) -> Row {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_mutant_under_every_check", "--ignored", "--nocapture"])
        .env(CHILD, format!("{}/{}", mutant.clause, mutant.name))
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let clauses = text.lines().find_map(|line| line.split_once(FAILED_ON));
    let clauses = clauses.map(|(_, clauses)| clauses.split_whitespace().map(str::to_owned).collect());
    Row { mutant, clauses }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the part of the other test that runs in a process of its own"]
async fn one_mutant_under_every_check() {
    let Ok(name) = std::env::var(CHILD) else { return };
    rlimit::setrlimit(Resource::AS, MEMORY, MEMORY).unwrap();
    let mutants = all();
    let mutant = mutants.iter().find(|mutant| name == format!("{}/{}", mutant.clause, mutant.name)).unwrap();
    let evidence = tokio::time::timeout(PATIENCE, examine_mutant(mutant, Vec::new())).await.unwrap();
    let results = evidence.verdict.results.iter().filter(|result| has_found(result));
    let clauses: BTreeSet<_> = results.map(|result| result.clause.clone()).collect();
    println!("{FAILED_ON}{}", clauses.into_iter().collect::<Vec<_>>().join(" "));
}

/// A mutant that is not failed on its own clause when all checks run; alone, its clause's checks fail it.
struct Known {
    clause: &'static str,
    name: &'static str,
    /// The clause that it is failed on all the same; none where the suite does not come to an end.
    on: Option<&'static str>,
}

impl Known {
    const fn endless(clause: &'static str, name: &'static str) -> Self {
        Known { clause, name, on: None }
    }

    fn is(&self, row: &Row) -> bool {
        let ends_so = match (self.on, &row.clauses) {
            (None, None) => true,
            (Some(on), Some(clauses)) => clauses.contains(on),
            _ => false,
        };
        ends_so && self.clause == row.mutant.clause && self.name == row.mutant.name
    }
}

const KNOWN: &[Known] = &[
    // These ask without end, and what is recorded of it outgrows the bound.
    Known::endless("CALL-15", "asks-again-and-again"),
    Known::endless("EVT-8", "asks-for-every-event-again"),
    Known::endless("LIM-8", "a-request-for-each-peer"),
    // These wait for what never comes, in too many checks.
    Known::endless("ENV-7", "what-was-sent-is-known-by-the-state-alone"),
    Known::endless("CONF-3", "a-conflict-is-run-again"),
    // These behave while they see faults, and in a whole run have seen some from the first on.
    Known { clause: "REC-5", name: "knows-faults", on: Some("ONCE-16") },
    Known { clause: "REC-5", name: "waits-for-faults-to-end", on: Some("ONCE-16") },
];

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
            None => "**the suite did not come to an end** in three minutes and 4 GiB".to_owned(),
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
async fn every_mutant_is_failed_on_its_clause_when_all_checks_run_but_for_what_is_known() {
    let mutants: &'static [Mutant] = Box::leak(all().into_boxed_slice());
    let chosen: Vec<_> = mutants.iter().filter(|mutant| chosen(mutant.clause)).collect();
    let start = Instant::now();
    let runs = chosen.into_iter().map(|mutant| async move {
        let row = tokio::task::spawn_blocking(|| row(mutant)).await.unwrap();
        println!("{}/{} {:?}", mutant.clause, mutant.name, row.clauses);
        row
    });
    let rows: Vec<_> = iter(runs).buffered(cores()).collect().await;
    if std::env::var_os("BERTH_ONLY").is_none() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../MUTANTS.md");
        fs::write(file, table(&rows, start.elapsed())).unwrap();
    }
    let missed =
        rows.iter().filter(|row| !row.is_failed_on_its_own() && !KNOWN.iter().any(|known| known.is(row)));
    let missed: Vec<_> = missed.map(|row| (row.mutant.clause, row.mutant.name, &row.clauses)).collect();
    assert!(missed.is_empty(), "not failed on their own clauses: {missed:?}");
}
