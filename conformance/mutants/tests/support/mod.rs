//! What the tests of mutants share.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test takes what it needs, and fails when it cannot go on"
)]

use std::{collections::BTreeMap, sync::Arc};

use adapter_spec::Adapter;
use berth_mutants::{ModelGround, Mutant, mutate};
use berth_suite::{CheckResult, Evidence, MostRecorded, Outcome, Plan, Silent, run};

/// Runs these checks on a model ledger of their own.
pub async fn examine(adapter: Arc<dyn Adapter>, only: Vec<String>, foreign_imports: &[&str]) -> Evidence {
    examine_within(MostRecorded::default(), adapter, only, foreign_imports).await
}

/// The same, recording no more than this.
pub async fn examine_within(
    most_recorded: MostRecorded,
    adapter: Arc<dyn Adapter>,
    only: Vec<String>,
    foreign_imports: &[&str],
) -> Evidence {
    let ground = ModelGround::new().unwrap();
    let imports = ["bsn:framework/endpoints@0.1.0"].iter().chain(foreign_imports).map(|i| (*i).to_owned());
    let plan = Plan {
        adapter,
        component: Some(("00".repeat(32), imports.collect())),
        testbed: ground.testbed(),
        ground: Arc::new(ground),
        seed: 7,
        quick: false,
        only,
        waived: BTreeMap::new(),
        most_recorded,
    };
    run(plan, &Silent).await.unwrap()
}

/// Runs these checks on a mutant.
pub async fn examine_mutant(mutant: &Mutant, only: Vec<String>) -> Evidence {
    let adapter = mutate(Arc::new(berth_model::native()), (mutant.fault)());
    examine(adapter, only, mutant.foreign_imports).await
}

/// Only mutants and clauses whose id begins so; for work on one of them.
pub fn chosen(id: &str) -> bool {
    std::env::var("BERTH_ONLY").map_or(true, |only| only.split(',').any(|only| id.starts_with(only)))
}

/// Whether a check has found a fault.
pub fn has_found(result: &CheckResult) -> bool {
    matches!(result.outcome, Outcome::Fail | Outcome::Warn)
}
