//! Connections.

mod request_body;
mod tls;

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use sha2::{Digest as _, Sha256};

use crate::Tls;
pub(crate) use request_body::RequestBody;
pub(crate) use tls::client_certificate_sha256;

/// For DNS, TCP and nothing more; the whole request has the endpoint's own deadline.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections without a request are closed after this.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// A silent HTTP/2 connection is asked whether it is alive this often, so that a stream over a dead one ends.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How many bytes of one HTTP/2 answer, and of all of a connection, a server may send before somebody reads them.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

pub(crate) type HttpClient = Client<HttpsConnector<HttpConnector>, RequestBody>;

/// The connections of a host, reused by all its applications. Connections with different TLS settings are never shared.
///
/// There are no proxies, redirects, cookies or decompression here: a request goes where it says, once.
#[derive(Default)]
pub struct Network {
    clients: Mutex<HashMap<[u8; 32], Clients>>,
}

/// The clients for one set of TLS settings.
#[derive(Clone)]
pub(crate) struct Clients {
    /// HTTP/1.1, or HTTP/2 where TLS agrees on it.
    pub(crate) http: HttpClient,
    /// HTTP/2 from the first byte.
    pub(crate) grpc: HttpClient,
}

impl Network {
    /// A network without connections.
    #[must_use]
    pub fn new() -> Self {
        Network::default()
    }

    /// The clients for these settings.
    pub(crate) fn clients(&self, tls: &Tls) -> Result<Clients, String> {
        let key = settings_digest(tls);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(&key) {
            return Ok(known.clone());
        }
        let config = tls::client_config(tls)?;
        let made = Clients { http: client(config.clone(), false), grpc: client(config, true) };
        clients.insert(key, made.clone());
        Ok(made)
    }
}

fn client(config: rustls::ClientConfig, only_http2: bool) -> HttpClient {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp.set_keepalive(Some(IDLE_TIMEOUT));
    let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_or_http();
    let connector = if only_http2 {
        builder.enable_http2().wrap_connector(tcp)
    } else {
        builder.enable_all_versions().wrap_connector(tcp)
    };
    Client::builder(TokioExecutor::new())
        .http2_only(only_http2)
        // Fixed: with hyper's adaptive windows a server's stream of some 100 KB stands still until something else is asked.
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .build(connector)
}

/// Tells settings apart. The private key is hashed along, so that whoever lends only the certificate gets no connection
/// of one who has the key.
fn settings_digest(tls: &Tls) -> [u8; 32] {
    let key = tls.client_key_pem.as_ref().map(|key| key.as_str());
    let parts =
        [tls.ca_pem.as_deref(), tls.client_certificate_pem.as_deref(), key, tls.server_name.as_deref()];
    let mut digest = Sha256::new();
    for part in parts {
        digest.update([u8::from(part.is_some())]);
        let part = part.unwrap_or_default();
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}
