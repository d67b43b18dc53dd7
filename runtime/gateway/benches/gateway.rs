//! What the gateway costs: writes a second over mutual TLS, what it adds to a call's latency, and what ten thousand
//! applications weigh. It prints a table; everything runs in this one process, load generator and ledger included.
//!
//! `cargo bench --profile dev --workspace --bench gateway`; `BERTH_BENCH_SECONDS` says how long each part takes (10).

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark"
)]

mod instant;
#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use adapter_spec::{
    Adapter as _, Ledger,
    types::{Call, CallOptions, ContractCall, Party, Signature, SignatureScheme, Step, Value},
};
use axum::http::{HeaderMap, HeaderValue, Method, Request};
use berth_crypto::SigningKey;
use berth_gateway::{Offered, http};
use berth_identity::Authority;
use berth_journal::{MemoryStore, SledStore, Store};
use berth_lending::{Lending, MemoryState, Network};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use support::web::{Web, web};
use support::{Participant, World, enrol, gateway_on, insert, order};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// Each writes one after the other.
const PARTICIPANTS: usize = 64;
const APPLICATIONS: usize = 10_000;

fn seconds() -> Duration {
    let seconds = std::env::var("BERTH_BENCH_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(10))
}

static NEXT: AtomicU64 = AtomicU64::new(0);

/// How a caller shows who asks, and signs for the ledger.
#[derive(Clone, Copy)]
enum Manner {
    /// Mutual TLS, and a key on P-256.
    Certificate,
    /// A signature on each request, and a key on P-256.
    Signature,
    /// Mutual TLS, and an SM2 key.
    Sm,
}

struct Caller {
    web: Web,
    manner: Manner,
    participant: Participant,
    address: String,
}

impl Caller {
    /// A write that is in the journal and sent when it is answered.
    async fn write(&self) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut body = insert(&format!("k{number}"), "a value of some twenty bytes");
        if matches!(self.manner, Manner::Sm) {
            body["scheme"] = "sm2-sm3".into();
        }
        let body = body.to_string();
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_str(&self.address).unwrap());
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        headers.insert("content-length", HeaderValue::from(body.len()));
        headers.insert("idempotency-key", HeaderValue::from_str(&format!("w{number}")).unwrap());
        let path = "/v1/applications/bench/invoke".parse().unwrap();
        if matches!(self.manner, Manner::Signature) {
            let now = Timestamp::now().as_second();
            self.participant.signer.sign(&Method::POST, &path, &mut headers, body.as_bytes(), now).unwrap();
        }
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("https://{}{path}", self.address).parse().unwrap();
        *request.headers_mut() = headers;
        let answer = self.web.request(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{status} {}", String::from_utf8_lossy(&body));
    }
}

/// Where the gateway keeps its journal.
#[derive(Clone, Copy)]
enum Keep {
    OnDisk,
    /// Nothing is durable: what the disk costs is the difference.
    InMemory,
}

/// A world whose gateway listens with TLS, and callers.
struct Ground {
    /// Holds what is served.
    _world: World,
    callers: Vec<Arc<Caller>>,
    _folder: tempfile::TempDir,
    stop: CancellationToken,
}

