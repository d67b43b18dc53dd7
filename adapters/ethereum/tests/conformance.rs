//! The adapter keeps the standard: the conformance suite against Anvil, and against the Ethereum-like node.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use adapter_spec::Adapter;
use anvil_process::Anvil;
use berth_devnet_evm::ethereum::{EthereumConfig, EthereumNode, ServedEthereum};
use berth_host::{Host, HostConfig, Limits};
use berth_suite::{
    Conclusion, Evidence, MostRecorded, NetworkGround, Plan, Printed, Testbed, replay, report::Report, run,
};

/// A check that makes as many is slow, and no part of a quick run. Marked are those of more than 250; the rest is room for a
/// node that lets itself be asked once more.
const MOST_IMPORT_CALLS: usize = 300;

/// What is tested.
struct Subject {
    adapter: Arc<dyn Adapter>,
    /// Of a component: its digest and its imports.
    component: Option<(String, Vec<String>)>,
}

/// The component that `cargo xtask components` made.
async fn component() -> Subject {
    let folder = std::env::var_os("BERTH_COMPONENTS").expect("BERTH_COMPONENTS: run cargo xtask test");
    let bytes = std::fs::read(Path::new(&folder).join("ethereum.component.wasm")).unwrap();
    // Instances enough for every application that a check opens, and none that goes idle on the way: so a replay opens as
    // many as the run that was recorded.
    let config = HostConfig { instances: 256, idle: Duration::from_secs(24 * 3600), ..HostConfig::default() };
    let adapter = Host::new(config).unwrap().load(&bytes, Limits::default()).await.unwrap();
    let facts = adapter.facts();
    let component = Some((hex::encode(facts.digest), facts.imports.clone()));
    Subject { adapter: Arc::new(adapter), component }
}

/// What adapters asked of their imports in each check, counted.
fn import_calls(evidence: &Evidence) -> Vec<(usize, &str)> {
    let count = |recordings: &Vec<berth_lending::recording::Recording>| {
        recordings.iter().flat_map(|one| &one.calls).map(|call| call.exchanges.len()).sum()
    };
    let mut counts: Vec<_> =
        evidence.recordings.iter().map(|(check, of)| (count(of), check.as_str())).collect();
    counts.sort_unstable();
    counts
}

/// Runs the suite on Anvil, and again from the recording; the evidence, where there is an Anvil.
async fn examined_on_anvil(subject: Subject, quick: bool) -> Option<Evidence> {
    let anvil = Anvil::of_environment(&["--slots-in-an-epoch", "2"])?;
    let url = anvil.url().to_owned();
    let program = std::env::var("BERTH_ANVIL").unwrap();
    Some(
        examined(subject, quick, [("node", url), ("version", "Anvil".to_owned()), ("program", program)])
            .await,
    )
}

/// Runs the suite on the node of these places, and again from the recording.
async fn examined(subject: Subject, quick: bool, places: [(&str, String); 3]) -> Evidence {
    let only = std::env::var("BERTH_ONLY").map(|only| only.split(',').map(str::to_owned).collect());
    examined_in(subject, quick, places, 1, only.unwrap_or_default()).await
}

/// The same of these checks, in the order and with the names of this seed.
async fn examined_in(
    subject: Subject,
    quick: bool,
    places: [(&str, String); 3],
    seed: u64,
    only: Vec<String>,
) -> Evidence {
    let places = places.map(|(name, value)| (name.to_owned(), value)).into();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/testbed.toml");
    let testbed = Testbed::read(&path, &places).unwrap();
    let Subject { adapter, component } = subject;
    let descriptor = adapter.describe().await.unwrap();
    let plan = Plan {
        adapter: adapter.clone(),
        component: component.clone(),
        ground: Arc::new(NetworkGround::new(testbed.clone(), descriptor)),
        testbed,
        seed,
        quick,
        only,
        waived: BTreeMap::new(),
        most_recorded: MostRecorded::default(),
    };
    let start = Instant::now();
    let evidence = run(plan, &Printed { all: std::env::var_os("BERTH_SHOW").is_some() }).await.unwrap();
    let (took, packed) = (start.elapsed(), evidence.pack().unwrap().len());
    println!("{:?} in {took:?}, {packed} bytes of evidence", evidence.verdict.counts());
    if std::env::var_os("BERTH_SHOW").is_some() {
        import_calls(&evidence)
            .iter()
            .rev()
            .take(80)
            .for_each(|(calls, check)| println!("{calls} import calls in {check}"));
    }
    let start = Instant::now();
    let replayed = replay(adapter, component, &evidence, &berth_suite::Silent).await.unwrap();
    println!("replayed in {:?}", start.elapsed());
    assert_eq!(replayed.divergences, []);
    assert_eq!(replayed.verdict.canonical_json(), evidence.verdict.canonical_json());
    evidence
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_component_keeps_every_clause_and_its_recording_comes_to_the_same_verdict() {
    let Some(evidence) = examined_on_anvil(component().await, false).await else { return };
    // What a run shows is worth looking at where a check fails, too.
    if let Some(folder) = std::env::var_os("BERTH_REPORTS") {
        let folder = Path::new(&folder).join("ethereum");
        let mut report = Report::new(&evidence.verdict);
        report.ended = SystemTime::now().try_into().ok();
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in report.files(&evidence).unwrap() {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        println!("the report is in {}", folder.display());
    }
    assert_eq!(evidence.conclusion(), Conclusion::Conformant);
}

fn native() -> Subject {
    Subject { adapter: Arc::new(adapter_ethereum::native()), component: None }
}

/// An Ethereum-like node in this process, and the test bed's places of it.
async fn ethereum_like() -> (ServedEthereum, [(&'static str, String); 3]) {
    let node = EthereumNode::new(&EthereumConfig::default()).serve().await.unwrap();
    let program = std::env::current_exe().unwrap().display().to_string();
    let places =
        [("node", node.rpc.url.clone()), ("version", "Ethereum-like".to_owned()), ("program", program)];
    (node, places)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_what_a_quick_run_looks_at_on_the_ethereum_like_node_too() {
    let (_node, places) = ethereum_like().await;
    assert_eq!(examined(native(), true, places).await.conclusion(), Conclusion::Conformant);
}

/// Whoever loses a race for the first state of an account and wins a later one has overwritten nobody; a check once took
/// that for a fault with every third seed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_meet_at_the_state_are_judged_alike_whatever_their_order() {
    let (_node, places) = ethereum_like().await;
    for seed in 1..=20 {
        let only = vec!["ISO-5/what-another-instance-wrote-is-not-overwritten".to_owned()];
        let evidence = examined_in(native(), false, places.clone(), seed, only).await;
        assert_eq!(evidence.conclusion(), Conclusion::Conformant, "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_plug_in_keeps_what_a_quick_run_looks_at() {
    let Some(evidence) = examined_on_anvil(native(), true).await else { return };
    assert_eq!(evidence.conclusion(), Conclusion::Conformant);
    let slow: Vec<_> = import_calls(&evidence)
        .into_iter()
        .filter(|(calls, check)| check.contains('/') && *calls >= MOST_IMPORT_CALLS)
        .collect();
    assert!(slow.is_empty(), "these are to be marked as slow: {slow:?}");
}
