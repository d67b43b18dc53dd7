//! One application: what its owner ordered, and what runs for it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
    time::Duration,
};

use adapter_spec::{
    Ledger,
    types::{Descriptor, Transport},
};
use berth_journal::EntryKey;
use berth_lending::{Endpoint, Lending, Network, StateStore};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    adapters::{Adapters, Offered, Trial, beside::Beside},
    bill::Head,
    follower::Follower,
    grants::GrantHead,
    lent::{LentSecrets, Secret},
    problem::Problem,
    quota::{Quotas, Rate, Reserved},
    usage::{Meter, Usage},
    webhooks::Webhooks,
};

/// The most bytes of an idempotency key. At least one, all visible ASCII.
pub const MAX_IDEMPOTENCY_KEY: usize = 128;

/// What a participant may do in an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Evaluate, receipts, blocks, events.
    Read,
    /// Invoke, and the preset store.
    Write,
    /// Put contracts on the ledger.
    Deploy,
    /// Invite others, and give and take their roles.
    Administer,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 4] = [Role::Read, Role::Write, Role::Deploy, Role::Administer];

    /// The role's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Write => "write",
            Role::Deploy => "deploy",
            Role::Administer => "administer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who holds the keys that sign on the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyMode {
    /// The node makes a key for each participant, keeps it sealed, and signs with it.
    #[default]
    Trust,
    /// The participants: the node hands out what to sign and takes the signatures.
    Upload,
}

/// A node of the ledger that the application is lent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointOrder {
    /// The adapter's name for it, from its descriptor.
    pub need: String,
    /// `http://` or `https://` with host, port and base path; no user names or passwords.
    pub url: String,
    /// The endpoint's own name; the need's with a number where it is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// What the adapter is told of it.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Certificate authorities in PEM, in place of the public ones.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// The name that the endpoint's certificate must have, where it is not the address's.
    #[serde(default)]
    pub server_name: Option<String>,
    /// The certificate by which the node shows who it is, in PEM; its key is among the secrets.
    #[serde(default)]
    pub client_certificate_pem: Option<String>,
}

/// What an operator orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// 1 to 64 lower-case letters, digits, hyphens and dots; unique on the node.
    pub name: String,
    /// The name of an adapter that was let in.
    pub adapter: String,
    /// After the adapter's own schema.
    #[serde(default = "no_settings")]
    pub settings: serde_json::Value,
    /// The ledger's nodes.
    #[serde(default)]
    pub endpoints: Vec<EndpointOrder>,
    /// Who holds the keys.
    #[serde(default)]
    pub key_mode: KeyMode,
    /// An enrolled participant, who has all roles.
    pub owner: String,
    /// How much of the node it may use.
    #[serde(default)]
    pub quotas: Quotas,
}

fn no_settings() -> serde_json::Value {
    serde_json::Value::Object(serde_json::Map::new())
}

/// An application as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationRecord {
    /// The order.
    pub order: Order,
    /// What its journal, state and keys are kept under: the name and random digits, so that another application of the
    /// same name, later, has nothing of it.
    pub id: String,
    /// When it was created.
    pub created: Timestamp,
    /// Why it is suspended, where it is.
    pub suspended: Option<String>,
    /// Who has which roles, the owner among them.
    pub members: BTreeMap<String, BTreeSet<Role>>,
}

/// An application that runs.
pub(crate) struct Application {
    pub(crate) record: RwLock<Arc<ApplicationRecord>>,
    pub(crate) id: Arc<str>,
    /// What it is lent and nobody may see.
    pub(crate) secrets: Arc<LentSecrets>,
    pub(crate) requests: Rate,
    pub(crate) rate: Rate,
    pub(crate) reserved: Reserved,
    pub(crate) meter: Meter,
    pub(crate) follower: Follower,
    pub(crate) webhooks: Webhooks,
    opened: RwLock<Option<Arc<Opened>>>,
    opening: tokio::sync::Mutex<()>,
    /// One call at a time for each account between begin and send, where the adapter wants that.
    accounts: Mutex<HashMap<Vec<u8>, Weak<tokio::sync::Mutex<()>>>>,
    /// One change of the record at a time.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// What was used by the last note of it.
    pub(crate) noted: Mutex<Usage>,
    /// Where the chain of usage records ends.
    pub(crate) bill: tokio::sync::Mutex<Head>,
    /// Where the chain of calls under grants ends; none before the first one.
    pub(crate) granted: tokio::sync::Mutex<Option<GrantHead>>,
}

