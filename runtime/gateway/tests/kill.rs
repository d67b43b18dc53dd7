//! A gateway in a process of its own that is killed (`kill -9`) again and again under load: every accepted write is in the
//! ledger once. The ledger is here, in the test's own process, so that it is asked itself.
//!
//! `BERTH_KILLS` sets how often (30 by default), `BERTH_KILL_SEED` the order of things.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Bytes, routing::post};
use berth_backup::Database;
use berth_gateway::{Adapters, Gateway, Order, Parts, Receivers, http};
use berth_identity::{Authority, MasterKey};
use berth_journal::SledStore;
use berth_lending::{SledState, StateLimits};
use berth_model::{MAIN_SPACE, ModelNode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use serde_json::{Value, json};
use support::{CHAIN, Participant, enrol, insert, order};
use tokio_util::sync::CancellationToken;

const FOLDER: &str = "BERTH_KILL_FOLDER";
const MASTER: &str = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f";
/// Participants, each with an account of their own; and writes of each at once.
const PARTICIPANTS: usize = 4;
const SIDE_BY_SIDE: usize = 3;

async fn open(folder: &Path) -> Gateway {
    let database = Database::open(&folder.join("store"), 64 << 20).unwrap();
    let adapters = Arc::new(Adapters::default());
    adapters.put(support::model().await).unwrap();
    let pem = std::fs::read_to_string(folder.join("authority.pem")).unwrap();
    let key = std::fs::read_to_string(folder.join("authority.key")).unwrap();
    Gateway::open(Parts {
        store: Arc::new(SledStore::in_database(database.clone()).unwrap()),
        state: Arc::new(SledState::in_database(database, StateLimits::default()).unwrap()),
        adapters,
        master: MasterKey::from_hex(MASTER).unwrap(),
        authority: Authority::load(&pem, &key).unwrap(),
        signature_window: 60,
        max_body: 1 << 20,
        usage_seconds: 60,
        usage_notes: Duration::from_secs(1),
        receivers: Receivers::new(false),
    })
    .await
    .unwrap()
}

/// Not a test of its own: what the killed process runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is run by the test below, in a process of its own"]
async fn node() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let gateway = open(Path::new(&folder)).await;
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let listening =
        http::listen(address, None, http::router(&gateway), CancellationToken::new()).await.unwrap();
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nlistens at {}", listening.address).unwrap();
    out.flush().unwrap();
    drop(out);
    std::future::pending::<()>().await;
}

/// The process, and where it listens.
struct Life {
    child: Mutex<Child>,
    address: String,
}

impl Life {
    fn begin(folder: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "node", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the node says where it listens").unwrap();
            if let Some(address) = line.strip_prefix("listens at ") {
                break address.to_owned();
            }
        };
        // The rest is read, so that the child never waits for its reader.
        std::thread::spawn(move || lines.for_each(drop));
        Life { child: Mutex::new(child), address }
    }

    /// SIGKILL.
    fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Where a life ends.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// After so many milliseconds.
    Time(u64),
    /// When the ledger has got so many more transactions, before the ledger looks at the last one.
    BeforeLedger(u64),
    /// The same, after the ledger has it and before the node hears of it.
    AfterLedger(u64),
}

struct World {
    ledger: ModelNode,
    life: Mutex<Option<Arc<Life>>>,
    /// Submissions until a kill; and whether it comes before the ledger has the last one.
    until_kill: Mutex<Option<(u64, bool)>>,
    killed: tokio::sync::Notify,
    done: AtomicBool,
    accepted: AtomicU64,
}

impl World {
    /// The ledger's answer to one request, with a kill on the way where one is due.
    fn answer(&self, request: &[u8]) -> String {
        let submits =
            serde_json::from_slice::<Value>(request).is_ok_and(|request| request["method"] == SUBMIT);
        if submits {
            let due = {
                let mut until = self.until_kill.lock().unwrap();
                match until.as_mut() {
                    Some((left, before)) => {
                        *left -= 1;
                        let due = (*left == 0).then_some(*before);
                        if due.is_some() {
                            *until = None;
                        }
                        due
                    }
                    None => None,
                }
            };
            match due {
                Some(true) => {
                    self.kill();
                    return String::new();
                }
                Some(false) => {
                    let answer = self.ledger.answer_text(request);
                    self.kill();
                    return answer;
                }
                None => {}
            }
        }
        self.ledger.answer_text(request)
    }

