//! Messages, and the framework's own words.

use adapter_spec::{
    Function,
    types::{Call, ErrorCode, NativeCall, Value},
};

use super::codes::errors;
use crate::{
    check::{Checked, Facts, Fault, ensure},
    checks::{
        deeds::{Day, ended},
        errors::natives,
    },
    trial::{Actor, Application, Disturbance, Observed, Signed, Trial, Which},
};

/// The most bytes of `native`.
const MAX_NATIVE: usize = 1024;
/// The most bytes of a message.
const MAX_MESSAGE: usize = 4096;

pub(super) fn native(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    // An outcome that the caller hands in has a code of its own.
    if matches!(call.function, Function::FromOutcome) {
        return None;
    }
    let errors = errors(call);
    let first = errors.first()?;
    let judged = match errors.iter().find_map(|error| error.native.as_ref()) {
        Some(native) if native.len() > MAX_NATIVE => Err(Fault::new(
            format!("native has at most {MAX_NATIVE} bytes"),
            format!("{} answered {} bytes", call.function, native.len()),
        )),
        Some(native) if call.requests().is_empty() => Err(Fault::new(
            "native is none where the error is not the framework's",
            format!(
                "{} asked no node, and answered {} with native {native:.100?}",
                call.function,
                first.code.name()
            ),
        )),
        _ => Ok(()),
    };
    Some(judged)
}

pub(super) fn message(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    let errors = errors(call);
    let first = errors.first()?;
    let empty = errors.iter().any(|error| error.message.trim().is_empty());
    let longest = errors.iter().map(|error| error.message.len()).max().unwrap_or_default();
    Some(if empty {
        let expected = "a message that says what was wrong and what to do";
        Err(Fault::new(
            expected,
            format!("{} answered {} with an empty message", call.function, first.code.name()),
        ))
    } else if longest > MAX_MESSAGE {
        let expected = format!("a message of at most {MAX_MESSAGE} bytes");
        Err(Fault::new(expected, format!("{} answered {longest} bytes", call.function)))
    } else {
        Ok(())
    })
}

/// Mistakes that callers make every day: no node has to be asked for them.
pub(in crate::checks) async fn ordinary_mistakes(
    trial: &mut Trial,
    app: &Application,
    actor: &Actor,
) -> Checked {
    if let Some(arguments) = trial.facts.testbed.probe.unfit.first().cloned() {
        drop(app.begin(trial.invoke("add", arguments)?, actor.parties(), trial.options()).await);
    }
    let garbage = trial.bytes(20);
    drop(app.resume(garbage, Vec::new()).await);
    let id = format!("{} {}", trial.name(), trial.name());
    drop(app.receipt(&id, Vec::new()).await);
    let native = NativeCall { name: trial.name(), json: "{}".into() };
    drop(app.begin(Call::Native(native), actor.parties(), trial.options()).await);
    // And a node that is not there for a moment.
    for disturbance in [Disturbance::Unreachable, Disturbance::Slow] {
        app.disturb(Which::all(), disturbance);
        drop(app.status().await);
        app.calm();
    }
    Ok(())
}

/// The contract's own reason is in the error of the call or of its outcome.
pub(super) async fn reason(trial: &mut Trial) -> Checked {
    let app = trial.application().await?;
    let actor = trial.actor(&app).await?;
    let reason = format!("{} {}", trial.name(), trial.name());
    let told = |what: &str, error: &adapter_spec::types::Error| {
        let holds = error.code == ErrorCode::Reverted && error.message.contains(&reason);
        ensure(holds, format!("{what}: reverted, with the contract's reason {reason:?}"), || {
            error.to_string()
        })
    };
    let (call, options) = (trial.evaluate("fail", vec![Value::Text(reason.clone())])?, trial.options());
    match app.read(call, &actor, options).await {
        Err(adapter_spec::CallError::Answered(error)) => told("a read that fails", &error)?,
        Err(adapter_spec::CallError::Ended(ended)) => {
            return Err(Fault::new("a read that fails is answered", ended.to_string()).into());
        }
        // Some ledgers read without running the contract to its end.
        Ok(_) => {}
    }
    let (call, options) = (trial.invoke("fail", vec![Value::Text(reason.clone())])?, trial.options());
    let envelope = match app.try_call(call, &actor, options).await? {
        Err(error) => return told("begin or resume of a write that fails", &error),
        Ok(Signed::Envelope(envelope)) => envelope,
        Ok(Signed::Answer(_)) => {
            return Err(Fault::new("a call that writes ends in send", "an answer").into());
        }
    };
    match app.try_send(&envelope).await? {
        Err(failure) => told("send of a write that fails", &failure.error),
        Ok(()) => {
            trial.advance(1).await?;
            match app.included(&envelope).await?.outcome {
                Some(Err(error)) => told("the outcome of a write that fails", &error),
                other => {
                    Err(Fault::new("the outcome of a write that fails is an error", format!("{other:?}"))
                        .into())
                }
            }
        }
    }
}

/// What a node says where it should answer, whether it is an answer or an error, is in no message.
pub(super) async fn foreign_bytes(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    for (deed, calm) in natives::asked(trial, &day).await? {
        let canary = trial.name() + &trial.name() + &trial.name();
        let Some(request) = calm.requests().first().cloned() else { continue };
        let answers = [
            Disturbance::Instead(serde_json::json!(canary).to_string().into_bytes()),
            Disturbance::Instead(serde_json::json!({ &canary[..]: [canary] }).to_string().into_bytes()),
            Disturbance::Native(natives::unheard_of(trial, &calm, &request, &canary)),
        ];
        for answer in answers {
            let done = day.under(trial, deed, &[(Which::all(), answer)]).await?;
            let Some(error) = done.wrong.error() else { continue };
            ensure(
                !error.message.contains(&canary),
                format!("{}: a message without the node's bytes", deed.name()),
                || format!("the message has what the node said: {}", ended(&done.wrong)),
            )?;
        }
    }
    Ok(())
}
