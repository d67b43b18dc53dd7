//! Reading page by page: order, completeness, bounds.

use std::collections::BTreeMap;

use adapter_spec::types::{BlockSelector, Confidence, ErrorCode, EventStart, Finality};

use super::{
    follower::{Follower, block_of, came, count, filter, heights, make, of},
    rules,
};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::Trial,
};

pub(super) async fn in_order(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1, 2, 1, 2]).await?;
    let start = made.start()?;
    for limit in [1, 2, 3] {
        let mut follower = Follower::from_block(filter(trial, Confidence::Latest), start).limit(limit);
        follower.read_to_the_end(&made.application).await?;
        rules::order(&follower.came)?;
        let mine: Vec<_> = follower
            .came
            .iter()
            .filter(|event| {
                made.written.iter().any(|(written, _)| written.envelope.transaction == event.transaction)
            })
            .map(|event| (event.block.number, event.index))
            .collect();
        ensure(mine.is_sorted(), "events by block, then by index, from page to page", || {
            format!("{mine:?}")
        })?;
    }
    Ok(())
}

pub(super) async fn nothing_is_left_out(trial: &mut Trial) -> Checked {
    let made = make(trial, &[2, 1, 1, 2, 1]).await?;
    let start = made.start()?;
    for (limit, max_bytes) in [(1, 1 << 20), (2, 1), (7, 100), (1000, 1 << 20)] {
        let filter = filter(trial, Confidence::Latest);
        let mut follower = Follower { max_bytes, ..Follower::from_block(filter, start).limit(limit) };
        let mut application = made.application.clone();
        // Every page on a ledger opened anew: the cursor alone knows where the reader is.
        loop {
            let before = follower.scanned;
            let page = follower.page(&application).await?;
            if page.events.is_empty() && before.is_some_and(|before| page.scanned <= before) {
                break;
            }
            application = application.restarted().await?;
        }
        for (written, events) in &made.written {
            let what = format!("reading on in pages of {limit}");
            came(&follower.came, &written.envelope.transaction, *events, &what)?;
        }
    }
    Ok(())
}

pub(super) async fn ids(trial: &mut Trial) -> Checked {
    let made = make(trial, &[2, 1, 2]).await?;
    let start = made.start()?;
    let mut places: BTreeMap<String, (Vec<u8>, u32)> = BTreeMap::new();
    let mut ids: BTreeMap<(Vec<u8>, u32), String> = BTreeMap::new();
    for limit in [1, 100, 2] {
        let application = trial.application().await?;
        let mut follower = Follower::from_block(filter(trial, Confidence::Latest), start).limit(limit);
        follower.read_to_the_end(&application).await?;
        for event in follower.came {
            let place = (event.block.hash.clone(), event.index);
            let known = places.entry(event.id.clone()).or_insert_with(|| place.clone());
            ensure(*known == place, "another id for another event", || {
                format!("{:?} is also the id of {}", event.id, rules::place(&event))
            })?;
            let known = ids.entry(place).or_insert_with(|| event.id.clone());
            same(known, &event.id, "the event's id at another delivery")?;
        }
    }
    let all: usize = made.written.iter().map(|(_, events)| events).sum();
    ensure(places.len() >= all, format!("{all} ids for {all} events"), || format!("{} ids", places.len()))
}

pub(super) async fn confidence(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let (start, transaction) = (made.start()?, made.id(0).to_owned());
    let application = &made.application;
    let mut readers = Vec::new();
    for confidence in [Confidence::Latest, Confidence::Safe, Confidence::Final] {
        readers.push(Follower::from_block(filter(trial, confidence), start));
    }
    let is_immediate = trial.facts.descriptor.finality == Finality::Immediate;
    for look in 0..trial.facts.testbed.patience {
        for reader in &mut readers {
            let confidence = reader.filter.confidence;
            reader.read_to_the_end(application).await?;
            // Asked after it: the chain only grows.
            let bound = match confidence {
                Confidence::Latest => Some(heights(application).await?.0),
                Confidence::Final => Some(heights(application).await?.1),
                Confidence::Safe if trial.facts.interfaces.blocks => {
                    let safe = application.block(BlockSelector::At(Confidence::Safe)).await;
                    Some(safe.expected("the newest safe block")?.reference.number)
                }
                Confidence::Safe => None,
            };
            let Some(bound) = bound else { continue };
            if let Some(early) = reader.came.iter().find(|event| event.block.number > bound) {
                let expected = format!("with {confidence:?} only events of blocks up to {bound}");
                return fail(expected, rules::place(early));
            }
        }
        let have: Vec<_> = readers.iter().map(|reader| count(&reader.came, &transaction)).collect();
        if is_immediate {
            return same(&vec![1, 1, 1], &have, "each confidence gives the event at once");
        }
        if have == [1, 1, 1] {
            return Ok(());
        }
        let (_, last_final) = heights(application).await?;
        if last_final >= start.saturating_add(1) {
            for reader in &mut readers {
                reader.read_to_the_end(application).await?;
                came(&reader.came, &transaction, 1, "once the block is final")?;
            }
            return Ok(());
        }
        trial.advance(1).await?;
        application.pause_after(look).await;
    }
    Err(Stop::Unknown("the block did not become final".into()))
}

