//! Events, delivered to a participant's address as signed requests.
//!
//! A webhook is a durable subscription: a filter, and the position up to which its receiver has taken everything. Its worker
//! reads a page of events, writes the page down with where it ends, and posts it until the receiver answers with a 2xx; only
//! then the position moves and the next page is read. So events come in order, a slow receiver slows its own webhook down and
//! nothing else, and what a receiver may have heard is never read anew: the ledger may have another page there by then.
//!
//! A request is a POST of a JSON object: `application` and `webhook`; `number`, which grows by one from page to page; `events`, of
//! which each is as in a stream of server-sent events; `position`, the one after them; and `scanned`, the block up to which
//! everything was looked at. Its `webhook-id` is the same each time that the same page is posted, also after a restart: a
//! receiver that remembers the ids it has taken takes each page once. Events have ids of their own, which retractions carry
//! again.
//!
//! It is signed after RFC 9421 with `ecdsa-p256-sha256`, by a key that the node makes once and keeps sealed. The signature covers
//! `@method`, `@target-uri`, `content-digest`, `content-type` and `webhook-id`, and says when it was `created`, anew for each
//! attempt, so that receivers can refuse what is old. Where requests may go is in `target`.
//!
//! What fails is tried again after 1 s, then after ever longer pauses up to 5 minutes, without an end: whoever made the
//! webhook sees why it stands still, and removes it where its receiver is gone for good.

mod pace;
mod post;
mod record;
mod target;
mod worker;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use adapter_spec::types::{
    Confidence, Error, ErrorCode, EventFilter, EventStart, PublicKey, SignatureScheme,
};
use axum::http::StatusCode;
use berth_crypto::SigningKey;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    application::{Application, Role},
    gateway::{Shared, not_written},
    problem::Problem,
    records::RecordError,
};
pub use pace::Pace;
pub(crate) use pace::RealPace;
pub(crate) use post::{Poster, key_id};
pub use post::{Receivers, ReceiversError};
use record::{Record, place};
pub use record::{WebhookFailure, WebhookShown, WebhookStanding};
use worker::Running;

/// Webhooks of one application. Each has a worker that asks the ledger every few seconds, so they are not for every customer
/// of an application but for the systems behind it.
pub const MAX_WEBHOOKS: usize = 16;
/// Bytes of a contract's address and of an event's name or signature.
const MAX_NAME: usize = 1 << 10;
/// Bytes of an interface description, which is kept with each webhook.
const MAX_ABI: usize = 256 << 10;
/// Bytes of a position that a webhook begins with.
const MAX_CURSOR: usize = 4 << 10;

/// Which events a webhook delivers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookFilter {
    /// Only of this contract.
    #[serde(default)]
    pub contract: Option<String>,
    /// Only with this name, or signature where the framework needs types.
    #[serde(default)]
    pub name: Option<String>,
    /// Interface description to decode with.
    #[serde(default)]
    pub abi: Option<String>,
}

/// A webhook that a participant asks for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// `https://`, without user name and password, and not of the node's own machine.
    #[schemars(extend("format" = "uri"))]
    pub url: String,
    /// Which events.
    #[serde(default)]
    pub filter: WebhookFilter,
    /// Only from blocks of at least this confidence; final by default.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// The first event; where it is left out, only what comes.
    #[serde(default)]
    pub start: Option<EventStart>,
}

impl WebhookRequest {
    fn filter(&self) -> Result<EventFilter, Problem> {
        let bounded = |what: &str, text: &Option<String>, most: usize| match text {
            Some(text) if text.len() > most => {
                Err(Problem::invalid(format!("filter.{what}: it has more than {most} bytes")))
            }
            text => Ok(text.clone()),
        };
        Ok(EventFilter {
            contract: bounded("contract", &self.filter.contract, MAX_NAME)?,
            name: bounded("name", &self.filter.name, MAX_NAME)?,
            abi: bounded("abi", &self.filter.abi, MAX_ABI)?,
            confidence: self.confidence.unwrap_or(Confidence::Final),
        })
    }
}

