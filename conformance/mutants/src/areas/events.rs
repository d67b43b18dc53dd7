//! EVT: events.

use std::sync::atomic::{AtomicU64, Ordering};

use adapter_spec::{
    CallError, async_trait,
    types::{Confidence, Error, ErrorCode, Event, EventFilter, EventPage, EventStart},
};

use crate::{
    Honest, Mutant, Mutation,
    change_events::{Asked, ChangeEvents},
};

fn asked(asked: fn(Asked) -> Asked) -> Box<dyn Mutation> {
    Box::new(ChangeEvents { asked, ..ChangeEvents::default() })
}

fn page(page: fn(&Asked, EventPage) -> EventPage) -> Box<dyn Mutation> {
    Box::new(ChangeEvents { page, ..ChangeEvents::default() })
}

fn failed(failed: fn(&Asked, Error) -> Result<Asked, Error>) -> Box<dyn Mutation> {
    Box::new(ChangeEvents { failed, ..ChangeEvents::default() })
}

/// Changes each event.
fn each(mut page: EventPage, change: impl Fn(Event) -> Event) -> EventPage {
    page.events = page.events.into_iter().map(change).collect();
    page
}

fn with_code(error: Error, from: ErrorCode, code: ErrorCode) -> Error {
    if error.code == from { Error { code, ..error } } else { error }
}

/// With another start.
fn at(asked: &Asked, start: EventStart) -> Asked {
    Asked { start, ..asked.clone() }
}

fn is_cursor(asked: &Asked) -> bool {
    matches!(asked.start, EventStart::Cursor(_))
}

