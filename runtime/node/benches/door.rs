//! What it takes to let the largest adapter in when its code is compiled already: judging its certificate, loading its
//! code from the cache, and the whole way from the files to the registry.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

#[path = "../tests/world/mod.rs"]
mod world;

use std::fs;

use berth_admission::{Bundle, Mode, Terms, certificate::Tier};
use berth_host::Limits;
use criterion::{Criterion, criterion_group, criterion_main};
use tokio::runtime::Builder;
use world::{World, component, largest, now};

fn door(criterion: &mut Criterion) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = World::new();
    let name = largest();
    let bytes = component(&name);
    let path = world.certified(&bytes, &name);
    let bundle = fs::read(Bundle::path_beside(&path)).unwrap();
    let terms =
        Terms { bundle: Some(&bundle), tier: Tier::Component, name: Some(name.as_str()), limits: None };
    let host = world.host();
    let door = world.door(Mode::Enforce);
    // Compiled once, for all the loads below.
    runtime.block_on(host.load(&bytes, Limits::default())).unwrap();

    let mut group = criterion.benchmark_group(format!("let in {name}"));
    group.bench_function("judge the certificate", |bencher| {
        bencher.iter(|| door.admission().admit(bytes.clone().into(), &terms, now()).unwrap());
    });
    group.bench_function("load from the cache", |bencher| {
        bencher.to_async(&runtime).iter(|| async { host.load(&bytes, Limits::default()).await.unwrap() });
    });
    group.bench_function("from the files to the gateway", |bencher| {
        bencher.to_async(&runtime).iter(|| async {
            door.let_in(&path, Some(name.as_str())).await.unwrap();
            door.keep(|_| false);
        });
    });
    group.finish();
}

criterion_group!(benches, door);
criterion_main!(benches);
