//! What is signed is the call, and nothing else.

use adapter_spec::types::{Call, CallOptions, SignRequest, SignatureScheme, SigningInput, Step, Value};

use super::super::{find, outputs};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Application, Trial, signed_bytes},
};

async fn sum(trial: &Trial, application: &Application, actor: &Actor) -> Result<i128, Stop> {
    let count = trial.count(application, actor).await?;
    count.parse().or_else(|_| fail("a counter that is a number", count))
}

pub(super) async fn a_write_does_what_was_called(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let number = 2 + u32::try_from(trial.below(1_000_000)).unwrap_or(0);
    let before = sum(trial, &application, &actor).await?;
    let (call, options) = (trial.add(number)?, trial.options());
    application.write_well(call, &actor, options).await?;
    let after = sum(trial, &application, &actor).await?;
    ensure(
        after - before == i128::from(number),
        format!("the counter grows by {number}, which was signed"),
        || format!("it grows by {}", after - before),
    )?;
    if !trial.facts.testbed.probe.functions.contains_key("add-twice") {
        return Ok(());
    }
    let call = trial.invoke("add-twice", vec![Value::Integer(number.to_string())])?;
    let options = trial.options();
    application.write_well(call, &actor, options).await?;
    let twice = sum(trial, &application, &actor).await? - after;
    ensure(
        twice == 2 * i128::from(number),
        format!("the function that adds {number} twice is called"),
        || format!("the counter grows by {twice}"),
    )
}

pub(super) async fn a_text_is_kept(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let text = format!("{} {}", trial.name(), hex::encode(trial.bytes(12)));
    let call = trial.invoke("put", vec![Value::Text(text.clone())])?;
    let options = trial.options();
    application.write_well(call, &actor, options).await?;
    let read = trial.evaluate("text", Vec::new())?;
    let output = application.read(read, &actor, CallOptions::default()).await.expected("the text is read")?;
    let value = Value::Text(text.clone());
    ensure(outputs::is(&output, &value), format!("the text that was signed: {text:?}"), || {
        format!("another text: {}", outputs::shown(&output))
    })
}

/// Begins a call, gives it up again, and says what was to be signed. None where it is refused.
async fn to_sign(
    application: &Application,
    actor: &Actor,
    call: Call,
    options: CallOptions,
) -> Result<Option<SignRequest>, Stop> {
    match application.begin(call, actor.parties(), options).await {
        Ok(Step::Sign(request)) => {
            application.abandon(request.continuation.clone()).await.expected("abandon frees a call")?;
            Ok(Some(request))
        }
        Ok(_) => fail("a write asks its party to sign", "begin goes on without"),
        Err(adapter_spec::CallError::Answered(_)) => Ok(None),
        Err(adapter_spec::CallError::Ended(ended)) => fail("an answer of begin", ended.to_string()),
    }
}

fn inputs(request: &SignRequest) -> Vec<Vec<u8>> {
    request.items.iter().map(|item| signed_bytes(&item.input)).collect()
}

pub(super) async fn other_calls_are_other_bytes(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let number = 2 + u32::try_from(trial.below(1000)).unwrap_or(0);
    let options = trial.options();
    let Some(first) = to_sign(&application, &actor, trial.add(number)?, options.clone()).await? else {
        return fail("begin starts the call", "it refuses it");
    };
    let mut others = vec![("another argument", trial.add(number + 1)?, options.clone())];
    if trial.facts.testbed.probe.functions.contains_key("add-twice") {
        let twice = trial.invoke("add-twice", vec![Value::Integer(number.to_string())])?;
        others.push(("another function", twice, options.clone()));
    }
    if let (Some(contract), Call::Invoke(call)) =
        (trial.facts.testbed.probe.missing_contract.clone(), trial.add(number)?)
    {
        let call = adapter_spec::types::ContractCall { contract, ..call };
        others.push(("another contract", Call::Invoke(call), options.clone()));
    }
    let amount = CallOptions { amount: Some((1 + trial.below(1000)).to_string()), ..options.clone() };
    others.push(("an amount", trial.add(number)?, amount));
    for (what, call, options) in others {
        if let Some(other) = to_sign(&application, &actor, call, options).await? {
            ensure(
                inputs(&first) != inputs(&other),
                format!("a call with {what} asks for other bytes to be signed"),
                || "the bytes to sign are the same".into(),
            )?;
        }
    }
    Ok(())
}

pub(super) async fn what_is_signed_holds_the_arguments(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let text = hex::encode(trial.bytes(10));
    let (call, options) = (trial.invoke("put", vec![Value::Text(text.clone())])?, trial.options());
    let Some(request) = to_sign(&application, &actor, call, options).await? else {
        return fail("begin starts the call", "it refuses it");
    };
    // SM2 hashes its message itself; where the framework gives it a hash as the message, the reason is declared as for digests.
    let reason = trial.facts.descriptor.signs_digests.is_some();
    let shows_nothing = |input: &SigningInput| match input {
        SigningInput::Digest(_) => true,
        SigningInput::Sm2(message) => reason && message.data.len() == 32,
        SigningInput::Message(_) | SigningInput::TypedData(_) => false,
    };
    if request.items.iter().all(|item| shows_nothing(&item.input)) {
        return Err(Stop::NotApplicable("the framework has digests signed, which show nothing".into()));
    }
    let holds = inputs(&request).iter().any(|bytes| find::holds(bytes, text.as_bytes()));
    ensure(holds, format!("the bytes to sign hold the call's argument {text:?}"), || {
        "it is in none of them".into()
    })
}

pub(super) async fn sm2_has_the_frameworks_id(trial: &mut Trial) -> Checked {
    if !trial.facts.schemes().contains(&SignatureScheme::Sm2Sm3) {
        return Err(Stop::NotApplicable("the framework does not sign with SM2".into()));
    }
    let application = trial.application().await?;
    let actor = trial.actor_of(&application, SignatureScheme::Sm2Sm3).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    let written = application.write_well(call, &actor, options).await;
    written.map(drop).map_err(|stop| match stop {
        Stop::Fail(fault) => Stop::Fail(crate::check::Fault {
            expected: format!(
                "the ledger takes what SM2 signs with the framework's user id: {}",
                fault.expected
            ),
            ..fault
        }),
        other => other,
    })
}

pub(super) async fn max_fee_is_a_bound(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let number = 1 + u32::try_from(trial.below(1000)).unwrap_or(0);
    let (call, options) = (trial.add(number)?, trial.options());
    let step = application.begin(call, actor.parties(), options).await.expected("begin starts the call")?;
    let Step::Sign(request) = step.clone() else {
        return fail("a write asks its party to sign", "begin goes on without");
    };
    let crate::trial::Signed::Envelope(envelope) = application.sign(&actor, step).await? else {
        return fail("a write ends in send", "an answer");
    };
    application.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
    let receipt = application.included(&envelope).await?;
    let Some(fee) = receipt.fee else {
        return Err(Stop::NotApplicable("the ledger has no fees".into()));
    };
    let decimal = |text: &str| text.parse::<u128>().ok();
    match (decimal(&fee), request.max_fee.as_deref().map(decimal)) {
        (Some(0), _) => Ok(()),
        (Some(paid), Some(Some(most))) => {
            ensure(paid <= most, format!("max-fee is an upper bound: {most}"), || format!("{paid} were paid"))
        }
        (_, None) => {
            fail("max-fee says what the signed bytes can cost", format!("it is none, and {fee} were paid"))
        }
        _ => fail("decimal numbers", format!("max-fee {:?}, and the fee {fee:?}", request.max_fee)),
    }
}
