//! What is declared works, and what is not answers `unsupported`.

use std::collections::BTreeSet;

use adapter_spec::{
    CallError,
    types::{
        BlockSelector, Call, Claim, Confidence, Deployment, Error, ErrorCode, EventFilter, EventStart, Goal,
        NativeCall, PresetValue, Slot, Step, StoreOperation,
    },
};
use berth_lending::recording::Import;

use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Application, Trial},
};

/// The capabilities that the standard knows; whatever else is declared is the name of a native call or of a proof's kind.
pub(crate) const CAPABILITIES: [&str; 6] =
    ["deploy", "replace", "estimate", "plan", "contract-abi", "preset-history"];

/// The kinds of claims, which name proofs in the capabilities.
const CLAIMS: [&str; 5] = ["included", "succeeded", "event", "preset-value", "slot"];

/// The declared names of native calls.
pub(crate) fn native_names(trial: &Trial) -> Vec<String> {
    let declared = trial.facts.descriptor.capabilities.iter();
    let is_native = |name: &&String| {
        let kind = name.strip_prefix("proof-").or_else(|| name.strip_prefix("prove-")).unwrap_or(name);
        !CAPABILITIES.contains(&name.as_str()) && !CLAIMS.contains(&kind)
    };
    declared.filter(is_native).cloned().collect()
}

/// How an operation was answered: none where it was carried out.
type Answer = Result<Option<Error>, Stop>;

fn answer<T>(result: Result<T, CallError>) -> Answer {
    match result {
        Ok(_) => Ok(None),
        Err(CallError::Answered(error)) => Ok(Some(error)),
        Err(CallError::Ended(ended)) => fail("an answer", ended.to_string()),
    }
}

/// Begins a call and gives it up again.
async fn begins(trial: &mut Trial, application: &Application, actor: &Actor, call: Call) -> Answer {
    let options = trial.options();
    let begun = application.begin(call, actor.parties(), options).await;
    given_up(application, begun).await
}

async fn given_up(application: &Application, begun: Result<Step, CallError>) -> Answer {
    if let Ok(Step::Sign(request)) = &begun {
        application
            .abandon(request.continuation.clone())
            .await
            .expected("abandon frees a call that was begun")?;
    }
    answer(begun)
}

fn deployment(trial: &mut Trial) -> Deployment {
    let made_up = Deployment {
        name: trial.name(),
        version: "1".into(),
        code: trial.bytes(40),
        abi: None,
        arguments: Vec::new(),
    };
    trial.facts.testbed.probe.deployment.clone().unwrap_or(made_up)
}

/// Tries what a capability stands for.
async fn attempt(trial: &mut Trial, application: &Application, actor: &Actor, capability: &str) -> Answer {
    match capability {
        "deploy" => {
            let call = Call::Deploy(deployment(trial));
            begins(trial, application, actor, call).await
        }
        "replace" => {
            let (call, options) = (trial.add(1)?, trial.options());
            let original = application.envelope(call, actor, options).await?;
            let options = trial.options();
            let begun = application.replace(original.clone(), actor.parties(), options).await;
            let replaced = given_up(application, begun).await?;
            // What was signed is sent, so that it is in nobody's way.
            application.send(original.clone()).await.expected("send of a good envelope succeeds")?;
            application.included(&original).await?;
            Ok(replaced)
        }
        "estimate" => {
            let (call, options) = (trial.add(1)?, trial.options());
            answer(application.estimate(call, actor.parties(), options).await)
        }
        "plan" => {
            let account = trial.account(application, actor).await?;
            let goals = [Goal::Deploy(deployment(trial)), Goal::Preset, Goal::Account(account)];
            let mut first = None;
            for goal in goals {
                match answer(application.plan(goal).await)? {
                    Some(error) if error.code == ErrorCode::Unsupported => first = first.or(Some(error)),
                    other => return Ok(other),
                }
            }
            Ok(first)
        }
        "contract-abi" => {
            let probe = trial.contracts.probe.clone();
            answer(application.contract_abi(&probe).await)
        }
        "preset-history" => {
            let key = trial.name();
            let preset = trial.contracts.preset.clone().unwrap_or_default();
            answer(application.to_call(&preset, StoreOperation::History(key)).await)
        }
        native => {
            let call = Call::Native(NativeCall { name: native.into(), json: "{}".into() });
            begins(trial, application, actor, call).await
        }
    }
}

fn is_unsupported(answer: &Option<Error>) -> bool {
    answer.as_ref().is_some_and(|error| error.code == ErrorCode::Unsupported)
}