/// Bytes that a long cursor has for nothing.
const PADDING: usize = 17_000;

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("EVT-1", "newest-first", "events by block, then by index", || {
            page(|_, mut page| {
                page.events.reverse();
                page
            })
        }),
        Mutant::new("EVT-1", "retractions-come-last", "retractions before the events of the blocks", || {
            Box::new(RetractsLater)
        }),
        Mutant::new("EVT-2", "what-does-not-fit-is-lost", "reading on in pages of", || {
            Box::new(ChangeEvents {
                asked: |asked| Asked { limit: asked.limit.saturating_mul(2), ..asked },
                page: |asked, mut page| {
                    page.events.truncate(usize::try_from(asked.limit).unwrap_or(usize::MAX));
                    page
                },
                ..ChangeEvents::default()
            })
        }),
        Mutant::new("EVT-2", "a-reorganisation-is-not-noticed", "not in the chain any more", || {
            page(without_retractions)
        }),
        Mutant::new("EVT-2", "begins-anew-after-a-reorganisation", "for who read on over a reorganisation", || {
            Box::new(BeginsAnew)
        }),
        Mutant::new("EVT-3", "ids-without-the-block", "ids that have the block's hash", || {
            page(|_, page| each(page, |event| Event { id: format!("{}-{}", event.transaction, event.index), ..event }))
        }),
        Mutant::new("EVT-3", "ids-of-the-delivery", "the event's id at another delivery", || {
            Box::new(NumbersDeliveries::default())
        }),
        Mutant::new("EVT-3", "ids-of-the-transaction", "another id for another event", || {
            page(|_, page| {
                each(page, |event| Event {
                    id: format!("{}-{}", hex::encode(&event.block.hash), event.transaction),
                    ..event
                })
            })
        }),
        Mutant::new("EVT-4", "nothing-is-retracted", "comes again as retracted", || page(without_retractions)),
        Mutant::new("EVT-4", "retractions-of-another-block", "transaction, block and index of a retraction", || {
            page(|_, page| {
                each(page, |mut event| {
                    if event.retracted {
                        event.block.number += 1;
                    }
                    event
                })
            })
        }),
        Mutant::new("EVT-5", "retracted-twice", "a retraction only of what was given", || {
            page(|asked, mut page| {
                let room = usize::try_from(asked.limit).unwrap_or(usize::MAX);
                if let Some(last) = page.events.last().filter(|event| event.retracted && page.events.len() < room) {
                    page.events.push(last.clone());
                }
                page
            })
        }),
        Mutant::new("EVT-6", "final-is-the-newest", "with Final only events of blocks up to", || {
            asked(|asked| Asked {
                filter: EventFilter { confidence: Confidence::Latest, ..asked.filter },
                ..asked
            })
        }),
        Mutant::new("EVT-7", "limits-are-for-others", "a page of at most", || {
            asked(|asked| Asked { limit: asked.limit.saturating_mul(50), ..asked })
        }),
        Mutant::new("EVT-7", "bytes-are-not-counted", "bytes of payload", || {
            asked(|asked| Asked { max_bytes: u32::MAX, ..asked })
        }),
        Mutant::new("EVT-7", "large-events-never-come", "at least one event in a page", || {
            page(|asked, mut page| {
                page.events.retain(|event| event.payload.len() <= usize::try_from(asked.max_bytes).unwrap_or(usize::MAX));
                page
            })
        }),
        Mutant::new("EVT-7", "a-limit-of-none-is-a-page", "a limit of 0: invalid-argument", || {
            asked(|asked| Asked { limit: asked.limit.max(1), ..asked })
        }),
        Mutant::new("EVT-8", "looks-at-nothing-new", "scanned grows to the head", || {
            page(|_, page| EventPage { scanned: if page.events.is_empty() { 0 } else { page.scanned }, ..page })
        }),
        Mutant::new("EVT-8", "half-a-block-is-looked-at", "half of whose events were given", || {
            page(|_, page| {
                let last = page.events.last().map_or(0, |event| event.block.number);
                EventPage { scanned: page.scanned.max(last), ..page }
            })
        }),
        Mutant::new("EVT-8", "asks-for-every-event-again", "a page costs at most 256 requests", || {
            Box::new(AsksAgain)
        }),
        Mutant::new("EVT-9", "cursors-that-remember-too-much", "a cursor of at most 16384 bytes", || {
            Box::new(ChangeEvents {
                asked: |asked| match asked.start {
                    EventStart::Cursor(mut cursor) if cursor.len() > PADDING => {
                        cursor.truncate(cursor.len() - PADDING);
                        Asked { start: EventStart::Cursor(cursor), ..asked }
                    }
                    _ => asked,
                },
                page: |_, mut page| {
                    page.cursor.resize(page.cursor.len() + PADDING, 0);
                    page
                },
                ..ChangeEvents::default()
            })
        }),
        Mutant::new("EVT-10", "broken-cursors-begin-anew", "an empty cursor: invalid-argument", || {
            failed(|asked, error| match error.code {
                ErrorCode::InvalidArgument if is_cursor(asked) => Ok(at(asked, EventStart::Earliest)),
                _ => Err(error),
            })
        }),
        Mutant::new("EVT-10", "beyond-the-head-is-for-good", "out-of-range, retryable", || {
            failed(|_, error| Err(Error { retryable: error.retryable && error.code != ErrorCode::OutOfRange, ..error }))
        }),
        Mutant::new("EVT-10", "beyond-the-head-is-empty", "beyond the node's head: out-of-range", || {
            failed(|asked, error| match error.code {
                ErrorCode::OutOfRange if is_cursor(asked) => Ok(at(asked, EventStart::Latest)),
                _ => Err(error),
            })
        }),
        Mutant::new("EVT-10", "dropped-blocks-are-not-found", "whose blocks the node has dropped", || {
            failed(|_, error| Err(with_code(error, ErrorCode::Pruned, ErrorCode::NotFound)))
        }),
        Mutant::new("EVT-11", "goes-on-at-the-head", "a silent gap", || {
            failed(|asked, error| match error.code {
                ErrorCode::Pruned if is_cursor(asked) => Ok(at(asked, EventStart::Latest)),
                _ => Err(error),
            })
        }),
        Mutant::new("EVT-12", "earliest-is-the-head", "earliest", || {
            asked(|asked| match asked.start {
                EventStart::Earliest => Asked { start: EventStart::Latest, ..asked },
                _ => asked,
            })
        }),
        Mutant::new("EVT-12", "earliest-of-what-is-left", "dropped the first blocks", || {
            failed(|asked, error| match (error.code, &asked.start) {
                (ErrorCode::Pruned, EventStart::Earliest) => Ok(at(asked, EventStart::Latest)),
                _ => Err(error),
            })
        }),
        Mutant::new("EVT-12", "latest-is-the-whole-chain", "latest gives only what comes", || {
            asked(|asked| match asked.start {
                EventStart::Latest => Asked { start: EventStart::Earliest, ..asked },
                _ => asked,
            })
        }),
        Mutant::new("EVT-12", "latest-is-always-the-newest-block", "after the head of the confidence final", || {
            Box::new(AfterTheHead)
        }),
        Mutant::new("EVT-12", "a-block-is-left-out", "a start with block", || {
            asked(|asked| match asked.start {
                EventStart::Block(number) => Asked { start: EventStart::Block(number + 1), ..asked },
                _ => asked,
            })
        }),
        Mutant::new("EVT-13", "names-are-not-compared", "a filter by the name", || {
            asked(|asked| Asked { filter: EventFilter { name: None, ..asked.filter }, ..asked })
        }),
        Mutant::new("EVT-13", "contracts-are-not-compared", "a filter by the contract", || {
            asked(|asked| Asked { filter: EventFilter { contract: None, ..asked.filter }, ..asked })
        }),
        Mutant::new("EVT-13", "names-alone-find-nothing", "a filter by name", || {
            page(|asked, mut page| {
                if asked.filter.contract.is_none() && asked.filter.name.is_some() {
                    page.events.clear();
                }
                page
            })
        }),
        Mutant::new("EVT-14", "json-with-a-comma-too-many", "JSON, or none", || {
            page(|_, page| each(page, |event| Event { json: event.json.map(|json| format!("{json},")), ..event }))
        }),
        Mutant::new("EVT-14", "json-of-another-number", "JSON that has the number", || {
            page(|_, page| {
                each(page, |event| Event { json: event.json.map(|json| json.replace(['1', '2'], "3")), ..event })
            })
        }),
        Mutant::new("EVT-14", "payload-only-without-a-name", "the payload, whatever the filter's abi", || {
            page(|asked, page| {
                let is_named = asked.filter.name.is_some();
                each(page, |event| Event { payload: if is_named { Vec::new() } else { event.payload }, ..event })
            })
        }),
        Mutant::new("EVT-15", "the-end-is-an-error", "a page of events", || Box::new(EndsWithAnError)),
        Mutant::new("EVT-15", "the-end-is-forgotten", "reading on from the end", || {
            Box::new(ChangeEvents {
                asked: |asked| match asked.start {
                    EventStart::Cursor(cursor) if cursor == b"the end" => Asked { start: EventStart::Latest, ..asked },
                    _ => asked,
                },
                page: |_, page| {
                    let cursor = if page.events.is_empty() { b"the end".to_vec() } else { page.cursor };
                    EventPage { cursor, ..page }
                },
                ..ChangeEvents::default()
            })
        }),
        Mutant::new("EVT-16", "any-cursor-will-do", "a cursor of another filter: invalid-argument", || {
            failed(|asked, error| match error.code {
                ErrorCode::InvalidArgument if is_cursor(asked) => Ok(at(asked, EventStart::Latest)),
                _ => Err(error),
            })
        }),
    ]
}

