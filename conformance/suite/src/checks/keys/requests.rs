//! What an adapter asks to be signed, and by whom.

use adapter_spec::{
    Function,
    types::{Call, Party, PublicKey, SignRequest, SigningInput, Step},
};
use berth_lending::recording::Import;

use crate::{
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail},
    trial::{Observed, Trial, observed::json},
};

/// The most bytes of a summary.
const MAX_SUMMARY: usize = 1024;

/// The request for signatures that a call ended with.
fn request(call: &Observed) -> Option<SignRequest> {
    if !matches!(call.function, Function::Begin | Function::Resume | Function::Replace) {
        return None;
    }
    match call.success::<Step>()? {
        Step::Sign(request) => Some(request),
        Step::Send(_) | Step::Answer(_) => None,
    }
}

/// The parties that a call was begun for; those of `resume` are in its continuation.
fn parties(call: &Observed) -> Option<Vec<Party>> {
    matches!(call.function, Function::Begin | Function::Replace).then(|| call.argument(1))?
}

pub(super) fn only_declared_service_keys(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    let asked: Vec<_> = call
        .exchanges
        .iter()
        .filter(|exchange| matches!(exchange.import, Import::ServiceSign | Import::ServicePublicKey))
        .map(|exchange| {
            let request = json(&exchange.request);
            let name = if request.is_array() { request.get(0).cloned() } else { Some(request) };
            name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
        })
        .collect();
    let declared = |name: &str| facts.descriptor.service_keys.iter().any(|need| need.name == name);
    if asked.is_empty() {
        return None;
    }
    let other = asked.iter().find(|name| !declared(name));
    Some(other.map_or(Ok(()), |other| {
        Err(Fault::new(
            "signatures by the operator come from declared service keys alone",
            format!("{} asks for the service key {other:?}, which is not declared", call.function),
        ))
    }))
}

pub(super) async fn a_write_asks_its_party(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    let step = application.begin(call, actor.parties(), options).await.expected("begin starts the call")?;
    match step {
        Step::Sign(request) => {
            let asked = request.items.len();
            application.abandon(request.continuation).await.expected("abandon frees a call")?;
            ensure(asked > 0, "a sign step asks for at least one signature", || "it asks for none".into())
        }
        other => fail("a write asks its party to sign", format!("begin goes on without: {other:.200?}")),
    }
}

pub(super) fn only_keys_of_the_parties(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    let (request, parties) = (request(call)?, parties(call)?);
    let is_of_a_party = |key: &PublicKey| {
        parties
            .iter()
            .flat_map(|party| &party.keys)
            .any(|of| of.point == key.point && of.scheme == key.scheme)
    };
    let other = request.items.iter().find(|item| !is_of_a_party(&item.key));
    Some(other.map_or(Ok(()), |other| {
        Err(Fault::new(
            "each item names a key of the call's parties",
            format!("an item names another key: {}", hex::encode(&other.key.point)),
        ))
    }))
}

pub(super) fn digests_only_with_a_reason(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    let request = request(call)?;
    let asks = request.items.iter().any(|item| matches!(item.input, SigningInput::Digest(_)));
    let reason = facts.descriptor.signs_digests.as_deref();
    // A reason takes more than a word.
    let has_reason = reason.is_some_and(|reason| reason.split_whitespace().count() > 2);
    Some(if asks && !has_reason {
        Err(Fault::new(
            "a digest is asked for only where signs-digests gives the reason",
            format!("{} asks for a digest, and signs-digests is {reason:?}", call.function),
        ))
    } else {
        Ok(())
    })
}

/// The digits that mean something in a number: how a summary groups or scales them is its own business.
fn digits(number: &str) -> &str {
    number.trim_start_matches('0').trim_end_matches('0')
}

pub(super) fn summary_has_its_form(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    let request = request(call)?;
    let summary = &request.summary;
    let fault = |expected: &str, actual: String| Some(Err(Fault::new(expected, actual)));
    if summary.len() > MAX_SUMMARY {
        return fault("a summary of at most 1,024 bytes", format!("it has {}", summary.len()));
    }
    if summary.trim().is_empty() || summary.chars().any(char::is_control) {
        return fault("a summary of plain text", format!("the summary is {summary:?}"));
    }
    if let Some(fee) = &request.max_fee
        && (fee.is_empty() || !fee.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return fault("a max-fee that is a decimal number", format!("max-fee is {fee:?}"));
    }
    if call.function != Function::Begin {
        return Some(Ok(()));
    }
    let lower = summary.to_lowercase();
    if let Some(Call::Invoke(invoke)) = call.argument::<Call>(0) {
        let contract = invoke.contract.to_lowercase();
        if !lower.contains(&contract) {
            return fault(
                "a summary that names the contract",
                format!("it does not name {contract:?}: {summary:?}"),
            );
        }
    }
    let options = call.argument::<adapter_spec::types::CallOptions>(2).unwrap_or_default();
    if let Some(amount) = &options.amount {
        let shown: String = summary.chars().filter(char::is_ascii_digit).collect();
        if !shown.contains(digits(amount)) {
            return fault(
                "a summary that says what can be lost",
                format!("it does not name the amount {amount}: {summary:?}"),
            );
        }
    }
    Some(Ok(()))
}

pub(super) async fn certificate_is_unchanged(trial: &mut Trial) -> Checked {
    if !trial.facts.descriptor.permissioned {
        return Err(Stop::NotApplicable(
            "the framework admits nobody, so that it needs no certificates".into(),
        ));
    }
    let parties = trial.facts.testbed.parties.clone();
    let Some(number) = parties.iter().position(|party| party.certificate.is_some()) else {
        let met = trial.facts.testbed.offers("party with a", "certificate", false);
        return match met {
            Err(crate::check::Unmet::Unknown(reason)) => Err(Stop::Unknown(reason)),
            Err(crate::check::Unmet::NotApplicable(reason)) => Err(Stop::NotApplicable(reason)),
            Ok(()) => Ok(()),
        };
    };
    let actor = trial.party(number)?;
    let application = trial.application().await?;
    let (call, options) = (trial.add(1)?, trial.options());
    let step = application
        .begin(call, actor.parties(), options)
        .await
        .expected("begin takes a key with its certificate")?;
    let Step::Sign(request) = step else { return Ok(()) };
    application.abandon(request.continuation).await.expected("abandon frees a call")?;
    for item in &request.items {
        let unchanged = actor.party.keys.contains(&item.key);
        ensure(unchanged, "the party's certificate comes back with its key as it was given", || {
            let certificate = item.key.certificate.as_ref().map(hex::encode);
            format!("the certificate is {certificate:?}")
        })?;
    }
    Ok(())
}
