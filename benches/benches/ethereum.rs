//! The Ethereum adapter as a component and as a native plug-in, on a node that answers at once.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use std::sync::Arc;

use adapter_spec::{Adapter, Ledger};
use berth_benches::{SETTINGS, begin_and_resume, component, instant_ethereum, key, options, party, transfer};
use berth_host::{Host, HostConfig, Limits};
use criterion::{Criterion, criterion_group, criterion_main};

fn transfers(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // BERTH_PERF_MAP=1 perf record …: where the adapter spends its time.
    let perf_map = std::env::var_os("BERTH_PERF_MAP").is_some();
    let host = Host::new(HostConfig { perf_map, ..HostConfig::default() }).unwrap();
    let limits = Limits { calls_per_instance: u32::MAX, ..Limits::default() };
    let adapter = runtime.block_on(host.load(&component("ethereum"), limits)).unwrap();
    let native = adapter_ethereum::native();
    let open =
        |adapter: &dyn Adapter| runtime.block_on(adapter.open(instant_ethereum().lend(), SETTINGS)).unwrap();
    let ledgers: [(&str, Arc<dyn Ledger>); 2] =
        [("component", open(&adapter)), ("native plug-in", open(&native))];
    let call = transfer("0x5fbdb2315678afecb367f032d93f642f64180aa3");
    let key = key();

    let mut group = criterion.benchmark_group("begin an ERC-20 transfer");
    for (name, ledger) in &ledgers {
        group.bench_function(*name, |bencher| {
            bencher.to_async(&runtime).iter(|| async {
                // The same salt: the same nonce every time, so that the state stays as it is.
                ledger.begin(call.clone(), vec![party(&key)], options(b"salt")).await.unwrap()
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("begin and resume an ERC-20 transfer");
    for (name, ledger) in &ledgers {
        group.bench_function(*name, |bencher| {
            bencher.to_async(&runtime).iter(|| begin_and_resume(&**ledger, &call, &key));
        });
    }
    group.finish();
}

criterion_group!(benches, transfers);
criterion_main!(benches);
