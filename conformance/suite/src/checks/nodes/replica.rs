//! Nodes that are behind.

use std::collections::BTreeMap;

use adapter_spec::{
    CallError, Function,
    types::{Confidence, Event, EventFilter, EventStart, Inclusion},
};

use crate::{
    check::{Checked, Expect as _, ensure, fail},
    checks::deeds::Day,
    trial::{Disturbance, Trial, Which},
};

/// How many times blocks are made until a transaction is final.
const ROUNDS: u32 = 40;

/// A receipt that was final is asked again at a replica that has not heard of the transaction.
pub(super) async fn receipt(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?;
    let app = &day.application;
    let (call, options) = (trial.add(2)?, trial.options());
    let envelope = app.envelope(call, &day.actor, options).await?;
    app.remember();
    app.receipt(&envelope.transaction, envelope.tracking.clone()).await.expected("a receipt")?;
    app.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
    let mut last = app.included(&envelope).await?;
    for _ in 0..ROUNDS {
        if last.inclusion == Inclusion::Final {
            break;
        }
        trial.advance(2).await?;
        app.pause().await;
        last = app.receipt(&envelope.transaction, envelope.tracking.clone()).await.expected("a receipt")?;
    }
    if last.inclusion != Inclusion::Final {
        return Err(crate::check::Stop::Unknown("the transaction did not become final in this run".into()));
    }
    for restarts in [false, true] {
        let app = if restarts { app.restarted().await? } else { app.clone() };
        app.disturb(Which::of(Function::Receipt), Disturbance::Stale);
        let came = app.receipt(&envelope.transaction, envelope.tracking.clone()).await;
        app.calm();
        match came {
            Ok(receipt) => ensure(
                receipt.inclusion == Inclusion::Final,
                "a receipt that was final stays final, or comes later, when a replica is behind",
                || format!("the receipt went back to {:?}", receipt.inclusion),
            )?,
            Err(CallError::Answered(error)) => {
                ensure(error.retryable, "a retryable error where a replica is behind", || error.to_string())?
            }
            Err(CallError::Ended(ended)) => return fail("a receipt, or a typed error", ended.to_string()),
        }
    }
    let again = app.receipt(&envelope.transaction, envelope.tracking.clone()).await.expected("a receipt")?;
    ensure(again.inclusion == Inclusion::Final, "the receipt is still final", || {
        format!("{:?}", again.inclusion)
    })
}

/// A page is asked for with a cursor that is ahead of the replica.
pub(super) async fn events(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?;
    let app = &day.application;
    let filter = EventFilter {
        contract: Some(trial.contracts.probe.clone()),
        name: None,
        abi: None,
        confidence: Confidence::Latest,
    };
    app.remember();
    let start = EventStart::Block(day.block());
    let first = app.events(filter.clone(), start, 50, 1 << 20).await.expected("a page of events")?;
    // The questions that a page asks at this height are remembered with their answers of now.
    app.events(filter.clone(), EventStart::Cursor(first.cursor.clone()), 50, 1 << 20)
        .await
        .expected("the next page")?;
    for _ in 0..3 {
        let (call, options) = (trial.add(1)?, trial.options());
        app.write_well(call, &day.actor, options).await?;
    }
    let mut seen: BTreeMap<String, Event> = BTreeMap::new();
    let mut ahead = first.clone();
    for _ in 0..20 {
        for event in &ahead.events {
            seen.insert(event.id.clone(), event.clone());
        }
        let next = EventStart::Cursor(ahead.cursor.clone());
        let page = app.events(filter.clone(), next, 50, 1 << 20).await.expected("the next page")?;
        let is_end = page.events.is_empty();
        ahead = page;
        if is_end {
            break;
        }
    }
    app.disturb(Which::of(Function::Events), Disturbance::Stale);
    let came = app.events(filter.clone(), EventStart::Cursor(ahead.cursor.clone()), 50, 1 << 20).await;
    app.calm();
    let goes_on = match came {
        Ok(page) => {
            ensure(
                page.scanned >= ahead.scanned,
                "a cursor does not go backwards when a replica is behind",
                || format!("scanned went from {} back to {}", ahead.scanned, page.scanned),
            )?;
            one_id_each(&seen, &page.events)?;
            page.cursor
        }
        Err(CallError::Answered(error)) => {
            ensure(error.retryable, "a retryable error where a replica is behind", || error.to_string())?;
            ahead.cursor.clone()
        }
        Err(CallError::Ended(ended)) => return fail("a page, or a typed error", ended.to_string()),
    };
    let (call, options) = (trial.add(4)?, trial.options());
    let written = app.write_well(call, &day.actor, options).await?;
    let page =
        app.events(filter, EventStart::Cursor(goes_on), 50, 1 << 20).await.expected("the next page")?;
    one_id_each(&seen, &page.events)?;
    let id = &written.envelope.transaction;
    ensure(
        page.events.iter().any(|event| event.transaction == *id),
        "the events that came meanwhile are there when the replica is no longer behind",
        || "they are not on the next page".into(),
    )
}

/// No event of those that were seen comes under another id.
fn one_id_each(seen: &BTreeMap<String, Event>, came: &[Event]) -> Checked {
    came.iter().try_for_each(|event| {
        let same = |known: &&Event| {
            known.transaction == event.transaction && known.block == event.block && known.index == event.index
        };
        let known = seen.values().find(same);
        ensure(known.is_none_or(|known| known.id == event.id), "an event never comes under two ids", || {
            format!("{} came again as {}", known.map_or("", |known| &known.id), event.id)
        })
    })
}
