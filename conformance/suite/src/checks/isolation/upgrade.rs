//! What one version writes and another one reads. Only one version is at hand: instances of it stand for two, and the test
//! bed may have what earlier versions wrote.

use std::collections::{BTreeMap, BTreeSet};

use adapter_spec::types::{Confidence, Envelope, Error, ErrorCode, EventFilter, EventStart, Inclusion, Step};
use berth_lending::recording::Import;

use super::super::once::{Ready, ready};
use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::{Trial, observed::json},
};

fn filter() -> EventFilter {
    EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest }
}

pub(super) async fn read_by_another(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (amount, options) = (trial.amount(), trial.options());
    let mut step = application.begin(trial.add(amount)?, actor.parties(), options).await.expected("begin")?;
    let envelope = loop {
        // Each step on another instance.
        match step {
            Step::Sign(request) => {
                let signatures = actor.sign(&request)?;
                let resumed = application.restarted().await?.resume(request.continuation, signatures).await;
                step = resumed.expected("another instance reads the continuation")?;
            }
            Step::Send(envelope) => break envelope,
            Step::Answer(_) => return fail("a call that writes ends in send", "an answer"),
        }
    };
    let sent = application.restarted().await?.try_send(&envelope).await?;
    ensure(sent.is_ok(), "another instance reads the envelope", || format!("{sent:?}"))?;
    let receipt = application.restarted().await?.included(&envelope).await?;
    same(&envelope.transaction, &receipt.transaction, "another instance reads the tracking")?;
    if trial.facts.interfaces.events {
        let page = application.events(filter(), EventStart::Earliest, 1, 1 << 16).await;
        let page = page.expected("a page of events")?;
        let other = application.restarted().await?;
        let next = other.events(filter(), EventStart::Cursor(page.cursor), 1, 1 << 16).await;
        next.expected("another instance reads the cursor")?;
    }
    Ok(())
}

/// A fault unless it is an answer other than that it cannot be read.
fn is_read<T>(result: Result<T, adapter_spec::CallError>, what: &str, version: &str) -> Checked {
    let expected = format!("{what} of version {version} is read");
    match result {
        Ok(_) => Ok(()),
        Err(error) => match error.answered() {
            Some(Error { code: ErrorCode::InvalidArgument | ErrorCode::Internal, .. }) | None => {
                fail(expected, error.to_string())
            }
            Some(_) => Ok(()),
        },
    }
}

pub(super) async fn earlier(trial: &mut Trial) -> Checked {
    let facts = trial.facts.clone();
    let application = trial.application().await?;
    for earlier in &facts.testbed.earlier {
        let version = &earlier.version;
        let bytes = |text: &Option<String>| {
            text.as_ref().map(|text| {
                hex::decode(text.trim_start_matches("0x")).map_err(|_| {
                    Stop::Harness("what the test bed has of earlier versions is no hexadecimal".into())
                })
            })
        };
        if let (Some(tracking), Some(transaction)) = (bytes(&earlier.tracking), &earlier.transaction) {
            is_read(application.receipt(transaction, tracking?).await, "the tracking", version)?;
        }
        if let Some(cursor) = bytes(&earlier.cursor) {
            let page = application.events(filter(), EventStart::Cursor(cursor?), 1, 1 << 16).await;
            is_read(page, "the cursor", version)?;
        }
        if let Some(continuation) = bytes(&earlier.continuation) {
            is_read(application.abandon(continuation?).await, "the continuation", version)?;
        }
        if !earlier.state.is_empty() {
            let mut state = BTreeMap::new();
            for (key, value) in &earlier.state {
                let value = bytes(&Some(value.clone())).transpose()?.unwrap_or_default();
                state.insert(key.clone(), value);
            }
            application.set_state(state);
            let actor = trial.actor(&application).await?;
            let options = trial.options();
            is_read(application.begin(trial.add(1)?, actor.parties(), options).await, "the state", version)?;
        }
    }
    Ok(())
}

/// A fault unless the error says that the argument cannot be read.
fn is_invalid(error: &Error, what: &str) -> Checked {
    ensure(
        error.code == ErrorCode::InvalidArgument,
        format!("`invalid-argument` for {what} that cannot be read"),
        || error.to_string(),
    )
}

