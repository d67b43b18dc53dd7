//! Until when an envelope is taken.

use adapter_spec::{
    Function,
    types::{Effect, ErrorCode, Step, Validity},
};
use berth_lending::recording::Import;

use super::send::{Ready, ready};
use crate::{
    check::{Checked, Facts, Fault, Stop, ensure, fail, same},
    trial::{HOUR, Observed, Signed, Trial, observed::json},
};

/// Blocks after which an envelope without an end is still taken.
const SOME_BLOCKS: u64 = 30;

/// The time that the call saw last.
fn now(call: &Observed) -> Option<u64> {
    let asked = call.exchanges.iter().rev().find(|exchange| exchange.import == Import::NowMillis)?;
    json(asked.answer.as_ref()?).as_u64()
}

pub(super) fn not_over(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    if !matches!(call.function, Function::Begin | Function::Resume) {
        return None;
    }
    let Step::Send(envelope) = call.success()? else { return None };
    let (Validity::Millis(until), Some(now)) = (&envelope.valid_until, now(call)) else {
        return Some(Ok(()));
    };
    Some(if *until > now {
        Ok(())
    } else {
        Err(Fault::new(
            format!("an envelope whose end, in milliseconds since 1970, comes after it was made ({now})"),
            format!("its end is {until}"),
        ))
    })
}

pub(super) async fn until_its_end(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    if let Validity::Block(until) = envelope.valid_until {
        let head = application.status().await.ok().map_or(0, |status| status.head.number);
        ensure(until > head, "an envelope whose last block is yet to come", || {
            format!("its last block is {until}, and the newest block is {head}")
        })?;
    }
    // A second, or a block, before the end.
    let before = if matches!(envelope.valid_until, Validity::Millis(_)) { 1000 } else { 1 };
    if !trial.approach(application, &envelope.valid_until, before).await? {
        trial.let_pass(application, i64::try_from(24 * HOUR).unwrap_or(0)).await?;
        trial.advance(SOME_BLOCKS).await?;
    }
    let sent = application.try_send(envelope).await?;
    ensure(sent.is_ok(), "an envelope is taken until its `valid-until`", || format!("{sent:?}"))?;
    ready.took_effect_once(trial, "one envelope, sent shortly before its end").await
}

/// A fault unless a late envelope was taken, or expired for good. True: it was taken.
fn taken_or_expired(sent: &Result<(), adapter_spec::types::SendFailure>) -> Result<bool, Stop> {
    let Err(failure) = sent else { return Ok(true) };
    let expected = "an envelope that is first sent past its `valid-until` is taken, or `expired` with the effect `never`";
    if failure.error.code == ErrorCode::Expired && failure.effect == Effect::Never {
        return Ok(false);
    }
    fail(expected, format!("{failure}"))
}

pub(super) async fn late(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    if !trial.pass(application, &envelope.valid_until).await? {
        return Err(Stop::NotApplicable("the envelope has no end".into()));
    }
    let taken = taken_or_expired(&application.try_send(envelope).await?)?;
    if taken {
        return ready.took_effect_once(trial, "one late envelope that was taken").await;
    }
    trial.advance(2).await?;
    // The signer's own time may be over with it, and then nobody reads for them.
    trial.turn_back(application).await?;
    ready.counter.grew_by(trial, application, 0, "a late envelope that expired").await
}

pub(super) async fn late_behind_another(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, actor, envelope, .. } = &ready;
    if !trial.pass(application, &envelope.valid_until).await? {
        return Err(Stop::NotApplicable("the envelope has no end".into()));
    }
    let (amount, options) = (trial.amount(), trial.options());
    let other = match application.try_call(trial.add(amount)?, actor, options).await? {
        Ok(Signed::Envelope(other)) => other,
        Ok(Signed::Answer(_)) => return fail("a call that writes ends in send", "an answer"),
        Err(error) if error.code == ErrorCode::Expired => {
            let reason =
                "an envelope ends with the signer's own time, and nothing can be signed in its place";
            return Err(Stop::NotApplicable(reason.into()));
        }
        Err(error) => return fail("another call in place of a late one", error.to_string()),
    };
    let late = application.try_send(envelope).await?;
    same(&Ok(()), &application.try_send(&other).await?, "sending the envelope that was made in its place")?;
    // Both were made before either was in a block, so that one may have lost against the other.
    let mut expected = 0;
    if application.included(&other).await?.outcome.is_some_and(|outcome| outcome.is_ok()) {
        expected += u128::from(amount);
    }
    if taken_or_expired(&late)?
        && application.included(envelope).await?.outcome.is_some_and(|outcome| outcome.is_ok())
    {
        expected += ready.amount;
    }
    trial.advance(1).await?;
    ready.counter.grew_by(trial, application, expected, "a late envelope and the one after it").await
}
