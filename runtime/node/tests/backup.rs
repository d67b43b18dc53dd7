//! A node is backed up while it is used, and what comes back is the node of one moment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use adapter_spec::{Adapter as _, types::SignatureScheme};
use berth_backup::{Checked, Target};
use berth_gateway::{EndpointOrder, KeyMode, Offered, Order, Quotas, verify_usage};
use berth_host::Compiler;
use berth_identity::{MasterKey, request::Signer};
use berth_model::{MAIN_SPACE, ModelNode};
use berth_node::{Configuration, Node};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, body::Bytes, client::conn::http1};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tokio::sync::mpsc;

const MASTER: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";
const SHOP: &str = "/v1/applications/shop";

type Http = Client<HttpConnector, Full<Bytes>>;

/// A node's configuration in a folder of its own.
fn configuration(folder: &Path) -> Configuration {
    let key = folder.join("master.key");
    fs::write(&key, MASTER).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let text = "state = \"state\"\nmaster_key = { file = \"master.key\" }\n\n[gateway]\nlisten = \"127.0.0.1:0\"\ntls = false\n";
    fs::write(folder.join("node.toml"), text).unwrap();
    Configuration::read(&folder.join("node.toml")).unwrap()
}

async fn start(configuration: &Configuration) -> Node {
    let node = Node::start(configuration, Compiler::InProcess, None).await.unwrap();
    let adapter = berth_model::native();
    let descriptor = adapter.describe().await.unwrap();
    node.gateway()
        .adapters()
        .put(Offered {
            adapter: Arc::new(adapter),
            descriptor,
            sandboxed: false,
            digest: None,
            certificate: None,
        })
        .unwrap();
    node
}

async fn enrol(node: &Node, name: &str) -> Signer {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let (_, certificate) = node.gateway().enrol(name, &request, 30).await.unwrap();
    Signer::new(&certificate, &key.serialize_pem()).unwrap()
}

/// Sends to a node as one participant.
#[derive(Clone)]
struct Alice {
    client: Http,
    address: String,
    signer: Arc<Signer>,
}

impl Alice {
    fn at(node: &Node, signer: Arc<Signer>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Alice { client, address: node.address.clone(), signer }
    }

