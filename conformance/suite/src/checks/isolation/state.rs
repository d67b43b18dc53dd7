//! The adapter's own state: shared by instances, lost by backups, bounded. And the lent clock.

use std::collections::{BTreeMap, BTreeSet};

use adapter_spec::types::{Envelope, Inclusion, Step, Validity};
use berth_lending::recording::Import;
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::super::once::{Ready, ready};
use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::{Actor, Disturbance, HOUR, Observed, Signed, Trial, Which, observed::json},
};

/// Rounds of instances side by side, so that they meet at the state.
const ROUNDS: usize = 6;
/// Calls of one batch whose state is measured.
const BATCH: usize = 40;

/// A write to the state.
struct Swap {
    key: String,
    expected: Value,
    new: Value,
    done: bool,
}

fn swaps(call: &Observed) -> Vec<Swap> {
    let swap = |exchange: &berth_lending::recording::Exchange| {
        let request = json(&exchange.request);
        Some(Swap {
            key: request.get(0)?.as_str()?.to_owned(),
            expected: request.get(1)?.clone(),
            new: request.get(2)?.clone(),
            done: exchange.answer.as_ref().is_some_and(|answer| json(answer).as_bool() == Some(true)),
        })
    };
    call.exchanges.iter().filter(|exchange| exchange.import == Import::StateSwap).filter_map(swap).collect()
}

pub(super) async fn nothing_overwritten(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    // One call alone first. An account that has never begun has no state, and one whose calls were all given up may have an empty
    // one: who lost against the first of others, and wins when they are gone, honestly writes the same over either.
    let (call, options) = (trial.add(1)?, trial.options());
    let alone = application.begin(call, actor.parties(), options).await.expected("begin of a call alone")?;
    if let Step::Sign(request) = alone {
        application.abandon(request.continuation).await.expected("`abandon` succeeds")?;
    }
    let mut writes = 0;
    for _ in 0..ROUNDS {
        let mut calls = Vec::new();
        for _ in 0..4 {
            let options = trial.options();
            calls.push((application.restarted().await?, trial.add(1)?, options));
        }
        let parties = &actor;
        let flows = calls.into_iter().map(|(instance, call, options)| -> BoxFuture<'_, Checked> {
            Box::pin(async move {
                // Two of one account may exclude each other: then one has an error, and that is no matter here.
                if let Ok(Step::Sign(request)) = instance.begin(call, parties.parties(), options).await {
                    instance.abandon(request.continuation).await.expected("`abandon` succeeds")?;
                }
                Ok(())
            })
        });
        let flows: Vec<_> = flows.collect();
        for flow in trial.interleave(flows).await {
            flow?;
        }
    }
    for call in application.calls() {
        let swaps = swaps(&call);
        writes += swaps.len();
        let forced = swaps.iter().enumerate().find(|(number, swap)| {
            let before = swaps.iter().take(*number);
            swap.done
                && !swap.new.is_null()
                && before
                    .filter(|before| before.key == swap.key && !before.done)
                    .any(|before| before.new == swap.new && before.expected != swap.expected)
        });
        if let Some((_, swap)) = forced {
            return fail(
                "what is shared in the state is computed anew where another instance has changed it",
                format!(
                    "{} wrote the value of {:?} over another's that it never looked at",
                    call.function, swap.key
                ),
            );
        }
    }
    if writes == 0 {
        return Err(Stop::NotApplicable("the adapter shares nothing in its state".into()));
    }
    Ok(())
}

fn lose(application: &Application) {
    application.set_state(BTreeMap::new());
}

pub(super) async fn lost_on_the_way(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let counter = trial.counter(&application, &actor).await?;
    let (amount, options) = (trial.amount(), trial.options());
    let mut step = application.begin(trial.add(amount)?, actor.parties(), options).await.expected("begin")?;
    let mut expected = 0;
    for _ in 0..16 {
        lose(&application);
        let instance = application.restarted().await?;
        match step {
            Step::Sign(request) => {
                let signatures = actor.sign(&request)?;
                match instance.resume(request.continuation, signatures).await {
                    Ok(next) => step = next,
                    // A refused call is what a lost state may cost.
                    Err(error) if error.answered().is_some() => break,
                    Err(error) => {
                        return fail("an envelope, or an error, when the state is lost", error.to_string());
                    }
                }
            }
            Step::Send(envelope) => {
                expected = sent_without_state(&instance, &envelope, amount.into()).await?;
                break;
            }
            Step::Answer(_) => return fail("a call that writes ends in send", "an answer"),
        }
    }
    trial.advance(1).await?;
    counter
        .grew_by(trial, &application, expected, "a call whose state was lost between any two steps")
        .await?;
    // And the account can go on.
    let (more, options) = (trial.amount(), trial.options());
    application.write_well(trial.add(more)?, &actor, options).await?;
    trial.advance(1).await?;
    let expected = expected + u128::from(more);
    counter.grew_by(trial, &application, expected, "the next call after the state was lost").await
}

/// Gives what the envelope then adds.
async fn sent_without_state(instance: &Application, envelope: &Envelope, amount: u128) -> Result<u128, Stop> {
    if instance.try_send(envelope).await?.is_err() {
        return Ok(0);
    }
    lose(instance);
    let included = instance.restarted().await?.included(envelope).await?;
    Ok(if matches!(included.outcome, Some(Ok(_))) { amount } else { 0 })
}