/// The application's ledger on one version of its adapter.
pub(crate) struct Opened {
    pub(crate) offered: Arc<Offered>,
    pub(crate) ledger: Arc<dyn Ledger>,
    /// The same ledger, where the version is on trial, or was when it was opened.
    beside: Option<Arc<Beside>>,
}

/// What ledgers are opened with.
pub(crate) struct Ground {
    pub(crate) adapters: Arc<Adapters>,
    pub(crate) network: Network,
    pub(crate) state: Arc<dyn StateStore>,
}

impl Application {
    /// `used` is all that was used until now, which is more than the chain of records has where a crash took one.
    pub(crate) fn new(
        record: ApplicationRecord,
        secrets: Arc<LentSecrets>,
        bill: Head,
        used: Usage,
    ) -> Arc<Self> {
        Arc::new(Application {
            secrets,
            id: record.id.as_str().into(),
            requests: Rate::new(record.order.quotas.requests_per_second),
            rate: Rate::new(record.order.quotas.transactions_per_second),
            reserved: Reserved::default(),
            meter: Meter::starting_at(&used),
            noted: Mutex::new(used),
            bill: tokio::sync::Mutex::new(bill),
            granted: tokio::sync::Mutex::default(),
            follower: Follower::default(),
            webhooks: Webhooks::default(),
            opened: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
            accounts: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            record: RwLock::new(Arc::new(record)),
        })
    }

    pub(crate) fn record(&self) -> Arc<ApplicationRecord> {
        self.record.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The participant's roles; none where there are none.
    pub(crate) fn roles(&self, participant: &str) -> BTreeSet<Role> {
        self.record().members.get(participant).cloned().unwrap_or_default()
    }

    /// The ledger on the adapter's newest version. A version that came since is opened now; where it cannot be, the one
    /// before goes on, if it is still there.
    pub(crate) async fn open(&self, ground: &Ground) -> Result<Arc<Opened>, Problem> {
        let record = self.record();
        let offered = ground.adapters.get(&record.order.adapter).ok_or_else(|| {
            Problem::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "adapter-missing",
                "The application's adapter is not on this node now",
                format!(
                    "the adapter {:?} is not admitted on this node, or was withdrawn",
                    record.order.adapter
                ),
            )
        })?;
        let is_new = |opened: &Arc<Opened>| Arc::ptr_eq(&opened.offered, &offered);
        if let Some(opened) = self.opened().filter(is_new) {
            return Ok(opened);
        }
        let _one = self.opening.lock().await;
        let before = self.opened();
        if let Some(opened) = before.clone().filter(is_new) {
            return Ok(opened);
        }
        let opened = match open_on_trial(&record, &self.secrets, &offered, before.as_deref(), ground).await {
            Ok(opened) => Arc::new(opened),
            Err(problem) => {
                return match before {
                    Some(before) => {
                        tracing::error!(
                            application = record.order.name,
                            detail = problem.detail,
                            "the adapter's new version does not open this application: the old one goes on"
                        );
                        Ok(before)
                    }
                    None => Err(problem),
                };
            }
        };
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(opened.clone());
        Ok(opened)
    }

    /// The ledger that was opened last; none where none was yet.
    pub(crate) fn opened(&self) -> Option<Arc<Opened>> {
        self.opened.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The turn of one account.
    pub(crate) fn account(&self, key: &[u8]) -> Arc<tokio::sync::Mutex<()>> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() > 1_000 {
            accounts.retain(|_, turn| turn.strong_count() > 0);
        }
        if let Some(turn) = accounts.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        accounts.insert(key.to_vec(), Arc::downgrade(&turn));
        turn
    }

    /// The journal's key of a participant's idempotency key: participants cannot meet each other's.
    pub(crate) fn entry_key(&self, participant: &str, key: &str) -> Result<EntryKey, Problem> {
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if !(1..=MAX_IDEMPOTENCY_KEY).contains(&key.len()) || !visible {
            return Err(Problem::new(
                axum::http::StatusCode::BAD_REQUEST,
                "idempotency-key",
                "Every write needs an idempotency key",
                format!(
                    "send the header Idempotency-Key: 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters, another for each write"
                ),
            ));
        }
        EntryKey::new(&*self.id, format!("{participant}/{key}"))
            .map_err(|error| Problem::invalid(error.to_string()))
    }
}

