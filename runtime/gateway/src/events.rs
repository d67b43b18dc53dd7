//! Events as a stream of server-sent events, from a position that survives restarts.
//!
//! A subscription has a name, which its participant chose, and two positions: up to where the ledger was scanned, and up to
//! where pages of events were handed over to the connection. The second is written down before the next page is read, so going on
//! by the name alone repeats at most one page, and leaves out what was on its way when the connection broke. Whoever must miss nothing
//! says what it has, with `Last-Event-ID`, or has events delivered to a webhook. Events have ids that stay the same, by which whoever
//! hears them knows what they have. The next page is asked for when the one before has gone out, so a slow listener slows its own
//! stream down and nothing else.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use adapter_spec::types::{Confidence, Event, EventFilter, EventStart};
use futures_util::stream::{BoxStream, unfold};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    application::{Application, Role},
    gateway::{Shared, not_written},
    problem::Problem,
    quota,
};

const FOLDER: &str = "node/cursor/";
/// Events and bytes of one page.
const PAGE: u32 = 100;
const PAGE_BYTES: u32 = 1 << 20;
/// The pause before the ledger is asked again: from this,
pub(crate) const FIRST: Duration = Duration::from_millis(250);
/// doubled each time that there is nothing, to this.
pub(crate) const LAST: Duration = Duration::from_secs(10);

/// Which events, and under what name the position is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventParameters {
    /// 1 to 64 lower-case letters, digits, hyphens and dots: the participant's own name for the subscription. Without one
    /// no position is kept.
    #[serde(default)]
    pub subscription: Option<String>,
    /// Only of this contract.
    #[serde(default)]
    pub contract: Option<String>,
    /// Only with this name, or signature where the framework needs types.
    #[serde(default)]
    pub name: Option<String>,
    /// Interface description to decode with.
    #[serde(default)]
    pub abi: Option<String>,
    /// Only from blocks of at least this confidence; final by default.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// The first block, for a subscription that has no position yet; where it is left out, only what comes.
    #[serde(default)]
    pub from: Option<u64>,
}

impl EventParameters {
    fn filter(&self) -> EventFilter {
        EventFilter {
            contract: self.contract.clone(),
            name: self.name.clone(),
            abi: self.abi.clone(),
            confidence: self.confidence.unwrap_or(Confidence::Final),
        }
    }
}

/// A subscription's positions, as they are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// The filter that the cursor belongs to.
    filter: EventFilter,
    /// Everything before it was handed over; hexadecimal.
    delivered: String,
    /// Up to this block everything was looked at.
    scanned: u64,
}

/// One thing that is told.
pub(crate) enum Told {
    /// An event; with the position after it where it is the last of its page.
    Event(Box<Event>, Option<String>),
    /// Nothing matched up to this block; with the position after it.
    Scanned(u64, String),
    /// The stream ends with a problem.
    Ended(Problem),
}

struct Reading {
    shared: Arc<Shared>,
    application: Arc<Application>,
    participant: String,
    /// Of the certificate that the participant had when the stream began.
    fingerprint: String,
    place: Option<String>,
    filter: EventFilter,
    start: EventStart,
    waiting: VecDeque<Told>,
    /// What is written down once the waiting events have gone out.
    after: Option<Kept>,
    pause: Duration,
    ended: bool,
}

