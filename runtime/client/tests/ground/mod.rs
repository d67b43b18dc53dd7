//! A gateway on the model ledger that listens with TLS, and can be started anew.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use adapter_spec::Adapter as _;
use axum::Router;
use berth_gateway::{
    Adapters, EndpointOrder, Gateway, KeyMode, Offered, Order, Parts, Quotas, Receivers, http,
};
use berth_identity::{Authority, MasterKey};
use berth_journal::{MemoryStore, Store};
use berth_lending::MemoryState;
use berth_model::{ModelNode, Served};
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// What is put around the gateway's routes.
type Around = Box<dyn Fn(Router) -> Router + Send + Sync>;

pub struct Ground {
    pub ledger: ModelNode,
    pub address: String,
    pub authority_pem: String,
    url: String,
    authority_key_pem: String,
    gateway: Gateway,
    store: Arc<dyn Store>,
    tls: Arc<http::ServerConfig>,
    at: SocketAddr,
    around: Around,
    stop: CancellationToken,
    listening: Option<http::Listening>,
    _served: Served,
}

pub struct Participant {
    pub certificate_pem: String,
    pub key_pem: String,
}

impl Drop for Ground {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn open(store: Arc<dyn Store>, authority: Authority) -> Gateway {
    let adapter = berth_model::native();
    let descriptor = adapter.describe().await.unwrap();
    let adapters = Arc::new(Adapters::default());
    let offered =
        Offered { adapter: Arc::new(adapter), descriptor, sandboxed: false, digest: None, certificate: None };
    adapters.put(offered).unwrap();
    let parts = Parts {
        store,
        state: Arc::new(MemoryState::default()),
        adapters,
        master: MasterKey::from_hex(&"0f".repeat(32)).unwrap(),
        authority,
        signature_window: 60,
        max_body: 1 << 20,
        usage_seconds: 60,
        // Never: where tests count what is written, nothing else is.
        usage_notes: Duration::from_secs(3_600),
        receivers: Receivers::new(true),
    };
    Gateway::open(parts).await.unwrap()
}

impl Ground {
    pub async fn new() -> Self {
        Self::behind(|router| router).await
    }

    /// With something around the gateway's routes.
    pub async fn behind(around: impl Fn(Router) -> Router + Send + Sync + 'static) -> Self {
        let ledger = ModelNode::new("model");
        let (url, served) = ledger.serve().await.unwrap();
        let authority = Authority::create("node", Timestamp::now()).unwrap();
        let authority_pem = authority.certificate_pem().to_owned();
        let authority_key_pem = authority.key_pem().to_string();
        let server = authority.issue_server(&["localhost".to_owned()], 1, Timestamp::now()).unwrap();
        let tls = http::tls(&server.chain_pem, &server.key_pem, &authority_pem).unwrap();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let gateway = open(store.clone(), authority).await;
        let mut ground = Ground {
            ledger,
            address: String::new(),
            authority_pem,
            authority_key_pem,
            url,
            gateway,
            store,
            tls,
            at: "127.0.0.1:0".parse().unwrap(),
            around: Box::new(around),
            stop: CancellationToken::new(),
            listening: None,
            _served: served,
        };
        ground.listen().await;
        ground.address = format!("https://localhost:{}", ground.at.port());
        ground
    }

    async fn listen(&mut self) {
        let router = (self.around)(http::router(&self.gateway));
        // Somebody's connection may have the port for a moment.
        let listening = async {
            loop {
                let (tls, stop) = (Some(self.tls.clone()), self.stop.clone());
                match http::listen(self.at, tls, router.clone(), stop).await {
                    Ok(listening) => return listening,
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        let listening =
            tokio::time::timeout(Duration::from_secs(30), listening).await.expect("the port is free");
        self.at = listening.address.parse().unwrap();
        self.listening = Some(listening);
    }

    /// Stops the gateway, and starts another on the same store and at the same address.
    pub async fn restart(&mut self) {
        self.gateway.stop();
        self.stop.cancel();
        if let Some(listening) = self.listening.take() {
            listening.ended().await;
        }
        let authority = Authority::load(&self.authority_pem, &self.authority_key_pem).unwrap();
        self.gateway = open(self.store.clone(), authority).await;
        self.stop = CancellationToken::new();
        self.listen().await;
    }

    pub async fn enrol(&self, name: &str) -> Participant {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
        let (_, certificate_pem) = self.gateway.enrol(name, &request, 30).await.unwrap();
        Participant { certificate_pem, key_pem: key.serialize_pem() }
    }

    pub async fn application(&self, name: &str, owner: &str, key_mode: KeyMode) {
        let endpoint =
            EndpointOrder { need: "node".into(), url: self.url.clone(), ..EndpointOrder::default() };
        let order = Order {
            name: name.into(),
            adapter: "model".into(),
            settings: json!({"chain": "model"}),
            endpoints: vec![endpoint],
            key_mode,
            owner: owner.into(),
            quotas: Quotas::default(),
        };
        self.gateway.create(order).await.unwrap();
    }
}
