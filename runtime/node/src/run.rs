//! A node that runs: door, host, gateway and listeners, put together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use berth_admission::{Admission, Past, Places, Policy};
use berth_backup::Database;
use berth_gateway::{AdapterCall, Adapters, Gateway, Offered, Parts, Receivers, TakenBack, http};
use berth_host::{CallObserver, CallRecord, Compiler, Host, HostConfig};
use berth_identity::{Authority, MasterKey};
use berth_journal::{SledStore, Store};
use berth_lending::{SledState, StateLimits};
use jiff::Timestamp;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::{
    backup,
    config::{ConfigError, Configuration},
    door::{Door, LetIn},
    traces::Traces,
    upgrade,
    versions::{self, Versions},
};

/// Bytes that the database may keep in memory.
const STORE_CACHE: u64 = 64 << 20;
/// How often usage is noted: a crash takes that of one second at most.
const NOTE_USAGE: Duration = Duration::from_secs(1);
/// How often everybody who is in is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// For how many days the certificate that the node makes for itself is good; it is made anew at each start.
const SERVER_DAYS: u32 = 90;
/// What the authority's key is sealed for.
const AUTHORITY: &str = "authority";

/// Why a node does not run.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something of the machine: a folder, a file, a port.
    #[error("{what}")]
    Machine {
        /// What could not be done.
        what: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

pub(crate) fn machine<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    what: impl Into<String>,
) -> impl FnOnce(E) -> NodeError {
    let what = what.into();
    move |source| NodeError::Machine { what, source: source.into() }
}

/// A node that runs.
pub struct Node {
    gateway: Gateway,
    door: Arc<Door>,
    stop: CancellationToken,
    listening: Vec<http::Listening>,
    store: SledStore,
    traces: Option<Traces>,
    /// Where participants reach it.
    pub address: String,
    /// Where the operator's page is, if there is one.
    pub page: Option<String>,
    /// Adapters that were not let in, and why.
    pub refused: Vec<(PathBuf, String)>,
}

/// Hears what calls of components used.
#[derive(Default)]
struct Observer {
    gateway: OnceLock<Gateway>,
}

impl CallObserver for Observer {
    fn call_ended(&self, record: &CallRecord<'_>) {
        if let Some(gateway) = self.gateway.get() {
            let call = AdapterCall {
                wall_time: record.usage.wall_time,
                compute_time: record.usage.compute_time,
                bytes_in: record.usage.bytes_in,
                bytes_out: record.usage.bytes_out,
            };
            gateway.adapter_call(record.application, &call);
        }
    }

    fn reserved(&self, application: &str, instances: usize) {
        if let Some(gateway) = self.gateway.get() {
            gateway.reserved(application, instances);
        }
    }
}

