//! The gateway: all applications, participants, and what they share.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use adapter_spec::types::PublicKey;
use berth_api::SignedRecord;
use berth_identity::{Authority, MasterKey, request::Nonces};
use berth_journal::{Journal, MAX_PAGE_ENTRIES, Store, WatchedStore};
use berth_lending::{Network, StateStore};
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::{
    adapters::Adapters,
    application::{Application, ApplicationRecord, Ground, KeyMode},
    bill::Bills,
    chain::signing_key,
    follower,
    grants::GrantRecords,
    keys::Keys,
    lent::{self, LentSecrets},
    metrics::Counter,
    participants::Participants,
    problem::Problem,
    records::{RecordError, Records},
    upload,
    usage::{AdapterCall, Usage},
    webhooks::{self, Pace, Poster, RealPace, Receivers},
};

pub(crate) const APPLICATIONS: &str = "node/application/";
/// Written to see whether the store takes writes again.
const READY: &str = "node/ready";
/// How often the journal forgets what was settled long ago.
const PRUNE: Duration = Duration::from_secs(6 * 60 * 60);
/// Applications that are read side by side at the start.
const OPENED_AT_ONCE: usize = 32;

/// What a gateway is made of.
pub struct Parts {
    /// Where everything is kept that must not be lost.
    pub store: Arc<dyn Store>,
    /// Where adapters' own state is kept.
    pub state: Arc<dyn StateStore>,
    /// What was let in. More may be put in later.
    pub adapters: Arc<Adapters>,
    /// Seals keys and continuations.
    pub master: MasterKey,
    /// Enrols participants.
    pub authority: Authority,
    /// For how many seconds a signed request is taken.
    pub signature_window: u32,
    /// The most bytes of a request's body.
    pub max_body: usize,
    /// How often usage is written down and signed, in seconds.
    pub usage_seconds: u32,
    /// How often it is noted between two records: a crash takes what was used since the last note.
    pub usage_notes: Duration,
    /// Which receivers webhooks may go to.
    pub receivers: Receivers,
}

