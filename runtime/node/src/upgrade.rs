//! The node's part in upgrades: it reads its configuration again, lets in what is new there, and puts new versions beside the
//! old ones. A new revocation list is taken at the same time.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use berth_gateway::{Gateway, Problem, UpgradeTerms, Upgraded};
use serde::{Deserialize, Serialize};

use crate::{
    config::{AdapterConfig, Configuration},
    door::{Door, LetIn},
    run::{NodeError, causes, keep_used, look_again, machine, offered, take_revocations},
    versions::Versions,
};

/// The longest trial, in seconds.
const LONGEST_TRIAL: u64 = 7 * 24 * 60 * 60;

/// What the configuration's adapters are put in with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpgradeRequest {
    /// For how many seconds the version before stays beside a new one, at most a week.
    pub trial_seconds: u64,
    /// Whether another major version may be put in.
    pub new_major: bool,
}

/// What became of one of the configuration's adapters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Changed {
    /// It is the file that is in already.
    Unchanged,
    /// It was not in before.
    LetIn {
        /// Its name.
        adapter: String,
        /// Its version.
        version: String,
    },
    /// It takes the calls of the version before.
    Upgraded(Upgraded),
    /// It was refused; what was there goes on.
    Refused(String),
}

/// What an upgrade came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeReport {
    /// Each adapter of the configuration: its file, and what became of it.
    pub adapters: Vec<(PathBuf, Changed)>,
    /// Names of adapters that are in, and that the configuration does not name any more. They stay until the node is started
    /// again.
    pub not_named: Vec<String>,
}

/// Why a version that is on trial is taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TakeBack {
    reason: String,
}

struct Shared {
    configuration: PathBuf,
    door: Arc<Door>,
    gateway: Gateway,
    versions: Arc<Versions>,
    /// One upgrade at a time.
    one: tokio::sync::Mutex<()>,
}

/// `POST /upgrade` with an [`UpgradeRequest`] answers with an [`UpgradeReport`]; `POST /adapters/{name}/take-back` ends a trial.
pub(crate) fn router(
    configuration: PathBuf,
    door: Arc<Door>,
    gateway: Gateway,
    versions: Arc<Versions>,
) -> Router {
    let shared = Shared { configuration, door, gateway, versions, one: tokio::sync::Mutex::default() };
    Router::new()
        .route("/upgrade", post(upgrade))
        .route("/adapters/{name}/take-back", post(take_back))
        .with_state(Arc::new(shared))
}

async fn upgrade(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<UpgradeRequest>,
) -> Result<Json<UpgradeReport>, Problem> {
    let _one = shared.one.lock().await;
    if request.trial_seconds > LONGEST_TRIAL {
        return Err(Problem::invalid(format!("trial_seconds: at most {LONGEST_TRIAL}, a week")));
    }
    let terms =
        UpgradeTerms { trial: Duration::from_secs(request.trial_seconds), new_major: request.new_major };
    let configuration = Configuration::read(&shared.configuration);
    let configuration = configuration.map_err(|error| Problem::invalid(error.to_string()))?;
    if let Some(path) = &configuration.config.admission.revocations {
        take_revocations(shared.door.admission(), &configuration, path)
            .map_err(|error| Problem::invalid(error.to_string()))?;
        look_again(&shared.door, &shared.gateway);
    }
    let mut report = UpgradeReport { adapters: Vec::new(), not_named: shared.gateway.adapters().names() };
    for adapter in &configuration.config.adapters {
        let adapter = adapter.get_ref();
        let file = configuration.at(&adapter.file);
        let (name, changed) = put_in(&shared, adapter, &file, terms).await;
        report.not_named.retain(|other| Some(other) != name.as_ref());
        report.adapters.push((file, changed));
    }
    keep_used(&shared.door, shared.gateway.adapters());
    Ok(Json(report))
}

/// Puts one of the configuration's adapters in, where it is another than before. Gives its name, where that is known.
async fn put_in(
    shared: &Shared,
    adapter: &AdapterConfig,
    file: &std::path::Path,
    terms: UpgradeTerms,
) -> (Option<String>, Changed) {
    let let_in = match shared.door.let_in_beside(file, adapter.name.as_deref()).await {
        Ok(let_in) => let_in,
        Err(error) => return (adapter.name.clone(), Changed::Refused(causes(&error))),
    };
    (Some(let_in.name.clone()), offer(shared, &let_in, terms).await)
}

async fn offer(shared: &Shared, let_in: &LetIn, terms: UpgradeTerms) -> Changed {
    let adapters = shared.gateway.adapters();
    let Some(offered) = offered(let_in) else {
        return Changed::Refused("it is linked into the program: start another program instead".into());
    };
    let (adapter, version) = (let_in.name.clone(), offered.descriptor.version.clone());
    match adapters.get(&adapter) {
        Some(current) if current.digest == offered.digest => Changed::Unchanged,
        Some(current) => {
            if let Err(error) = keep(shared, current.digest.as_deref()).await {
                return Changed::Refused(format!("the version before cannot be kept: {}", causes(&error)));
            }
            match shared.gateway.upgrade(offered, terms).await {
                Ok(upgraded) => Changed::Upgraded(upgraded),
                Err(why) => Changed::Refused(causes(&why)),
            }
        }
        None => match shared.gateway.put(offered).await {
            Ok(()) => Changed::LetIn { adapter, version },
            Err(why) => Changed::Refused(causes(&why)),
        },
    }
}

/// Keeps the version with this digest, for a take-back; one without a digest never comes from a file.
async fn keep(shared: &Shared, digest: Option<&str>) -> Result<(), NodeError> {
    let Some(digest) = digest else { return Ok(()) };
    let taken_back = shared.gateway.taken_back().await;
    let taken_back = taken_back.map_err(machine("what was taken back cannot be read"))?;
    if let Err(error) = shared.versions.prune(shared.gateway.adapters(), &taken_back) {
        tracing::warn!(%error, "versions that nothing goes back to were not removed");
    }
    let inside = shared.door.inside();
    match inside.iter().find(|let_in| let_in.admitted.digest().to_string() == digest) {
        Some(before) => shared.versions.keep(before),
        None => Ok(()),
    }
}

async fn take_back(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    Json(TakeBack { reason }): Json<TakeBack>,
) -> Result<StatusCode, Problem> {
    let why = format!("the operator took it back: {reason}");
    let taken_back = shared.gateway.take_back(&name, &why).await.map_err(|error| {
        tracing::error!(adapter = name, %error, "a take-back is not written down");
        Problem::trouble(
            "it is taken back, but that could not be written down, so the next start takes the version again: \
             put the earlier version into the configuration",
        )
    })?;
    if !taken_back {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no-trial",
            "No version of this adapter is on trial",
            "put the earlier version into the configuration, and upgrade to it",
        ));
    }
    keep_used(&shared.door, shared.gateway.adapters());
    Ok(StatusCode::NO_CONTENT)
}