impl Node {
    /// Starts a node: opens what it keeps, lets its adapters in, and listens. `compiler` is where components are compiled.
    /// An adapter that is not let in does not stop the others: see [`Node::refused`]. `traces` must be heard by the process's
    /// subscriber by now: see [`Traces::layer`].
    ///
    /// # Errors
    /// [`NodeError`]
    pub async fn start(
        configuration: &Configuration,
        compiler: Compiler,
        traces: Option<Traces>,
    ) -> Result<Self, NodeError> {
        let master = configuration.master_key()?;
        let state = configuration.state();
        make_folder(&state)?;
        let authority = authority(&state, &master)?;
        let database = Database::open(&state.join(berth_backup::DATABASE), STORE_CACHE);
        let database = database.map_err(machine(format!(
            "the store in {} cannot be opened: does another node use it?",
            state.display()
        )))?;
        let store = SledStore::in_database(database.clone());
        let store = store.map_err(machine("the store cannot be opened"))?;
        let kept = SledState::in_database(database.clone(), StateLimits::default());
        let kept = kept.map_err(machine("the adapters' state cannot be opened"))?;
        let observer = Arc::new(Observer::default());
        let door = Arc::new(door(configuration, &state, compiler, observer.clone())?);
        let adapters = Arc::new(Adapters::new(configuration.config.admission.permitted()));
        let versions = Arc::new(Versions::new(&state));
        let taken_back = berth_gateway::taken_back(Arc::new(store.clone())).await;
        let taken_back = taken_back.map_err(machine("what was taken back cannot be read"))?;
        let refused = let_in(configuration, &door, &adapters, (&versions, &taken_back)).await;
        let names = &configuration.config.gateway.names;
        let tls = tls(configuration, &authority, names)?;
        let gateway = Gateway::open(Parts {
            store: Arc::new(store.clone()),
            state: Arc::new(kept),
            adapters,
            master,
            authority,
            signature_window: configuration.config.gateway.signature_window_seconds,
            max_body: configuration.config.gateway.max_body_bytes,
            usage_seconds: configuration.config.gateway.usage_seconds,
            usage_notes: NOTE_USAGE,
            receivers: receivers(configuration)?,
        });
        let gateway = gateway.await.map_err(machine("the gateway cannot be opened"))?;
        let _ = observer.gateway.set(gateway.clone());
        backup::suspend_what_was_restored(&gateway, &state).await?;

        let stop = CancellationToken::new();
        let path = configuration.socket();
        let operator = http::operator_router(&gateway);
        let operator = operator
            .merge(backup::router(state.clone(), database, stop.clone()))
            .merge(upgrade::router(configuration.path.clone(), door.clone(), gateway.clone(), versions));
        let socket = http::listen_unix(&path, operator, stop.clone());
        let operator = socket.await.map_err(machine("the operator's socket"))?;
        let public = &configuration.config.gateway;
        let limits = http::Limits {
            connections: public.max_connections,
            connections_per_address: public.max_connections_per_address,
            ..http::Limits::default()
        };
        let mut router = http::router(&gateway);
        if let Some(traces) = &traces {
            router = traces.sampled(router);
            gateway.show_counters(traces.counters());
        }
        let public = http::listen_within(configuration.address()?, tls, router, limits, stop.clone());
        let public = public.await.map_err(machine("the gateway's port"))?;
        let address = public.address.clone();
        let mut listening = vec![public, operator];
        let mut page = None;
        if let Some(address) = configuration.page()? {
            let audit = {
                let door = door.clone();
                Arc::new(move || {
                    let recent = door.admission().recent();
                    recent.iter().map(|record| serde_json::json!(record)).collect()
                })
            };
            let shown = http::listen(address, None, http::page_router(&gateway, audit), stop.clone());
            let shown = shown.await.map_err(machine("the operator's page"))?;
            page = Some(shown.address.clone());
            listening.push(shown);
        }
        let node = Node { gateway, door, stop, listening, store, traces, address, page, refused };
        node.look_again_now_and_then();
        Ok(node)
    }

    /// The gateway.
    #[must_use]
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    fn look_again_now_and_then(&self) {
        let (door, gateway, stop) = (self.door.clone(), self.gateway.clone(), self.stop.clone());
        tokio::spawn(async move {
            while tokio::time::timeout(LOOK_AGAIN, stop.cancelled()).await.is_err() {
                look_again(&door, &gateway);
            }
        });
    }

    /// Stops: no new connections, the last requests are answered, the store is on the disk. What is under way is taken up at
    /// the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        self.gateway.close_streams();
        for listening in self.listening {
            listening.ended().await;
        }
        self.gateway.account().await;
        self.gateway.stopped().await;
        if let Err(error) = self.store.flush().await {
            tracing::error!(%error, "the last flush failed");
        }
        // Last: what must not be lost does not wait for it.
        if let Some(traces) = self.traces {
            traces.stop().await;
        }
    }
}

/// The TLS configuration; none where none is wanted.
fn tls(
    configuration: &Configuration,
    authority: &Authority,
    names: &[String],
) -> Result<Option<Arc<http::ServerConfig>>, NodeError> {
    let gateway = &configuration.config.gateway;
    if !gateway.tls {
        return Ok(None);
    }
    let (chain, key) = match (&gateway.certificate, &gateway.key) {
        (Some(chain), Some(key)) => {
            let read = |path: &toml::Spanned<PathBuf>| {
                let file = configuration.at(path.get_ref());
                fs::read_to_string(&file).map_err(|error| {
                    configuration.wrong(path, format!("{} cannot be read: {error}", file.display()))
                })
            };
            (read(chain)?, Zeroizing::new(read(key)?))
        }
        _ => {
            let issued = authority
                .issue_server(names, SERVER_DAYS, Timestamp::now())
                .map_err(machine("the node's own certificate cannot be made: look at `names`"))?;
            (issued.chain_pem, issued.key_pem)
        }
    };
    let tls = http::tls(&chain, &key, authority.certificate_pem());
    Ok(Some(tls.map_err(machine("the gateway's TLS"))?))
}