pub(super) async fn lost_between_sends(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, actor, envelope, .. } = &ready;
    let older = application.state();
    application.disturb(Which::of(adapter_spec::Function::Send), Disturbance::Lost);
    application.try_send(envelope).await?.ok();
    application.calm();
    // A backup from before the send, and none at all.
    for backup in [older, BTreeMap::new()] {
        application.set_state(backup);
        let again = application.restarted().await?.try_send(envelope).await?;
        same(&Ok(()), &again, "sending an envelope again after a backup was restored")?;
        application.included(envelope).await?;
    }
    // A new call of the account stands beside the one that the state has forgotten.
    lose(application);
    let (amount, options) = (trial.amount(), trial.options());
    let next = application.envelope(trial.add(amount)?, actor, options).await?;
    let sent = application.try_send(&next).await?.is_ok();
    let mut expected = ready.amount;
    if sent && matches!(application.included(&next).await?.outcome, Some(Ok(_))) {
        expected += u128::from(amount);
    }
    trial.advance(1).await?;
    ready.counter.grew_by(trial, application, expected, "calls whose state was lost").await
}

pub(super) async fn lost_before_receipt(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    let known = application.included(envelope).await?;
    lose(application);
    for instance in [application.clone(), application.restarted().await?] {
        let receipt = instance.receipt(&envelope.transaction, envelope.tracking.clone()).await;
        // It may cost time, or an error.
        let Ok(receipt) = receipt else { continue };
        ensure(
            matches!(receipt.inclusion, Inclusion::Included(_) | Inclusion::Final)
                && receipt.block == known.block,
            "the same receipt when the state is lost",
            || format!("{:?} in {:?}, not in {:?}", receipt.inclusion, receipt.block, known.block),
        )?;
    }
    ready.took_effect_once(trial, "one envelope").await
}

/// The bytes of keys and values that an application's calls have left in its state.
fn size(application: &Application) -> usize {
    let mut state: BTreeMap<String, usize> = BTreeMap::new();
    for swap in application.calls().iter().flat_map(swaps).filter(|swap| swap.done) {
        match swap.new.as_str() {
            Some(value) => state.insert(swap.key, value.len() / 2),
            None => state.remove(&swap.key),
        };
    }
    state.iter().map(|(key, value)| key.len() + value).sum()
}

pub(super) async fn bounded(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let mut sizes = Vec::new();
    for _ in 0..4 {
        for number in 0..BATCH {
            one_of_many(trial, &application, &actor, number % 8 == 0).await?;
        }
        // Whatever was reserved is over by then.
        trial.let_pass(&application, i64::try_from(48 * HOUR).unwrap_or(0)).await?;
        trial.advance(8).await?;
        one_of_many(trial, &application, &actor, true).await?;
        sizes.push(size(&application));
    }
    let grows = sizes.windows(2).all(|pair| match pair {
        [before, after] => *after >= before + BATCH,
        _ => true,
    });
    ensure(!grows, "the state of one account is bounded, whatever the number of calls", || {
        format!("after each {} calls more it has {sizes:?} bytes", BATCH + 1)
    })
}

/// A call that is abandoned, or that takes effect.
async fn one_of_many(trial: &mut Trial, application: &Application, actor: &Actor, is_sent: bool) -> Checked {
    let options = trial.options();
    let step = application.begin(trial.add(1)?, actor.parties(), options).await.expected("begin")?;
    match step {
        Step::Sign(request) if !is_sent => {
            application.abandon(request.continuation).await.expected("`abandon` succeeds")
        }
        step => match application.sign(actor, step).await? {
            Signed::Envelope(envelope) => {
                same(&Ok(()), &application.try_send(&envelope).await?, "sending a good envelope")?;
                application.included(&envelope).await.map(drop)
            }
            Signed::Answer(_) => fail("a call that writes ends in send", "an answer"),
        },
    }
}

pub(super) async fn lent_clock(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let mut seen = 0;
    for days in [0, 400, -400] {
        application.set_clock(days * i64::try_from(24 * HOUR).unwrap_or(0));
        let options = trial.options();
        let step = application.begin(trial.add(1)?, actor.parties(), options).await;
        // Its own state may be of another time now.
        let Ok(Step::Sign(request)) = step else { continue };
        let Validity::Millis(until) = request.valid_until else { continue };
        let Some(now) = application.seen_millis() else {
            return fail(
                "the time of a `valid-until` is the lent clock's",
                "the adapter never asked for the time",
            );
        };
        seen += 1;
        let month = 31 * 24 * HOUR;
        ensure(
            until > now && until < now.saturating_add(month),
            "the time of a `valid-until` is the lent clock's",
            || format!("{until}, when the lent clock says {now}"),
        )?;
        application.abandon(request.continuation).await.ok();
    }
    application.set_clock(0);
    if seen == 0 {
        return Err(Stop::NotApplicable("no continuation ends at a time".into()));
    }
    Ok(())
}

pub(super) async fn imports(trial: &mut Trial) -> Checked {
    let imports: BTreeSet<_> = trial.facts.imports.clone().unwrap_or_default().into_iter().collect();
    let foreign: Vec<_> = imports.iter().filter(|import| !import.starts_with("bsn:framework/")).collect();
    ensure(foreign.is_empty(), "nothing is imported but what the standard names", || format!("{foreign:?}"))
}
