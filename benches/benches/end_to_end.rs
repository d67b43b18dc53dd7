//! ERC-20 transfers on one Anvil, through the adapter as a component and by a bare JSON-RPC client, in turns: the ratio
//! of their throughputs in one run. Criterion cannot take turns between two subjects, so this prints what it measured.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use adapter_spec::{
    Adapter,
    types::{Call, ContractCall, SignatureScheme, Transport, Value},
};
use alloy_primitives::{Address, Bytes, keccak256};
use anvil_process::Anvil;
use berth_benches::{
    SETTINGS,
    adapted::Adapted,
    bare_client::{self, BareClient, POLL},
    component, party,
};
use berth_crypto::SigningKey;
use berth_host::{Host, HostConfig, Limits};
use berth_lending::{Endpoint, Lending, Network};
use serde_json::json;

const ACCOUNTS: usize = 4;
const TRANSFERS_EACH: usize = 25;
const ROUNDS: usize = 21;

fn key(seed: usize, of: u8) -> SigningKey {
    let seed = u8::try_from(seed).unwrap();
    SigningKey::from_bytes(SignatureScheme::EcdsaSecp256k1Keccak256, &[of + seed; 32]).unwrap()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn per_second(time: Duration) -> f64 {
    (ACCOUNTS * TRANSFERS_EACH) as f64 / time.as_secs_f64()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Some(anvil) = Anvil::of_environment(&[]) else { return };
    let deployer = BareClient::new(anvil.url(), key(0, 0x70));
    let bare: Vec<_> = (0..ACCOUNTS).map(|n| Arc::new(BareClient::new(anvil.url(), key(n, 0x10)))).collect();
    let keys: Vec<_> = (0..ACCOUNTS).map(|n| key(n, 0x40)).collect();
    let accounts = keys.iter().map(bare_client::address).chain(bare.iter().map(|client| client.address));
    for account in accounts.chain([deployer.address]) {
        deployer.ask("anvil_setBalance", json!([account, "0xffffffffffffffffffff"])).await;
    }
    let compiled = include_str!("../../adapters/ethereum/contracts/out/TestToken.json");
    let compiled: serde_json::Value = serde_json::from_str(compiled).unwrap();
    let mut code: Vec<u8> = compiled["bytecode"].as_str().unwrap().parse::<Bytes>().unwrap().to_vec();
    code.extend([0u8; 32]);
    let receipt = deployer.transact(None, &code.into()).await;
    let token: Address = receipt["contractAddress"].as_str().unwrap().parse().unwrap();

    let host = Host::new(HostConfig::default()).unwrap();
    let adapter = host.load(&component("ethereum"), Limits::default()).await.unwrap();
    let descriptor = adapter.describe().await.unwrap();
    let network = Network::new();
    let mut adapted = Vec::new();
    for (n, key) in keys.into_iter().enumerate() {
        let lending = Lending::builder(format!("application-{n}"))
            .endpoint(Endpoint::new("anvil", "node", Transport::JsonRpc, anvil.url().to_owned()))
            .build(&descriptor, &network)
            .unwrap();
        let ledger = adapter.open(lending, SETTINGS).await.unwrap();
        adapted.push(Arc::new(Adapted { ledger, party: party(&key), key }));
    }

    let to = Address::with_last_byte(0xaa);
    let mut data = keccak256("transfer(address,uint256)")[..4].to_vec();
    data.extend([0; 12]);
    data.extend(to);
    data.extend([0; 32]);
    let data = Bytes::from(data);
    let call = Call::Invoke(ContractCall {
        contract: token.to_string(),
        function: "transfer(address,uint256)".into(),
        arguments: vec![Value::Text(to.to_string()), Value::Integer("0".into())],
        abi: None,
        private_arguments: Vec::new(),
    });

    let (mut bare_times, mut adapted_times) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let started = Instant::now();
        let tasks: Vec<_> = bare
            .iter()
            .map(|client| {
                let (client, data) = (client.clone(), data.clone());
                tokio::spawn(async move {
                    for _ in 0..TRANSFERS_EACH {
                        client.transact(Some(token), &data).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let bare_time = started.elapsed();

        let started = Instant::now();
        let tasks: Vec<_> = adapted
            .iter()
            .map(|account| {
                let (account, call) = (account.clone(), call.clone());
                tokio::spawn(async move {
                    for n in 0..TRANSFERS_EACH {
                        account.write(call.clone(), format!("{round}-{n}").as_bytes(), POLL).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        // The first round warms both up.
        if round > 0 {
            bare_times.push(bare_time);
            adapted_times.push(started.elapsed());
        }
    }
    let mut ratios: Vec<_> = bare_times
        .iter()
        .zip(&adapted_times)
        .map(|(bare, adapted)| bare.as_secs_f64() / adapted.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "{ROUNDS} rounds of {ACCOUNTS} accounts with {TRANSFERS_EACH} ERC-20 transfers each, one after the other:"
    );
    println!("bare client  {:7.0} transfers/s (median)", per_second(median(&mut bare_times)));
    println!("adapter      {:7.0} transfers/s (median)", per_second(median(&mut adapted_times)));
    println!(
        "adapter / bare, median of the rounds: {:.3}",
        ratios.get(ROUNDS / 2).copied().unwrap_or_default()
    );
}