/// Where webhooks may go.
fn receivers(configuration: &Configuration) -> Result<Receivers, NodeError> {
    let gateway = &configuration.config.gateway;
    let receivers = Receivers::new(gateway.local_webhooks);
    let Some(path) = &gateway.webhook_authorities else { return Ok(receivers) };
    let file = configuration.at(path.get_ref());
    let wrong = |what: String| configuration.wrong(path, format!("{}: {what}", file.display()));
    let pem = fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    Ok(receivers.trusting(&pem).map_err(|error| wrong(error.to_string()))?)
}

/// The door, with the policy and the newest revocation list.
fn door(
    configuration: &Configuration,
    state: &Path,
    compiler: Compiler,
    observer: Arc<Observer>,
) -> Result<Door, NodeError> {
    let admission = &configuration.config.admission;
    let policy = match &admission.policy {
        // Nobody is trusted, so nothing is let in; nothing is asked for either.
        None => Policy::off(),
        Some(path) => {
            let file = configuration.at(path.get_ref());
            let wrong = |what: String| configuration.wrong(path, format!("{}: {what}", file.display()));
            let bytes = fs::read(&file).map_err(|error| wrong(error.to_string()))?;
            Policy::from_toml(&bytes).map_err(|error| wrong(error.to_string()))?
        }
    };
    let places = Places { memory: state.join("admission.json"), audit: state.join("audit.jsonl") };
    let opened = Admission::open(policy, &places, Past::Whole, Timestamp::now());
    let opened = opened.map_err(machine(
        "admission cannot be opened; after a restored backup run `berth node admit --restored` once",
    ))?;
    if let Some(path) = &admission.revocations {
        take_revocations(&opened, configuration, path)?;
    }
    let host = Host::new(HostConfig {
        cache: Some(state.join("code")),
        compiler,
        observer: Some(observer),
        long_calls_aside: true,
        ..HostConfig::default()
    });
    Ok(Door::new(opened, host.map_err(machine("the host cannot be set up"))?))
}

/// Takes the revocation list that the configuration names.
pub(crate) fn take_revocations(
    admission: &Admission,
    configuration: &Configuration,
    path: &toml::Spanned<PathBuf>,
) -> Result<(), ConfigError> {
    let file = configuration.at(path.get_ref());
    let wrong = |what: String| configuration.wrong(path, format!("{}: {what}", file.display()));
    let bytes = fs::read(&file).map_err(|error| wrong(error.to_string()))?;
    admission.take_revocation_list(&bytes, Timestamp::now()).map_err(|error| wrong(error.to_string()))?;
    Ok(())
}

/// Lets the configured adapters in, and gives those that were not, with the reason. In place of a version that was taken back the one
/// before it comes in.
async fn let_in(
    configuration: &Configuration,
    door: &Door,
    adapters: &Adapters,
    (versions, all_taken_back): (&Versions, &BTreeMap<String, TakenBack>),
) -> Vec<(PathBuf, String)> {
    let mut refused = Vec::new();
    for adapter in &configuration.config.adapters {
        let adapter = adapter.get_ref();
        let mut file = configuration.at(&adapter.file);
        let taken_back = versions::taken_back(&file, all_taken_back);
        if let Some(TakenBack { version, why, back_to, .. }) = taken_back {
            let kept = back_to.as_deref().and_then(|digest| versions.kept(digest));
            let what = match &kept {
                Some(_) => "the version before it goes on",
                None => "the version before it is not kept here: put its file in this one's place",
            };
            let advice = "`berth node upgrade` tries this one again";
            refused.push((file, format!("{version} was taken back ({why}), and {what}; {advice}")));
            match kept {
                Some(kept) => file = kept,
                None => continue,
            }
        }
        if configuration.config.admission.policy.is_none() {
            refused.push((file, "there is no admission policy: name one in [admission]".to_owned()));
            continue;
        }
        match door.let_in(&file, adapter.name.as_deref()).await {
            Ok(let_in) => {
                let Some(offered) = offered(&let_in) else { continue };
                if let Err(why) = adapters.put_after(offered, taken_back.cloned()) {
                    refused.push((file, why.to_string()));
                }
            }
            Err(error) => refused.push((file, causes(&error))),
        }
    }
    keep_used(door, adapters);
    if let Err(error) = versions.prune(adapters, all_taken_back) {
        tracing::warn!(%error, "versions that nothing goes back to were not removed");
    }
    refused
}

