//! Events as they come, across breaks.

use std::{collections::HashSet, time::Duration};

use adapter_spec::types::{Confidence, Event, EventFilter, EventStart};
use futures_util::{Stream, stream::unfold};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use self::sse::{Line, Lines};
use crate::{
    application::{Application, part},
    error::{ClientError, Problem},
    retry::BackOff,
    transport::Ask,
};

mod sse;

/// The node says something every 15 s, if only that it is there.
const SILENCE: Duration = Duration::from_secs(60);

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The participant's own name for the subscription, under which the node keeps the position too; none: it is kept here alone.
    pub subscription: Option<String>,
    /// Which of them.
    pub events: EventFilter,
    /// Where they begin, for a subscription that has no position yet.
    pub start: EventStart,
}

impl Filter {
    /// All final events that come.
    #[must_use]
    pub fn new() -> Self {
        let events = EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Final };
        Filter { subscription: None, events, start: EventStart::Latest }
    }

    fn query(&self) -> String {
        let confidence = match self.events.confidence {
            Confidence::Latest => "latest",
            Confidence::Safe => "safe",
            Confidence::Final => "final",
        };
        let mut query = format!("?confidence={confidence}");
        let fields = [
            ("subscription", &self.subscription),
            ("contract", &self.events.contract),
            ("name", &self.events.name),
            ("abi", &self.events.abi),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={}", part(value)));
            }
        }
        match self.start {
            EventStart::Earliest => query.push_str("&from=0"),
            EventStart::Block(block) => query.push_str(&format!("&from={block}")),
            EventStart::Latest | EventStart::Cursor(_) => {}
        }
        query
    }
}

impl Default for Filter {
    fn default() -> Self {
        Filter::new()
    }
}

/// Events, one after the other. After a break they go on after the last position, and nothing that was given out since comes
/// twice.
pub struct Events {
    application: Application,
    filter: Filter,
    /// The last position that the node told, hexadecimal.
    position: Option<String>,
    /// What was given out since then.
    since: HashSet<(String, bool)>,
    body: Option<Incoming>,
    lines: Lines,
    back_off: Option<BackOff>,
    ended: bool,
}

impl Events {
    pub(crate) fn new(application: Application, filter: Filter) -> Self {
        let position = match &filter.start {
            EventStart::Cursor(cursor) => Some(hex::encode(cursor)),
            _ => None,
        };
        Events {
            application,
            filter,
            position,
            since: HashSet::new(),
            body: None,
            lines: Lines::default(),
            back_off: None,
            ended: false,
        }
    }

    /// Everything before this position was given out: to be kept, and to begin with the next time. It moves page by page, so what
    /// was given out since may come again then.
    #[must_use]
    pub fn position(&self) -> Option<EventStart> {
        self.position.as_deref().and_then(|position| hex::decode(position).ok()).map(EventStart::Cursor)
    }

    /// Waits for the next event; none once it has ended with an error.
    pub async fn next(&mut self) -> Option<Result<Event, ClientError>> {
        if self.ended {
            return None;
        }
        let next = self.go_on().await;
        self.ended = next.is_err();
        Some(next)
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<Event, ClientError>> + Send {
        unfold(self, |mut events| async move { events.next().await.map(|next| (next, events)) })
    }

    async fn go_on(&mut self) -> Result<Event, ClientError> {
        loop {
            while let Some(line) = self.lines.next() {
                self.back_off = None;
                if let Some(event) = self.told(line)? {
                    return Ok(event);
                }
            }
            self.read().await?;
        }
    }

    /// The event of a line, where it is one that was not given out.
    fn told(&mut self, line: Line) -> Result<Option<Event>, ClientError> {
        match line.kind.as_str() {
            "event" => {
                let event: Event = read(&line.data)?;
                let new = self.since.insert((event.id.clone(), event.retracted));
                if let Some(position) = line.id {
                    self.position = Some(position);
                    self.since.clear();
                }
                Ok(new.then_some(event))
            }
            "problem" => {
                let problem: Problem = read(&line.data)?;
                self.body = None;
                // The ledger's node or this one is not there now.
                if problem.retryable { Ok(None) } else { Err(ClientError::Problem(Box::new(problem))) }
            }
            // Up to which block there was nothing: after a break that is not looked at again.
            _ => {
                if let Some(position) = line.id {
                    self.position = Some(position);
                    self.since.clear();
                }
                Ok(None)
            }
        }
    }

    /// Reads on, and connects where there is no connection.
    async fn read(&mut self) -> Result<(), ClientError> {
        let Some(body) = &mut self.body else { return self.connect().await };
        match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref()
                    && !self.lines.push(data)
                {
                    return Err(ClientError::Answer { status: 200, source: None });
                }
            }
            // Ended, broken off, or silent.
            Ok(Some(Err(_)) | None) | Err(_) => self.body = None,
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), ClientError> {
        let patience = self.application.transport().patience;
        match &mut self.back_off {
            None => self.back_off = Some(BackOff::new(patience)),
            // Nothing has come since the last time.
            Some(back_off) => {
                if !back_off.pause().await {
                    let source = "the stream of events ends each time before anything has come".into();
                    return Err(self.application.transport().unreachable(source));
                }
            }
        }
        self.lines = Lines::default();
        let mut ask = Ask::get(self.application.below(&format!("/events{}", self.filter.query())));
        ask.last_event_id.clone_from(&self.position);
        self.body = Some(self.application.transport().stream(&ask).await?);
        Ok(())
    }
}

fn read<T: DeserializeOwned>(data: &str) -> Result<T, ClientError> {
    serde_json::from_str(data).map_err(|source| ClientError::Answer { status: 200, source: Some(source) })
}
