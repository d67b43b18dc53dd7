//! Which events come, and what is in them.

use adapter_spec::{
    CallError,
    types::{Confidence, ErrorCode, EventFilter},
};

use super::follower::{Follower, block_of, came, filter, make, of};
use crate::{
    check::{Checked, ensure, fail, same},
    trial::Trial,
};

pub(super) async fn what_matches(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let start = made.start()?;
    let whole = filter(trial, Confidence::Latest);
    let filters = [
        ("contract and name", whole.clone()),
        ("contract", EventFilter { name: None, ..whole.clone() }),
        ("name", EventFilter { contract: None, ..whole.clone() }),
        ("nothing", EventFilter { contract: None, name: None, ..whole.clone() }),
        ("nothing, without abi", EventFilter { contract: None, name: None, abi: None, ..whole }),
    ];
    for (what, filter) in filters {
        let mut follower = Follower::from_block(filter, start);
        follower.read_to_the_end(&made.application).await?;
        came(&follower.came, made.id(0), 1, &format!("a filter by {what}"))?;
    }
    Ok(())
}

pub(super) async fn what_does_not_match(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let start = made.start()?;
    let whole = filter(trial, Confidence::Latest);
    let name = whole.name.clone().unwrap_or_default();
    let swapped: String = name
        .chars()
        .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    let mut shorter = name.clone();
    shorter.pop();
    let names = [format!("{name}x"), swapped, shorter, format!(" {name}"), trial.name()];
    let mut filters: Vec<_> = names
        .into_iter()
        .filter(|other| *other != name && !other.is_empty())
        .map(|other| (format!("the name {other:?}"), EventFilter { name: Some(other), ..whole.clone() }))
        .collect();
    for other in [trial.facts.testbed.probe.missing_contract.clone(), trial.contracts.preset.clone()] {
        let Some(other) = other else { continue };
        let what = format!("the contract {other:?}");
        filters.push((what.clone(), EventFilter { contract: Some(other.clone()), ..whole.clone() }));
        filters.push((what, EventFilter { contract: Some(other), name: None, abi: None, ..whole.clone() }));
    }
    for (what, filter) in filters {
        let page = made.application.events(filter, super::block(start), 100, 1 << 20).await;
        match page {
            Ok(page) => came(&page.events, made.id(0), 0, &format!("a filter by {what}"))?,
            // A name that the description does not have, and a contract that is not there.
            Err(CallError::Answered(error))
                if matches!(error.code, ErrorCode::InvalidArgument | ErrorCode::NotFound) => {}
            Err(error) => return fail(format!("events that match {what}"), error.to_string()),
        }
    }
    Ok(())
}

pub(super) async fn payload(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let number = u32::try_from(100_000_000 + trial.below(100_000_000)).unwrap_or(u32::MAX);
    let (call, options) = (trial.add(number)?, trial.options());
    let written = application.write_well(call, &actor, options).await?;
    let start = block_of(&written)?.number;
    let described = filter(trial, Confidence::Latest);
    let has_abi = described.abi.is_some();
    let plain = EventFilter { name: None, abi: None, ..described.clone() };
    let mut payloads = Vec::new();
    for filter in [described, plain] {
        let is_described = filter.abi.is_some();
        let mut follower = Follower::from_block(filter, start);
        follower.read_to_the_end(&application).await?;
        let events = of(&follower.came, &written.envelope.transaction);
        let [event] = events.as_slice() else {
            return fail("one event of the transaction", format!("{events:?}"));
        };
        match &event.json {
            Some(json) => {
                let value = serde_json::from_str(json).unwrap_or_default();
                ensure(has_number(&value, number), format!("JSON that has the number {number}"), || {
                    json.clone()
                })?;
            }
            None if has_abi && is_described => return fail("JSON where the abi tells the types", "none"),
            None if is_described || !has_abi => {
                let bytes = number.to_be_bytes();
                let text = number.to_string();
                let has = |part: &[u8]| event.payload.windows(part.len()).any(|window| window == part);
                ensure(
                    has(&bytes) || has(text.as_bytes()),
                    format!("a payload that has the number {number}"),
                    || hex::encode(&event.payload),
                )?;
            }
            None => {}
        }
        payloads.push(event.payload.clone());
    }
    let [first, second] = payloads.as_slice() else { return Ok(()) };
    same(&hex::encode(first), &hex::encode(second), "the payload, whatever the filter's abi")?;
    let in_receipt = of(&written.receipt.events, &written.envelope.transaction);
    match in_receipt.first() {
        Some(event) => {
            same(&hex::encode(&event.payload), &hex::encode(first), "the payload, as in the receipt")
        }
        None => Ok(()),
    }
}

/// Whether the number is in the JSON, as a number or as text.
fn has_number(json: &serde_json::Value, number: u32) -> bool {
    match json {
        serde_json::Value::Number(found) => found.as_u64() == Some(number.into()),
        serde_json::Value::String(found) => *found == number.to_string(),
        serde_json::Value::Array(items) => items.iter().any(|item| has_number(item, number)),
        serde_json::Value::Object(fields) => fields.values().any(|field| has_number(field, number)),
        serde_json::Value::Null | serde_json::Value::Bool(_) => false,
    }
}