/// Opens a subscription. `last` is the position that its listener has, where they say so.
pub(crate) async fn subscribe(
    shared: &Arc<Shared>,
    application: &Arc<Application>,
    participant: &str,
    parameters: &EventParameters,
    last: Option<&str>,
) -> Result<BoxStream<'static, Told>, Problem> {
    let filter = parameters.filter();
    let place = match &parameters.subscription {
        None => None,
        Some(name) => {
            crate::participants::check_name(name)
                .map_err(|why| Problem::invalid(format!("subscription: {why}")))?;
            Some(format!("{FOLDER}{}/{participant}/{name}", application.id))
        }
    };
    let kept: Option<Kept> = match &place {
        None => None,
        Some(place) => shared.records.get(place).await.map_err(not_written)?,
    };
    if kept.as_ref().is_some_and(|kept| kept.filter != filter) {
        return Err(Problem::invalid(
            "subscription: it has another filter; take another name for another filter, or DELETE it",
        ));
    }
    let cursor = last.map(str::to_owned).or_else(|| kept.map(|kept| kept.delivered));
    let start = match cursor {
        Some(cursor) => EventStart::Cursor(
            hex::decode(cursor).map_err(|_| Problem::invalid("Last-Event-ID: it is no position"))?,
        ),
        None => parameters.from.map_or(EventStart::Latest, EventStart::Block),
    };
    let opened = application.open(&shared.ground).await?;
    if !opened.offered.adapter.interfaces().events {
        return Err(adapter_spec::types::Error::unsupported("events").into());
    }
    // "From now on" begins now, and for a name it is written down: not when the first page has gone out.
    let start = match start {
        EventStart::Latest => {
            let page = opened.ledger.events(filter.clone(), EventStart::Latest, 1, PAGE_BYTES).await?;
            match (page.events.is_empty(), &place) {
                (false, _) => EventStart::Latest,
                (true, place) => {
                    if let Some(place) = place {
                        let delivered = hex::encode(&page.cursor);
                        let kept = Kept { filter: filter.clone(), delivered, scanned: page.scanned };
                        shared.records.put(place, &kept).await.map_err(not_written)?;
                    }
                    EventStart::Cursor(page.cursor)
                }
            }
        }
        start => start,
    };
    let reading = Reading {
        shared: shared.clone(),
        application: application.clone(),
        participant: participant.to_owned(),
        fingerprint: shared.participants.get(participant).map(|found| found.fingerprint).unwrap_or_default(),
        place,
        filter,
        start,
        waiting: VecDeque::new(),
        after: None,
        pause: FIRST,
        ended: false,
    };
    Ok(Box::pin(unfold(
        reading,
        |mut reading| async move { reading.next().await.map(|told| (told, reading)) },
    )))
}

impl Reading {
    async fn next(&mut self) -> Option<Told> {
        loop {
            if self.ended {
                return None;
            }
            if let Err(problem) = self.may() {
                self.ended = true;
                return Some(Told::Ended(problem));
            }
            if let Some(told) = self.waiting.pop_front() {
                return Some(told);
            }
            if let Err(problem) = self.page().await {
                self.ended = true;
                return Some(Told::Ended(problem));
            }
        }
    }

    /// Whether the listener may hear more. A certificate that is revoked, replaced or over, roles that were taken away, a suspension and
    /// a quota that is used up end a stream as they end requests.
    fn may(&self) -> Result<(), Problem> {
        let participants = &self.shared.participants;
        if !participants.still(&self.participant, &self.fingerprint, Timestamp::now()) {
            return Err(Problem::unauthenticated());
        }
        let record = self.application.record();
        let reads = record.members.get(&self.participant).is_some_and(|roles| roles.contains(&Role::Read));
        if !reads || record.suspended.is_some() {
            return Err(Problem::forbidden("read"));
        }
        quota::something_left(&self.application)
    }

    /// Writes down what has gone out, and reads the next page.
    async fn page(&mut self) -> Result<(), Problem> {
        if let (Some(place), Some(kept)) = (&self.place, self.after.take()) {
            self.shared.records.put(place, &kept).await.map_err(not_written)?;
        }
        if self.shared.closing.is_cancelled() {
            return Err(Problem::trouble("the node is being stopped"));
        }
        let opened = self.application.open(&self.shared.ground).await?;
        let page = opened.ledger.events(self.filter.clone(), self.start.clone(), PAGE, PAGE_BYTES).await?;
        let position = hex::encode(&page.cursor);
        let moved = self.start != EventStart::Cursor(page.cursor.clone());
        self.start = EventStart::Cursor(page.cursor);
        if page.events.is_empty() {
            if moved {
                self.pause = FIRST;
                self.waiting.push_back(Told::Scanned(page.scanned, position.clone()));
            } else {
                self.pause = (self.pause * 2).min(LAST);
            }
            tokio::select! {
                () = tokio::time::sleep(self.pause) => {}
                () = self.shared.closing.cancelled() => {}
            }
        } else {
            self.pause = FIRST;
        }
        let count = page.events.len();
        for (number, event) in page.events.into_iter().enumerate() {
            let last = (number + 1 == count).then(|| position.clone());
            self.waiting.push_back(Told::Event(Box::new(event), last));
        }
        if moved {
            self.after =
                Some(Kept { filter: self.filter.clone(), delivered: position, scanned: page.scanned });
        }
        Ok(())
    }
}

/// Forgets a subscription's position.
pub(crate) async fn unsubscribe(
    shared: &Shared,
    application: &Application,
    participant: &str,
    name: &str,
) -> Result<(), Problem> {
    crate::participants::check_name(name).map_err(|why| Problem::invalid(format!("subscription: {why}")))?;
    let place = format!("{FOLDER}{}/{participant}/{name}", application.id);
    shared.records.remove(&place).await.map_err(not_written)
}
