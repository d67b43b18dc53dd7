//! A gateway on the model ledger, and participants that sign their requests.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

pub mod document;
pub mod failing;
pub mod guarded;
pub mod receiver;
pub mod web;

use std::{path::Path, sync::Arc, time::Duration};

use adapter_spec::{
    Adapter as _, async_trait,
    types::{PublicKey, SigningInput},
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri},
};
use berth_crypto::SigningKey;
use berth_gateway::{
    Adapters, EndpointOrder, Gateway, KeyMode, Offered, OpenError, Order, Pace, Parts, Quotas, Receivers,
    http::{self, PeerCertificate},
    possession,
};
use berth_identity::{Authority, MasterKey, request::Signer};
use berth_journal::{MemoryStore, SledStore, Store};
use berth_lending::MemoryState;
use berth_model::{MAIN_SPACE, ModelNode, Served};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub const CHAIN: &str = "model";

/// The model's adapter, as a native plug-in.
pub async fn model() -> Offered {
    let adapter = berth_model::native();
    let descriptor = adapter.describe().await.unwrap();
    Offered { adapter: Arc::new(adapter), descriptor, sandboxed: false, digest: None, certificate: None }
}

/// A gateway on this store.
pub async fn gateway_on(store: Arc<dyn Store>, master: &str, authority: Authority) -> Gateway {
    try_gateway_on(store, master, authority).await.unwrap()
}

/// The same, where it may not open.
pub async fn try_gateway_on(
    store: Arc<dyn Store>,
    master: &str,
    authority: Authority,
) -> Result<Gateway, OpenError> {
    gateway_keeping(store, Arc::new(MemoryState::default()), master, authority).await
}

/// The same with this for its adapters' state.
pub async fn gateway_keeping(
    store: Arc<dyn Store>,
    state: Arc<MemoryState>,
    master: &str,
    authority: Authority,
) -> Result<Gateway, OpenError> {
    let adapters = Arc::new(Adapters::default());
    adapters.put(model().await).unwrap();
    let parts = Parts {
        store,
        state,
        adapters,
        master: MasterKey::from_hex(master).unwrap(),
        authority,
        signature_window: 60,
        max_body: 4 << 20,
        usage_seconds: 60,
        // Never: where tests count what is written, nothing else is.
        usage_notes: Duration::from_secs(3_600),
        receivers: Receivers::new(true),
    };
    Gateway::open_at_pace(parts, Arc::new(Quick)).await
}

/// Waits for the second after a gateway's start: what was signed before is not taken.
pub async fn next_second() {
    let left = 1_001 - u64::try_from(Timestamp::now().subsec_millisecond()).unwrap();
    tokio::time::sleep(Duration::from_millis(left)).await;
}

/// Time in which webhooks wait for nothing long.
struct Quick;

#[async_trait]
impl Pace for Quick {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration.min(Duration::from_millis(5))).await;
    }
}

pub struct World {
    pub ledger: ModelNode,
    pub url: String,
    pub served: Served,
    pub gateway: Gateway,
    pub router: Router,
    pub store: Arc<dyn Store>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

pub struct Participant {
    pub name: String,
    pub signer: Signer,
    pub certificate_pem: String,
    pub key_pem: String,
}

pub fn order(name: &str, url: &str, owner: &str) -> Order {
    Order {
        name: name.into(),
        adapter: "model".into(),
        settings: json!({"chain": CHAIN}),
        endpoints: vec![EndpointOrder { need: "node".into(), url: url.into(), ..EndpointOrder::default() }],
        key_mode: KeyMode::Trust,
        owner: owner.into(),
        // Some tests ask again and again until something is so.
        quotas: Quotas { requests_per_second: 0, ..Quotas::default() },
    }
}

impl World {
    pub async fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    pub async fn in_folder(folder: &Path) -> Self {
        Self::on(Arc::new(SledStore::open(folder).unwrap())).await
    }

    pub async fn on(store: Arc<dyn Store>) -> Self {
        Self::of(store, Authority::create("node", Timestamp::now()).unwrap()).await
    }

    /// With this authority.
    pub async fn of(store: Arc<dyn Store>, authority: Authority) -> Self {
        let ledger = ModelNode::new(CHAIN);
        let (url, served) = ledger.serve().await.unwrap();
        let gateway = gateway_on(store.clone(), &"0f".repeat(32), authority).await;
        let router = http::router(&gateway);
        next_second().await;
        World { ledger, url, served, gateway, router, store }
    }

    /// Enrols a participant with a new key.
    pub async fn enrol(&self, name: &str) -> Participant {
        enrol(&self.gateway, name).await
    }

    /// An application of this owner whose account the ledger knows.
    pub async fn application(&self, name: &str, owner: &Participant) {
        self.application_of(order(name, &self.url, &owner.name), owner).await;
    }