impl Opened {
    /// The version's trial is over.
    pub(crate) fn let_go(&self, trial: &Arc<Trial>) {
        if let Some(beside) = &self.beside {
            beside.let_go(trial);
        }
    }
}

/// Opens an application's ledger; where the version is on trial, on the version before it too.
async fn open_on_trial(
    record: &ApplicationRecord,
    secrets: &LentSecrets,
    offered: &Arc<Offered>,
    opened: Option<&Opened>,
    ground: &Ground,
) -> Result<Opened, Problem> {
    let ledger = open(record, secrets, offered, ground).await?;
    let alone = |ledger| Ok(Opened { offered: offered.clone(), ledger, beside: None });
    let Some(trial) = ground.adapters.trial_of(offered) else { return alone(ledger) };
    let before = match opened.filter(|opened| Arc::ptr_eq(&opened.offered, &trial.before)) {
        Some(opened) => opened.ledger.clone(),
        None => match open(record, secrets, &trial.before, ground).await {
            Ok(before) => before,
            Err(_) => return alone(ledger),
        },
    };
    let beside = Arc::new(Beside::new(ledger, before, trial));
    Ok(Opened { offered: offered.clone(), ledger: beside.clone(), beside: Some(beside) })
}

/// Opens an application's ledger. Reaches no endpoint.
pub(crate) async fn open(
    record: &ApplicationRecord,
    secrets: &LentSecrets,
    offered: &Offered,
    ground: &Ground,
) -> Result<Arc<dyn Ledger>, Problem> {
    let lending = lend(record, secrets, offered, ground)?;
    let settings = record.order.settings.to_string();
    offered.adapter.open(lending, &settings).await.map_err(Problem::from)
}

/// An id that no application of this name has had.
pub(crate) fn new_id(name: &str) -> Result<String, Problem> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(|_| Problem::trouble("the system gives no randomness"))?;
    Ok(format!("{name}~{}", hex::encode(random)))
}

/// Endpoints as they were ordered, with their secrets, for the lender.
#[must_use]
pub fn endpoints(orders: &[EndpointOrder], secrets: &LentSecrets, descriptor: &Descriptor) -> Vec<Endpoint> {
    let endpoint = |(place, order): (usize, &EndpointOrder)| {
        let need = descriptor.endpoints.iter().find(|need| need.name == order.need);
        // An unknown need is refused by the lender, with the names that there are.
        let transport = need.map_or(Transport::Http, |need| need.transport);
        let name = order.name.clone().unwrap_or_else(|| format!("{}-{place}", order.need));
        let mut endpoint = Endpoint::new(name, &order.need, transport, &order.url);
        endpoint.labels = order.labels.clone().into_iter().collect();
        endpoint.tls.ca_pem.clone_from(&order.ca_pem);
        endpoint.tls.server_name.clone_from(&order.server_name);
        endpoint.tls.client_certificate_pem.clone_from(&order.client_certificate_pem);
        if let Some(secrets) = secrets.endpoints.get(&place) {
            let headers = secrets.headers.iter().map(|(name, value)| (name.clone(), value.reveal()));
            endpoint.headers = headers.collect();
            endpoint.tls.client_key_pem = secrets.client_key_pem.as_ref().map(Secret::reveal);
        }
        endpoint
    };
    orders.iter().enumerate().map(endpoint).collect()
}

/// What an application's adapter is lent.
pub(crate) fn lend(
    record: &ApplicationRecord,
    secrets: &LentSecrets,
    offered: &Offered,
    ground: &Ground,
) -> Result<Arc<Lending>, Problem> {
    let mut lending = Lending::builder(record.id.as_str()).state(ground.state.clone());
    for endpoint in endpoints(&record.order.endpoints, secrets, &offered.descriptor) {
        lending = lending.endpoint(Endpoint { deadline: Duration::from_secs(10), ..endpoint });
    }
    for key in secrets.keys()? {
        lending = lending.service_key(key);
    }
    lending
        .build(&offered.descriptor, &ground.network)
        .map_err(|error| Problem::invalid(format!("endpoints: {error}")))
}
