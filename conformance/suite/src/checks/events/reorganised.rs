//! Blocks that leave the chain while somebody follows.

use std::collections::BTreeMap;

use adapter_spec::{
    CallError,
    types::{Confidence, ErrorCode, Event},
};

use super::{
    follower::{Follower, Made, block_of, filter, heights, make, of},
    rules,
};
use crate::{
    check::{Checked, Stop, ensure, fail, same},
    trial::{Application, Trial},
};

/// Has blocks leave the chain: the newest ones down to this height.
async fn drop_from(trial: &Trial, application: &Application, block: u64) -> Checked {
    let (head, last_final) = heights(application).await?;
    if block <= last_final {
        return Err(Stop::Unknown(format!("block {block} became final before it could be dropped")));
    }
    drop_newest(trial, application, head.saturating_sub(block).saturating_add(1)).await
}

/// Has the newest blocks leave the chain.
pub(super) async fn drop_newest(trial: &Trial, application: &Application, depth: u64) -> Checked {
    trial.control("reorganise", &[("depth", depth)]).await?;
    application.pause().await;
    Ok(())
}

/// Events that were read, whose blocks then left the chain.
struct Dropped {
    made: Made,
    follower: Follower,
    /// As they were given.
    given: Vec<Event>,
    /// The first that stays.
    stays: String,
}

/// Reads three transactions' events, and drops the blocks of the last two.
async fn dropped(trial: &mut Trial, limit: u32) -> Result<Dropped, Stop> {
    let made = make(trial, &[1, 1, 1]).await?;
    let mut follower = Follower::from_block(filter(trial, Confidence::Latest), made.start()?).limit(limit);
    follower.read_to_the_end(&made.application).await?;
    let lost: Vec<_> = (1..3).flat_map(|number| of(&follower.came, made.id(number))).cloned().collect();
    let [first, _] = lost.as_slice() else {
        return fail("one event of each transaction", format!("{} events of two", lost.len()));
    };
    drop_from(trial, &made.application, first.block.number).await?;
    let stays = made.id(0).to_owned();
    Ok(Dropped { made, follower, given: lost, stays })
}

pub(super) async fn retractions_come_first(trial: &mut Trial) -> Checked {
    let Dropped { made, mut follower, given, .. } = dropped(trial, 100).await?;
    let before = follower.came.len();
    let (application, actor) = (trial.application().await?, trial.actor(&made.application).await?);
    let (call, options) = (trial.add(6)?, trial.options());
    let new = application.write_well(call, &actor, options).await?;
    follower.read_to_the_end(&made.application).await?;
    let came = follower.came.get(before..).unwrap_or_default();
    rules::order(came)?;
    let at = |is: &dyn Fn(&Event) -> bool| came.iter().position(is);
    let new_at = at(&|event| event.transaction == new.envelope.transaction);
    for event in given {
        let retracted_at = at(&|other| other.retracted && other.id == event.id);
        ensure(
            matches!((retracted_at, new_at), (Some(retracted), Some(new)) if retracted < new),
            "retractions before the events of the blocks that replaced theirs",
            || format!("the retraction is number {retracted_at:?}, the new event number {new_at:?}"),
        )?;
    }
    Ok(())
}

pub(super) async fn no_gap(trial: &mut Trial) -> Checked {
    let Dropped { made, mut follower, .. } = dropped(trial, 1).await?;
    let start = made.start()?;
    let application = made.application.restarted().await?;
    // Its account is as it was before the blocks that left; another one's is untouched by them.
    let actor = trial.actor(&application).await?;
    for _ in 0..2 {
        let (call, options) = (trial.add(6)?, trial.options());
        application.write_well(call, &actor, options).await?;
        follower.page(&application).await?;
    }
    follower.read_to_the_end(&application).await?;
    let mut fresh = Follower::from_block(filter(trial, Confidence::Latest), start);
    fresh.read_to_the_end(&trial.application().await?).await?;
    let ids = |events: Vec<Event>| {
        let mut ids: Vec<_> = events.into_iter().map(|event| event.id).collect();
        ids.sort();
        ids
    };
    let (followed, there) = (ids(follower.standing()), ids(fresh.standing()));
    let missing: Vec<_> = there.iter().filter(|id| !followed.contains(id)).collect();
    ensure(missing.is_empty(), "all events of the chain, for who read on over a reorganisation", || {
        format!("missing: {missing:?}")
    })?;
    let stale: Vec<_> = followed.iter().filter(|id| !there.contains(id)).collect();
    ensure(stale.is_empty(), "no event that is not in the chain any more, for who read on", || {
        format!("never retracted: {stale:?}")
    })
}

pub(super) async fn another_block_another_id(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let mut follower = Follower::from_block(filter(trial, Confidence::Latest), made.start()?);
    follower.read_to_the_end(&made.application).await?;
    let old = of(&follower.came, made.id(0)).first().map(|event| (*event).clone());
    let Some(old) = old else { return fail("the event of the transaction", "none") };
    drop_from(trial, &made.application, old.block.number).await?;
    let Some((written, _)) = made.written.first() else { return Ok(()) };
    // The very same transaction, in another block.
    let sent = made.application.try_send(&written.envelope).await?;
    let again = match sent {
        Ok(()) => made.application.included(&written.envelope).await.ok(),
        Err(_) => None,
    };
    let Some(block) = again.and_then(|receipt| receipt.block) else {
        return Err(Stop::NotApplicable(
            "the ledger does not take the transaction into another block".into(),
        ));
    };
    if block.hash == old.block.hash {
        return Err(Stop::Harness("the test bed did not drop the block".into()));
    }
    follower.read_to_the_end(&made.application).await?;
    let new = follower.came.iter().find(|event| !event.retracted && event.block == block);
    match new {
        Some(new) if new.id != old.id => Ok(()),
        Some(new) => {
            fail("another id for the transaction's event in another block", format!("{:?} again", new.id))
        }
        None => fail("the event of the transaction in its new block", "none"),
    }
}

