//! Planted secrets, and where they show.

use adapter_spec::{
    CallError, Function,
    types::{Call, ContractCall, Envelope, SignRequest, Signature, Step, Value},
};
use base64::{Engine as _, engine::general_purpose};
use serde_json::Value as Json;

use crate::{
    check::{Expect as _, Stop, ensure},
    checks::deeds::ended,
    trial::{Actor, Application, Disturbance, Ending, Observed, Trial, Which},
};

/// A text that nobody else has.
pub(super) struct Canary {
    text: String,
    /// The same as other programs write it.
    forms: Vec<String>,
}

impl Canary {
    /// One that comes from the seed.
    pub(super) fn plant(trial: &mut Trial) -> Self {
        let mut text = String::new();
        while text.len() < 24 {
            text += &trial.name();
        }
        let bytes = text.as_bytes();
        let mut forms = vec![text.clone(), hex::encode(bytes), hex::encode_upper(bytes)];
        // In base64 a text looks otherwise at each of three places; its ends depend on what stands beside it.
        for before in [&b""[..], b"a", b"ab"] {
            let shifted = [before, bytes].concat();
            let encoded = general_purpose::STANDARD_NO_PAD.encode(shifted);
            let inner = encoded.get(4..encoded.len().saturating_sub(4)).unwrap_or_default();
            forms.push(inner.to_owned());
        }
        let numbers: Vec<_> = bytes.iter().map(ToString::to_string).collect();
        forms.push(numbers.join(","));
        forms.push(numbers.join(", "));
        forms.push(text.chars().rev().collect());
        Canary { text, forms }
    }

    /// The secret itself.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is in this text, in any form.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form.as_str()))
            // Bytes in hexadecimal may hold base64, or a text of numbers.
            || hex_runs(text).any(|bytes| self.forms.iter().any(|form| holds(&bytes, form.as_bytes())))
    }

    /// Whether it is in these bytes, in any form.
    pub(super) fn is_in_bytes(&self, bytes: &[u8]) -> bool {
        self.is_in(&String::from_utf8_lossy(bytes)) || self.is_in(&hex::encode(bytes))
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}

/// What stands in a text in hexadecimal.
fn hex_runs(text: &str) -> impl Iterator<Item = Vec<u8>> + '_ {
    text.split(|c: char| !c.is_ascii_hexdigit())
        .filter(|run| run.len() >= 32)
        .filter_map(|run| hex::decode(run.get(..run.len() & !1)?).ok())
}

/// Where the secret shows in what a call said. Continuations and envelopes are sealed or sent: what is public of them is
/// looked at alone.
pub(super) fn leak(call: &Observed, canary: &Canary) -> Option<&'static str> {
    let public = |step: &Step| match step {
        Step::Sign(SignRequest { summary, valid_until, max_fee, .. }) => {
            canary.is_in(summary).then_some("the summary").or_else(|| {
                canary.is_in(&format!("{valid_until:?} {max_fee:?}")).then_some("the request for signatures")
            })
        }
        Step::Send(Envelope { transaction, tracking, .. }) => {
            let id = canary.is_in(transaction).then_some("the transaction's id");
            id.or_else(|| canary.is_in_bytes(tracking).then_some("the tracking"))
        }
        Step::Answer(_) => None,
    };
    if let (Function::Begin | Function::Resume | Function::Replace, Some(step)) =
        (call.function, call.success::<Step>())
        && let Some(place) = public(&step)
    {
        return Some(place);
    }
    let steps = matches!(call.function, Function::Begin | Function::Resume | Function::Replace);
    call.said().into_iter().find_map(|(place, text)| {
        let is_step = steps && matches!(call.ending, Ending::Success(_)) && place == "answer";
        let place = match (place, call.function) {
            _ if is_step => return None,
            ("answer", Function::Receipt) => "the receipt",
            ("answer", Function::Events) => "an event",
            ("answer", _) => "the answer",
            ("error", _) => "the error",
            ("log", _) => "a log line",
            ("state", _) => "the state",
            _ => "the failure",
        };
        canary.is_in(&text).then_some(place)
    })
}

/// A call with a private argument that is the secret, kept under this name.
fn call(trial: &Trial, name: &str, canary: &Canary) -> Result<ContractCall, Stop> {
    let mut call = trial.function("private", vec![Value::Text(name.into())])?;
    call.private_arguments = vec![("secret".into(), canary.text().as_bytes().to_vec())];
    Ok(call)
}