impl Ground {
    async fn new(keep: Keep, manner: Manner) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = berth_model::ModelNode::new(support::CHAIN);
        let (url, served) = ledger.serve().await.unwrap();
        let authority = Authority::create("node", Timestamp::now()).unwrap();
        let authority_pem = authority.certificate_pem().to_owned();
        let server = authority.issue_server(&["localhost".to_owned()], 1, Timestamp::now()).unwrap();
        let store: Arc<dyn Store> = match keep {
            Keep::OnDisk => Arc::new(SledStore::open(folder.path()).unwrap()),
            Keep::InMemory => Arc::new(MemoryStore::new()),
        };
        let gateway = gateway_on(store.clone(), &"0f".repeat(32), authority).await;
        let router = http::router(&gateway);
        let stop = CancellationToken::new();
        let tls = http::tls(&server.chain_pem, &server.key_pem, &authority_pem).unwrap();
        let at = "127.0.0.1:0".parse().unwrap();
        let listening = http::listen(at, Some(tls), router.clone(), stop.clone()).await.unwrap();
        let address = listening.address.replace("127.0.0.1", "localhost");
        // What was signed in the second of the start is not taken.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let world = World { ledger, url, served, gateway, router, store };
        let owner = world.enrol("owner").await;
        let adapter = instant::native();
        let descriptor = adapter.describe().await.unwrap();
        let (adapter, sandboxed) = (Arc::new(adapter), false);
        let offered = Offered { adapter, descriptor, sandboxed, digest: None, certificate: None };
        world.gateway.adapters().put(offered).unwrap();
        let mut bench = order("bench", &world.url, &owner.name);
        (bench.adapter, bench.settings, bench.endpoints) =
            ("instant".into(), serde_json::json!({}), Vec::new());
        bench.quotas.requests_per_second = 1_000_000;
        bench.quotas.transactions_per_second = 1_000_000;
        bench.quotas.open_transactions = 1_000_000;
        world.gateway.create(bench).await.unwrap();
        let mut callers = Vec::new();
        for number in 0..PARTICIPANTS {
            let participant = world.enrol(&format!("p{number}")).await;
            let member = format!("/v1/applications/bench/members/{}", participant.name);
            let roles = serde_json::json!(["read", "write"]);
            let body = serde_json::json!({"roles": roles});
            let put = world.send(Some(&owner), Method::PUT, &member, &[], Some(body)).await;
            assert!(put.status.is_success(), "{put:?}");
            let web = web(
                &authority_pem,
                (!matches!(manner, Manner::Signature))
                    .then_some((&*participant.certificate_pem, &*participant.key_pem)),
            );
            callers.push(Arc::new(Caller { web, manner, participant, address: address.clone() }));
        }
        Ground { _world: world, callers, _folder: folder, stop }
    }

    /// As many writes as there is time for; how many a second.
    async fn writes_a_second(&self) -> f64 {
        let (start, time) = (Instant::now(), seconds());
        let done = Arc::new(AtomicU64::new(0));
        let mut tasks = Vec::new();
        for caller in &self.callers {
            let (caller, done) = (caller.clone(), done.clone());
            tasks.push(tokio::spawn(async move {
                while start.elapsed() < time {
                    caller.write().await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
    }

    /// Writes at a steady rate: how long each took, from when it should have begun.
    async fn latencies(&self, rate: f64) -> Vec<Duration> {
        let callers = self.callers.clone();
        at_a_rate(rate, move |number| {
            let caller = callers[number % callers.len()].clone();
            async move { caller.write().await }
        })
        .await
    }
}

async fn at_a_rate<F, T>(rate: f64, make: F) -> Vec<Duration>
where
    F: Fn(usize) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let count = (rate * seconds().as_secs_f64()) as usize;
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for number in 0..count {
        let due = begin + Duration::from_secs_f64(number as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        let work = make(number);
        tasks.push(tokio::spawn(async move {
            work.await;
            due.elapsed()
        }));
    }
    let mut took = Vec::new();
    for task in tasks {
        took.push(task.await.unwrap());
    }
    took.sort_unstable();
    took
}

fn quantile(sorted: &[Duration], of: f64) -> Duration {
    sorted[((sorted.len() - 1) as f64 * of) as usize]
}

/// The same write by the adapter alone: begin, sign, resume, send, receipt.
struct Direct {
    ledger: Arc<dyn Ledger>,
    key: SigningKey,
}

impl Direct {
    async fn new() -> Self {
        let adapter = instant::native();
        let descriptor = adapter.describe().await.unwrap();
        let lending = Lending::builder("direct").state(Arc::new(MemoryState::default()));
        let lending = lending.build(&descriptor, &Network::new()).unwrap();
        let key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
        Direct { ledger: adapter.open(lending, "{}").await.unwrap(), key }
    }

    async fn write(&self) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let value = b"a value of some twenty bytes".to_vec();
        let call = Call::Invoke(ContractCall {
            contract: "preset".into(),
            function: "insert(text,bytes)".into(),
            arguments: vec![Value::Text(format!("d{number}")), Value::Bytes(value)],
            abi: None,
            private_arguments: Vec::new(),
        });
        let party = Party { account: None, keys: vec![self.key.public_key()] };
        let options = CallOptions { salt: number.to_be_bytes().to_vec(), ..CallOptions::default() };
        let Step::Sign(request) = self.ledger.begin(call, vec![party], options).await.unwrap() else {
            panic!("a write is signed");
        };
        let signatures: Vec<Signature> =
            request.items.iter().map(|item| self.key.sign(&item.input).unwrap()).collect();
        let Step::Send(envelope) = self.ledger.resume(request.continuation, signatures).await.unwrap() else {
            panic!("a write is sent");
        };
        let transaction = envelope.transaction.clone();
        self.ledger.send(envelope).await.unwrap();
        self.ledger.receipt(&transaction, Vec::new()).await.unwrap();
    }
}

/// Memory of this process in MiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

async fn many_applications() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SledStore::open(folder.path()).unwrap());
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let (pem, key) = (authority.certificate_pem().to_owned(), authority.key_pem().to_string());
    let gateway = gateway_on(store.clone(), &"0f".repeat(32), authority).await;
    enrol(&gateway, "owner").await;
    let (url, _served) = berth_model::ModelNode::new(support::CHAIN).serve().await.unwrap();
    let start = Instant::now();
    for number in 0..APPLICATIONS {
        gateway.create(order(&format!("app-{number}"), &url, "owner")).await.unwrap();
    }
    println!("| {APPLICATIONS} applications, making them | | {:.1?} | |", start.elapsed());
    gateway.stop();
    drop((gateway, store));
    let store = loop {
        // The old gateway's last tasks let go of the database.
        match SledStore::open(folder.path()) {
            Ok(store) => break Arc::new(store),
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    let (before, start) = (resident(), Instant::now());
    let gateway = gateway_on(store, &"0f".repeat(32), Authority::load(&pem, &key).unwrap()).await;
    let took = start.elapsed();
    println!(
        "| {APPLICATIONS} applications, start of the gateway | 1 s | {took:.0?} | {} |",
        met(took.as_secs_f64() <= 1.0)
    );
    println!(
        "| {APPLICATIONS} applications, memory of the process (of it {} MiB before the start) | 1024 MiB | {} MiB | {} |",
        before,
        resident(),
        met(resident() <= 1024)
    );
    gateway.stop();
}

fn met(is: bool) -> &'static str {
    if is { "met" } else { "missed" }
}

async fn writes() {
    let ground = Ground::new(Keep::OnDisk, Manner::Certificate).await;
    let rate = ground.writes_a_second().await;
    println!(
        "| writes over mutual TLS, {} at once | 3000 /s | {rate:.0} /s | {} |",
        PARTICIPANTS,
        met(rate >= 3000.0)
    );
    let half = rate / 2.0;
    let through = ground.latencies(half).await;
    let direct = Arc::new(Direct::new().await);
    let direct = at_a_rate(half, move |_| {
        let direct = direct.clone();
        async move { direct.write().await }
    })
    .await;
    ground.stop.cancel();
    drop(ground);
    let memory = Ground::new(Keep::InMemory, Manner::Certificate).await;
    let rate_in_memory = memory.writes_a_second().await;
    let in_memory = memory.latencies(half).await;
    for (name, of, goal) in [("median", 0.5, 0.5), ("99th percentile", 0.99, 3.0)] {
        let (through, direct) = (quantile(&through, of), quantile(&direct, of));
        let added = |through: Duration| (through.as_secs_f64() - direct.as_secs_f64()) * 1000.0;
        println!(
            "| added to a write at half that rate, {name} | {goal} ms | {:.2} ms ({through:.2?} − {direct:.2?}) | {} |",
            added(through),
            met(added(through) <= goal)
        );
        let in_memory = added(quantile(&in_memory, of));
        println!("| the same with a store that keeps nothing on disk | | {in_memory:.2} ms | |");
    }
    println!(
        "| writes over mutual TLS with a store that keeps nothing on disk | | {rate_in_memory:.0} /s | |"
    );
    memory.stop.cancel();
    drop(memory);
    for (manner, what) in [
        (Manner::Signature, "writes with a signature on each request (RFC 9421)"),
        (Manner::Sm, "writes over mutual TLS, signed for the ledger with SM2 and SM3"),
    ] {
        let ground = Ground::new(Keep::OnDisk, manner).await;
        println!("| {what} | | {:.0} /s | |", ground.writes_a_second().await);
        ground.stop.cancel();
    }
}

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("| what | goal | measured | |\n|---|---|---|---|");
    // First, while nothing else has used memory.
    runtime.block_on(many_applications());
    runtime.block_on(writes());
}