    fn kill(&self) {
        if let Some(life) = self.life.lock().unwrap().take() {
            life.kill();
        }
        self.killed.notify_one();
    }
}

const SUBMIT: &str = "ledger_submit";

type Http = Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>;

/// One request to whatever life there is; none where there is none, or it died on the way.
async fn send(
    world: &World,
    client: &Http,
    by: &Participant,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: Option<Value>,
) -> Option<(u16, Value)> {
    let address = world.life.lock().unwrap().as_ref()?.address.clone();
    let bytes = body.map(|body| body.to_string()).unwrap_or_default();
    let mut request = hyper::Request::builder().method(method).uri(format!("http://{address}{path}"));
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let mut request = request
        .header("host", &address)
        .header("content-type", "application/json")
        .header("content-length", bytes.len())
        .body(Full::new(Bytes::from(bytes.clone())))
        .unwrap();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    // What was signed in the second of a start is not taken, so it is signed for the near future.
    let created = jiff::Timestamp::now().as_second() + 2;
    by.signer.sign(&method, &uri, request.headers_mut(), bytes.as_bytes(), created).unwrap();
    let answer = tokio::time::timeout(Duration::from_secs(40), client.request(request)).await.ok()?.ok()?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// Writes key after key, each until it is accepted.
async fn load(world: Arc<World>, participant: Arc<Participant>, lane: usize) -> u64 {
    let client: Http = Client::builder(TokioExecutor::new()).build_http();
    let mut number = 0;
    while !world.done.load(Ordering::SeqCst) {
        let key = format!("{lane}-{number}");
        let name = format!("{}-{key}", participant.name);
        loop {
            let path = "/v1/applications/shop/invoke";
            let answer =
                send(&world, &client, &participant, "POST", path, Some(&key), Some(insert(&name, "v"))).await;
            match answer {
                Some((200, _)) => break,
                Some((status @ (400..=403 | 404 | 409), body)) => panic!("{status} {body}"),
                // Dead, or over a quota, or the ledger broke off: the same again.
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        world.accepted.fetch_add(1, Ordering::SeqCst);
        number += 1;
    }
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_accepted_write_is_in_the_ledger_once_however_often_the_node_is_killed() {
    let number =
        |name: &str, default| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (kills, seed) = (number("BERTH_KILLS", 30), number("BERTH_KILL_SEED", 6));
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::create("node", jiff::Timestamp::now()).unwrap();
    std::fs::write(folder.path().join("authority.pem"), authority.certificate_pem()).unwrap();
    std::fs::write(folder.path().join("authority.key"), authority.key_pem().as_bytes()).unwrap();

    let world = Arc::new(World {
        ledger: ModelNode::new(CHAIN),
        life: Mutex::new(None),
        until_kill: Mutex::new(None),
        killed: tokio::sync::Notify::new(),
        done: AtomicBool::new(false),
        accepted: AtomicU64::new(0),
    });
    let rpc = world.clone();
    let rpc = Router::new().route(
        "/",
        post(move |body: Bytes| {
            let world = rpc.clone();
            async move { ([("content-type", "application/json")], world.answer(&body)) }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, rpc).await });

    let participants = prepare(folder.path(), &url).await;
    *world.life.lock().unwrap() = Some(Arc::new(Life::begin(folder.path())));
    let accounts = accounts(&world, &participants).await;
    let before: Vec<_> =
        accounts.iter().map(|account| world.ledger.transactions(MAIN_SPACE, account)).collect();

    let mut lanes = tokio::task::JoinSet::new();
    for (index, participant) in participants.iter().enumerate() {
        for lane in 0..SIDE_BY_SIDE {
            let (world, participant) = (world.clone(), participant.clone());
            lanes.spawn(async move { (index, load(world, participant, lane).await) });
        }
    }
    for _ in 0..kills {
        let point = match random.next_u32() % 3 {
            0 => Point::Time(u64::from(20 + random.next_u32() % 300)),
            1 => Point::BeforeLedger(u64::from(1 + random.next_u32() % 12)),
            _ => Point::AfterLedger(u64::from(1 + random.next_u32() % 12)),
        };
        match point {
            Point::Time(millis) => {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                world.kill();
            }
            Point::BeforeLedger(left) => *world.until_kill.lock().unwrap() = Some((left, true)),
            Point::AfterLedger(left) => *world.until_kill.lock().unwrap() = Some((left, false)),
        }
        let killed = tokio::time::timeout(Duration::from_secs(60), world.killed.notified()).await;
        assert!(killed.is_ok(), "no transaction came to the ledger for a minute, at {point:?}");
        let folder = folder.path().to_owned();
        let life = tokio::task::spawn_blocking(move || Life::begin(&folder)).await.unwrap();
        *world.life.lock().unwrap() = Some(Arc::new(life));
    }
    world.done.store(true, Ordering::SeqCst);
    let mut written = vec![0; PARTICIPANTS];
    while let Some(lane) = lanes.join_next().await {
        let (index, number) = lane.unwrap();
        written[index] += number;
    }
    let all: u64 = written.iter().sum();
    assert!(all >= kills, "there was no load: {all} writes");
    // What is accepted is written down; after a crash the node may still be about to send it.
    let begin = std::time::Instant::now();
    for ((account, before), written) in accounts.iter().zip(before).zip(&written) {
        loop {
            let found = world.ledger.transactions(MAIN_SPACE, account) - before;
            assert!(found <= *written, "of {written} accepted writes {found} are in the ledger");
            if found == *written {
                break;
            }
            let patience = begin.elapsed() < Duration::from_secs(60);
            assert!(patience, "of {written} accepted writes {found} are in the ledger, after a minute");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    settled(&world, &participants, folder.path()).await;
    eprintln!("{kills} kills, {all} writes, {} submissions", world.ledger.submissions());
    world.kill();
}

/// Enrols participants and makes the application, before the first life.
async fn prepare(folder: &Path, url: &str) -> Vec<Arc<Participant>> {
    let gateway = open(folder).await;
    let mut participants = Vec::new();
    for index in 0..PARTICIPANTS {
        participants.push(Arc::new(enrol(&gateway, &format!("p{index}")).await));
    }
    let mut order: Order = order("shop", url, "p0");
    order.quotas.transactions_per_second = 0;
    order.quotas.open_transactions = 0;
    order.settings = json!({"chain": CHAIN, "window_blocks": 900, "lease_seconds": 5});
    gateway.create(order).await.unwrap();
    gateway.stopped().await;
    drop(gateway);
    // What still ends in the background holds the store a little longer, and the first life needs it.
    while Database::open(&folder.join("store"), 64 << 20).is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    participants
}

/// Everybody becomes a member, and their accounts are let onto the ledger.
async fn accounts(world: &World, participants: &[Arc<Participant>]) -> Vec<String> {
    let client: Http = Client::builder(TokioExecutor::new()).build_http();
    let mut accounts = Vec::new();
    for participant in participants {
        if participant.name != "p0" {
            let path = format!("/v1/applications/shop/members/{}", participant.name);
            let roles = json!({"roles": ["read", "write"]});
            let (status, body) =
                send(world, &client, &participants[0], "PUT", &path, None, Some(roles)).await.unwrap();
            assert_eq!(status, 200, "{body}");
        }
        let path = "/v1/applications/shop/account";
        let (status, body) = send(world, &client, participant, "GET", path, None, None).await.unwrap();
        assert_eq!(status, 200, "{body}");
        world.ledger.fund_key(&serde_json::from_value(body["key"].clone()).unwrap(), 1 << 60);
        let (_, body) = send(world, &client, participant, "GET", path, None, None).await.unwrap();
        accounts.push(body["accounts"][0].as_str().unwrap().to_owned());
    }
    let path = "/v1/applications/shop/deploy";
    let deployed =
        send(world, &client, &participants[0], "POST", path, Some("deploy"), Some(support::preset()))
            .await
            .unwrap();
    assert_eq!(deployed.0, 200, "{}", deployed.1);
    accounts
}

/// Once the ledger's blocks are final, the node's journal has every write settled, and settled well.
async fn settled(world: &Arc<World>, participants: &[Arc<Participant>], _folder: &Path) {
    world.ledger.mine(MAIN_SPACE, 5);
    let client: Http = Client::builder(TokioExecutor::new()).build_http();
    for participant in participants {
        for lane in 0..SIDE_BY_SIDE {
            let mut number = 0;
            loop {
                let path = format!("/v1/applications/shop/calls/{lane}-{number}?until=settled");
                let Some((status, body)) = send(world, &client, participant, "GET", &path, None, None).await
                else {
                    panic!("the last life does not answer")
                };
                if status == 404 {
                    break;
                }
                assert_eq!(body["settlement"], json!({"final": {"succeeded": true}}), "{path}: {body}");
                number += 1;
            }
        }
    }
}
