//! What one application lends, put together and checked.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use adapter_spec::{
    Function, Imports, Lender,
    types::{Descriptor, EndpointNeed, PublicKey, Transport, transport::Lent},
};
use berth_crypto::SigningKey;
use http::{HeaderName, HeaderValue, Uri};
use url::Url;

use crate::{
    Clock, Endpoint, LendingError, LogSink, MemoryState, Network, Randomness, StateError, StateStore,
    SystemClock, SystemRandomness, TracingLog,
    access::Access,
    http::path,
    imports::LentImports,
    network::{Clients, client_certificate_sha256},
};

/// A key of the operator's that is lent under a declared name.
pub struct ServiceKey {
    /// The descriptor's name for it.
    pub name: String,
    /// The key.
    pub key: SigningKey,
    /// Its X.509 certificate, DER, where the framework has certificates.
    pub certificate: Option<Vec<u8>>,
}

/// All that one application lends its adapter.
pub struct Lending {
    shared: Arc<Shared>,
}

/// What the imports of all functions use.
pub(crate) struct Shared {
    pub(crate) application: String,
    /// By their own names.
    pub(crate) endpoints: HashMap<String, LentEndpoint>,
    /// What adapters are told, by the descriptor's names.
    pub(crate) lent: HashMap<String, Vec<Lent>>,
    pub(crate) keys: BTreeMap<String, (SigningKey, PublicKey)>,
    pub(crate) state: Arc<dyn StateStore>,
    /// The first failure of the store, which an adapter cannot be told of.
    pub(crate) state_failure: std::sync::OnceLock<String>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) log: Arc<dyn LogSink>,
}

/// An endpoint, checked and ready.
pub(crate) struct LentEndpoint {
    pub(crate) transport: Transport,
    pub(crate) reads: Vec<String>,
    /// Without a slash at its end.
    pub(crate) base: Url,
    /// The base address itself.
    pub(crate) address: Uri,
    /// The operator's.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) clients: Clients,
    pub(crate) deadline: Duration,
    pub(crate) max_response_bytes: u64,
    ids: AtomicU64,
}

impl LentEndpoint {
    /// A request id that no other request to this endpoint has.
    pub(crate) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}

impl Lending {
    /// Begins what `application` lends to an adapter with this descriptor. The name is what its state is kept under.
    pub fn builder(application: impl Into<String>) -> LendingBuilder {
        LendingBuilder {
            application: application.into(),
            endpoints: Vec::new(),
            keys: Vec::new(),
            state: None,
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            log: Arc::new(TracingLog),
        }
    }

    /// Bytes of keys and values that the application's state has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn state_usage(&self) -> Result<u64, StateError> {
        self.shared.state.usage(&self.shared.application).await
    }
}

impl Lender for Lending {
    fn application(&self) -> &str {
        &self.shared.application
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        // Of each call its own: what one call was told of the time is no other's.
        Arc::new(LentImports::new(self.shared.clone(), Access::of(function)))
    }
}

impl fmt::Debug for Lending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lending")
            .field("application", &self.shared.application)
            .field("endpoints", &self.shared.lent)
            .field("service_keys", &self.shared.keys.keys())
            .finish_non_exhaustive()
    }
}

/// Puts a [`Lending`] together.
pub struct LendingBuilder {
    application: String,
    endpoints: Vec<Endpoint>,
    keys: Vec<ServiceKey>,
    state: Option<Arc<dyn StateStore>>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    log: Arc<dyn LogSink>,
}

