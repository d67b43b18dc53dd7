//! How much more the network can do than Fabric's official client asks of it: submit-to-commit transactions a second, of
//! `@hyperledger/fabric-gateway` in one Node.js process and of a bare gRPC client in Rust, by turns on the same network.
//!
//!     cargo xtask bench -- --bench headroom

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use support::Peer;

/// Seconds of one turn.
const SECONDS: u64 = 5;

/// How many turns each has.
const TURNS: usize = 3;

/// How many transactions each has on the way at once.
const TOGETHER: usize = 128;

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn main() {
    let Some(tools) = std::env::var_os("BERTH_NODE_TOOLS").map(PathBuf::from) else {
        println!(
            "NOT RUN: BERTH_NODE_TOOLS does not say where npm installed Fabric's client (cargo xtask bench does)"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("material.json");
    let network = Command::new(env!("CARGO_BIN_EXE_fabric-like"))
        .args(["--batch-messages", "200", "--batch-timeout", "20", "--material"])
        .arg(&file)
        .stdout(Stdio::null())
        .spawn()
        .expect("the network starts");
    let _network = Running(network);
    let material = loop {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(material) => break material,
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let (mut official, mut bare) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        official.push(of_the_official_client(&tools, &file));
        bare.push(of_a_bare_client(&material, turn));
        println!("turn {}: official {:.0}/s, bare {:.0}/s", turn + 1, official[turn], bare[turn]);
    }
    let (official, bare) = (median(official), median(bare));
    println!("median: official {official:.0}/s, bare {bare:.0}/s, ratio {:.1}", bare / official);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn of_the_official_client(tools: &Path, material: &Path) -> f64 {
    let output = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/client/surface.mjs"))
        .arg(material)
        .args(["throughput", &SECONDS.to_string(), &TOGETHER.to_string()])
        .env("BERTH_NODE_TOOLS", tools)
        .stderr(Stdio::inherit())
        .output()
        .expect("node runs");
    assert!(output.status.success());
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["perSecond"].as_f64().unwrap()
}

fn of_a_bare_client(material: &serde_json::Value, turn: usize) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let peer = Peer::connect(material, 0, "User1").await;
        let done = std::sync::Arc::new(AtomicU64::new(0));
        let begun = Instant::now();
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..TOGETHER {
            let (peer, done) = (peer.clone(), done.clone());
            workers.spawn(async move {
                let mut number = 0_u64;
                while begun.elapsed() < Duration::from_secs(SECONDS) {
                    let key = format!("bare-{turn}-{worker}-{number}");
                    let found =
                        peer.transact("preset", &[b"insert", key.as_bytes(), b"value"]).await.unwrap();
                    assert_eq!(found.result, 0);
                    done.fetch_add(1, Ordering::Relaxed);
                    number += 1;
                }
            });
        }
        while workers.join_next().await.is_some() {}
        done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
    })
}