    async fn send(&self, method: Method, path: &str, key: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let bytes = body.map(|body| body.to_string()).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let mut request = request
            .header("host", &self.address)
            .header("content-type", "application/json")
            .header("content-length", bytes.len())
            .body(Full::new(Bytes::from(bytes.clone())))
            .unwrap();
        // For the near future: what was signed in the second of a start is not taken.
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let created = Timestamp::now().as_second() + 2;
        self.signer.sign(&method, &uri, request.headers_mut(), bytes.as_bytes(), created).unwrap();
        let answer = self.client.request(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn insert(&self, key: &str) -> (u16, Value) {
        let body = json!({
            "contract": "preset",
            "function": "insert(text,bytes)",
            "arguments": [{"text": key}, {"bytes": "0x76"}],
        });
        self.send(Method::POST, &format!("{SHOP}/invoke"), Some(key), Some(body)).await
    }
}

/// The shop on the model ledger, with its contract deployed; and alice's account there.
async fn shop(node: &Node, ledger: &ModelNode, url: &str, alice: &Alice, secret: &[u8]) -> String {
    let order = Order {
        name: "shop".into(),
        adapter: "model".into(),
        settings: json!({"chain": ledger.name()}),
        endpoints: vec![EndpointOrder { need: "node".into(), url: url.into(), ..EndpointOrder::default() }],
        key_mode: KeyMode::Trust,
        owner: "alice".into(),
        quotas: Quotas { transactions_per_second: 0, open_transactions: 0, ..Quotas::default() },
    };
    node.gateway().create(order).await.unwrap();
    let scheme = SignatureScheme::EcdsaP256Sha256;
    assert!(node.gateway().import_key("shop", "alice", scheme, secret).await.unwrap());
    let path = format!("{SHOP}/account");
    let (status, account) = alice.send(Method::GET, &path, None, None).await;
    assert_eq!(status, 200, "{account}");
    ledger.fund_key(&serde_json::from_value(account["key"].clone()).unwrap(), 1 << 60);
    let (_, account) = alice.send(Method::GET, &path, None, None).await;
    let preset = json!({
        "name": "preset-store",
        "version": "1",
        "code": format!("0x{}", hex::encode("preset")),
        "abi": r#"{"functions": ["insert(text,bytes)", "update(text,bytes)", "delete(text)", "get(text)", "history(text)"]}"#,
    });
    let path = format!("{SHOP}/deploy?until=included");
    let (status, deployed) = alice.send(Method::POST, &path, Some("deploy"), Some(preset)).await;
    assert_eq!(status, 200, "{deployed}");
    account["accounts"][0].as_str().unwrap().to_owned()
}

/// The answer of `POST /backup` on the operator's socket.
async fn backup(configuration: &Configuration) -> (u16, Bytes) {
    let stream = tokio::net::UnixStream::connect(configuration.socket()).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("/backup").header("host", "node").body(Full::<Bytes>::default()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.into_body().collect().await.unwrap().to_bytes())
}

fn put_back(bytes: &[u8], folder: &Path) -> Configuration {
    let configuration = configuration(folder);
    let file = folder.join("backup");
    let mut target = Target::new(&file).unwrap();
    target.write_all(bytes).unwrap();
    target.finish(|_| {}).unwrap();
    Checked::open(&file, |_| {}).unwrap().restore(&configuration.state(), false, |_| {}).unwrap();
    configuration
}

/// Writes key after key until it is told to stop, and tells each that was accepted.
async fn lane(alice: Alice, lane: usize, stop: Arc<AtomicBool>, accepted: mpsc::UnboundedSender<String>) {
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let key = format!("{lane}-{number}");
        let (status, body) = alice.insert(&key).await;
        assert_eq!(status, 200, "{key}: {body}");
        accepted.send(key).unwrap();
    }
}

async fn some(accepted: &mut mpsc::UnboundedReceiver<String>, number: usize) -> Vec<String> {
    let mut keys = Vec::new();
    while keys.len() < number {
        keys.push(accepted.recv().await.expect("the lanes write"));
    }
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_backed_up_under_load_comes_back_and_does_nothing_twice() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = configuration(one.path());
    let node = start(&first).await;
    let ledger = ModelNode::new("model");
    let (url, _served) = ledger.serve().await.unwrap();
    let alice = Alice::at(&node, Arc::new(enrol(&node, "alice").await));
    enrol(&node, "bob").await;
    let account = shop(&node, &ledger, &url, &alice, &[0x5a; 32]).await;
    let (_, before) = node.gateway().usage("shop").await.unwrap();

    let (told, mut accepted) = mpsc::unbounded_channel();
    let stop = Arc::new(AtomicBool::new(false));
    let mut lanes = tokio::task::JoinSet::new();
    for number in 0..4 {
        lanes.spawn(lane(alice.clone(), number, stop.clone(), told.clone()));
    }
    let mut known = some(&mut accepted, 40).await;
    while let Ok(key) = accepted.try_recv() {
        known.push(key);
    }
    let (status, bytes) = backup(&first).await;
    assert_eq!(status, 200);
    // What is accepted from now on was begun before the end of the backup or after it; what comes last, surely after.
    some(&mut accepted, 40).await;
    let late = some(&mut accepted, 1).await;
    stop.store(true, Ordering::SeqCst);
    while let Some(lane) = lanes.join_next().await {
        lane.unwrap();
    }
    let (applications, participants) = (node.gateway().applications(), node.gateway().participants());
    node.stop().await;

    let second = put_back(&bytes, two.path());
    let node = start(&second).await;
    assert_eq!(node.gateway().participants(), participants);
    let restored = node.gateway().applications();
    assert_eq!(restored.len(), 1);
    assert_eq!(
        (&restored[0].id, &restored[0].order, &restored[0].members),
        (&applications[0].id, &applications[0].order, &applications[0].members)
    );
    let alice = Alice::at(&node, alice.signer.clone());
    let (status, refused) = alice.insert(&known[0]).await;
    assert_eq!((status, refused["code"].as_str()), (403, Some("suspended")), "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("restored from a backup"), "{refused}");
    node.gateway().suspend("shop", None).await.unwrap();

    let (key, records) = node.gateway().usage("shop").await.unwrap();
    verify_usage(&key, &records).unwrap();
    assert_eq!(records[..before.len()], before);
    let transactions = ledger.transactions(MAIN_SPACE, &account);
    for key in &known {
        let (status, call) = alice.send(Method::GET, &format!("{SHOP}/calls/{key}"), None, None).await;
        assert_eq!(status, 200, "{key}: {call}");
        assert!(call["transaction"].is_string(), "{key} was sent, and the journal knows as what: {call}");
        let (status, again) = alice.insert(key).await;
        assert_eq!((status, &again["transaction"]), (200, &call["transaction"]), "{key}: {again}");
    }
    assert_eq!(ledger.transactions(MAIN_SPACE, &account), transactions, "nothing happened twice");
    // As it is told: the node does not know what came after the backup.
    let (status, _) = alice.send(Method::GET, &format!("{SHOP}/calls/{}", late[0]), None, None).await;
    assert_eq!(status, 404);
    node.stop().await;

    // Applications are suspended at the first start on a backup, and not at the next.
    assert_eq!(berth_backup::mark(&second.state()).unwrap(), None);
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_the_node_is_in_a_backup_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = configuration(folder.path());
    let node = start(&configuration).await;
    let ledger = ModelNode::new("model");
    let (url, _served) = ledger.serve().await.unwrap();
    let alice = Alice::at(&node, Arc::new(enrol(&node, "alice").await));
    let secret: Vec<u8> = (1..=32).map(|byte| byte * 7).collect();
    shop(&node, &ledger, &url, &alice, &secret).await;
    let (status, bytes) = backup(&configuration).await;
    assert_eq!(status, 200);

    let read = |name: &str| fs::read_to_string(configuration.state().join(name)).unwrap();
    let master = MasterKey::from_hex(MASTER).unwrap();
    let sealed = hex::decode(read("authority.key.sealed")).unwrap();
    let authority = master.open("authority", read("authority.pem").as_bytes(), &sealed).unwrap();
    let authority = String::from_utf8(authority.to_vec()).unwrap();
    for secret in [
        secret.clone(),
        hex::encode(&secret).into_bytes(),
        MASTER.as_bytes().to_vec(),
        hex::decode(MASTER).unwrap(),
        authority.lines().nth(1).unwrap().as_bytes().to_vec(),
    ] {
        assert!(!holds(&bytes, &secret), "{}", String::from_utf8_lossy(&secret));
    }
    assert!(holds(&bytes, b"shop") && holds(&bytes, read("authority.key.sealed").as_bytes()));
    node.stop().await;
}