pub(super) async fn all_retracted(trial: &mut Trial) -> Checked {
    for limit in [100, 1] {
        let Dropped { made, mut follower, given, stays } = dropped(trial, limit).await?;
        let before = follower.came.len();
        follower.read_to_the_end(&made.application.restarted().await?).await?;
        let came = follower.came.get(before..).unwrap_or_default();
        for event in &given {
            let Some(retraction) = came.iter().find(|other| other.retracted && other.id == event.id) else {
                return fail(
                    "an event whose block left the chain comes again as retracted",
                    format!("{} does not", rules::place(event)),
                );
            };
            let facts = |event: &Event| (event.transaction.clone(), event.block.clone(), event.index);
            same(&facts(event), &facts(retraction), "transaction, block and index of a retraction")?;
        }
        let wrong = came.iter().find(|event| event.retracted && event.transaction == stays);
        ensure(wrong.is_none(), "no retraction of an event whose block stays", || {
            wrong.map(rules::place).unwrap_or_default()
        })?;
    }
    Ok(())
}

/// Whether every event comes before it is retracted, and comes anew before it is again.
fn alternates(came: &[Event]) -> Checked {
    let mut given: BTreeMap<&str, bool> = BTreeMap::new();
    for event in came {
        let is_given = given.entry(&event.id).or_default();
        if event.retracted && !*is_given {
            return fail("a retraction only of what was given and not retracted since", rules::place(event));
        }
        *is_given = !event.retracted;
    }
    Ok(())
}

pub(super) async fn retracted_once(trial: &mut Trial) -> Checked {
    for limit in [1, 100] {
        let Dropped { made, mut follower, .. } = dropped(trial, limit).await?;
        for _ in 0..4 {
            follower.page(&made.application).await?;
        }
        let actor = trial.actor(&made.application).await?;
        let (call, options) = (trial.add(6)?, trial.options());
        let new = made.application.write_well(call, &actor, options).await?;
        follower.read_to_the_end(&made.application).await?;
        drop_from(trial, &made.application, block_of(&new)?.number).await?;
        follower.read_to_the_end(&made.application).await?;
        alternates(&follower.came)?;
        // Who never read what left has nothing to undo.
        let mut fresh = Follower::from_block(filter(trial, Confidence::Latest), made.start()?).limit(limit);
        fresh.read_to_the_end(&made.application).await?;
        alternates(&fresh.came)?;
    }
    // Of a block that was half read, only what was given is retracted.
    if trial.facts.testbed.probe.functions.contains_key("add-twice") {
        let made = make(trial, &[2]).await?;
        let mut follower = Follower::from_block(filter(trial, Confidence::Latest), made.start()?).limit(1);
        follower.page(&made.application).await?;
        drop_from(trial, &made.application, made.start()?).await?;
        follower.read_to_the_end(&made.application).await?;
        alternates(&follower.came)?;
    }
    Ok(())
}

pub(super) async fn deeper_than_the_cursor(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1, 1]).await?;
    let (start, application) = (made.start()?, &made.application);
    let mut readers = [Confidence::Latest, Confidence::Final]
        .map(|confidence| Follower::from_block(filter(trial, confidence), start));
    let second = made.written.last().map(|(written, _)| block_of(written)).transpose()?;
    let last = second.map_or(start, |block| block.number);
    for looks in 0.. {
        for reader in &mut readers {
            reader.read_to_the_end(application).await?;
        }
        if heights(application).await?.1 > last {
            break;
        }
        if looks >= trial.facts.testbed.patience {
            return Err(Stop::Unknown("the blocks did not become final".into()));
        }
        trial.advance(1).await?;
        application.pause().await;
    }
    for reader in &mut readers {
        reader.read_to_the_end(application).await?;
    }
    // Deeper than finality: it must not happen, and if it does it must be told.
    let (head, _) = heights(application).await?;
    drop_newest(trial, application, head.saturating_sub(start).saturating_add(1)).await?;
    for mut reader in readers {
        let confidence = reader.filter.confidence;
        let given: Vec<_> =
            [0, 1].iter().flat_map(|number| of(&reader.came, made.id(*number))).cloned().collect();
        let before = reader.came.len();
        for _ in 0..given.len() + 20 {
            let page = application.events(reader.filter.clone(), reader.start.clone(), 100, 1 << 20).await;
            match page {
                Ok(page) => {
                    reader.start = adapter_spec::types::EventStart::Cursor(page.cursor);
                    reader.came.extend(page.events);
                }
                Err(CallError::Answered(error)) if error.code == ErrorCode::Pruned => break,
                Err(error) => return fail("retractions, or pruned", error.to_string()),
            }
            let came = reader.came.get(before..).unwrap_or_default();
            if given.iter().all(|event| came.iter().any(|other| other.retracted && other.id == event.id)) {
                break;
            }
            if reader.came.len() > before + 1000 {
                break;
            }
        }
        let came = reader.came.get(before..).unwrap_or_default();
        let is_told = |event: &Event| came.iter().any(|other| other.retracted && other.id == event.id);
        let again = application.events(reader.filter.clone(), reader.start.clone(), 100, 1 << 20).await;
        let is_pruned = matches!(&again, Err(CallError::Answered(error)) if error.code == ErrorCode::Pruned);
        ensure(
            is_pruned || (!given.is_empty() && given.iter().all(is_told)),
            "every event of dropped blocks retracted, or pruned",
            || format!("a silent gap, with the confidence {confidence:?}"),
        )?;
    }
    Ok(())
}
