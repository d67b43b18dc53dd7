//! The FISCO BCOS adapter as a component and as a native plug-in, on nodes of both generations that answer at once.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use std::sync::Arc;

use adapter_spec::{
    Adapter, Ledger,
    types::{SignatureScheme, transport::JsonRpcRequest},
};
use berth_benches::{begin_and_resume, component, transfer};
use berth_crypto::SigningKey;
use berth_host::{Host, HostConfig, Limits};
use berth_lending::ScriptedLender;
use criterion::{Criterion, criterion_group, criterion_main};

/// Lends a node of 2.x or 3.x with five blocks, on which every trial run succeeds.
fn instant() -> ScriptedLender {
    ScriptedLender::new("bench", |request: &JsonRpcRequest| {
        let is_two = request.params.starts_with("[1");
        let answer = match request.method.as_str() {
            "getClientVersion" => r#"{"FISCO-BCOS Version": "2.9.1", "Chain Id": "1"}"#,
            "getGroupInfo" => r#"{"chainID": "chain0", "groupID": "group0", "nodeList": []}"#,
            "getBlockNumber" if is_two => r#""0x5""#,
            "getBlockNumber" => "5",
            "call" if is_two => r#"{"currentBlockNumber": "0x5", "output": "0x", "status": "0x0"}"#,
            "call" => r#"{"blockNumber": 5, "output": "0x", "status": 0}"#,
            method => panic!("the benchmark's node does not know {method}"),
        };
        Some(Ok(answer.to_owned()))
    })
}

fn transfers(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let host = Host::new(HostConfig::default()).unwrap();
    let limits = Limits { calls_per_instance: u32::MAX, ..Limits::default() };
    let adapter = runtime.block_on(host.load(&component("fisco-bcos"), limits)).unwrap();
    let native = adapter_fisco_bcos::native();
    let call = transfer("0x5fbdb2315678afecb367f032d93f642f64180aa3");
    for (chain, settings, scheme) in [
        ("2.x", r#"{"generation": 2, "chain": "1", "group": "1"}"#, SignatureScheme::EcdsaSecp256k1Keccak256),
        (
            "3.x with SM2 and SM3",
            r#"{"generation": 3, "chain": "chain0", "group": "group0", "crypto": "sm"}"#,
            SignatureScheme::Sm2Sm3,
        ),
    ] {
        let open =
            |adapter: &dyn Adapter| runtime.block_on(adapter.open(instant().lend(), settings)).unwrap();
        let ledgers: [(&str, Arc<dyn Ledger>); 2] =
            [("component", open(&adapter)), ("native plug-in", open(&native))];
        let key = SigningKey::from_bytes(scheme, &[0x11; 32]).unwrap();
        let mut group = criterion.benchmark_group(format!("FISCO BCOS {chain}: begin and resume a transfer"));
        for (name, ledger) in &ledgers {
            group.bench_function(*name, |bencher| {
                bencher.to_async(&runtime).iter(|| begin_and_resume(&**ledger, &call, &key));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, transfers);
criterion_main!(benches);
