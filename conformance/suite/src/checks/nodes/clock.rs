//! Wrong clocks.

use adapter_spec::{
    CallError,
    types::{Error, ErrorCode, Inclusion},
};

use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    checks::deeds::Day,
    trial::{Signed, Trial},
};

const DAY: i64 = 86_400_000;

/// How wrong it is, milliseconds.
const SKEWS: [i64; 4] = [-400 * DAY, 400 * DAY, -3_700_000, 3_700_000];

fn late(what: &str, error: &Error) -> Checked {
    let holds = matches!(error.code, ErrorCode::Expired | ErrorCode::Rejected);
    ensure(holds, format!("{what} with a wrong clock: success, expired or rejected"), || error.to_string())
}

/// The clock is wrong when a call begins, and right when it is sent; and the other way round.
pub(super) async fn nothing_doubled(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?;
    let (app, actor) = (&day.application, &day.actor);
    let mut sum = trial.number(app, actor).await?;
    for skew in SKEWS {
        for [at_begin, at_resume, at_send] in
            [[true, false, false], [false, true, false], [false, false, true]]
        {
            let set = |is_wrong: bool| app.set_clock(if is_wrong { skew } else { 0 });
            let (call, options) = (trial.add(1)?, trial.options());
            set(at_begin);
            let step = match app.begin(call, actor.parties(), options).await {
                Ok(step) => step,
                Err(CallError::Answered(error)) => {
                    late("begin", &error)?;
                    continue;
                }
                Err(CallError::Ended(ended)) => return fail("an answer of begin", ended.to_string()),
            };
            set(at_resume);
            let envelope = match app.sign(actor, step.clone()).await {
                Ok(Signed::Envelope(envelope)) => envelope,
                Ok(Signed::Answer(_)) => return fail("a call that writes ends in send", "an answer"),
                Err(_) => {
                    if let Some(error) = app.last_call()?.error() {
                        late("resume", error)?;
                    }
                    set(false);
                    if let adapter_spec::types::Step::Sign(request) = step {
                        app.abandon(request.continuation).await.expected("abandon always works")?;
                    }
                    continue;
                }
            };
            set(at_send);
            let sent = app.try_send(&envelope).await?;
            set(false);
            match sent {
                Ok(()) => {
                    trial.advance(1).await?;
                    let receipt = app.included(&envelope).await?;
                    if receipt.outcome.is_some_and(|outcome| outcome.is_ok()) {
                        sum += 1;
                    }
                }
                Err(failure) => {
                    late("send", &failure.error)?;
                    if failure.effect == adapter_spec::types::Effect::Unknown
                        && app.try_send(&envelope).await?.is_ok()
                    {
                        trial.advance(1).await?;
                        app.included(&envelope).await?;
                        sum += 1;
                    }
                }
            }
        }
    }
    app.set_clock(0);
    let count = trial.count(app, actor).await?;
    same(&sum.to_string(), &count, "the counter, where each call that succeeded added once")
}

/// A transaction that is not final does not become so by a clock.
pub(super) async fn nothing_final(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?;
    let app = &day.application;
    let (call, options) = (trial.add(1)?, trial.options());
    let written = app.write_well(call, &day.actor, options).await?;
    let envelope = &written.envelope;
    let mut early = Vec::new();
    for skew in SKEWS {
        app.set_clock(skew);
        match app.receipt(&envelope.transaction, envelope.tracking.clone()).await {
            Ok(receipt) if receipt.inclusion == Inclusion::Final => early.push(skew),
            Ok(_) => {}
            Err(CallError::Answered(error)) => late("receipt", &error)?,
            Err(CallError::Ended(ended)) => return fail("a receipt", ended.to_string()),
        }
    }
    app.set_clock(0);
    let right = app.receipt(&envelope.transaction, envelope.tracking.clone()).await.expected("a receipt")?;
    if right.inclusion == Inclusion::Final {
        return Err(Stop::NotApplicable("the transaction became final too soon to be looked at".into()));
    }
    ensure(early.is_empty(), "a transaction that is not final is not final with a wrong clock", || {
        format!("final with clocks that are wrong by {early:?} milliseconds")
    })
}