    /// The same, of this order.
    pub async fn application_of(&self, order: Order, owner: &Participant) {
        let name = order.name.clone();
        let name = name.as_str();
        self.gateway.create(order).await.unwrap();
        self.fund(name, owner).await;
        let deployed =
            self.post(owner, &format!("/v1/applications/{name}/deploy"), Some("deploy"), preset()).await;
        assert_eq!(deployed.status, 200, "{deployed:?}");
        self.ledger.mine(MAIN_SPACE, 5);
        let settled = self.get(owner, &format!("/v1/applications/{name}/calls/deploy?until=settled")).await;
        assert_eq!(settled.body["state"], "settled", "{settled:?}");
    }

    /// Lets a participant's key in trust onto the ledger.
    pub async fn fund(&self, application: &str, participant: &Participant) -> String {
        let account = self.get(participant, &format!("/v1/applications/{application}/account")).await;
        assert_eq!(account.status, 200, "{account:?}");
        let key: PublicKey = serde_json::from_value(account.body["key"].clone()).unwrap();
        self.ledger.fund_key(&key, 1 << 60);
        let account = self.get(participant, &format!("/v1/applications/{application}/account")).await;
        account.body["accounts"][0].as_str().unwrap().to_owned()
    }

    /// Asks as who has shown a certificate on a connection with TLS: this is also taken in the second of a gateway's start.
    pub async fn shown(
        &self,
        by: &Participant,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let headers: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        let mut request = request(None, method, path, &headers, body);
        request.extensions_mut().insert(PeerCertificate(by.signer.fingerprint()));
        self.raw(request).await
    }

    pub async fn get(&self, by: &Participant, path: &str) -> Answer {
        self.send(Some(by), Method::GET, path, &[], None).await
    }

    pub async fn post(&self, by: &Participant, path: &str, key: Option<&str>, body: Value) -> Answer {
        let headers: Vec<_> = key.map(|key| ("idempotency-key", key)).into_iter().collect();
        self.send(Some(by), Method::POST, path, &headers, Some(body)).await
    }

    pub async fn send(
        &self,
        by: Option<&Participant>,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let request = request(by, method, path, headers, body);
        self.raw(request).await
    }

    /// What is answered, which has to be what the OpenAPI document says.
    pub async fn raw(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        document::check(&method, &path, parts.status, &parts.headers, &bytes);
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

pub async fn enrol(gateway: &Gateway, name: &str) -> Participant {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let (_, certificate_pem) = gateway.enrol(name, &request, 30).await.unwrap();
    let signer = Signer::new(&certificate_pem, &key.serialize_pem()).unwrap();
    Participant { name: name.into(), signer, certificate_pem, key_pem: key.serialize_pem() }
}

/// A request, signed where somebody signs it.
pub fn request(
    by: Option<&Participant>,
    method: Method,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Option<Value>,
) -> Request<Body> {
    let uri: Uri = path.parse().unwrap();
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let mut map = HeaderMap::new();
    map.insert("host", HeaderValue::from_static("localhost"));
    if !bytes.is_empty() {
        map.insert("content-type", HeaderValue::from_static("application/json"));
        map.insert("content-length", HeaderValue::from(bytes.len()));
    }
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    if let Some(by) = by {
        by.signer.sign(&method, &uri, &mut map, &bytes, Timestamp::now().as_second()).unwrap();
    }
    let mut request = Request::new(Body::from(bytes));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = map;
    request
}

/// The preset contract, to be deployed.
pub fn preset() -> Value {
    json!({
        "name": "preset-store",
        "version": "1",
        "code": format!("0x{}", hex::encode("preset")),
        "abi": r#"{"functions": ["insert(text,bytes)", "update(text,bytes)", "delete(text)", "get(text)", "history(text)"]}"#,
    })
}

/// A write of the preset contract.
pub fn insert(key: &str, value: &str) -> Value {
    json!({
        "contract": "preset",
        "function": "insert(text,bytes)",
        "arguments": [{"text": key}, {"bytes": format!("0x{}", hex::encode(value))}],
    })
}

pub fn read(key: &str) -> Value {
    json!({"contract": "preset", "function": "get(text)", "arguments": [{"text": key}]})
}

pub fn hex0(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// Says that a key is the participant's own.
pub async fn upload(world: &World, by: &Participant, application: &str, key: &SigningKey) -> Answer {
    let path = format!("/v1/applications/{application}");
    let id = world.get(by, &path).await.body["id"].as_str().unwrap().to_owned();
    let point = key.public_key().point;
    let said = possession(&id, &by.name, &point);
    let signature = key.sign(&SigningInput::Message(said.into_bytes())).unwrap();
    let body = json!({
        "scheme": key.scheme(),
        "point": hex0(&point),
        "signature": hex0(&signature.bytes),
    });
    world.send(Some(by), Method::PUT, &format!("{path}/keys"), &[], Some(body)).await
}
