//! How much a call may carry.

use adapter_spec::types::{Call, ErrorCode, Value};

use super::begin::refusal;
use crate::{
    check::{Checked, Stop, ensure, fail},
    trial::Trial,
};

/// A read of text and, where the probe has it, a write of text; each with an argument of so many bytes.
fn calls(trial: &mut Trial, bytes: usize) -> Result<Vec<Call>, Stop> {
    let text = trial.name().chars().cycle().take(bytes).collect::<String>();
    let mut calls = Vec::new();
    for (function, is_write) in [("echo-text", false), ("put", true)] {
        if trial.facts.testbed.probe.functions.contains_key(function) {
            let arguments = vec![Value::Text(text.clone())];
            let call = trial.function(function, arguments)?;
            calls.push(if is_write { Call::Invoke(call) } else { Call::Evaluate(call) });
        }
    }
    if calls.is_empty() {
        return Err(Stop::Unknown("the test bed's probe takes no text".into()));
    }
    Ok(calls)
}

fn most(trial: &Trial) -> usize {
    usize::try_from(trial.facts.descriptor.max_payload).unwrap_or(usize::MAX)
}

pub(super) async fn more_is_refused_unasked(trial: &mut Trial) -> Checked {
    let most = most(trial);
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let mut calls = calls(trial, most.saturating_add(1))?;
    if let (true, Some(deployment)) = (
        trial.facts.descriptor.capabilities.iter().any(|name| name == "deploy"),
        trial.facts.testbed.probe.deployment.clone(),
    ) {
        let code = deployment.code.iter().copied().cycle().take(most.saturating_add(1)).collect();
        calls.push(Call::Deploy(adapter_spec::types::Deployment { code, ..deployment }));
    }
    for call in calls {
        let kind = match &call {
            Call::Evaluate(_) => "evaluate",
            Call::Invoke(_) => "invoke",
            _ => "deploy",
        };
        let expected = format!("{kind} answers too-large to more than max-payload ({most} bytes)");
        let error = refusal(trial, &application, actor.parties(), call).await?;
        match error {
            None => return fail(expected, "it goes on"),
            Some(error) if error.code != ErrorCode::TooLarge => return fail(expected, error.to_string()),
            Some(_) => {}
        }
        let asked = application.last_call()?.requests();
        ensure(asked.is_empty(), format!("{expected} before any endpoint is asked"), || {
            let methods: Vec<_> = asked.iter().map(|request| request.method.as_str()).collect();
            format!("it asks first: {}", methods.join(", "))
        })?;
    }
    Ok(())
}

pub(super) async fn as_much_is_not_refused(trial: &mut Trial) -> Checked {
    let most = most(trial);
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    for call in calls(trial, most)? {
        let kind = if matches!(call, Call::Evaluate(_)) { "evaluate" } else { "invoke" };
        let Some(error) = refusal(trial, &application, actor.parties(), call).await? else { continue };
        // What the ledger itself refuses is its own word.
        let unasked = application.last_call()?.requests().is_empty();
        ensure(
            !(unasked && matches!(error.code, ErrorCode::TooLarge | ErrorCode::InvalidArgument)),
            format!("{kind} does not refuse max-payload ({most} bytes) for its size"),
            || error.to_string(),
        )?;
    }
    Ok(())
}
