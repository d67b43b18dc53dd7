//! A webhook as it is kept, and as it is shown.

use adapter_spec::types::{EventFilter, EventPage, EventStart};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// Where an application's webhooks are kept.
pub(super) fn place(application: &str, id: &str) -> String {
    format!("node/webhook/{application}/{id}")
}

/// A webhook as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    /// Who made it.
    pub(super) participant: String,
    pub(super) created: Timestamp,
    pub(super) url: String,
    pub(super) filter: EventFilter,
    /// Everything before it was taken by the receiver.
    pub(super) position: EventStart,
    /// Up to this block everything was looked at.
    pub(super) scanned: Option<u64>,
    /// Pages that the receiver took.
    pub(super) deliveries: u64,
    /// Events in them.
    pub(super) events: u64,
    /// The page that goes out now.
    pub(super) pending: Option<Pending>,
}

/// A page of events on its way. It is written down before it is first sent: what a receiver may have heard is sent again as
/// it was, whatever the ledger has become.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    /// The `webhook-id`.
    pub(super) id: String,
    /// The request's body.
    pub(super) body: String,
    /// Events in it.
    pub(super) events: u64,
    /// The position after it; hexadecimal.
    pub(super) after: String,
}

impl Record {
    pub(super) fn new(
        participant: &str,
        url: String,
        filter: EventFilter,
        position: EventStart,
        created: Timestamp,
    ) -> Result<Self, Problem> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|_| Problem::trouble("the system gives no randomness"))?;
        Ok(Record {
            id: hex::encode(id),
            participant: participant.to_owned(),
            created,
            url,
            filter,
            position,
            scanned: None,
            deliveries: 0,
            events: 0,
            pending: None,
        })
    }

    /// The page as it is sent.
    pub(super) fn pack(&self, application: &str, name: &str, page: &EventPage) -> Pending {
        let after = hex::encode(&page.cursor);
        // The application's id, since another application of the same name is another one.
        let id = format!("{application}\n{}\n{}\n{after}", self.id, self.deliveries);
        let body = serde_json::json!({
            "application": name,
            "webhook": self.id,
            "number": self.deliveries,
            "events": page.events,
            "position": after,
            "scanned": page.scanned,
        });
        Pending {
            id: hex::encode(Sha256::digest(id)),
            body: body.to_string(),
            events: page.events.len() as u64,
            after,
        }
    }

    /// The receiver has taken the page that was on its way.
    pub(super) fn taken(self) -> Self {
        let Some(pending) = self.pending else { return self };
        // Written by `pack`; where it does not decode the webhook would go on from where it was.
        let position = hex::decode(&pending.after).map_or(self.position, EventStart::Cursor);
        let (deliveries, events) = (self.deliveries + 1, self.events + pending.events);
        Record { position, deliveries, events, pending: None, ..self }
    }
}

/// A webhook as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookShown {
    /// Its id.
    pub id: String,
    /// Who made it. While they may not read the application, nothing is delivered.
    pub participant: String,
    /// When it was made.
    pub created: Timestamp,
    /// The receiver's address.
    pub url: String,
    /// Which events.
    pub filter: EventFilter,
    /// The receiver has taken everything before this position; hexadecimal. None where it has not begun.
    pub delivered: Option<String>,
    /// Up to this block everything was looked at; none where it has not begun.
    pub scanned: Option<u64>,
    /// Requests that the receiver took.
    pub deliveries: u64,
    /// Events in them.
    pub events: u64,
    /// The `webhook-id` of the request that goes out now, where one does.
    pub pending: Option<String>,
    /// Why it stands still, where it does: the application is suspended, or its participant may not read it.
    pub held: Option<String>,
    /// What went wrong last, since the last request that was taken or the node's start.
    pub last_failure: Option<WebhookFailure>,
    /// When it is tried again, after a failure.
    pub next_try: Option<Timestamp>,
}

/// How a webhook stands, for the operator: its address may hold a secret of the receiver's, so that only the machine is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebhookStanding {
    /// Its id.
    pub id: String,
    /// Who made it.
    pub participant: String,
    /// Scheme, name and port of its receiver.
    pub receiver: String,
    /// Requests that the receiver took.
    pub deliveries: u64,
    /// Events in them.
    pub events: u64,
    /// Why it stands still, where it does.
    pub held: Option<String>,
    /// What went wrong last, since the last request that was taken or the node's start.
    pub last_failure: Option<WebhookFailure>,
    /// When it is tried again, after a failure.
    pub next_try: Option<Timestamp>,
}

impl From<WebhookShown> for WebhookStanding {
    fn from(shown: WebhookShown) -> Self {
        let WebhookShown { id, participant, deliveries, events, held, last_failure, next_try, .. } = shown;
        let receiver =
            url::Url::parse(&shown.url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        WebhookStanding { id, participant, receiver, deliveries, events, held, last_failure, next_try }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookFailure {
    /// When.
    pub at: Timestamp,
    /// What, for people.
    pub what: String,
    /// How many times in a row.
    pub times: u32,
}

impl Record {
    pub(super) fn shown(&self) -> WebhookShown {
        WebhookShown {
            id: self.id.clone(),
            participant: self.participant.clone(),
            created: self.created,
            url: self.url.clone(),
            filter: self.filter.clone(),
            delivered: match &self.position {
                EventStart::Cursor(cursor) => Some(hex::encode(cursor)),
                _ => None,
            },
            scanned: self.scanned,
            deliveries: self.deliveries,
            events: self.events,
            pending: self.pending.as_ref().map(|pending| pending.id.clone()),
            held: None,
            last_failure: None,
            next_try: None,
        }
    }
}
