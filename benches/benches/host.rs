//! What a call costs that has nothing to do itself: warm, on a fresh instance, with a large argument; and a load from
//! the cache.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::sync::Arc;

use adapter_spec::{
    Adapter, Ledger,
    types::{Call, ContractCall, Value},
};
use berth_benches::{component, native_call, options};
use berth_host::{Host, HostConfig, Limits};
use berth_lending::ScriptedLender;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

fn fresh() -> Limits {
    Limits { calls_per_instance: 1, ..Limits::default() }
}

fn warm() -> Limits {
    Limits { calls_per_instance: u32::MAX, ..Limits::default() }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn open(runtime: &Runtime, adapter: &dyn Adapter) -> Arc<dyn Ledger> {
    runtime.block_on(adapter.open(ScriptedLender::new("bench", |_| None).lend(), "{}")).unwrap()
}

fn calls(criterion: &mut Criterion) {
    let runtime = runtime();
    // Compiled once, for all the loads below.
    let folder = tempfile::tempdir().unwrap();
    let cache = Some(folder.path().to_owned());
    let host = Host::new(HostConfig { cache, ..HostConfig::default() }).unwrap();
    let (hostile, ethereum) = (component("hostile"), component("ethereum"));
    let load = |bytes: &[u8], limits| runtime.block_on(host.load(bytes, limits)).unwrap();

    let mut group = criterion.benchmark_group("describe");
    for (name, bytes) in [("small", &hostile), ("ethereum", &ethereum)] {
        for (instance, limits) in [("warm", warm()), ("fresh", fresh())] {
            let adapter = load(bytes, limits);
            group.bench_function(format!("{name}, {instance}"), |bencher| {
                bencher.to_async(&runtime).iter(|| async { adapter.describe().await.unwrap() });
            });
        }
    }
    group.finish();

    let mut group = criterion.benchmark_group("begin, nothing to do");
    for (name, ledger) in [
        ("component, warm", open(&runtime, &load(&hostile, warm()))),
        ("component, fresh", open(&runtime, &load(&hostile, fresh()))),
        ("native plug-in", open(&runtime, &adapter_hostile::native())),
    ] {
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter(|| async {
                ledger.begin(native_call("echo", "x"), Vec::new(), options(b"")).await.unwrap()
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("begin, 1 MiB argument");
    group.throughput(Throughput::Bytes(1 << 20));
    let large = Call::Invoke(ContractCall {
        contract: String::new(),
        function: String::new(),
        arguments: vec![Value::Bytes(vec![7; 1 << 20])],
        abi: None,
        private_arguments: Vec::new(),
    });
    for (name, ledger) in [
        ("component, warm", open(&runtime, &load(&hostile, warm()))),
        ("native plug-in", open(&runtime, &adapter_hostile::native())),
    ] {
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter_batched(
                || large.clone(),
                |call| async { ledger.begin(call, Vec::new(), options(b"")).await.unwrap() },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn loading(criterion: &mut Criterion) {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let cached = HostConfig { cache: Some(folder.path().to_owned()), ..HostConfig::default() };
    let (with_cache, without) = (Host::new(cached).unwrap(), Host::new(HostConfig::default()).unwrap());
    let bytes = component("ethereum");
    let mut group = criterion.benchmark_group("load the ethereum component");
    group.sample_size(20);
    runtime.block_on(with_cache.load(&bytes, Limits::default())).unwrap();
    for (name, host) in [("from the cache", &with_cache), ("compiling", &without)] {
        group.bench_function(name, |bencher| {
            bencher.to_async(&runtime).iter(|| async { host.load(&bytes, Limits::default()).await.unwrap() });
        });
    }
    group.finish();
}

criterion_group!(benches, calls, loading);
criterion_main!(benches);