/// Why a gateway could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// What is kept cannot be read.
    #[error("what the node keeps cannot be read")]
    Records(#[from] RecordError),
    /// The master key gives no key to sign records with.
    #[error("the master key gives no key to sign records with: take another")]
    RecordKey,
    /// What an application is lent does not open.
    #[error("the secrets that the application {0:?} is lent do not open: is this the right master key?")]
    Secrets(String),
    /// TLS cannot be set up for webhooks.
    #[error("TLS towards the receivers of webhooks cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// What handlers and followers share.
pub(crate) struct Shared {
    pub(crate) store: Arc<WatchedStore>,
    pub(crate) records: Records,
    pub(crate) journal: Journal,
    pub(crate) ground: Ground,
    pub(crate) participants: Participants,
    pub(crate) keys: Keys,
    pub(crate) bills: Bills,
    pub(crate) grant_records: GrantRecords,
    pub(crate) master: Arc<MasterKey>,
    pub(crate) authority: Authority,
    pub(crate) nonces: Nonces,
    pub(crate) max_body: usize,
    pub(crate) applications: RwLock<BTreeMap<String, Arc<Application>>>,
    pub(crate) by_id: RwLock<BTreeMap<Arc<str>, Arc<Application>>>,
    /// One upgrade at a time.
    pub(crate) upgrading: tokio::sync::Mutex<()>,
    /// One change of a grant at a time.
    pub(crate) changing_grants: tokio::sync::Mutex<()>,
    /// Sends webhooks,
    pub(crate) poster: Poster,
    /// in this time.
    pub(crate) pace: Arc<dyn Pace>,
    pub(crate) stopping: CancellationToken,
    /// Cancelled before that: streams end, so that nobody waits for them.
    pub(crate) closing: CancellationToken,
    /// One look at a time at whether the store takes writes again.
    pub(crate) probing: tokio::sync::Mutex<()>,
    /// Counts of others that are shown with the gateway's own.
    pub(crate) counters: OnceLock<Vec<Counter>>,
}

/// The gateway. Clones are the same.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

impl Gateway {
    /// Opens the gateway on what is kept, and begins to take up what a crash left open. Ledgers are opened when they are
    /// first used.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn open(parts: Parts) -> Result<Self, OpenError> {
        Self::open_at_pace(parts, Arc::new(RealPace)).await
    }

    /// The same, with webhooks that wait as `pace` says.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn open_at_pace(parts: Parts, pace: Arc<dyn Pace>) -> Result<Self, OpenError> {
        let store = Arc::new(WatchedStore::new(parts.store));
        let records = Records::new(store.clone());
        let master = Arc::new(parts.master);
        let record_key = |of| signing_key(&master.derive(of)).ok_or(OpenError::RecordKey);
        let (usage_key, grant_key) = (record_key("usage records")?, record_key("grant records")?);
        let shared = Arc::new(Shared {
            bills: Bills::new(records.clone(), usage_key),
            grant_records: GrantRecords::new(records.clone(), grant_key),
            participants: Participants::open(records.clone()).await?,
            keys: Keys::new(records.clone(), master.clone()),
            journal: Journal::beside_others(store.clone()),
            ground: Ground { adapters: parts.adapters, network: Network::new(), state: parts.state },
            master,
            authority: parts.authority,
            nonces: Nonces::new(Timestamp::now().as_second(), parts.signature_window),
            max_body: parts.max_body,
            applications: RwLock::default(),
            by_id: RwLock::default(),
            upgrading: tokio::sync::Mutex::default(),
            changing_grants: tokio::sync::Mutex::default(),
            poster: Poster::new(parts.receivers)?,
            pace,
            stopping: CancellationToken::new(),
            closing: CancellationToken::new(),
            probing: tokio::sync::Mutex::default(),
            counters: OnceLock::new(),
            store,
            records,
        });
        let gateway = Gateway { shared };
        let mut used = gateway.shared.bills.notes().await?;
        let mut secrets = lent::all(&gateway.shared.records, &gateway.shared.master).await?;
        let records = gateway.shared.records.all::<ApplicationRecord>(APPLICATIONS).await?;
        let opened = futures_util::stream::iter(records).map(|(_, record)| {
            let lent = secrets.remove(&record.id).unwrap_or_else(|| Ok(Arc::default()));
            let used = used.remove(&record.id);
            gateway.take_up(record, lent, used)
        });
        // Each waits for the store some times: side by side most of that is one wait.
        let mut opened = opened.buffered(OPENED_AT_ONCE);
        while let Some(application) = opened.try_next().await? {
            gateway.remember(application);
        }
        drop(opened);
        let records = Duration::from_secs(u64::from(parts.usage_seconds.max(1)));
        gateway.every(records, |gateway| async move { gateway.account().await });
        gateway.every(parts.usage_notes, |gateway| async move { gateway.note_usage().await });
        gateway.every(PRUNE, |gateway| async move { gateway.prune().await });
        gateway.every(upload::SWEEP, |gateway| async move { gateway.sweep().await });
        let recovering = gateway.clone();
        tokio::spawn(async move { recovering.recover().await });
        Ok(gateway)
    }

    /// Does something now and then, until the gateway is stopped.
    fn every<F: Future<Output = ()> + Send + 'static>(&self, pause: Duration, work: fn(Gateway) -> F) {
        let gateway = self.clone();
        tokio::spawn(async move {
            while tokio::time::timeout(pause, gateway.shared.stopping.cancelled()).await.is_err() {
                work(gateway.clone()).await;
            }
        });
    }

    /// Has the journal forget what was settled long ago.
    async fn prune(&self) {
        if let Err(error) = self.shared.journal.prune().await {
            tracing::error!(%error, "the journal's old entries are not forgotten");
        }
    }

    /// An application as it was before the node's start.
    async fn take_up(
        &self,
        record: ApplicationRecord,
        lent: Result<Arc<LentSecrets>, Problem>,
        noted: Option<Usage>,
    ) -> Result<Arc<Application>, OpenError> {
        let lent = lent.map_err(|_| OpenError::Secrets(record.order.name.clone()))?;
        let head = self.shared.bills.head(&record.id).await?;
        let recorded = head.rest.total;
        let used = noted.filter(|noted| noted.is_at_least(&recorded)).unwrap_or(recorded);
        let application = Application::new(record, lent, head, used);
        webhooks::take_up(&self.shared, &application).await?;
        Ok(application)
    }

    /// Gives up what was handed out to be signed and never came back.
    async fn sweep(&self) {
        for application in self.all() {
            if application.record().order.key_mode == KeyMode::Upload {
                upload::sweep(&self.shared, &application).await;
            }
        }
    }

    /// Hands everything that is not settled to the followers.
    async fn recover(&self) {
        for application in self.all() {
            let mut from = None;
            loop {
                let page =
                    self.shared.journal.unsettled(&application.id, from.as_ref(), MAX_PAGE_ENTRIES).await;
                let page = match page {
                    Ok(page) => page,
                    Err(error) => {
                        tracing::error!(application = %application.id, %error, "what was under way cannot be read");
                        break;
                    }
                };
                for entry in page.entries.into_iter().filter(|entry| entry.state.signed().is_some()) {
                    follower::follow(&self.shared, &application, entry.key, None);
                }
                match page.next {
                    Some(next) => from = Some(next),
                    None => break,
                }
            }
        }
    }

    pub(crate) fn remember(&self, application: Arc<Application>) {
        let name = application.record().order.name.clone();
        let mut by_id = self.shared.by_id.write().unwrap_or_else(PoisonError::into_inner);
        by_id.insert(application.id.clone(), application.clone());
        self.shared.applications.write().unwrap_or_else(PoisonError::into_inner).insert(name, application);
    }

    /// All applications, in the order of their names.
    pub(crate) fn all(&self) -> Vec<Arc<Application>> {
        self.shared.applications.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<Application>> {
        self.shared.applications.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<Arc<Application>> {
        self.shared.by_id.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// The adapters, to put more in.
    #[must_use]
    pub fn adapters(&self) -> &Adapters {
        &self.shared.ground.adapters
    }

    /// Whether calls can be taken: the store reads and writes, and nobody has asked to stop. Anybody may ask, so a store that is well
    /// is not written to for it.
    ///
    /// # Errors
    /// Why not.
    pub async fn ready(&self) -> Result<(), Problem> {
        if self.shared.stopping.is_cancelled() {
            return Err(Problem::trouble("the node is being stopped"));
        }
        let read: Result<Option<serde_json::Value>, _> = self.shared.records.get(READY).await;
        read.map(drop).map_err(not_written)?;
        if self.shared.store.trouble().is_none() {
            return Ok(());
        }
        let _one = self.shared.probing.lock().await;
        self.shared.records.put(READY, &Timestamp::now()).await.map_err(|error| {
            tracing::error!(%error, "the store does not take writes: look at the disk, then start the node anew");
            Problem::trouble("the node's store does not take writes")
        })
    }

    /// Ends streams of events, each with a problem that says so. Everything else goes on.
    pub fn close_streams(&self) {
        self.shared.closing.cancel();
    }

    /// Stops what runs in the background. What is under way is taken up at the next start.
    pub fn stop(&self) {
        self.close_streams();
        self.shared.stopping.cancel();
    }

    /// Stops, and waits until no webhook is sent and no position of one is written any more.
    pub async fn stopped(&self) {
        self.stop();
        for application in self.all() {
            application.webhooks.ended().await;
        }
    }

    /// Counts what a call of an adapter used. `application` is the id that the lender has.
    pub fn adapter_call(&self, application: &str, call: &AdapterCall) {
        let by_id = self.shared.by_id.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(application) = by_id.get(application) {
            application.meter.adapter_call(call);
        }
    }

    /// An application has so many instances to itself from now on. `application` is the id that the lender has.
    pub fn reserved(&self, application: &str, instances: usize) {
        let by_id = self.shared.by_id.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(application) = by_id.get(application) {
            application.meter.reserve(instances);
        }
    }

    /// Writes down what was used since the last time, and signs it. Called now and then, and before a stop.
    pub async fn account(&self) {
        for application in self.all() {
            self.account_for(&application).await;
        }
    }

    /// The same for one application.
    pub(crate) async fn account_for(&self, application: &Application) {
        let record = application.record();
        let mut head = application.bill.lock().await;
        let total = application.meter.usage();
        let written =
            self.shared.bills.write(&record.id, record.created, &mut head, total, Timestamp::now()).await;
        if let Err(error) = written {
            tracing::error!(application = record.order.name, %error, "usage is not written down");
        }
    }

    /// Notes what was used, unsigned, so that a crash takes what was used since the last note alone. Called now and then.
    pub async fn note_usage(&self) {
        let all = self.all();
        let used: Vec<_> = all
            .iter()
            .map(|application| (application, application.meter.usage()))
            .filter(|(application, used)| {
                *used != *application.noted.lock().unwrap_or_else(PoisonError::into_inner)
            })
            .collect();
        let totals: Vec<_> = used.iter().map(|(application, used)| (&*application.id, *used)).collect();
        match self.shared.bills.note(&totals).await {
            Ok(()) => {
                for (application, used) in used {
                    *application.noted.lock().unwrap_or_else(PoisonError::into_inner) = used;
                }
            }
            // Whatever stands in the way is told by the writes that are refused for it, and at the next record.
            Err(error) => tracing::debug!(%error, "usage is not noted"),
        }
    }

    /// An application's chain of usage records, with the last one written now; and the key that signs them.
    ///
    /// # Errors
    /// Where there is no such application, or the store fails.
    pub async fn usage(&self, name: &str) -> Result<(PublicKey, Vec<SignedRecord>), Problem> {
        let application = self.find(name).ok_or_else(Problem::no_application)?;
        self.account().await;
        let chain = self.shared.bills.chain(&application.id).await.map_err(not_written)?;
        Ok((self.shared.bills.public_key(), chain))
    }
}

/// What is answered where the store does not write.
pub(crate) fn not_written(error: RecordError) -> Problem {
    tracing::error!(%error, "a record is not written");
    Problem::trouble("the node's store does not take it; nothing was changed for sure")
}
