//! One webhook's worker.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use adapter_spec::types::{EventPage, EventStart};
use bytes::Bytes;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{
    WebhookFailure, WebhookShown, key,
    pace::back_off,
    post::Parcel,
    record::{Pending, Record, place},
};
use crate::{
    application::{Application, Role},
    events::{FIRST, LAST},
    gateway::Shared,
    problem::Problem,
    quota, trace,
};

/// Events of one request.
const PAGE: u32 = 100;
/// Bytes of their payloads together.
pub(super) const PAGE_BYTES: u32 = 256 << 10;
/// Bytes of one request's body; a single event may have more.
const MAX_BODY: usize = 2 << 20;

/// What was scanned without a find is written down this often: a quiet ledger costs no write for each of its blocks.
const SCANNED_SECONDS: i64 = 10;

/// A webhook that runs.
pub(super) struct Running {
    id: String,
    participant: String,
    state: Mutex<State>,
    stop: CancellationToken,
    ended: CancellationToken,
}

struct State {
    record: Arc<Record>,
    held: Option<String>,
    failure: Option<WebhookFailure>,
    next_try: Option<Timestamp>,
}

impl Running {
    /// Starts its worker.
    pub(super) fn start(shared: &Arc<Shared>, application: &Arc<Application>, record: Record) -> Arc<Self> {
        let running = Arc::new(Running {
            id: record.id.clone(),
            participant: record.participant.clone(),
            state: Mutex::new(State { record: Arc::new(record), held: None, failure: None, next_try: None }),
            stop: shared.stopping.child_token(),
            ended: CancellationToken::new(),
        });
        let mut worker = Worker {
            shared: shared.clone(),
            application: application.clone(),
            running: running.clone(),
            pause: FIRST,
            written: shared.pace.now(),
        };
        tokio::spawn(async move {
            let _ended = worker.running.ended.clone().drop_guard();
            worker.run().await;
        });
        running
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn participant(&self) -> &str {
        &self.participant
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shown(&self) -> WebhookShown {
        let state = self.lock();
        WebhookShown {
            held: state.held.clone(),
            last_failure: state.failure.clone(),
            next_try: state.next_try,
            ..state.record.shown()
        }
    }

    /// Tells the worker to stop.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has stopped.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

/// How a worker goes on.
enum Next {
    /// At once: there may be more.
    More,
    /// After the shortest pause: the ledger moves, without events for this webhook.
    Moved,
    /// After a longer pause each time.
    Idle,
}

/// Why it does not.
enum Halt {
    /// It was told to stop.
    Stopped,
    /// Something went wrong, in words for whoever made the webhook.
    Failed(String),
}

struct Worker {
    shared: Arc<Shared>,
    application: Arc<Application>,
    running: Arc<Running>,
    /// The next pause where there is nothing.
    pause: Duration,
    /// When the record was written last.
    written: Timestamp,
}

impl Worker {
    async fn run(&mut self) {
        loop {
            let pause = match self.step().await {
                Err(Halt::Stopped) => return,
                Err(Halt::Failed(what)) => self.failed(what),
                Ok(Next::More) => {
                    self.pause = FIRST;
                    continue;
                }
                Ok(Next::Moved) => {
                    self.pause = FIRST;
                    FIRST
                }
                Ok(Next::Idle) => {
                    let pause = self.pause;
                    self.pause = (pause * 2).min(LAST);
                    pause
                }
            };
            if self.unless_stopped(self.shared.pace.pause(pause)).await.is_err() {
                return;
            }
        }
    }

    /// What is written to the store is never broken off, everything else is.
    async fn unless_stopped<T>(&self, waiting: impl Future<Output = T>) -> Result<T, Halt> {
        tokio::select! {
            biased;
            () = self.running.stop.cancelled() => Err(Halt::Stopped),
            done = waiting => Ok(done),
        }
    }

    /// Counts a failure, and tells when it is tried again.
    fn failed(&self, what: String) -> Duration {
        let mut dice = [0; 2];
        // Without randomness the pauses are the shortest.
        let _ = getrandom::fill(&mut dice);
        let at = self.shared.pace.now();
        let mut state = self.running.lock();
        let times = state.failure.as_ref().map_or(0, |failure| failure.times).saturating_add(1);
        let pause = back_off(times, u16::from_be_bytes(dice));
        state.next_try = at.checked_add(pause).ok();
        state.failure = Some(WebhookFailure { at, what, times });
        pause
    }

    fn went_well(&self) {
        let mut state = self.running.lock();
        (state.failure, state.next_try) = (None, None);
    }

    /// Why nothing is read and nothing sent now.
    fn held(&self) -> Option<String> {
        if self.application.record().suspended.is_some() {
            return Some("the application is suspended".into());
        }
        let participant = self.running.participant();
        if quota::something_left(&self.application).is_err() {
            return Some("the application's quota of transferred bytes or instance time is used up".into());
        }
        let revoked = self.shared.participants.get(participant).is_none_or(|found| found.revoked.is_some());
        let reads = self.application.roles(participant).contains(&Role::Read);
        (revoked || !reads).then(|| "its participant may not read the application any more".into())
    }

    /// Sends the page that is on its way, or reads the next one.
    async fn step(&mut self) -> Result<Next, Halt> {
        let held = self.held();
        let (stands, record) = {
            let mut state = self.running.lock();
            state.held = held;
            (state.held.is_some(), state.record.clone())
        };
        if stands {
            return Ok(Next::Idle);
        }
        match &record.pending {
            Some(pending) => self.send(&record, pending).await,
            None => self.read(&record).await,
        }
    }

    async fn read(&mut self, record: &Record) -> Result<Next, Halt> {
        let mut limit = PAGE;
        let (page, pending) = loop {
            let page = self.page(record, limit).await?;
            let name = &self.application.record().order.name;
            let pending = record.pack(&self.application.id, name, &page);
            match u32::try_from(page.events.len()) {
                Ok(0 | 1) => break (page, pending),
                Ok(count) if count <= limit && pending.body.len() > MAX_BODY => limit = count / 2,
                Ok(count) if count <= limit => break (page, pending),
                _ => return Err(Halt::Failed("the adapter gives more events than it was asked for".into())),
            }
        };
        self.went_well();
        let moved = record.position != EventStart::Cursor(page.cursor.clone());
        let scanned = Some(page.scanned);
        if !page.events.is_empty() {
            self.keep(Record { scanned, pending: Some(pending), ..record.clone() }).await?;
            return Ok(Next::More);
        }
        if !moved {
            return Ok(Next::Idle);
        }
        let begun = matches!(record.position, EventStart::Cursor(_));
        let next = Record { scanned, position: EventStart::Cursor(page.cursor), ..record.clone() };
        let age = self.shared.pace.now().as_second().saturating_sub(self.written.as_second());
        if begun && age < SCANNED_SECONDS {
            // After a crash it is scanned again, to the same end: nothing was found there, so nothing was sent.
            self.running.lock().record = Arc::new(next);
        } else {
            self.keep(next).await?;
        }
        Ok(Next::Moved)
    }

    async fn page(&self, record: &Record, limit: u32) -> Result<EventPage, Halt> {
        let reading = async {
            let opened = self.application.open(&self.shared.ground).await?;
            let (filter, start) = (record.filter.clone(), record.position.clone());
            Ok::<_, Problem>(opened.ledger.events(filter, start, limit, PAGE_BYTES).await?)
        };
        let page = self.unless_stopped(reading).await?;
        page.map_err(|problem| Halt::Failed(format!("events cannot be read: {}", problem.title)))
    }

    async fn send(&mut self, record: &Record, pending: &Pending) -> Result<Next, Halt> {
        let key = key(&self.shared).await.map_err(|problem| Halt::Failed(problem.detail))?;
        let body = Bytes::from(pending.body.clone());
        let length = body.len();
        let parcel = Parcel { url: record.url.clone(), id: pending.id.clone(), body };
        let created = self.shared.pace.now().as_second();
        let span = trace::delivered(&self.application.record().order.name, length);
        let posting = self.shared.poster.post(&key, parcel, created).instrument(span.clone());
        let sent = self.unless_stopped(posting).await?;
        self.application.meter.answer(length);
        sent.inspect_err(|_| trace::failed(&span)).map_err(Halt::Failed)?;
        self.keep(record.clone().taken()).await?;
        self.went_well();
        Ok(Next::More)
    }

    async fn keep(&mut self, record: Record) -> Result<(), Halt> {
        let place = place(&self.application.id, &record.id);
        if let Err(error) = self.shared.records.put(&place, &record).await {
            tracing::error!(application = %self.application.id, %error, "a webhook's position is not written down");
            return Err(Halt::Failed("the node's store does not take the webhook's position".into()));
        }
        self.running.lock().record = Arc::new(record);
        self.written = self.shared.pace.now();
        Ok(())
    }
}
