//! Fabric's official client, npm's `@hyperledger/fabric-gateway`, against the network: its whole surface.
//!
//! `cargo xtask test` installs it and says where in `BERTH_NODE_TOOLS`. Without it nothing here runs, and each test says so.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use std::path::{Path, PathBuf};

use berth_devnet_fabric::{Network, Options};

/// Runs a scenario of `client/surface.mjs` on a network of its own.
async fn run(scenario: &str) {
    let Some(tools) = std::env::var_os("BERTH_NODE_TOOLS").map(PathBuf::from) else {
        println!(
            "NOT RUN: {scenario}: BERTH_NODE_TOOLS does not say where npm installed Fabric's client (cargo xtask test does)"
        );
        return;
    };
    assert!(
        tools.join("node_modules/@hyperledger/fabric-gateway").exists(),
        "BERTH_NODE_TOOLS has no @hyperledger/fabric-gateway: run `cargo xtask setup`"
    );
    let network = Network::start(Options::default()).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), network.material().unwrap().to_string()).unwrap();
    let output = tokio::process::Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/surface.mjs"))
        .arg(file.path())
        .arg(scenario)
        .env("BERTH_NODE_TOOLS", tools)
        .kill_on_drop(true)
        .output()
        .await
        .expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_evaluates_endorses_submits_and_waits() {
    run("calls").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_signs_everything_offline() {
    run("offline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_codes_and_details_of_every_error() {
    run("errors").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_resumes_chaincode_events_from_checkpoints_in_memory_and_in_files() {
    run("events").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reads_whole_and_filtered_blocks_and_private_data() {
    run("blocks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_asks_the_system_chaincodes() {
    run("queries").await;
}