pub(super) async fn at_least_one(trial: &mut Trial) -> Checked {
    let made = make(trial, &[2]).await?;
    let (start, transaction) = (made.start()?, made.id(0).to_owned());
    for (limit, max_bytes) in [(1, 1 << 20), (5, 0), (5, 1)] {
        let filter = filter(trial, Confidence::Latest);
        let mut follower = Follower { max_bytes, ..Follower::from_block(filter, start).limit(limit) };
        let page = follower.page(&made.application).await?;
        ensure(!page.events.is_empty(), "at least one event in a page, where there is one", || {
            format!("none, with a limit of {limit} and {max_bytes} bytes")
        })?;
        follower.read_to_the_end(&made.application).await?;
        came(&follower.came, &transaction, 2, &format!("pages of {max_bytes} bytes"))?;
    }
    Ok(())
}

pub(super) async fn limit_of_none(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    for start in [EventStart::Latest, EventStart::Earliest] {
        let page = application.events(filter(trial, Confidence::Latest), start, 0, 1000).await;
        let error = page.refused("a limit of 0: invalid-argument")?;
        same(&ErrorCode::InvalidArgument, &error.code, "a limit of 0")?;
    }
    Ok(())
}

pub(super) async fn looks_on(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let missing = trial.facts.testbed.probe.missing_contract.clone();
    let Some(other) = missing.or_else(|| trial.contracts.preset.clone()) else {
        return Err(Stop::Unknown("the test bed has no contract without events".into()));
    };
    let nothing = adapter_spec::types::EventFilter {
        contract: Some(other),
        name: None,
        abi: None,
        confidence: Confidence::Latest,
    };
    let mut follower = Follower::new(nothing, EventStart::Latest);
    let mut scanned = follower.page(&application).await?.scanned;
    for _ in 0..3 {
        let (call, options) = (trial.add(2)?, trial.options());
        application.write_well(call, &actor, options).await?;
        let (before, _) = heights(&application).await?;
        follower.read_to_the_end(&application).await?;
        let (after, _) = heights(&application).await?;
        ensure(follower.came.is_empty(), "no event of a contract that makes none", || {
            format!("{} events", follower.came.len())
        })?;
        let now = follower.scanned.unwrap_or_default();
        ensure(now > scanned && now >= before, format!("scanned grows to the head, {before}"), || {
            format!("it went from {scanned} to {now}")
        })?;
        ensure(now <= after, format!("scanned not above the head, {after}"), || now.to_string())?;
        scanned = now;
    }
    Ok(())
}

pub(super) async fn half_a_block(trial: &mut Trial) -> Checked {
    let made = make(trial, &[2, 1, 2]).await?;
    let start = made.start()?;
    let mut follower = Follower::from_block(filter(trial, Confidence::Latest), start).limit(1);
    loop {
        let before = follower.scanned;
        let page = follower.page(&made.application).await?;
        for (written, events) in &made.written {
            let block = block_of(written)?;
            let given = of(&follower.came, &written.envelope.transaction).len();
            if block.number <= page.scanned && given < *events {
                let expected =
                    format!("scanned below block {}, half of whose events were given", block.number);
                return fail(expected, format!("{}, after {given} of {events} events", page.scanned));
            }
        }
        if page.events.is_empty() && before.is_some_and(|before| page.scanned <= before) {
            return Ok(());
        }
    }
}

pub(super) async fn the_end(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let mut follower = Follower::from_block(filter(trial, Confidence::Latest), made.start()?);
    follower.read_to_the_end(&made.application).await?;
    let restarted = made.application.restarted().await?;
    for application in [&made.application, &restarted, &restarted] {
        let page = follower.page(application).await?;
        ensure(page.events.is_empty(), "an empty page at the end of what exists", || {
            format!("{} events", page.events.len())
        })?;
    }
    let (call, options) = (trial.add(5)?, trial.options());
    let written = restarted.write_well(call, &made.actor, options).await?;
    follower.read_to_the_end(&restarted).await?;
    came(&follower.came, &written.envelope.transaction, 1, "reading on from the end")
}
