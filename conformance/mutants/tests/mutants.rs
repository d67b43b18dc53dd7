//! The suite fails every mutant on its clause, with a message that names the fault, and passes the honest adapter.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{collections::BTreeSet, sync::Arc};

use adapter_spec::standard;
use berth_mutants::{Mutant, all};
use berth_suite::Conclusion;
use support::{chosen, examine, examine_mutant, has_found};

async fn fault(mutant: &Mutant) -> Result<(), String> {
    let evidence = examine_mutant(mutant, vec![mutant.clause.to_owned()]).await;
    let results = &evidence.verdict.results;
    let faults: Vec<_> = results
        .iter()
        .filter(|result| result.clause == mutant.clause && has_found(result))
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
        missed.extend(fault(mutant).await.err());
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
