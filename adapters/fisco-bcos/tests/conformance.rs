//! The adapter keeps the standard: the conformance suite against a FISCO-like node, in both generations and cryptographies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use adapter_spec::Adapter;
use berth_devnet_evm::{
    fisco::{FiscoConfig, FiscoNode, Generation, places},
    suite::Suite,
};
use berth_host::{Host, HostConfig, Limits};
use berth_suite::{Conclusion, MostRecorded, NetworkGround, Plan, Printed, Testbed, replay, run};
use serde_json::json;

/// What is tested.
struct Subject {
    adapter: Arc<dyn Adapter>,
    /// Of a component: its digest and its imports.
    component: Option<(String, Vec<String>)>,
    /// Without the checks that are marked as slow.
    quick: bool,
    /// The preset store on this table, and only the checks of the store.
    table: Option<&'static str>,
}

/// The preset store on a key-value table, and the checks of the store alone: nothing else is different.
fn on_a_table() -> Subject {
    Subject { table: Some("t_preset"), ..native() }
}

fn native() -> Subject {
    Subject { adapter: Arc::new(adapter_fisco_bcos::native()), component: None, quick: false, table: None }
}

/// The component that `cargo xtask components` made, for a quick run, or a full one with `BERTH_FULL`. None, and a line that says so, where it did not.
async fn component() -> Option<Subject> {
    let Some(folder) = std::env::var_os("BERTH_COMPONENTS") else {
        eprintln!(
            "NOT RUN: BERTH_COMPONENTS does not name the folder of components; `cargo xtask test` does"
        );
        return None;
    };
    let bytes = std::fs::read(Path::new(&folder).join("fisco-bcos.component.wasm")).unwrap();
    // Instances enough for every application that a check opens, and none that goes idle on the way: so a replay opens as
    // many as the run that was recorded.
    let config = HostConfig { instances: 256, idle: Duration::from_secs(24 * 3600), ..HostConfig::default() };
    let adapter = Host::new(config).unwrap().load(&bytes, Limits::default()).await.unwrap();
    let facts = adapter.facts();
    let component = Some((alloy_primitives::hex::encode(facts.digest), facts.imports.clone()));
    let quick = std::env::var_os("BERTH_FULL").is_none();
    Some(Subject { adapter: Arc::new(adapter), component, quick, table: None })
}

fn on_table(settings: &mut serde_json::Map<String, serde_json::Value>, table: &str) {
    settings.insert("preset_table".into(), json!(table));
}

/// The suite against a node in this process, and its recording without one.
async fn keeps_every_clause(subject: Subject, generation: Generation, suite: Suite) {
    let (number, file, groups) = match generation {
        Generation::Two => (2, "testbed.toml", ["1", "2"]),
        Generation::Three => (3, "testbed-3.toml", ["group0", "group1"]),
    };
    let mut config = FiscoConfig::new(generation, suite);
    config.groups = groups.map(str::to_owned).to_vec();
    let node = FiscoNode::new(config).unwrap();
    let served = node.serve().await.unwrap();

    let places = places(&node, &served).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(file);
    let mut testbed = Testbed::read(&path, &places).unwrap();
    let Subject { adapter, component, quick, table } = subject;
    if let Some(table) = table {
        on_table(&mut testbed.settings, table);
        testbed.other_settings.iter_mut().for_each(|settings| on_table(settings, table));
    }
    let kind = if component.is_some() { "component" } else { "native" };
    let descriptor = adapter.describe().await.unwrap();
    let only: Option<BTreeSet<String>> = std::env::var("BERTH_ONLY")
        .ok()
        .or(table.map(|_| "STORE".to_owned()))
        .map(|only| only.split(',').map(str::to_owned).collect());
    let plan = Plan {
        adapter: adapter.clone(),
        component: component.clone(),
        ground: Arc::new(NetworkGround::new(testbed.clone(), descriptor)),
        testbed,
        seed: 1,
        quick,
        only: only.into_iter().flatten().collect(),
        waived: BTreeMap::new(),
        most_recorded: MostRecorded::default(),
    };
    let start = std::time::Instant::now();
    let evidence = run(plan, &Printed { all: std::env::var_os("BERTH_SHOW").is_some() }).await.unwrap();
    println!("{number}.x {suite:?}, {kind}: {:?} in {:?}", evidence.verdict.counts(), start.elapsed());
    let replayed = replay(adapter, component, &evidence, &berth_suite::Silent).await.unwrap();
    assert_eq!(replayed.divergences, []);
    assert_eq!(replayed.verdict.canonical_json(), evidence.verdict.canonical_json());
    assert_eq!(evidence.conclusion(), Conclusion::Conformant);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_with_standard_cryptography_keeps_every_clause() {
    keeps_every_clause(native(), Generation::Two, Suite::Standard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_with_sm_cryptography_keeps_every_clause() {
    keeps_every_clause(native(), Generation::Two, Suite::Sm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_with_standard_cryptography_keeps_every_clause() {
    keeps_every_clause(native(), Generation::Three, Suite::Standard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_with_sm_cryptography_keeps_every_clause() {
    keeps_every_clause(native(), Generation::Three, Suite::Sm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_component_keeps_every_clause_on_two_with_standard_cryptography() {
    let Some(component) = component().await else { return };
    keeps_every_clause(component, Generation::Two, Suite::Standard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_component_keeps_every_clause_on_three_with_sm_cryptography() {
    let Some(component) = component().await else { return };
    keeps_every_clause(component, Generation::Three, Suite::Sm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_a_key_value_table_of_two_keeps_the_clauses_of_the_store() {
    keeps_every_clause(on_a_table(), Generation::Two, Suite::Standard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_a_key_value_table_of_two_with_sm_cryptography_keeps_them_too() {
    keeps_every_clause(on_a_table(), Generation::Two, Suite::Sm).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_a_key_value_table_of_three_keeps_the_clauses_of_the_store() {
    keeps_every_clause(on_a_table(), Generation::Three, Suite::Standard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_on_a_key_value_table_of_three_with_sm_cryptography_keeps_them_too() {
    keeps_every_clause(on_a_table(), Generation::Three, Suite::Sm).await;
}
