//! Concurrent writes that exclude each other.

use adapter_spec::types::{Envelope, Error, ErrorCode, Inclusion, StoreAnswer, StoreEntry, StoreOperation};
use futures_util::future::BoxFuture;

use super::super::submission::submissions;
use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::{Actor, Counter, Signed, Trial},
};

/// How a call ended that raced with another one.
#[derive(Debug)]
enum End {
    /// It took effect.
    Won,
    /// It did not, by this error of `send` or of the outcome.
    Lost(Error),
    /// It did not, since another transaction took its place.
    Superseded,
}

/// Sends, and waits for the end.
async fn end_of(application: &Application, envelope: &Envelope) -> Result<End, Stop> {
    if let Err(failure) = application.try_send(envelope).await? {
        return Ok(End::Lost(failure.error));
    }
    let receipt = application.included(envelope).await?;
    match (receipt.inclusion, receipt.outcome) {
        (Inclusion::Superseded(_), _) => Ok(End::Superseded),
        (_, Some(Err(error))) => Ok(End::Lost(error)),
        (_, Some(Ok(_))) => Ok(End::Won),
        (inclusion, None) => {
            fail("an outcome of an included transaction", format!("{inclusion:?} without one"))
        }
    }
}

/// Two calls of one account, both signed before either was sent, in two applications that know nothing of each other.
struct Race {
    first: Application,
    second: Application,
    actor: Actor,
    counter: Counter,
    amounts: [u128; 2],
    ends: [End; 2],
}

async fn race(trial: &mut Trial) -> Result<Race, Stop> {
    let (first, second) = (trial.application().await?, trial.application().await?);
    let actor = trial.actor(&first).await?;
    let counter = trial.counter(&first, &actor).await?;
    let (less, more) = (trial.amount(), trial.amount());
    let (options, other_options) = (trial.options(), trial.options());
    let one = first.envelope(trial.add(less)?, &actor, options).await?;
    let other = second.envelope(trial.add(more)?, &actor, other_options).await?;
    let ends = [end_of(&first, &one).await?, end_of(&second, &other).await?];
    trial.advance(1).await?;
    Ok(Race { first, second, actor, counter, amounts: [less.into(), more.into()], ends })
}

impl Race {
    /// What was added by those that won.
    fn won(&self) -> u128 {
        let won = |(end, amount): (&End, &u128)| matches!(end, End::Won).then_some(*amount);
        self.ends.iter().zip(&self.amounts).filter_map(won).sum()
    }
}

pub(super) async fn retryable(trial: &mut Trial) -> Checked {
    let mut race = race(trial).await?;
    let lost = race.ends.iter().find_map(|end| if let End::Lost(error) = end { Some(error) } else { None });
    let Some(lost) = lost else {
        if race.ends.iter().all(|end| matches!(end, End::Won)) {
            return Err(Stop::NotApplicable(
                "two calls of one account do not exclude each other here".into(),
            ));
        }
        return Ok(());
    };
    ensure(
        lost.code == ErrorCode::Conflict && lost.retryable,
        "`conflict`, retryable, for a transaction that lost against a concurrent one of its account",
        || format!("{lost} (retryable: {})", lost.retryable),
    )?;
    // And it is right to begin anew.
    race.counter = trial.counter(&race.second, &race.actor).await?;
    let (amount, options) = (trial.amount(), trial.options());
    race.second.write_well(trial.add(amount)?, &race.actor, options).await?;
    trial.advance(1).await?;
    race.counter.grew_by(trial, &race.first, amount.into(), "the call, begun anew after a conflict").await
}

pub(super) async fn not_again(trial: &mut Trial) -> Checked {
    let race = race(trial).await?;
    trial.advance(3).await?;
    let facts = trial.facts.clone();
    for application in [&race.first, &race.second] {
        for call in application.calls() {
            let submitted = submissions(&call, &facts);
            let different = submitted
                .iter()
                .any(|one| submitted.first().is_some_and(|first| first.content != one.content));
            ensure(!different, "a conflict is left to the caller", || {
                format!("{} submitted a second transaction", call.function)
            })?;
        }
    }
    race.counter.grew_by(trial, &race.first, race.won(), "calls that succeeded, of two that raced").await
}

