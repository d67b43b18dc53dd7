//! The framework's own codes.

use adapter_spec::types::{Effect, ErrorCode, SendFailure};
use berth_lending::recording::Import;
use serde_json::{Value, json};

use crate::{
    check::{Checked, Stop, ensure, fail},
    checks::deeds::{DEEDS, Day, Deed, ended},
    testbed::NativeError,
    trial::{Disturbance, Ending, Observed, Request, Trial, Which},
};

/// Each deed with what it asks when nothing goes wrong.
pub(super) async fn asked(trial: &mut Trial, day: &Day) -> Result<Vec<(Deed, Observed)>, Stop> {
    let mut asked = Vec::new();
    for deed in DEEDS {
        if day.can(trial, *deed) {
            asked.push((*deed, day.calmly(trial, *deed).await?));
        }
    }
    Ok(asked)
}

/// Whether a request submits, as the test bed says.
fn submits(trial: &Trial, request: &Request) -> bool {
    trial.facts.testbed.submits.iter().any(|method| match method.strip_suffix('*') {
        Some(prefix) => request.method.starts_with(prefix),
        None => request.method == *method || request.method.starts_with(&format!("{method}/")),
    })
}

fn fits(call: &Observed, native: &NativeError) -> Result<(), String> {
    let Some(error) = call.error() else { return Err(ended(call)) };
    let mut wrong = Vec::new();
    if error.code != native.code {
        wrong.push(format!("the code {}", error.code.name()));
    }
    if native.retryable.is_some_and(|retryable| retryable != error.retryable) {
        wrong.push(format!("retryable {}", error.retryable));
    }
    if let (Some(effect), Ending::SendFailure(failure, _)) = (native.effect, &call.ending) {
        let came = serde_json::from_value(failure.clone()).map(|failure: SendFailure| failure.effect);
        if came.as_ref().ok() != Some(&effect) {
            wrong.push(format!("the effect {}", effect_name(came.ok())));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join(", ")) }
}

fn effect_name(effect: Option<Effect>) -> &'static str {
    match effect {
        Some(Effect::Never) => "never",
        Some(Effect::Unknown) => "unknown",
        None => "none",
    }
}

/// What the framework's table of errors must become.
pub(super) async fn known(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    let asked = asked(trial, &day).await?;
    let mut tried = 0;
    for native in trial.facts.testbed.native_errors.clone() {
        let retryable = native.retryable.map_or(String::new(), |is| format!(", retryable {is}"));
        let effect =
            native.effect.map_or(String::new(), |effect| format!(", effect {}", effect_name(Some(effect))));
        let expected = format!(
            "{} in answer to {}: {}{retryable}{effect}",
            native.answer,
            native.method,
            native.code.name()
        );
        let of = asked.iter().filter(|(_, call)| call.requests().iter().any(|r| r.method == native.method));
        let mut came = Vec::new();
        for (deed, _) in of {
            let which = Which { method: Some(native.method.clone()), ..Which::all() };
            let disturbance = Disturbance::Native(native.answer.clone());
            let done = day.under(trial, *deed, &[(which, disturbance)]).await?;
            tried += 1;
            match done.wrong.error() {
                // Where the answer is not needed, or has another place in the call, success is no fault.
                None => came.push(format!("{}: {}", deed.name(), ended(&done.wrong))),
                Some(_) => {
                    fits(&done.wrong, &native).or_else(|why| {
                        fail(expected.clone(), format!("{}: {why} ({})", deed.name(), ended(&done.wrong)))
                    })?;
                    came.clear();
                    break;
                }
            }
        }
        ensure(came.is_empty(), expected, || came.join("; "))?;
    }
    if tried == 0 {
        return Err(Stop::Unknown("no call asks for a method of the test bed's native errors".into()));
    }
    Ok(())
}

/// An error in this request's transport that no node has ever given, with these words.
pub(super) fn unheard_of(trial: &mut Trial, call: &Observed, request: &Request, words: &str) -> Value {
    let number = trial.below(900);
    match call.exchanges.get(request.exchange).map(|exchange| exchange.import) {
        Some(Import::Http) => json!({"status": 460 + number % 30, "body": {"error": words}}),
        Some(Import::Grpc | Import::GrpcStream) => json!({"code": 2, "message": words}),
        _ => json!({"code": 700_000 + number, "message": words}),
    }
}

/// A code that is in no table is `rejected` where something was submitted, `unavailable` elsewhere.
pub(super) async fn unknown(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    for (deed, calm) in asked(trial, &day).await? {
        let requests = calm.requests();
        let submitted = requests.iter().find(|request| submits(trial, request)).cloned();
        let Some(request) = submitted.clone().or_else(|| requests.first().cloned()) else { continue };
        let code = if submitted.is_some() { ErrorCode::Rejected } else { ErrorCode::Unavailable };
        let words = format!("{} {}", trial.name(), trial.name());
        let native = unheard_of(trial, &calm, &request, &words);
        // Of a submission only its own answer; a read has no other answer than this.
        let method = submitted.map(|request| request.method);
        let expected = format!("{} when a node answers {native}: {}", deed.name(), code.name());
        let wrong = [(Which { method, ..Which::all() }, Disturbance::Native(native))];
        let done = day.under(trial, deed, &wrong).await?;
        match done.wrong.error() {
            Some(error) if error.code == code => {}
            _ if done.wrong.requests().is_empty() => {}
            _ => return fail(expected, ended(&done.wrong)),
        }
    }
    Ok(())
}

/// `native` holds what the node said, not the adapter's words for it, and is cut where it is long.
pub(super) async fn verbatim(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?;
    let asked = asked(trial, &day).await?;
    for deed in [Deed::Status, Deed::Send] {
        let Some((_, calm)) = asked.iter().find(|(of, _)| *of == deed) else { continue };
        let requests = calm.requests();
        let Some(request) = requests.iter().find(|r| submits(trial, r)).or_else(|| requests.first()) else {
            continue;
        };
        let words = format!("{} {}", trial.name(), trial.name().repeat(400));
        let native = unheard_of(trial, calm, request, &words);
        let which = Which { method: submits(trial, request).then(|| request.method.clone()), ..Which::all() };
        let done = day.under(trial, deed, &[(which, Disturbance::Native(native.clone()))]).await?;
        let Some(error) = done.wrong.error() else { continue };
        let expected = format!(
            "{}: native is the node's code {}, or its message, at most 1,024 bytes of it",
            deed.name(),
            native.get("code").or(native.get("status")).unwrap_or(&Value::Null)
        );
        let code = native.get("code").or(native.get("status")).map(Value::to_string).unwrap_or_default();
        let start = words.get(..40).unwrap_or_default();
        let said = error.native.clone().unwrap_or_default();
        let holds = said.len() <= 1024 && (said.contains(&code) || said.contains(start));
        ensure(holds, expected, || format!("native is {:.100?}, {} bytes", error.native, said.len()))?;
    }
    Ok(())
}
