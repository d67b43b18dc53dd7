//! Where reading starts.

use adapter_spec::types::{BlockSelector, Confidence, ErrorCode, EventStart};

use super::follower::{Follower, came, count, filter, heights, make};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, same},
    trial::Trial,
};

/// The most pages of the whole chain that are read; a test bed's is short.
const MOST_PAGES: usize = 400;

pub(super) async fn earliest(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let application = &made.application;
    let filter = filter(trial, Confidence::Latest);
    let mut follower = Follower::new(filter.clone(), EventStart::Earliest);
    let first = application.events(filter.clone(), EventStart::Earliest, 100, 1 << 20).await;
    if let Err(adapter_spec::CallError::Answered(error)) = &first
        && error.code == ErrorCode::Pruned
    {
        return is_dropped(trial, application).await;
    }
    // By number, where the first block has the number 0: the same.
    let by_number = application.events(filter.clone(), EventStart::Block(0), 100, 1 << 20).await;
    if let (Ok(first), Ok(by_number)) = (&first, &by_number) {
        let ids = |page: &adapter_spec::types::EventPage| {
            page.events.iter().map(|event| event.id.clone()).collect()
        };
        let (first, by_number): (Vec<_>, Vec<_>) = (ids(first), ids(by_number));
        same(&by_number, &first, "earliest starts with the first block, as block 0 does")?;
    }
    for _ in 0..MOST_PAGES {
        follower.page(application).await?;
        if count(&follower.came, made.id(0)) > 0 {
            return Ok(());
        }
        let (head, _) = heights(application).await?;
        if follower.scanned >= Some(head) {
            return came(&follower.came, made.id(0), 1, "reading from earliest to the head");
        }
    }
    Err(Stop::Unknown(format!("the chain is longer than {MOST_PAGES} pages")))
}

/// `pruned` is right where the first block is not there either.
async fn is_dropped(trial: &Trial, application: &crate::Application) -> Checked {
    if !trial.facts.interfaces.blocks {
        return Err(Stop::Unknown("the node does not keep the first block, it is said".into()));
    }
    let first = application.block(BlockSelector::Number(0)).await;
    let error = first.refused("earliest starts with the first block, which the node keeps: no pruned")?;
    same(&ErrorCode::Pruned, &error.code, "the first block where earliest is pruned")
}

pub(super) async fn earliest_pruned(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    trial.advance(3).await?;
    let (head, _) = heights(&made.application).await?;
    trial.control("prune", &[("block", head)]).await?;
    let filter = filter(trial, Confidence::Latest);
    let page = made.application.events(filter, EventStart::Earliest, 10, 1 << 20).await;
    trial.control("prune", &[("block", 0)]).await?;
    let error = page.refused("earliest where the node dropped the first blocks: pruned")?;
    same(&ErrorCode::Pruned, &error.code, "earliest where the node dropped the first blocks")
}

pub(super) async fn latest(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1, 1]).await?;
    let mut follower = Follower::new(filter(trial, Confidence::Latest), EventStart::Latest);
    let page = follower.page(&made.application).await?;
    ensure(page.events.is_empty(), "latest gives only what comes", || {
        format!("{} events", page.events.len())
    })?;
    let (call, options) = (trial.add(4)?, trial.options());
    let written = made.application.write_well(call, &made.actor, options).await?;
    follower.read_to_the_end(&made.application).await?;
    came(&follower.came, &written.envelope.transaction, 1, "after a start at latest")?;
    came(&follower.came, made.id(1), 0, "from before a start at latest")
}

pub(super) async fn latest_final(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let block = made.start()?;
    let mut follower = Follower::new(filter(trial, Confidence::Final), EventStart::Latest);
    follower.page(&made.application).await?;
    if heights(&made.application).await?.1 >= block {
        return Err(Stop::NotApplicable("blocks are final at once".into()));
    }
    for look in 0..trial.facts.testbed.patience {
        trial.advance(1).await?;
        if heights(&made.application).await?.1 >= block {
            follower.read_to_the_end(&made.application).await?;
            return came(&follower.came, made.id(0), 1, "after the head of the confidence final, at latest");
        }
        made.application.pause_after(look).await;
    }
    Err(Stop::Unknown("the block did not become final".into()))
}

pub(super) async fn block(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1, 1]).await?;
    let first = made.start()?;
    let second = made.written.last().and_then(|(written, _)| written.receipt.block.clone());
    let second = second.map_or(first, |block| block.number);
    for (start, expected) in [(first, [1, 1]), (second, [usize::from(first == second), 1])] {
        let mut follower = Follower::from_block(filter(trial, Confidence::Latest), start);
        follower.read_to_the_end(&made.application).await?;
        for (number, events) in expected.into_iter().enumerate() {
            came(&follower.came, made.id(number), events, &format!("a start with block {start}"))?;
        }
        let before = follower.came.iter().find(|event| event.block.number < start);
        ensure(before.is_none(), format!("no event before block {start}"), || {
            before.map(super::rules::place).unwrap_or_default()
        })?;
    }
    Ok(())
}
