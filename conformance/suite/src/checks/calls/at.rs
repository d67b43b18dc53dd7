//! Reading at a block.

use adapter_spec::types::{BlockRef, BlockSelector, CallOptions, ErrorCode, Output, Value};

use super::super::outputs;
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Application, Trial},
};

/// The actor's counter at a block: none where reading at a block is not offered.
async fn count_at(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    at: BlockSelector,
) -> Result<Option<Output>, Stop> {
    let account = trial.account(application, actor).await?;
    let call = trial.evaluate("count", vec![Value::Text(account)])?;
    let options = CallOptions { at: Some(at.clone()), ..trial.options() };
    match application.read(call, actor, options).await {
        Ok(output) => Ok(Some(output)),
        Err(adapter_spec::CallError::Answered(error)) if error.code == ErrorCode::Unsupported => Ok(None),
        Err(error) => fail(format!("a read at {at:?}"), error.to_string()),
    }
}

fn not_offered() -> Stop {
    Stop::NotApplicable("the framework reads at no other block than the newest".into())
}

/// Adds a number; the block that it is in, and the counter from then on.
async fn added(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
) -> Result<(BlockRef, String), Stop> {
    let number = u32::try_from(1 + trial.below(1000)).unwrap_or(1);
    let (call, options) = (trial.add(number)?, trial.options());
    let written = application.write_well(call, actor, options).await?;
    let count = trial.count(application, actor).await?;
    match written.receipt.block {
        Some(block) => Ok((block, count)),
        None => fail("a receipt that names its block", "it names none"),
    }
}

pub(super) async fn exactly_that_block(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let first = added(trial, &application, &actor).await?;
    trial.advance(1).await?;
    let second = added(trial, &application, &actor).await?;
    for (block, count) in [&first, &second] {
        for at in [BlockSelector::Number(block.number), BlockSelector::Hash(block.hash.clone())] {
            let Some(output) = count_at(trial, &application, &actor, at.clone()).await? else {
                return Err(not_offered());
            };
            ensure(
                outputs::is(&output, &Value::Integer(count.clone())),
                format!("read at {at:?}, the counter is {count} as it was then"),
                || format!("it is {}", outputs::shown(&output)),
            )?;
        }
    }
    Ok(())
}

pub(super) async fn missing_blocks_are_told(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let head = application.status().await.expected("status answers")?.head;
    let future = head.number + 1000 + u64::try_from(trial.below(1_000_000)).unwrap_or(0);
    let hash = trial.bytes(head.hash.len().max(1));
    let cases = [
        (BlockSelector::Number(future), ErrorCode::OutOfRange, "a block that does not exist yet"),
        (BlockSelector::Hash(hash), ErrorCode::NotFound, "an unknown hash"),
    ];
    for (at, code, what) in cases {
        let account = trial.account(&application, &actor).await?;
        let call = trial.evaluate("count", vec![Value::Text(account)])?;
        let options = CallOptions { at: Some(at), ..trial.options() };
        let expected = format!("evaluate at {what} answers {}", code.name());
        let error = application.read(call, &actor, options).await.refused(&expected)?;
        if error.code == ErrorCode::Unsupported {
            return Err(not_offered());
        }
        ensure(error.code == code, expected, || error.to_string())?;
    }
    Ok(())
}

pub(super) async fn dropped_state_is_told(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (block, _) = added(trial, &application, &actor).await?;
    trial.advance(2).await?;
    let head = application.status().await.expected("status answers")?.head.number;
    let account = trial.account(&application, &actor).await?;
    let call = trial.evaluate("count", vec![Value::Text(account)])?;
    let options = CallOptions { at: Some(BlockSelector::Number(block.number)), ..trial.options() };
    trial.control("prune", &[("block", head)]).await?;
    let read = application.read(call, &actor, options).await;
    trial.control("prune", &[("block", 0)]).await?;
    let expected = "evaluate at a block whose state the node has dropped answers pruned";
    let error = read.refused(expected)?;
    if error.code == ErrorCode::Unsupported {
        return Err(not_offered());
    }
    ensure(error.code == ErrorCode::Pruned, expected, || error.to_string())
}

pub(super) async fn is_not_ignored(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (block, before) = added(trial, &application, &actor).await?;
    trial.advance(1).await?;
    added(trial, &application, &actor).await?;
    match count_at(trial, &application, &actor, BlockSelector::Number(block.number)).await? {
        None => Ok(()),
        Some(output) => ensure(
            outputs::is(&output, &Value::Integer(before.clone())),
            format!("at is obeyed or answered with an error: the counter was {before} then"),
            || format!("at is ignored: the counter is {}", outputs::shown(&output)),
        ),
    }
}