/// A component that was let in, for the gateway; none of a native plug-in.
pub(crate) fn offered(let_in: &LetIn) -> Option<Offered> {
    let facts = let_in.facts.as_ref()?;
    Some(Offered {
        adapter: let_in.adapter.clone(),
        descriptor: facts.descriptor.clone(),
        sandboxed: true,
        digest: Some(hex::encode(facts.digest)),
        certificate: let_in.admitted.certificate_digest().map(|digest| digest.to_string()),
    })
}

/// Forgets versions that nothing goes to any more.
pub(crate) fn keep_used(door: &Door, adapters: &Adapters) {
    let used = adapters.each(|slot| {
        let before = slot.trial.iter().map(|trial| trial.before.digest.clone());
        before.chain([slot.offered.digest.clone()]).flatten().collect::<Vec<_>>()
    });
    let used: BTreeSet<String> = used.into_iter().flatten().collect();
    door.keep(|let_in| let_in.facts.as_ref().is_none_or(|facts| used.contains(&hex::encode(facts.digest))));
}

/// Looks at everybody who is in again; who may not stay takes no calls from now on.
pub(crate) fn look_again(door: &Door, gateway: &Gateway) {
    for (gone, denial) in door.look_again(Timestamp::now()) {
        let digest = gone.facts.as_ref().map(|facts| hex::encode(facts.digest));
        gateway.adapters().withdraw(&gone.name, digest.as_deref(), &denial.to_string());
    }
    keep_used(door, gateway.adapters());
}

pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// The node's authority: made at the first start, its key sealed.
fn authority(state: &Path, master: &MasterKey) -> Result<Authority, NodeError> {
    let (certificate, key) = (state.join("authority.pem"), state.join("authority.key.sealed"));
    if key.exists() {
        let pem = fs::read_to_string(&certificate)
            .map_err(machine(format!("{} cannot be read", certificate.display())))?;
        let sealed =
            fs::read_to_string(&key).map_err(machine(format!("{} cannot be read", key.display())))?;
        let sealed = hex::decode(sealed.trim()).map_err(machine("the authority's sealed key is damaged"))?;
        let opened = master.open(AUTHORITY, pem.as_bytes(), &sealed);
        let opened =
            opened.map_err(machine("the authority's key does not open: is this the right master key?"))?;
        let text = std::str::from_utf8(&opened).map_err(machine("the authority's key is damaged"))?;
        return Authority::load(&pem, text).map_err(machine("the authority cannot be used"));
    }
    let made =
        Authority::create("Berth node", Timestamp::now()).map_err(machine("no authority could be made"))?;
    let pem = made.certificate_pem();
    let sealed = master.seal(AUTHORITY, pem.as_bytes(), made.key_pem().as_bytes());
    let sealed = sealed.map_err(machine("the authority's key could not be sealed"))?;
    // The key last: without it the next start makes both anew.
    write_private(&certificate, pem.as_bytes())?;
    write_private(&key, hex::encode(sealed).as_bytes())?;
    Ok(made)
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), NodeError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(machine(format!("the folder {} cannot be made", folder.display())))
}

/// Writes a file that only this user can read, and has it on the disk.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    let write = || {
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(machine(format!("{} cannot be written", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_of_webhooks_receivers_that_are_none_are_told_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let text = "state = \"state\"\nmaster_key = { env = \"K\" }\n\n[gateway]\nlisten = \"127.0.0.1:0\"\n\
                    webhook_authorities = \"authorities.pem\"\n";
        let configuration = Configuration::parse(&folder.path().join("node.toml"), text.into()).unwrap();
        let place = format!("{}:6:", folder.path().join("node.toml").display());
        for (file, word) in [(None, "No such file"), (Some("nothing"), "no certificate in PEM")] {
            if let Some(file) = file {
                fs::write(folder.path().join("authorities.pem"), file).unwrap();
            }
            let wrong = receivers(&configuration).unwrap_err().to_string();
            assert!(wrong.contains(&place) && wrong.contains(word), "{wrong}");
        }
        let authority = Authority::create("receivers", Timestamp::now()).unwrap();
        fs::write(folder.path().join("authorities.pem"), authority.certificate_pem()).unwrap();
        receivers(&configuration).unwrap();
    }
}
