//! The suite fails every mutant on its clause, with a message that names the fault, and passes the honest adapter.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use adapter_spec::{Adapter, standard};
use berth_mutants::{ModelGround, Mutant, all, mutate};
use berth_suite::{Conclusion, Evidence, Outcome, Plan, Silent, run};

/// Mutants that the suite does not catch yet, with what it comes to instead. Whoever mends a check takes its line out.
const SURVIVORS: &[(&str, &str)] = &[
    ("ISO-3/without-a-node-from-memory", "the check passes it"),
    ("ONCE-11/random-in-place-of-the-salt", "unknown: the suite waits for a node to say the same twice"),
    ("ONCE-15/another-code-for-what-is-in-a-block", "the check passes it"),
    ("ONCE-16/tries-again-by-itself", "the check passes it"),
];

async fn examine(adapter: Arc<dyn Adapter>, only: Vec<String>, foreign_imports: &[&str]) -> Evidence {
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
    };
    run(plan, &Silent).await.unwrap()
}

/// Only mutants and clauses whose id begins so; for work on one of them.
fn chosen(id: &str) -> bool {
    std::env::var("BERTH_ONLY").map_or(true, |only| only.split(',').any(|only| id.starts_with(only)))
}

async fn fault(mutant: &Mutant) -> Result<(), String> {
    let adapter = mutate(Arc::new(berth_model::native()), (mutant.fault)());
    let evidence = examine(adapter, vec![mutant.clause.to_owned()], mutant.foreign_imports).await;
    let results = &evidence.verdict.results;
    let failed = |outcome| matches!(outcome, Outcome::Fail | Outcome::Warn);
    let faults: Vec<_> = results
        .iter()
        .filter(|result| result.clause == mutant.clause && failed(result.outcome))
        .filter_map(|result| result.fault.as_ref())
        .map(|fault| format!("expected {}, came {}", fault.expected, fault.actual))
        .collect();
    if faults.iter().any(|fault| fault.contains(mutant.says)) {
        return Ok(());
    }
    let outcomes: Vec<_> = results
        .iter()
        .map(|r| (&r.check, r.outcome, &r.reason, r.fault.as_ref().map(|fault| &fault.actual)))
        .collect();
    Err(format!(
        "{}/{}: no fault says {:?}: {faults:#?} {outcomes:?}",
        mutant.clause, mutant.name, mutant.says
    ))
}

#[tokio::test]
async fn every_mutant_is_failed_on_its_clause_with_a_message_that_names_the_fault() {
    let mut missed = Vec::new();
    for mutant in all().iter().filter(|mutant| chosen(mutant.clause)) {
        let id = format!("{}/{}", mutant.clause, mutant.name);
        let survives = SURVIVORS.iter().any(|(survivor, _)| *survivor == id);
        match fault(mutant).await {
            Err(why) if !survives => missed.push(why),
            Ok(()) if survives => missed.push(format!("{id} is caught now: take it off the survivors")),
            _ => {}
        }
    }
    assert!(missed.is_empty(), "{} survive:\n{}", missed.len(), missed.join("\n"));
}

#[tokio::test]
async fn the_honest_adapter_passes_every_check() {
    let only = std::env::var("BERTH_ONLY").map(|only| only.split(',').map(str::to_owned).collect());
    let evidence = examine(Arc::new(berth_model::native()), only.unwrap_or_default(), &[]).await;
    let bad: Vec<_> = evidence
        .verdict
        .results
        .iter()
        .filter(|result| !result.outcome.is_certifiable())
        .map(|r| {
            let fault = r.fault.as_ref().map(|f| format!("expected {}, came {}", f.expected, f.actual));
            format!("{} {} {:?} {fault:?}", r.outcome.name(), r.check, r.reason)
        })
        .collect();
    assert!(bad.is_empty(), "{:#?}", bad);
    assert_eq!(evidence.conclusion(), Conclusion::Conformant);
}

#[test]
fn every_must_of_adapters_that_has_a_check_has_a_mutant() {
    let clauses: BTreeSet<_> = all().iter().map(|mutant| mutant.clause).collect();
    let checked: BTreeSet<_> = berth_suite::checks::all().iter().map(|check| check.clause).collect();
    let missing: Vec<_> = checked
        .iter()
        .filter(|id| standard::clause(id).is_some_and(|c| c.strength == standard::Strength::Must))
        .filter(|id| !clauses.contains(*id))
        .collect();
    assert!(missing.is_empty(), "no mutant for {missing:?}");
}
