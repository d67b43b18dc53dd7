//! Transactions on one FISCO-like node, through the adapter as a component and by a bare JSON-RPC client, in turns: the ratio of
//! their throughputs in one run. Criterion cannot take turns between two subjects, so this prints what it measured.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use adapter_spec::{
    Adapter,
    types::{Call, ContractCall, Transport, Value},
};
use alloy_primitives::{Address, U256, hex, keccak256};
use berth_benches::{
    adapted::Adapted,
    bare_client::{Asker, POLL},
    component, party,
};
use berth_crypto::SigningKey;
use berth_devnet_evm::{
    fisco::{FiscoConfig, FiscoNode, Generation, Sealing, client::Client, v3},
    suite::Suite,
};
use berth_host::{ComponentAdapter, Host, HostConfig, Limits};
use berth_lending::{Endpoint, Lending, Network};
use serde_json::json;

const WRITERS: usize = 16;
const TURN: Duration = Duration::from_secs(2);
const ROUNDS: usize = 9;
/// Logs the first word of its input, and returns it.
const ECHO: &str = "6012600c60003960126000f3600035600052602a60206000a160206000f3";
const FUNCTION: &str = "add(uint256)";

/// What an application would write without Berth, with a key of its own.
struct Bare {
    asker: Asker,
    client: Client,
    generation: Generation,
    begun: AtomicU64,
}

impl Bare {
    /// Takes the height, sends, and looks for the receipt.
    async fn write(&self, to: Option<Address>, input: &[u8]) -> serde_json::Value {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        match self.generation {
            Generation::Two => {
                let height = self.asker.ask("getBlockNumber", json!([1])).await;
                let limit = height.as_str().unwrap().parse::<U256>().unwrap() + U256::from(500);
                let raw = self.client.two(number, limit, to, input).unwrap();
                let hash = self.asker.ask("sendRawTransaction", json!([1, hex::encode_prefixed(raw)])).await;
                loop {
                    let receipt = self.asker.ask("getTransactionReceipt", json!([1, hash])).await;
                    if !receipt.is_null() {
                        return receipt;
                    }
                    tokio::time::sleep(POLL).await;
                }
            }
            Generation::Three => {
                let height = self.asker.ask("getBlockNumber", json!(["group0", ""])).await;
                let fields = v3::transaction::Fields {
                    chain_id: "chain0".into(),
                    group_id: "group0".into(),
                    block_limit: height.as_i64().unwrap() + 500,
                    nonce: number.to_string(),
                    to: to.map(hex::encode_prefixed).unwrap_or_default(),
                    input: input.to_vec(),
                    ..Default::default()
                };
                let raw = hex::encode_prefixed(self.client.three(fields).unwrap());
                // The node answers when the transaction is in a block.
                self.asker.ask("sendTransaction", json!(["group0", "", raw, false])).await
            }
        }
    }
}

/// How many a second all writers do together, each one after the other, over a turn.
async fn turn<W: Future<Output = ()> + Send>(
    write: impl Fn(usize) -> W + Clone + Send + Sync + 'static,
) -> f64 {
    let start = Instant::now();
    let writers = (0..WRITERS).map(|writer| {
        let write = write.clone();
        async move {
            let mut done = 0u32;
            while start.elapsed() < TURN {
                write(writer).await;
                done += 1;
            }
            done
        }
    });
    let done = futures_util::future::join_all(writers).await;
    f64::from(done.into_iter().sum::<u32>()) / start.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

async fn measure(adapter: &ComponentAdapter, generation: Generation, sealing: Sealing) {
    let node =
        FiscoNode::new(FiscoConfig { sealing, ..FiscoConfig::new(generation, Suite::Standard) }).unwrap();
    let served = node.serve().await.unwrap();
    let settings = match generation {
        Generation::Two => r#"{"generation": 2, "chain": "1", "group": "1"}"#,
        Generation::Three => r#"{"generation": 3, "chain": "chain0", "group": "group0"}"#,
    };
    let key = |number: usize, of: u8| {
        SigningKey::from_bytes(Suite::Standard.scheme(), &[of + u8::try_from(number).unwrap(); 32]).unwrap()
    };
    let bare = |number: usize, of: u8| Bare {
        asker: Asker::new(&served.rpc.url),
        client: Client { key: key(number, of), suite: Suite::Standard },
        generation,
        // Of two clients none may use the same number.
        begun: AtomicU64::new((u64::from(of) + number as u64) << 32),
    };
    let receipt = bare(0, 0x70).write(None, &hex::decode(ECHO).unwrap()).await;
    let contract: Address = receipt["contractAddress"].as_str().unwrap().parse().unwrap();
    let bare: Arc<Vec<_>> = Arc::new((0..WRITERS).map(|number| bare(number, 0x10)).collect());
    let input = [&keccak256(FUNCTION)[..4], &[0; 31], &[7]].concat();

    let descriptor = adapter.describe().await.unwrap();
    let network = Network::new();
    let mut adapted = Vec::new();
    for number in 0..WRITERS {
        let lending = Lending::builder(format!("application-{number}"))
            .endpoint(Endpoint::new("node", "node", Transport::JsonRpc, served.rpc.url.clone()))
            .build(&descriptor, &network)
            .unwrap();
        let key = key(number, 0x40);
        adapted.push(Adapted {
            ledger: adapter.open(lending, settings).await.unwrap(),
            party: party(&key),
            key,
        });
    }
    let adapted = Arc::new(adapted);
    let call = Call::Invoke(ContractCall {
        contract: contract.to_string(),
        function: FUNCTION.into(),
        arguments: vec![Value::Integer("7".into())],
        abi: None,
        private_arguments: Vec::new(),
    });

    let salts = Arc::new(AtomicU64::new(0));
    let (mut ratios, mut bares, mut adapteds) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (clients, data) = (bare.clone(), input.clone());
        let plain = turn(move |writer| {
            let (clients, data) = (clients.clone(), data.clone());
            async move { drop(clients[writer].write(Some(contract), &data).await) }
        })
        .await;
        let (accounts, call, salts) = (adapted.clone(), call.clone(), salts.clone());
        let through = turn(move |writer| {
            let (accounts, call) = (accounts.clone(), call.clone());
            let salt = salts.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            async move { accounts[writer].write(call, &salt, POLL).await }
        })
        .await;
        // The first round warms both up.
        if round > 0 {
            ratios.push(through / plain);
            bares.push(plain);
            adapteds.push(through);
        }
    }
    println!(
        "{generation:?}, {sealing:?}: bare client {:.0}, adapter {:.0} a second; adapter / bare {:.2} (medians of {ROUNDS} rounds)",
        median(&mut bares),
        median(&mut adapteds),
        median(&mut ratios),
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("{WRITERS} accounts, each one write after the other, {TURN:?} a turn:");
    let host = Host::new(HostConfig::default()).unwrap();
    let adapter = host.load(&component("fisco-bcos"), Limits::default()).await.unwrap();
    for generation in [Generation::Two, Generation::Three] {
        for sealing in [Sealing::AtOnce, Sealing::Every(100)] {
            measure(&adapter, generation, sealing).await;
        }
    }
}
