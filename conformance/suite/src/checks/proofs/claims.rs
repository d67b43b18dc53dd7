//! Claims of every kind, and their proofs.

use adapter_spec::{
    CallError,
    types::{Claim, Error, ErrorCode, Event, PresetValue, Proof, Slot, Value},
};

use crate::{
    check::{Expect as _, Stop, fail},
    testbed::Proofs,
    trial::{Actor, Application, Store, Trial, Written},
};

/// The kinds of claims; each is a capability.
pub(super) const KINDS: [&str; 5] = ["included", "succeeded", "event", "preset-value", "slot"];

pub(super) fn kind(claim: &Claim) -> &'static str {
    match claim {
        Claim::Included(_) => "included",
        Claim::Succeeded(_) => "succeeded",
        Claim::Event(_) => "event",
        Claim::PresetValue(_) => "preset-value",
        Claim::Slot(_) => "slot",
    }
}

pub(super) fn is_declared(trial: &Trial, kind: &str) -> bool {
    trial.facts.descriptor.capabilities.iter().any(|name| name == kind)
}

/// What is said of proofs in the test bed.
pub(super) fn told(trial: &Trial) -> Result<Proofs, Stop> {
    trial.facts.testbed.proofs.clone().ok_or_else(|| Stop::Unknown("the test bed has no anchor".into()))
}

pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Stop> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text))
        .map_err(|_| Stop::Harness("an anchor or slot of the test bed is not hexadecimal".into()))
}

pub(super) fn anchor(trial: &Trial) -> Result<Vec<u8>, Stop> {
    bytes(&told(trial)?.anchor)
}

/// Things that are so, and claims of them.
pub(super) struct Truths {
    pub(super) application: Application,
    pub(super) actor: Actor,
    /// A transaction of the probe's, with an event.
    pub(super) written: Written,
    /// A key of the store with its value, where there is a store.
    pub(super) entry: Option<(String, Vec<u8>)>,
    /// Of the kinds that are declared.
    pub(super) claims: Vec<Claim>,
}

/// Makes things so.
pub(super) async fn truths(trial: &mut Trial) -> Result<Truths, Stop> {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(3)?, trial.options());
    let written = application.write_well(call, &actor, options).await?;
    let transaction = written.envelope.transaction.clone();
    let mut claims = vec![Claim::Included(transaction.clone()), Claim::Succeeded(transaction)];
    claims.extend(event_of(&written).map(Claim::Event));
    let mut entry = None;
    if trial.contracts.preset.is_some() {
        let store = trial.store_of(application.clone(), actor.clone());
        let (key, value) = (trial.name(), trial.bytes(12));
        insert(&store, &key, &value).await?;
        claims.push(preset_value(&key, Some(&value)));
        claims.push(preset_value(&trial.name(), None));
        entry = Some((key, value));
    }
    let contract = trial.contracts.probe.clone();
    if let (Some(slot), true) = (told(trial)?.text_slot, is_declared(trial, "slot")) {
        let text = trial.name();
        let (call, options) = (trial.invoke("put", vec![Value::Text(text.clone())])?, trial.options());
        application.write_well(call, &actor, options).await?;
        let value = Some(text.into_bytes());
        claims.push(Claim::Slot(Slot { contract: contract.clone(), key: bytes(&slot)?, value }));
    }
    claims.push(Claim::Slot(Slot { contract, key: trial.bytes(32), value: None }));
    claims.retain(|claim| is_declared(trial, kind(claim)));
    Ok(Truths { application, actor, written, entry, claims })
}

pub(super) fn preset_value(key: &str, value: Option<&[u8]>) -> Claim {
    Claim::PresetValue(PresetValue { key: key.to_owned(), value: value.map(<[u8]>::to_vec) })
}

pub(super) async fn insert(store: &Store, key: &str, value: &[u8]) -> Result<(), Stop> {
    match store.insert(key, value).await? {
        Ok(()) => Ok(()),
        Err(error) => fail("insert of a new key", error.to_string()),
    }
}

pub(super) fn event_of(written: &Written) -> Option<Event> {
    written.receipt.events.first().cloned()
}

/// Proves a claim that is so, as soon as the ledger lets it be proved.
pub(super) async fn prove(trial: &Trial, application: &Application, claim: &Claim) -> Result<Proof, Stop> {
    let mut last: Option<Error> = None;
    for _ in 0..trial.facts.testbed.patience.min(100) {
        match application.prove(claim.clone()).await {
            Ok(proof) => return Ok(proof),
            // What is proved must be final first.
            Err(CallError::Answered(error)) if error.retryable || error.code == ErrorCode::NotFound => {
                last = Some(error);
            }
            other => return other.expected(&format!("a proof of a true claim, {}", kind(claim))),
        }
        trial.advance(1).await?;
        application.pause().await;
    }
    let last = last.map(|error| error.to_string()).unwrap_or_default();
    fail(format!("a proof of a true claim, {}", kind(claim)), last)
}