pub(super) async fn one_wins(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let key = trial.name();
    let mut writes = Vec::new();
    for _ in 0..3 {
        let actor = trial.actor(&application).await?;
        let value = trial.bytes(12);
        let operation = StoreOperation::Insert(StoreEntry { key: key.clone(), value: value.clone() });
        let call = trial.store_call(&application, operation.clone()).await?;
        let options = trial.options();
        let envelope = application.envelope(call, &actor, options).await?;
        writes.push((application.restarted().await?, envelope, operation, value, actor));
    }
    let sends = writes.iter().map(|(instance, envelope, ..)| -> BoxFuture<'_, _> {
        Box::pin(async move { instance.try_send(envelope).await })
    });
    let sends: Vec<_> = sends.collect();
    let sent = trial.interleave(sends).await;
    trial.advance(1).await?;
    let mut winners = Vec::new();
    for ((instance, envelope, operation, value, actor), sent) in writes.iter().zip(sent) {
        if sent?.is_err() {
            continue;
        }
        let receipt = instance.included(envelope).await?;
        let outcome = receipt
            .outcome
            .unwrap_or_else(|| Err(Error::new(ErrorCode::Conflict, "another transaction took its place")));
        if let Ok(answer) = instance.from_outcome(operation.clone(), outcome).await {
            same(&StoreAnswer::Done, &answer, "what an insert comes to")?;
            winners.push((value, actor));
        }
    }
    let [(value, actor)] = winners.as_slice() else {
        return fail(
            "of concurrent inserts of one key exactly one succeeds, and each other one has an error",
            format!("{} of {} succeeded", winners.len(), writes.len()),
        );
    };
    let get = StoreOperation::Get(key);
    let call = trial.store_call(&application, get.clone()).await?;
    let output = application.read(call, actor, adapter_spec::types::CallOptions::default()).await;
    let output = output.expected("the value that was written")?;
    let answer = application.from_outcome(get, Ok(output)).await.expected("the value that was written")?;
    same(&StoreAnswer::Value((*value).clone()), &answer, "the value of the one that succeeded")
}

pub(super) async fn strangers(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let mut calls = Vec::new();
    for _ in 0..3 {
        let actor = trial.actor(&application).await?;
        let counter = trial.counter(&application, &actor).await?;
        let (amount, options) = (trial.amount(), trial.options());
        calls.push((application.restarted().await?, actor, counter, amount, trial.add(amount)?, options));
    }
    let flows = calls.iter().map(|(instance, actor, _, _, call, options)| -> BoxFuture<'_, Checked> {
        Box::pin(async move {
            let step = instance.begin(call.clone(), actor.parties(), options.clone()).await;
            let step = step.expected("calls of different accounts do not conflict")?;
            let Signed::Envelope(envelope) = instance.sign(actor, step).await? else {
                return fail("a call that writes ends in send", "an answer");
            };
            let sent = instance.try_send(&envelope).await?;
            ensure(sent.is_ok(), "calls of different accounts do not conflict", || format!("{sent:?}"))?;
            Ok(())
        })
    });
    let flows: Vec<_> = flows.collect();
    for flow in trial.interleave(flows).await {
        flow?;
    }
    for (instance, _, counter, amount, ..) in &calls {
        let mut grown = 0;
        for _ in 0..trial.facts.testbed.patience {
            grown = counter.added(trial, instance).await?;
            if grown > 0 {
                break;
            }
            trial.advance(1).await?;
            instance.pause().await;
        }
        same(&u128::from(*amount), &grown, "what a call beside others' has added")?;
    }
    Ok(())
}
