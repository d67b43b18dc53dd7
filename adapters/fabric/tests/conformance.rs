//! The adapter keeps the standard: the conformance suite against a Fabric-like network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod networks;

use std::{collections::BTreeMap, sync::Arc};

use berth_devnet_fabric::Consensus;
use berth_suite::{CheckResult, Conclusion, NetworkGround, Outcome, Plan, Progress, Testbed, replay, run};

struct Shown;

impl Progress for Shown {
    fn ended(&self, result: &CheckResult) {
        if result.outcome != Outcome::Pass || std::env::var_os("BERTH_SHOW").is_some() {
            let (name, took) = (result.outcome.name(), result.took);
            println!("{name:15} {} {took:.2?} {:?}", result.check, result.reason);
            if let Some(fault) = &result.fault {
                println!("    expected: {}\n    actual:   {}", fault.expected, fault.actual);
                for call in fault.calls.iter().rev().take(2) {
                    println!("    {} {:.600} -> {:.600}", call.function, call.arguments, call.result);
                }
            }
        }
    }
}

/// The suite, live and from its recording.
async fn conformant(testbed: Testbed, quick: bool) {
    let adapter: Arc<dyn adapter_spec::Adapter> = Arc::new(adapter_fabric::native());
    let descriptor = adapter.describe().await.unwrap();
    let only = std::env::var("BERTH_ONLY").map(|only| only.split(',').map(str::to_owned).collect());
    let plan = Plan {
        adapter: adapter.clone(),
        component: None,
        ground: Arc::new(NetworkGround::new(testbed.clone(), descriptor)),
        testbed,
        seed: 1,
        quick,
        only: only.unwrap_or_default(),
        waived: BTreeMap::new(),
    };
    let start = std::time::Instant::now();
    let evidence = run(plan, &Shown).await.unwrap();
    println!(
        "{:?} in {:?}, {} bytes of evidence",
        evidence.verdict.counts(),
        start.elapsed(),
        evidence.pack().unwrap().len()
    );
    let replayed = replay(adapter, None, &evidence, &berth_suite::Silent).await.unwrap();
    assert_eq!(replayed.divergences, []);
    assert_eq!(replayed.verdict.canonical_json(), evidence.verdict.canonical_json());
    assert_eq!(evidence.conclusion(), Conclusion::Conformant);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_every_clause_where_one_orderer_signs() {
    let network = networks::like(Consensus::Raft).await;
    let mut testbed = networks::testbed(&networks::places(&network).await);
    networks::enrol(&network, &mut testbed, 10);
    conformant(testbed, std::env::var_os("BERTH_FULL").is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_every_clause_where_a_quorum_signs() {
    let network = networks::like(Consensus::Bft).await;
    let mut testbed = networks::testbed(&networks::places(&network).await);
    networks::enrol(&network, &mut testbed, 10);
    conformant(testbed, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_every_clause_on_a_network_of_real_fabric_programs() {
    let Some((_network, testbed)) = networks::real().await else { return };
    conformant(testbed, true).await;
}