pub(super) async fn unreadable(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, actor, envelope, .. } = &ready;
    let noise = [trial.bytes(1), trial.bytes(37), trial.bytes(400)];
    let options = trial.options();
    let step = application.begin(trial.add(1)?, actor.parties(), options).await.expected("begin")?;
    if let Step::Sign(request) = step {
        let signatures = actor.sign(&request)?;
        let half = request.continuation.get(..request.continuation.len() / 2).unwrap_or_default().to_vec();
        for unreadable in noise.iter().cloned().chain([half]) {
            let expected = "`invalid-argument` for a continuation that cannot be read";
            let error = application.resume(unreadable.clone(), signatures.clone()).await.refused(expected)?;
            is_invalid(&error, "a continuation")?;
        }
        application.abandon(request.continuation).await.expected("`abandon` succeeds")?;
    }
    for unreadable in &noise {
        let expected = "`invalid-argument` for an envelope that cannot be read";
        let broken = Envelope { bytes: unreadable.clone(), ..envelope.clone() };
        match application.try_send(&broken).await? {
            Ok(()) => return fail(expected, "success"),
            Err(failure) => is_invalid(&failure.error, "an envelope")?,
        }
        // An adapter that needs no tracking need not look at one.
        if !envelope.tracking.is_empty() {
            let expected = "`invalid-argument` for tracking that cannot be read";
            let error = application.receipt(&envelope.transaction, unreadable.clone()).await;
            is_invalid(&error.refused(expected)?, "tracking")?;
        }
        if trial.facts.interfaces.events {
            let expected = "`invalid-argument` for a cursor that cannot be read";
            let page = application.events(filter(), EventStart::Cursor(unreadable.clone()), 1, 1 << 16).await;
            is_invalid(&page.refused(expected)?, "a cursor")?;
        }
    }
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    ready.took_effect_once(trial, "one envelope after unreadable ones").await
}

/// The keys of the state that the application's calls have asked for or written.
fn keys(application: &Application) -> BTreeSet<String> {
    let calls = application.calls();
    let exchanges = calls.iter().flat_map(|call| call.exchanges.iter());
    exchanges
        .filter_map(|exchange| match exchange.import {
            Import::StateGet => json(&exchange.request).as_str().map(str::to_owned),
            Import::StateSwap => Some(json(&exchange.request).get(0)?.as_str()?.to_owned()),
            _ => None,
        })
        .collect()
}

pub(super) async fn newer_state(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, actor, envelope, .. } = &ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    application.included(envelope).await?;
    let keys = keys(application);
    if keys.is_empty() {
        return Err(Stop::NotApplicable("the adapter keeps nothing in its state".into()));
    }
    // No version has written such values yet.
    let newer: BTreeMap<_, _> = keys.into_iter().map(|key| (key, trial.bytes(61))).collect();
    application.set_state(newer.clone());
    let looked = application.calls().len();
    let instance = application.restarted().await?;
    let options = trial.options();
    // It may well go on without its state.
    if let Ok(Step::Sign(request)) = instance.begin(trial.add(1)?, actor.parties(), options).await {
        instance.resume(request.continuation.clone(), actor.sign(&request)?).await.ok();
        instance.abandon(request.continuation).await.ok();
    }
    let receipt = instance.receipt(&envelope.transaction, envelope.tracking.clone()).await;
    if let Ok(receipt) = receipt {
        ensure(
            receipt.inclusion != Inclusion::Expired,
            "no wrong receipt with a state that a newer version wrote",
            || format!("{:?}", receipt.inclusion),
        )?;
    }
    instance.try_send(envelope).await?.ok();
    for call in application.calls().iter().skip(looked) {
        for swap in call.exchanges.iter().filter(|exchange| exchange.import == Import::StateSwap) {
            let request = json(&swap.request);
            let key = request.get(0).and_then(serde_json::Value::as_str).unwrap_or_default();
            let over = request.get(1).and_then(serde_json::Value::as_str).unwrap_or_default();
            let over = hex::decode(over.trim_start_matches("0x")).unwrap_or_default();
            let done = swap.answer.as_ref().is_some_and(|answer| json(answer).as_bool() == Some(true));
            ensure(
                !(done && newer.get(key) == Some(&over)),
                "state that a newer version wrote is not destroyed",
                || format!("{} wrote over the value of {key:?}, which it cannot have read", call.function),
            )?;
        }
    }
    Ok(())
}
