//! What holds for every page, whoever reads it.

use adapter_spec::{
    Function,
    types::{Confidence, Event, EventFilter, EventPage},
};

use crate::{
    check::{Facts, Fault},
    trial::Observed,
};

/// The longest cursor, bytes (EVT-9).
const LONGEST_CURSOR: usize = 16 * 1024;
/// The most requests of one call (LIM-8).
const MOST_REQUESTS: usize = 256;

type Looked = Option<Result<(), Fault>>;

fn page(call: &Observed) -> Option<EventPage> {
    if call.function == Function::Events { call.success() } else { None }
}

fn looked(holds: bool, expected: impl Into<String>, actual: impl FnOnce() -> String) -> Looked {
    Some(if holds { Ok(()) } else { Err(Fault::new(expected, actual())) })
}

/// An event by its place.
pub(super) fn place(event: &Event) -> String {
    let retracted = if event.retracted { "retracted " } else { "" };
    let hash: String = hex::encode(&event.block.hash).chars().take(8).collect();
    format!("{retracted}{}/{} of {hash}…", event.block.number, event.index)
}

pub(super) fn in_order(call: &Observed, _: &Facts) -> Looked {
    let events = page(call)?.events;
    Some(order(&events))
}

/// Whether events are in the ledger's order, and retractions before the events of the blocks that replaced theirs.
pub(super) fn order(events: &[Event]) -> Result<(), Fault> {
    let mut before: Option<&Event> = None;
    for event in events {
        if let (false, Some(other)) = (event.retracted, before)
            && (other.block.number, other.index) >= (event.block.number, event.index)
            && !(other.block == event.block && other.index == event.index)
        {
            return Err(Fault::new(
                "events by block, then by index",
                format!("{} comes after {}", place(event), place(other)),
            ));
        }
        // A retraction goes back: what comes after it begins again.
        before = if event.retracted { None } else { Some(event) };
    }
    for (number, event) in events.iter().enumerate() {
        let replaced = |other: &&Event| {
            other.retracted
                && other.block.number == event.block.number
                && other.block.hash != event.block.hash
        };
        if !event.retracted
            && let Some(late) = events.iter().skip(number + 1).find(replaced)
        {
            return Err(Fault::new(
                "retractions before the events of the blocks that replaced theirs",
                format!("{} comes after {}", place(late), place(event)),
            ));
        }
    }
    Ok(())
}

pub(super) fn ids_have_hashes(call: &Observed, _: &Facts) -> Looked {
    let events = page(call)?.events;
    let without = events.iter().find(|event| {
        let hash = hex::encode(&event.block.hash);
        hash.is_empty() || !event.id.to_ascii_lowercase().contains(&hash)
    });
    looked(without.is_none(), "ids that have the block's hash in them, in hexadecimal", || {
        without.map(|event| format!("{:?} of {}", event.id, place(event))).unwrap_or_default()
    })
}

pub(super) fn final_is_never_retracted(call: &Observed, _: &Facts) -> Looked {
    let page = page(call)?;
    let filter: EventFilter = call.argument(0)?;
    if filter.confidence != Confidence::Final {
        return None;
    }
    let retracted = page.events.iter().find(|event| event.retracted);
    looked(retracted.is_none(), "no retraction with the confidence final", || {
        retracted.map(place).unwrap_or_default()
    })
}

pub(super) fn bounds(call: &Observed, _: &Facts) -> Looked {
    let page = page(call)?;
    let (limit, max_bytes): (usize, usize) = (call.argument(2)?, call.argument(3)?);
    if page.events.len() > limit {
        let actual = format!("{} events", page.events.len());
        return Some(Err(Fault::new(format!("a page of at most {limit} events"), actual)));
    }
    let bytes: usize = page.events.iter().map(|event| event.payload.len()).sum();
    looked(
        bytes <= max_bytes || page.events.len() == 1,
        format!("at most {max_bytes} bytes of payload"),
        || format!("{bytes} bytes in {} events", page.events.len()),
    )
}

pub(super) fn bounded_requests(call: &Observed, _: &Facts) -> Looked {
    page(call)?;
    let requests = call.requests().len();
    looked(requests <= MOST_REQUESTS, format!("a page costs at most {MOST_REQUESTS} requests"), || {
        format!("{requests} requests")
    })
}

pub(super) fn short_cursors(call: &Observed, _: &Facts) -> Looked {
    let cursor = page(call)?.cursor;
    looked(cursor.len() <= LONGEST_CURSOR, format!("a cursor of at most {LONGEST_CURSOR} bytes"), || {
        format!("{} bytes", cursor.len())
    })
}

pub(super) fn given_events_match(call: &Observed, _: &Facts) -> Looked {
    let page = page(call)?;
    let filter: EventFilter = call.argument(0)?;
    let fits = |wanted: &Option<String>, is: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted.is_empty() || wanted.eq_ignore_ascii_case(is))
    };
    let foreign = page
        .events
        .iter()
        .find(|event| !(fits(&filter.contract, &event.contract) && fits(&filter.name, &event.name)));
    looked(foreign.is_none(), "only events that match the filter", || {
        foreign.map(|event| format!("{:?} of {:?}", event.name, event.contract)).unwrap_or_default()
    })
}

pub(super) fn json_is_json(call: &Observed, _: &Facts) -> Looked {
    let page = page(call)?;
    let broken = page.events.iter().find_map(|event| {
        let json = event.json.as_deref()?;
        serde_json::from_str::<serde::de::IgnoredAny>(json).is_err().then_some(json)
    });
    looked(broken.is_none(), "JSON, or none", || format!("{:.200}", broken.unwrap_or_default()))
}
