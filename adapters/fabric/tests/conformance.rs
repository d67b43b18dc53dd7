//! The adapter keeps the standard: the conformance suite against a Fabric-like network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod networks;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use adapter_spec::Adapter;
use berth_devnet_fabric::{Consensus, Network};
use berth_host::{Host, HostConfig, Limits};
use berth_suite::{Conclusion, MostRecorded, NetworkGround, Plan, Printed, Testbed, replay, run};

/// What is examined, with what a component is known by.
struct Subject {
    adapter: Arc<dyn Adapter>,
    component: Option<(String, Vec<String>)>,
}

fn native() -> Subject {
    Subject { adapter: Arc::new(adapter_fabric::native()), component: None }
}

/// The component that `cargo xtask components` made.
async fn component() -> Subject {
    let folder = std::env::var_os("BERTH_COMPONENTS").expect("BERTH_COMPONENTS: run cargo xtask test");
    let bytes = std::fs::read(Path::new(&folder).join("fabric.component.wasm")).unwrap();
    let host = Host::new(HostConfig::default()).unwrap();
    let loaded = host.load(&bytes, Limits::default()).await.unwrap();
    let component = Some((hex::encode(loaded.facts().digest), loaded.facts().imports.clone()));
    Subject { adapter: Arc::new(loaded), component }
}

/// The suite, live and from its recording.
async fn conformant(Subject { adapter, component }: Subject, testbed: Testbed, quick: bool) {
    let descriptor = adapter.describe().await.unwrap();
    let only = std::env::var("BERTH_ONLY").map(|only| only.split(',').map(str::to_owned).collect());
    let plan = Plan {
        adapter: adapter.clone(),
        component: component.clone(),
        ground: Arc::new(NetworkGround::new(testbed.clone(), descriptor)),
        testbed,
        seed: 1,
        quick,
        only: only.unwrap_or_default(),
        waived: BTreeMap::new(),
        most_recorded: MostRecorded::default(),
    };
    let start = std::time::Instant::now();
    let evidence = run(plan, &Printed { all: std::env::var_os("BERTH_SHOW").is_some() }).await.unwrap();
    println!(
        "{:?} in {:?}, {} bytes of evidence",
        evidence.verdict.counts(),
        start.elapsed(),
        evidence.pack().unwrap().len()
    );
    let replayed = replay(adapter, component, &evidence, &berth_suite::Silent).await.unwrap();
    assert_eq!(replayed.divergences, []);
    assert_eq!(replayed.verdict.canonical_json(), evidence.verdict.canonical_json());
    assert_eq!(evidence.conclusion(), Conclusion::Conformant);
}

/// A Fabric-like network with as many parties as a check can have actors.
async fn like(consensus: Consensus) -> (Network, Testbed) {
    let network = networks::like(consensus).await;
    let mut testbed = networks::testbed(&networks::places(&network).await);
    networks::enrol(&network, &mut testbed, 10);
    (network, testbed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_every_clause_where_one_orderer_signs() {
    let (_network, testbed) = like(Consensus::Raft).await;
    conformant(native(), testbed, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_every_clause_where_a_quorum_signs() {
    let (_network, testbed) = like(Consensus::Bft).await;
    conformant(native(), testbed, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_component_keeps_every_clause() {
    let (_network, testbed) = like(Consensus::Raft).await;
    conformant(component().await, testbed, true).await;
}

/// `cargo xtask test --real fabric`; all checks, where `BERTH_QUICK` is not set.
async fn on_real_programs(consensus: fabric_network::Consensus) {
    let options = fabric_network::Options { consensus, ..fabric_network::Options::default() };
    let Some((network, testbed)) = networks::real(&options) else { return };
    println!("{}, {consensus:?}", network.version().unwrap());
    conformant(native(), testbed, std::env::var_os("BERTH_QUICK").is_some()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_every_clause_on_real_programs_where_one_orderer_signs() {
    on_real_programs(fabric_network::Consensus::Raft(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_every_clause_on_real_programs_where_a_quorum_signs() {
    let programs = fabric_network::Programs::from_environment();
    if programs.is_ok_and(|programs| programs.version().unwrap().starts_with("v2.")) {
        eprintln!("NOT RUN: Fabric before 3.0 has no SmartBFT");
        return;
    }
    on_real_programs(fabric_network::Consensus::Bft).await;
}