fn without_retractions(_: &Asked, mut page: EventPage) -> EventPage {
    page.events.retain(|event| !event.retracted);
    page
}

/// Gives the next events first, and what left the chain after them.
struct RetractsLater;

#[async_trait]
impl Mutation for RetractsLater {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let asked = Asked { filter, start, limit, max_bytes };
        let first = asked.clone().read(honest).await?;
        if !first.events.iter().any(|event| event.retracted) {
            return Ok(first);
        }
        let mut next = at(&asked, EventStart::Cursor(first.cursor)).read(honest).await?;
        next.events.extend(first.events);
        Ok(next)
    }
}

/// After a reorganisation goes on with whatever comes.
struct BeginsAnew;

#[async_trait]
impl Mutation for BeginsAnew {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let asked = Asked { filter, start, limit, max_bytes };
        let mut page = asked.clone().read(honest).await?;
        if page.events.iter().any(|event| event.retracted) {
            page.cursor = at(&asked, EventStart::Latest).read(honest).await?.cursor;
        }
        Ok(page)
    }
}

/// Numbers what it gives.
#[derive(Default)]
struct NumbersDeliveries(AtomicU64);

#[async_trait]
impl Mutation for NumbersDeliveries {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let page = honest.ledger.events(filter, start, limit, max_bytes).await?;
        Ok(each(page, |event| {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            Event { id: format!("{}-{number}", hex::encode(&event.block.hash)), ..event }
        }))
    }
}

/// Looks where the chain stands for every event, many times.
struct AsksAgain;

#[async_trait]
impl Mutation for AsksAgain {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let page = honest.ledger.events(filter, start, limit, max_bytes).await?;
        for _ in 0..page.events.len() * 300 {
            honest.ledger.status().await?;
        }
        Ok(page)
    }
}

/// Starts behind the newest block, whatever was asked for.
struct AfterTheHead;

#[async_trait]
impl Mutation for AfterTheHead {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let start = match start {
            EventStart::Latest => EventStart::Block(honest.ledger.status().await?.head.number + 1),
            other => other,
        };
        honest.ledger.events(filter, start, limit, max_bytes).await
    }
}

/// Takes the end of what exists for something that is not there.
struct EndsWithAnError;

#[async_trait]
impl Mutation for EndsWithAnError {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let page = honest.ledger.events(filter, start, limit, max_bytes).await?;
        if page.events.is_empty() && page.scanned >= honest.ledger.status().await?.head.number {
            return Err(CallError::Answered(Error::new(ErrorCode::NotFound, "there are no events")));
        }
        Ok(page)
    }
}