/// An application's webhooks, each with its worker.
#[derive(Default)]
pub(crate) struct Webhooks {
    running: Mutex<BTreeMap<String, Arc<Running>>>,
    /// One is made or removed at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Webhooks {
    fn with<T>(&self, use_them: impl FnOnce(&mut BTreeMap<String, Arc<Running>>) -> T) -> T {
        use_them(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn all(&self) -> Vec<Arc<Running>> {
        self.with(|running| running.values().cloned().collect())
    }

    /// Waits until no worker runs; they were told to stop.
    pub(crate) async fn ended(&self) {
        for running in self.all() {
            running.ended().await;
        }
    }
}

/// The key that signs all webhooks of the node; made the first time.
pub(crate) async fn key(shared: &Shared) -> Result<Arc<SigningKey>, Problem> {
    // No application has this id: they begin with a name.
    let key = shared.keys.get("~node", "webhooks", SignatureScheme::EcdsaP256Sha256).await?;
    Ok(key.signing_key().clone())
}

/// The public half of [`key`], and what signatures call it.
pub(crate) async fn public_key(shared: &Shared) -> Result<(String, PublicKey), Problem> {
    let key = key(shared).await?;
    Ok((key_id(&key), key.public_key()))
}

/// Takes up an application's webhooks where they were.
pub(crate) async fn take_up(shared: &Arc<Shared>, application: &Arc<Application>) -> Result<(), RecordError> {
    for (_, record) in shared.records.all::<Record>(&place(&application.id, "")).await? {
        start(shared, application, record);
    }
    Ok(())
}

fn start(shared: &Arc<Shared>, application: &Arc<Application>, record: Record) -> Arc<Running> {
    let id = record.id.clone();
    let running = Running::start(shared, application, record);
    application.webhooks.with(|all| all.insert(id, running.clone()));
    running
}

/// Makes a webhook.
pub(crate) async fn create(
    shared: &Arc<Shared>,
    application: &Arc<Application>,
    participant: &str,
    request: WebhookRequest,
) -> Result<WebhookShown, Problem> {
    let url = shared.poster.check(&request.url).map_err(|why| Problem::invalid(format!("url: {why}")))?;
    let filter = request.filter()?;
    let start = request.start.unwrap_or(EventStart::Latest);
    if matches!(&start, EventStart::Cursor(cursor) if cursor.len() > MAX_CURSOR) {
        return Err(Problem::invalid(format!("start: a position has at most {MAX_CURSOR} bytes")));
    }
    let opened = application.open(&shared.ground).await?;
    if !opened.offered.adapter.interfaces().events {
        return Err(Error::unsupported("events").into());
    }
    // Read once now: a filter that does not fit is told to whoever sent it, and "what comes" begins here, not when the
    // worker first reads.
    let page = opened.ledger.events(filter.clone(), start.clone(), 1, worker::PAGE_BYTES).await?;
    let position = match start {
        EventStart::Latest if page.events.is_empty() => EventStart::Cursor(page.cursor),
        start => start,
    };
    let record = Record::new(participant, url, filter, position, shared.pace.now())?;

    let _one = application.webhooks.changing.lock().await;
    // Looked at under the lock: a removal suspends first, and then takes the webhooks away.
    if application.record().suspended.is_some() {
        return Err(Problem::no_application());
    }
    if application.webhooks.with(|all| all.len()) >= MAX_WEBHOOKS {
        let detail = format!("an application has at most {MAX_WEBHOOKS} webhooks: remove one");
        return Err(Error::new(ErrorCode::QuotaExceeded, detail).into());
    }
    let place = place(&application.id, &record.id);
    if !shared.records.add(&place, &record).await.map_err(not_written)? {
        return Err(Problem::trouble("the webhook's random id is taken: try again"));
    }
    Ok(self::start(shared, application, record).shown())
}

/// The webhooks that a participant may see: their own, and all where they administer the application.
fn seen(application: &Application, participant: &str) -> impl Iterator<Item = Arc<Running>> + use<> {
    let all = application.roles(participant).contains(&Role::Administer);
    let participant = participant.to_owned();
    application.webhooks.all().into_iter().filter(move |running| all || running.participant() == participant)
}

fn find(application: &Application, participant: &str, id: &str) -> Result<Arc<Running>, Problem> {
    seen(application, participant).find(|running| running.id() == id).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no-webhook",
            "No such webhook",
            "there is no webhook with this id that is yours or that you administer",
        )
    })
}

/// How all webhooks of an application stand.
pub(crate) fn standing(application: &Application) -> Vec<WebhookStanding> {
    application.webhooks.all().iter().map(|running| running.shown().into()).collect()
}

/// A participant's webhooks.
pub(crate) fn list(application: &Application, participant: &str) -> Vec<WebhookShown> {
    seen(application, participant).map(|running| running.shown()).collect()
}

/// One of them.
pub(crate) fn show(application: &Application, participant: &str, id: &str) -> Result<WebhookShown, Problem> {
    Ok(find(application, participant, id)?.shown())
}

/// Removes one. Nothing is sent to its receiver any more when this returns.
pub(crate) async fn remove(
    shared: &Shared,
    application: &Application,
    participant: &str,
    id: &str,
) -> Result<(), Problem> {
    let _one = application.webhooks.changing.lock().await;
    let running = find(application, participant, id)?;
    forget(shared, application, &running).await.map_err(not_written)
}

/// Removes all of an application.
pub(crate) async fn remove_all(shared: &Shared, application: &Application) -> Result<(), RecordError> {
    let _one = application.webhooks.changing.lock().await;
    for running in application.webhooks.all() {
        forget(shared, application, &running).await?;
    }
    Ok(())
}

async fn forget(shared: &Shared, application: &Application, running: &Running) -> Result<(), RecordError> {
    // The worker first, which would write its record again.
    running.stop();
    running.ended().await;
    shared.records.remove(&place(&application.id, running.id())).await?;
    application.webhooks.with(|all| all.remove(running.id()));
    Ok(())
}