impl LendingBuilder {
    /// Lends an endpoint.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// Lends a service key.
    #[must_use]
    pub fn service_key(mut self, key: ServiceKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Where the state is kept; by default in memory, which forgets.
    #[must_use]
    pub fn state(mut self, state: Arc<dyn StateStore>) -> Self {
        self.state = Some(state);
        self
    }

    /// What tells the time; by default the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where random bytes come from; by default the system.
    #[must_use]
    pub fn randomness(mut self, randomness: Arc<dyn Randomness>) -> Self {
        self.randomness = randomness;
        self
    }

    /// Where log lines go; by default to `tracing`.
    #[must_use]
    pub fn log(mut self, log: Arc<dyn LogSink>) -> Self {
        self.log = log;
        self
    }

    /// Checks all of it against what the adapter declares. Connects to nothing.
    ///
    /// # Errors
    /// What is missing, too much, or unusable, by name.
    pub fn build(self, descriptor: &Descriptor, network: &Network) -> Result<Arc<Lending>, LendingError> {
        if !(1..=255).contains(&self.application.len()) {
            return Err(LendingError::Application(self.application.len()));
        }
        let mut endpoints = HashMap::new();
        let mut lent: HashMap<String, Vec<Lent>> = HashMap::new();
        for endpoint in self.endpoints {
            let need = need(descriptor, &endpoint)?;
            let under_this_name = lent.entry(need.name.clone()).or_default();
            if !under_this_name.is_empty() && !need.many {
                return Err(LendingError::Several { need: need.name.clone() });
            }
            let (name, told, ready) = prepare(endpoint, need, network)?;
            under_this_name.push(told);
            if endpoints.insert(name.clone(), ready).is_some() {
                return Err(LendingError::SameName { endpoint: name });
            }
        }
        let missing = |need: &&EndpointNeed| need.required && !lent.contains_key(&need.name);
        if let Some(need) = descriptor.endpoints.iter().find(missing) {
            return Err(LendingError::Missing { need: need.name.clone(), purpose: need.purpose.clone() });
        }
        let shared = Arc::new(Shared {
            application: self.application,
            endpoints,
            lent,
            keys: service_keys(self.keys, descriptor)?,
            state: self.state.unwrap_or_else(|| Arc::new(MemoryState::default())),
            state_failure: std::sync::OnceLock::new(),
            clock: self.clock,
            randomness: self.randomness,
            log: self.log,
        });
        Ok(Arc::new(Lending { shared }))
    }
}

/// The descriptor's need that the endpoint is lent for.
fn need<'a>(descriptor: &'a Descriptor, endpoint: &Endpoint) -> Result<&'a EndpointNeed, LendingError> {
    let need = descriptor.endpoints.iter().find(|need| need.name == endpoint.need).ok_or_else(|| {
        let names: Vec<_> = descriptor.endpoints.iter().map(|need| need.name.as_str()).collect();
        LendingError::Undeclared {
            endpoint: endpoint.name.clone(),
            need: endpoint.need.clone(),
            declared: names.join(", "),
        }
    })?;
    if need.transport != endpoint.transport {
        return Err(LendingError::OtherTransport {
            endpoint: endpoint.name.clone(),
            need: need.name.clone(),
            lent: endpoint.transport,
            needed: need.transport,
        });
    }
    Ok(need)
}

/// The endpoint's name, what adapters are told of it, and the endpoint ready for use.
fn prepare(
    endpoint: Endpoint,
    need: &EndpointNeed,
    network: &Network,
) -> Result<(String, Lent, LentEndpoint), LendingError> {
    let name = endpoint.name;
    let address = |reason: String| LendingError::Address { endpoint: name.clone(), reason };
    let tls = |reason: String| LendingError::Tls { endpoint: name.clone(), reason };
    let base = path::base(&endpoint.url).map_err(address)?;
    let uri: Uri =
        base.as_str().parse().map_err(|error: http::uri::InvalidUri| address(error.to_string()))?;
    let has_tls = endpoint.tls.ca_pem.is_some()
        || endpoint.tls.client_certificate_pem.is_some()
        || endpoint.tls.client_key_pem.is_some()
        || endpoint.tls.server_name.is_some();
    if has_tls && base.scheme() != "https" {
        return Err(tls("the address does not begin with https://, so they would have no effect".into()));
    }
    let mut headers = Vec::with_capacity(endpoint.headers.len());
    for (header, value) in &endpoint.headers {
        let malformed = || LendingError::Header { endpoint: name.clone(), header: header.clone() };
        let header = HeaderName::from_bytes(header.as_bytes()).map_err(|_| malformed())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| malformed())?;
        // Hides it in Debug, and keeps it out of HTTP/2's header tables.
        value.set_sensitive(true);
        headers.push((header, value));
    }
    let told = Lent {
        endpoint: name.clone(),
        labels: endpoint.labels,
        client_certificate_sha256: client_certificate_sha256(&endpoint.tls).map_err(tls)?,
    };
    let ready = LentEndpoint {
        transport: endpoint.transport,
        reads: need.reads.clone(),
        base,
        address: uri,
        headers,
        clients: network.clients(&endpoint.tls).map_err(tls)?,
        deadline: endpoint.deadline,
        max_response_bytes: endpoint.max_response_bytes,
        ids: AtomicU64::new(1),
    };
    Ok((name, told, ready))
}

/// The keys by name, each of the scheme that the descriptor declares for it.
fn service_keys(
    keys: Vec<ServiceKey>,
    descriptor: &Descriptor,
) -> Result<BTreeMap<String, (SigningKey, PublicKey)>, LendingError> {
    let mut known = BTreeMap::new();
    for ServiceKey { name, key, certificate } in keys {
        let Some(need) = descriptor.service_keys.iter().find(|need| need.name == name) else {
            return Err(LendingError::UndeclaredKey { name });
        };
        if need.scheme != key.scheme() {
            return Err(LendingError::OtherScheme { name, lent: key.scheme(), needed: need.scheme });
        }
        let public = PublicKey { certificate, ..key.public_key() };
        known.insert(name, (key, public));
    }
    Ok(known)
}
