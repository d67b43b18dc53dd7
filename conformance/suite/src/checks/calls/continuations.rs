//! What a call goes on with.

use adapter_spec::{
    CallError, Function,
    types::{Call, ErrorCode, SignItem, SignRequest, Step},
};

use crate::{
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail},
    trial::{Actor, Application, Observed, Trial},
};

/// What a continuation may have beyond the call's own payload, bytes.
const MAX_EXTRA: u64 = 64 << 10;
/// Rounds of signatures that a call may ask for.
const MAX_ROUNDS: usize = 16;

async fn asked(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    number: u32,
) -> Result<SignRequest, Stop> {
    let (call, options) = (trial.add(number)?, trial.options());
    let step = application.begin(call, actor.parties(), options).await.expected("begin starts the call")?;
    match step {
        Step::Sign(request) => Ok(request),
        other => fail("a write asks its party to sign", format!("begin goes on without: {other:.200?}")),
    }
}

pub(super) async fn are_taken_elsewhere(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let before = trial.count(&application, &actor).await?;
    let number = u32::try_from(1 + trial.below(1000)).unwrap_or(1);
    let mut step = Step::Sign(asked(trial, &application, &actor, number).await?);
    for _ in 0..=MAX_ROUNDS {
        let elsewhere = application.restarted().await?;
        step = match step {
            Step::Answer(_) => return fail("a write ends in send", "an answer"),
            Step::Sign(request) => {
                let signatures = actor.sign(&request)?;
                elsewhere
                    .resume(request.continuation, signatures)
                    .await
                    .expected("resume goes on in an instance that did not begin the call")?
            }
            Step::Send(envelope) => {
                elsewhere.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
                elsewhere.included(&envelope).await?;
                let after = trial.count(&elsewhere, &actor).await?;
                let sum = |text: &str| text.parse::<i128>().unwrap_or_default();
                return ensure(
                    sum(&after) - sum(&before) == i128::from(number),
                    format!("the call that was begun elsewhere adds {number}"),
                    || format!("the counter was {before} and is {after}"),
                );
            }
        };
    }
    fail("at most 16 rounds of signatures", "more")
}

pub(super) async fn broken_ones_are_refused(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let request = asked(trial, &application, &actor, 1).await?;
    let signatures = actor.sign(&request)?;
    let whole = request.continuation.clone();
    let length = 1 + trial.below(100);
    let broken = [
        ("no continuation at all", Vec::new()),
        ("random bytes", trial.bytes(length)),
        ("zeros", vec![0; whole.len().max(1)]),
        ("the first half of a continuation", whole.get(..whole.len() / 2).unwrap_or_default().to_vec()),
        ("the second half of a continuation", whole.get(whole.len() / 2..).unwrap_or_default().to_vec()),
    ];
    for (what, continuation) in broken {
        if continuation == whole {
            continue;
        }
        let expected = format!("resume answers invalid-argument to {what}");
        let error = application.resume(continuation, signatures.clone()).await.refused(&expected)?;
        ensure(error.code == ErrorCode::InvalidArgument, expected, || error.to_string())?;
    }
    application.abandon(request.continuation).await.expected("abandon frees a call")
}

pub(super) async fn late_ones_have_expired(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let request = asked(trial, &application, &actor, 1).await?;
    let signatures = actor.sign(&request)?;
    let passed = trial.pass(&application, &request.valid_until).await;
    if !matches!(passed, Ok(true)) {
        application.abandon(request.continuation).await.expected("abandon frees a call")?;
        passed?;
        return Err(Stop::NotApplicable("the continuation is taken at any time".into()));
    }
    let answer = application.resume(request.continuation.clone(), signatures).await;
    let abandoned = application.abandon(request.continuation).await;
    abandoned.expected("abandon of what has expired succeeds")?;
    let expected = "resume answers expired to a continuation past its valid-until";
    let error = answer.refused(expected)?;
    ensure(error.code == ErrorCode::Expired, expected, || error.to_string())
}

fn is_same_item(one: &SignItem, other: &SignItem) -> bool {
    one.key.point == other.key.point && one.input == other.input
}

pub(super) async fn rounds_end(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    let mut step =
        application.begin(call, actor.parties(), options).await.expected("begin starts the call")?;
    let mut signed: Vec<SignItem> = Vec::new();
    for _ in 0..=MAX_ROUNDS {
        let request = match step {
            Step::Sign(request) => request,
            Step::Send(envelope) => {
                application.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
                application.included(&envelope).await?;
                return Ok(());
            }
            Step::Answer(_) => return fail("a write ends in send", "an answer"),
        };
        let again = request.items.iter().any(|item| signed.iter().any(|before| is_same_item(before, item)));
        if again {
            application.abandon(request.continuation).await.expected("abandon frees a call")?;
            return fail(
                "a further round only where the framework needs it or what was signed has gone stale",
                "the same bytes are to be signed once more",
            );
        }
        signed.extend(request.items.iter().cloned());
        let signatures = actor.sign(&request)?;
        step = match application.resume(request.continuation, signatures).await {
            Ok(step) => step,
            Err(CallError::Answered(error)) => {
                return fail("resume goes on with good signatures", error.to_string());
            }
            Err(CallError::Ended(ended)) => return fail("an answer of resume", ended.to_string()),
        };
    }
    fail("at most 16 rounds of signatures", "more")
}

pub(super) fn are_small(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    let payload = match call.function {
        Function::Begin => call.argument::<Call>(0)?.payload(),
        // Which call it was is in the continuation alone.
        Function::Resume | Function::Replace => u64::from(facts.descriptor.max_payload),
        _ => return None,
    };
    let Step::Sign(request) = call.success::<Step>()? else { return None };
    let length = u64::try_from(request.continuation.len()).unwrap_or(u64::MAX);
    let most = MAX_EXTRA.saturating_add(payload);
    Some(if length <= most {
        Ok(())
    } else {
        Err(Fault::new(
            format!("a continuation of at most 64 KiB beyond the call's payload: {most} bytes"),
            format!("it has {length}"),
        ))
    })
}
