//! What applications cost in memory, and a thousand calls at once: printed, not timed by criterion.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::time::{Duration, Instant};

use adapter_spec::{Adapter, Lender};
use berth_benches::{SETTINGS, component, instant_ethereum, key, options, party, resident, transfer};
use berth_host::{Host, HostConfig, Limits};

const APPLICATIONS: usize = 100;
const CALLS_EACH: usize = 10;
const IDLE_APPLICATIONS: usize = 10_000;

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let bytes = component("ethereum");
    let before = resident().unwrap_or(0);
    let config = HostConfig { idle: Duration::from_millis(500), ..HostConfig::default() };
    let host = Host::new(config).unwrap();
    let adapter = host.load(&bytes, Limits::default()).await.unwrap();

    let mut ledgers = Vec::new();
    for _ in 0..APPLICATIONS {
        ledgers.push(adapter.open(instant_ethereum().lend(), SETTINGS).await.unwrap());
    }
    let (key, call) = (key(), transfer("0x5fbdb2315678afecb367f032d93f642f64180aa3"));
    for round in 1..=3 {
        let started = Instant::now();
        let calls: Vec<_> = (0..APPLICATIONS * CALLS_EACH)
            .zip(ledgers.iter().cycle())
            .map(|(n, ledger)| {
                let (ledger, call, party) = (ledger.clone(), call.clone(), party(&key));
                tokio::spawn(async move { ledger.begin(call, vec![party], options(&n.to_be_bytes())).await })
            })
            .collect();
        let mut failed = 0;
        for call in calls {
            failed += usize::from(call.await.unwrap().is_err());
        }
        println!(
            "round {round}: {} calls at once over {APPLICATIONS} applications: {failed} failed, {:?}, \
             {} instances, {:.0} MiB resident",
            APPLICATIONS * CALLS_EACH,
            started.elapsed(),
            host.instances(),
            mebibytes(resident().unwrap_or(0).saturating_sub(before)),
        );
    }
    drop(ledgers);
    idle(&host).await;

    // What an application is besides its ledger, a lender, is the same for all of them here: it is not the host's.
    let lender: std::sync::Arc<dyn Lender> = instant_ethereum().lend();
    let idle_before = resident().unwrap_or(0);
    let mut ledgers = Vec::with_capacity(IDLE_APPLICATIONS);
    for _ in 0..IDLE_APPLICATIONS {
        ledgers.push(adapter.open(lender.clone(), SETTINGS).await.unwrap());
    }
    idle(&host).await;
    let grown = resident().unwrap_or(0).saturating_sub(idle_before);
    println!(
        "{IDLE_APPLICATIONS} idle applications: {:.1} MiB, {:.2} KiB each",
        mebibytes(grown),
        grown as f64 / IDLE_APPLICATIONS as f64 / 1024.0,
    );
}

/// Waits until no instance is left.
async fn idle(host: &Host) {
    while host.instances() > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