/// It was answered so, and nothing was reserved or written for it.
fn unsupported(application: &Application, what: &str, answer: Option<Error>) -> Checked {
    ensure(is_unsupported(&answer), format!("{what} is not declared and answers unsupported"), || {
        answer.map_or(format!("{what} succeeds"), |error| error.to_string())
    })?;
    let swaps = application.last_call()?.count(Import::StateSwap);
    ensure(swaps == 0, format!("{what} is not declared and has no effect"), || {
        format!("it changed the adapter's state {swaps} times")
    })
}

pub(super) async fn undeclared_is_unsupported(trial: &mut Trial) -> Checked {
    let declared: BTreeSet<_> = trial.facts.descriptor.capabilities.iter().cloned().collect();
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    for capability in CAPABILITIES.into_iter().filter(|name| !declared.contains(*name)) {
        let has_store = trial.facts.interfaces.store && trial.contracts.preset.is_some();
        if capability == "preset-history" && !has_store {
            continue;
        }
        let answer = attempt(trial, &application, &actor, capability).await?;
        ensure(
            is_unsupported(&answer),
            format!("{capability} is not declared and answers unsupported"),
            || answer.map_or(format!("{capability} succeeds"), |error| error.to_string()),
        )?;
    }
    Ok(())
}

pub(super) async fn unknown_native_call_is_unsupported(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let call = Call::Native(NativeCall { name: trial.name(), json: "{}".into() });
    let answer = begins(trial, &application, &actor, call).await?;
    unsupported(&application, "a native call of an unknown name", answer)
}

pub(super) async fn declared_works(trial: &mut Trial) -> Checked {
    let declared = trial.facts.descriptor.capabilities.clone();
    if declared.is_empty() {
        return Err(Stop::NotApplicable("the adapter declares no capability".into()));
    }
    let natives = native_names(trial);
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    for capability in declared {
        if !CAPABILITIES.contains(&capability.as_str()) && !natives.contains(&capability) {
            continue;
        }
        let answer = attempt(trial, &application, &actor, &capability).await?;
        ensure(!is_unsupported(&answer), format!("{capability} is declared and works"), || {
            answer.map_or_else(String::new, |error| error.to_string())
        })?;
    }
    Ok(())
}

pub(super) async fn the_least_is_there(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    application.status().await.expected("status answers")?;
    for key in actor.party.keys.clone() {
        application.accounts(key).await.expected("accounts answers")?;
    }
    let (call, options) = (trial.add(1)?, trial.options());
    let step = application.begin(call, actor.parties(), options).await.expected("begin takes invoke")?;
    if let Step::Sign(request) = step {
        application.abandon(request.continuation).await.expected("abandon answers")?;
    }
    // Begin, resume, send and receipt, all the way.
    let (call, options) = (trial.add(1)?, trial.options());
    application.write_well(call, &actor, options).await?;
    Ok(())
}

/// One call of each optional interface.
async fn ask(trial: &mut Trial, application: &Application, interface: &str) -> Answer {
    match interface {
        "blocks" => answer(application.block(BlockSelector::At(Confidence::Latest)).await),
        "events" => {
            let filter =
                EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest };
            answer(application.events(filter, EventStart::Latest, 1, 1 << 16).await)
        }
        "store" => {
            let key = trial.name();
            let preset = trial.contracts.preset.clone().unwrap_or_default();
            let called = answer(application.to_call(&preset, StoreOperation::Get(key.clone())).await)?;
            if called.is_some() {
                return Ok(called);
            }
            // An outcome that says that there is nothing.
            let outcome = Err(Error::new(ErrorCode::NotFound, "there is no such key"));
            answer(application.from_outcome(StoreOperation::Get(key), outcome).await)
        }
        _ => {
            let (transaction, key) = (hex::encode(trial.bytes(32)), trial.name());
            let slot = Slot { contract: trial.contracts.probe.clone(), key: trial.bytes(8), value: None };
            let claims = [
                Claim::Included(transaction.clone()),
                Claim::Succeeded(transaction),
                Claim::PresetValue(PresetValue { key, value: None }),
                Claim::Slot(slot),
            ];
            let mut last = None;
            for claim in claims {
                last = answer(application.prove(claim).await)?;
                if !is_unsupported(&last) {
                    break;
                }
            }
            Ok(last)
        }
    }
}

pub(super) async fn exported_interfaces_answer(trial: &mut Trial) -> Checked {
    let exported = trial.facts.interfaces.names();
    let application = trial.application().await?;
    for interface in ["blocks", "events", "store", "proofs"] {
        let answer = ask(trial, &application, interface).await?;
        if exported.contains(&interface) {
            ensure(!is_unsupported(&answer), format!("{interface} is exported and works"), || {
                format!("{interface} answers unsupported")
            })?;
        } else {
            unsupported(&application, interface, answer)?;
        }
    }
    Ok(())
}