/// Goes with a secret through all of a call's life, and through much that can go wrong on the way.
///
/// `echo` is what the node then says where it should answer.
pub(super) async fn confide(
    trial: &mut Trial,
    app: &Application,
    canary: &Canary,
    echo: &Canary,
) -> Result<(), Stop> {
    let actor = trial.actor(app).await?;
    let name = trial.name();
    let private = call(trial, &name, canary)?;
    fail_in_many_ways(trial, app, &actor, &private, echo).await?;
    let step = app.begin(Call::Invoke(private), actor.parties(), trial.options()).await;
    let mut step = step.expected("begin takes private arguments")?;
    let envelope = loop {
        match step {
            Step::Send(envelope) => break envelope,
            Step::Answer(_) => return Err(Stop::Harness("a call that writes ended in an answer".into())),
            Step::Sign(request) => {
                let wrong: Vec<_> = request.items.iter().map(|_| wrong_signature()).collect();
                drop(app.resume(request.continuation.clone(), wrong).await);
                let signatures = actor.sign(&request)?;
                step = app.resume(request.continuation, signatures).await.expected("resume goes on")?;
            }
        }
    };
    for disturbance in [Disturbance::Unreachable, Disturbance::LostBefore, Disturbance::Page] {
        app.disturb(Which::of(Function::Send), disturbance);
        drop(app.send(envelope.clone()).await);
        app.calm();
    }
    app.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
    trial.advance(1).await?;
    let receipt = app.included(&envelope).await?;
    if let Some(block) = &receipt.block
        && trial.facts.interfaces.events
    {
        let filter = adapter_spec::types::EventFilter {
            contract: Some(trial.contracts.probe.clone()),
            name: None,
            abi: trial.facts.testbed.probe.abi.clone(),
            confidence: adapter_spec::types::Confidence::Latest,
        };
        let start = adapter_spec::types::EventStart::Block(block.number);
        drop(app.events(filter, start, 10, 1 << 20).await);
    }
    if let Ok(read) = trial.evaluate("reveal", vec![Value::Text(name)]) {
        drop(app.begin(read.clone(), actor.parties(), trial.options()).await);
        // What is secret comes back, and cannot be read.
        let text = serde_json::json!({ echo.text(): [echo.text()] }).to_string();
        app.disturb(Which::of(Function::Begin), Disturbance::Instead(text.into_bytes()));
        drop(app.begin(read, actor.parties(), trial.options()).await);
        app.calm();
    }
    Ok(())
}

fn wrong_signature() -> Signature {
    Signature { bytes: vec![1; 64], recovery_id: Some(0) }
}

/// Calls with the secret that come to nothing.
async fn fail_in_many_ways(
    trial: &mut Trial,
    app: &Application,
    actor: &Actor,
    private: &ContractCall,
    echo: &Canary,
) -> Result<(), Stop> {
    let missing = trial.facts.testbed.probe.missing_contract.clone();
    let unknown = trial.facts.testbed.probe.missing_function.clone();
    let mut calls = vec![Call::Evaluate(private.clone())];
    calls.extend(missing.map(|contract| Call::Invoke(ContractCall { contract, ..private.clone() })));
    calls.extend(unknown.map(|function| Call::Invoke(ContractCall { function, ..private.clone() })));
    calls.push(Call::Invoke(ContractCall { arguments: Vec::new(), ..private.clone() }));
    let most = usize::try_from(trial.facts.descriptor.max_payload).unwrap_or(0).min(1 << 21);
    let mut long = private.clone();
    long.private_arguments.push(("filler".into(), vec![b'x'; most]));
    calls.push(Call::Invoke(long));
    for call in calls {
        free(app, app.begin(call, actor.parties(), trial.options()).await).await;
    }
    drop(app.estimate(Call::Invoke(private.clone()), actor.parties(), trial.options()).await);
    let echo = serde_json::json!(echo.text()).to_string().into_bytes();
    for disturbance in [
        Disturbance::Unreachable,
        Disturbance::Slow,
        Disturbance::Page,
        Disturbance::Retyped,
        Disturbance::Instead(echo),
    ] {
        app.disturb(Which::of(Function::Begin), disturbance);
        let step = app.begin(Call::Invoke(private.clone()), actor.parties(), trial.options()).await;
        app.calm();
        free(app, step).await;
    }
    Ok(())
}

async fn free(app: &Application, step: Result<Step, CallError>) {
    if let Ok(Step::Sign(request)) = step {
        drop(app.abandon(request.continuation).await);
    }
}

/// Whether the secret came in an exchange that the adapter called sensitive.
fn came_in_confidence(call: &Observed, echo: &Canary) -> bool {
    let came = |answer: &Json| echo.is_in(&answer.to_string());
    call.requests().iter().any(|request| request.is_sensitive && request.answer.as_ref().is_some_and(came))
}

/// No call of the application shows the secret, nor what came back in confidence.
pub(super) fn nowhere(app: &Application, canary: &Canary, echo: &Canary) -> Result<(), Stop> {
    app.calls().iter().try_for_each(|call| {
        let place = leak(call, canary);
        let place = place.or_else(|| came_in_confidence(call, echo).then(|| leak(call, echo)).flatten());
        ensure(place.is_none(), "the planted secret shows nowhere", || {
            let shown = ended(call).replace(canary.text(), "…");
            format!("{} shows it in {}: {shown:.120}", call.function, place.unwrap_or_default())
        })
    })
}

/// Whether JSON has this field anywhere.
pub(super) fn fields(json: &Json, visit: &mut impl FnMut(&str, &Json)) {
    match json {
        Json::Object(fields_of) => fields_of.iter().for_each(|(name, value)| {
            visit(name, value);
            fields(value, visit);
        }),
        Json::Array(items) => items.iter().for_each(|item| fields(item, visit)),
        _ => {}
    }
}
