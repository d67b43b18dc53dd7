//! Transactions on one network of real Fabric programs, from the proposal to the commit, through the adapter as a component and
//! as a native plug-in and by the official Node.js client, in turns: the ratios of their throughputs in one run. Needs Fabric's
//! programs, see `conformance/networks/fabric`; without them it says that it did not run.
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
    types::{Call, ContractCall, Descriptor, Party, PublicKey, SignatureScheme, Transport, Value},
};
use berth_benches::{adapted::Adapted, component};
use berth_crypto::SigningKey;
use berth_host::{Host, HostConfig, Limits};
use berth_lending::{Endpoint, Lending, Network as Connections, ServiceKey, Tls};
use fabric_network::{CHANNELS, Network, Options, PRESET, Programs};

const SCHEME: SignatureScheme = SignatureScheme::EcdsaP256Sha256;
const SIDE_BY_SIDE: [usize; 2] = [1, 32];
const TURN: Duration = Duration::from_secs(4);
const ROUNDS: usize = 5;
/// Between two looks at a receipt that is not there yet.
const POLL: Duration = Duration::from_millis(5);

fn lending(network: &Network, descriptor: &Descriptor, name: &str) -> Arc<Lending> {
    let organisation = &network.organisations[0];
    let user = organisation.users.last().unwrap();
    let peer = Endpoint {
        tls: Tls { ca_pem: Some(organisation.authority_pem.clone()), ..Tls::default() },
        ..Endpoint::new("peer", "peer", Transport::Grpc, format!("https://{}", organisation.address))
    };
    let key = ServiceKey {
        name: "client".into(),
        key: SigningKey::from_hex(SCHEME, &user.secret).unwrap(),
        certificate: Some(user.certificate.clone()),
    };
    Lending::builder(name).endpoint(peer).service_key(key).build(descriptor, &Connections::new()).unwrap()
}

/// One user through the adapter.
struct Subject {
    adapted: Adapted,
    name: &'static str,
    begun: AtomicU64,
}

impl Subject {
    async fn open(network: &Network, adapter: &dyn Adapter, name: &'static str) -> Arc<Self> {
        let descriptor = adapter.describe().await.unwrap();
        let settings = format!(r#"{{"channel":"{}","msp_id":"Org1MSP"}}"#, CHANNELS[0]);
        let ledger = adapter.open(lending(network, &descriptor, name), &settings).await.unwrap();
        let user = &network.organisations[0].users[0];
        let key = SigningKey::from_hex(SCHEME, &user.secret).unwrap();
        let public = PublicKey { certificate: Some(user.certificate.clone()), ..key.public_key() };
        let party = Party { account: None, keys: vec![public] };
        Arc::new(Subject { adapted: Adapted { ledger, key, party }, name, begun: AtomicU64::new(0) })
    }

    async fn insert(&self) {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", self.name);
        let call = Call::Invoke(ContractCall {
            contract: PRESET.into(),
            function: "insert".into(),
            arguments: vec![Value::Text(name.clone()), Value::Bytes(b"value".to_vec())],
            abi: None,
            private_arguments: Vec::new(),
        });
        self.adapted.write(call, name.as_bytes(), POLL).await;
    }

    /// How many a second, over a turn.
    async fn run(self: &Arc<Self>, side_by_side: usize) -> f64 {
        let start = Instant::now();
        let worker = || {
            let subject = Arc::clone(self);
            tokio::spawn(async move {
                let mut committed = 0u32;
                while start.elapsed() < TURN {
                    subject.insert().await;
                    committed += 1;
                }
                committed
            })
        };
        let workers: Vec<_> = (0..side_by_side).map(|_| worker()).collect();
        let mut committed = 0;
        for worker in workers {
            committed += worker.await.unwrap();
        }
        f64::from(committed) / start.elapsed().as_secs_f64()
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let programs = match Programs::from_environment() {
        Ok(programs) => programs,
        Err(reason) => return eprintln!("NOT RUN: {reason}"),
    };
    let network = Network::start(programs, &Options::default()).unwrap_or_else(|error| panic!("{error}"));
    let host = Host::new(HostConfig::default()).unwrap();
    let loaded = host.load(&component("fabric"), Limits::default()).await.unwrap();
    let subjects = [
        Subject::open(&network, &loaded, "component").await,
        Subject::open(&network, &adapter_fabric::native(), "native").await,
    ];
    let mut official = network.client(0).unwrap().load(CHANNELS[0]).unwrap();
    println!("{}, {TURN:?} a turn, {ROUNDS} rounds, transactions a second", network.version().unwrap());
    for side_by_side in SIDE_BY_SIDE {
        let mut figures = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..=ROUNDS {
            let client = official.run(TURN, side_by_side).unwrap();
            let adapted = [subjects[0].run(side_by_side).await, subjects[1].run(side_by_side).await];
            // The first round warms up.
            if round > 0 {
                for (figure, value) in figures.iter_mut().zip([client, adapted[0], adapted[1]]) {
                    figure.push(value);
                }
            }
        }
        let [client, component, native] = figures.map(|mut figure| median(&mut figure));
        println!(
            "{side_by_side:3} side by side: official client {client:.1}, component {component:.1} ({:.2}), native {native:.1} ({:.2})",
            component / client,
            native / client
        );
    }
}
