//! How a call begins, and with whom.

use adapter_spec::{
    CallError, Function,
    types::{Call, CallOptions, ContractCall, Error, ErrorCode, Party, Step, Value},
};

use crate::{
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail},
    trial::{Actor, Application, Observed, Signed, Trial},
};

/// What `begin` answers to a call that is given up at once: none where it is accepted.
pub(super) async fn refusal(
    trial: &mut Trial,
    application: &Application,
    parties: Vec<Party>,
    call: Call,
) -> Result<Option<Error>, Stop> {
    let options = trial.options();
    refusal_with(application, parties, call, options).await
}

/// How a call is refused by the time that it is signed: at `begin`, or where the ledger runs a call only when it is signed, at
/// `resume`. Where calls reserve something nothing is signed here, since what is signed cannot be given up any more.
pub(super) async fn refusal_once_signed(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    call: Call,
) -> Result<Option<Error>, Stop> {
    if trial.facts.descriptor.ordered_accounts {
        return refusal(trial, application, actor.parties(), call).await;
    }
    let options = trial.options();
    Ok(application.try_call(call, actor, options).await?.err())
}

/// The same with these options.
pub(super) async fn refusal_with(
    application: &Application,
    parties: Vec<Party>,
    call: Call,
    options: CallOptions,
) -> Result<Option<Error>, Stop> {
    match application.begin(call, parties, options).await {
        Ok(Step::Sign(request)) => {
            application.abandon(request.continuation).await.expected("abandon frees a call")?;
            Ok(None)
        }
        Ok(_) => Ok(None),
        Err(CallError::Answered(error)) => Ok(Some(error)),
        Err(CallError::Ended(ended)) => fail("an answer of begin", ended.to_string()),
    }
}

pub(super) fn reads_answer_and_writes_send(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::Begin {
        return None;
    }
    let step: Step = call.success()?;
    let (kind, is_read) = match call.argument::<Call>(0)? {
        Call::Evaluate(_) => ("evaluate", true),
        Call::Invoke(_) => ("invoke", false),
        Call::Deploy(_) => ("deploy", false),
        // Its name says whether it writes, and only the adapter knows its names.
        Call::Native(_) => return None,
    };
    Some(match step {
        Step::Send(_) if is_read => {
            Err(Fault::new(format!("{kind} never ends in send"), "begin answers send"))
        }
        Step::Answer(_) if !is_read => {
            Err(Fault::new(format!("{kind} ends in send"), "begin answers that the call is done"))
        }
        _ => Ok(()),
    })
}

async fn count_call(trial: &Trial, application: &Application, actor: &Actor) -> Result<Call, Stop> {
    let account = trial.account(application, actor).await?;
    trial.evaluate("count", vec![Value::Text(account)])
}

pub(super) async fn a_read_ends_in_an_answer(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let call = count_call(trial, &application, &actor).await?;
    let options = trial.options();
    let mut step = application.begin(call, actor.parties(), options).await.expected("begin takes a read")?;
    for _ in 0..=16 {
        match step {
            Step::Answer(_) => return Ok(()),
            Step::Send(_) => return fail("evaluate never ends in send", "it asks to send an envelope"),
            Step::Sign(request) => {
                let signatures = actor.sign(&request)?;
                step = application
                    .resume(request.continuation, signatures)
                    .await
                    .expected("resume goes on with good signatures")?;
            }
        }
    }
    fail("evaluate ends in answer", "it asks for more and more signatures")
}

pub(super) async fn a_read_changes_nothing(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let number = 1 + trial.below(1000);
    let before = trial.count(&application, &actor).await?;
    for _ in 0..2 {
        let call = trial.evaluate("add", vec![Value::Integer(number.to_string())])?;
        let options = trial.options();
        // Whether it is carried out or refused is the framework's business.
        match application.read(call, &actor, options).await {
            Ok(_) | Err(CallError::Answered(_)) => {}
            Err(CallError::Ended(ended)) => return fail("an answer of evaluate", ended.to_string()),
        }
    }
    trial.advance(2).await?;
    let after = trial.count(&application, &actor).await?;
    ensure(before == after, "evaluate changes nothing, also where the function would write", || {
        format!("the counter was {before} and is {after}")
    })
}

/// How a write fails: at `begin`, once it is signed, when it is sent, or in its receipt.
async fn failure(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    call: Call,
) -> Result<Option<Error>, Stop> {
    let options = trial.options();
    let envelope = match application.try_call(call, actor, options).await? {
        Ok(Signed::Envelope(envelope)) => envelope,
        Ok(Signed::Answer(_)) => return fail("a write ends in send", "an answer"),
        Err(error) => return Ok(Some(error)),
    };
    if let Err(failure) = application.try_send(&envelope).await? {
        return Ok(Some(failure.error));
    }
    let receipt = application.included(&envelope).await?;
    Ok(receipt.outcome.and_then(Result::err))
}

/// A read and a write of what is not there both say so.
async fn is_told(trial: &mut Trial, call: ContractCall, what: &str) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let told = |error: &Error| matches!(error.code, ErrorCode::NotFound | ErrorCode::Reverted);
    let options = trial.options();
    let expected = format!("evaluate answers not-found to {what} (reverted where the ledger cannot tell)");
    let read = application.read(Call::Evaluate(call.clone()), &actor, options).await.refused(&expected)?;
    ensure(told(&read), expected, || read.to_string())?;
    let expected = format!("invoke answers not-found to {what} (reverted where the ledger cannot tell)");
    match failure(trial, &application, &actor, Call::Invoke(call)).await? {
        Some(error) => ensure(told(&error), expected, || error.to_string()),
        None => fail(expected, "success"),
    }
}

pub(super) async fn unknown_contract_is_told(trial: &mut Trial) -> Checked {
    let missing = trial.facts.testbed.probe.missing_contract.clone().unwrap_or_default();
    let call = trial.function("add", vec![Value::Integer("1".into())])?;
    is_told(trial, ContractCall { contract: missing, ..call }, "an unknown contract").await
}

pub(super) async fn unknown_function_is_told(trial: &mut Trial) -> Checked {
    let missing = trial.facts.testbed.probe.missing_function.clone().unwrap_or_default();
    let call = trial.function("add", vec![Value::Integer("1".into())])?;
    is_told(trial, ContractCall { function: missing, abi: None, ..call }, "an unknown function").await
}

pub(super) async fn what_must_fail(trial: &mut Trial) -> Checked {
    if let Some(reason) = trial.facts.testbed.absent.get("trial-run") {
        return Err(Stop::NotApplicable(reason.clone()));
    }
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let reason = trial.name();
    let argument = vec![Value::Text(reason)];
    let read = trial.evaluate("fail", argument.clone())?;
    let offered = match refusal(trial, &application, actor.parties(), read).await? {
        Some(error) if error.code == ErrorCode::Reverted => error,
        // A framework that has reads signed asks for a signature to find out, and one that does not run the function
        // cannot know.
        _ => return Err(Stop::NotApplicable("the framework runs nothing before something is signed".into())),
    };
    let write = trial.invoke("fail", argument)?;
    match refusal(trial, &application, actor.parties(), write).await? {
        Some(error) if error.code == offered.code => Ok(()),
        Some(error) => fail(format!("begin answers what a trial run says: {offered}"), error.to_string()),
        None => fail(
            format!("begin answers what a trial run says, before anybody signs: {offered}"),
            "begin goes on with what must fail",
        ),
    }
}

pub(super) async fn wrong_parties_are_refused(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let cases = [
        ("a write without a party", Vec::new()),
        ("a write by a party without keys", vec![Party { keys: Vec::new(), ..actor.party.clone() }]),
    ];
    for (what, parties) in cases {
        let call = trial.add(1)?;
        let error = refusal(trial, &application, parties, call).await?;
        let code = error.as_ref().map(|error| error.code);
        ensure(
            code == Some(ErrorCode::InvalidArgument),
            format!("begin answers invalid-argument to {what}"),
            || error.map_or("it goes on".into(), |error| error.to_string()),
        )?;
    }
    Ok(())
}

pub(super) async fn foreign_account(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let other = trial.actor(&application).await?;
    let account = trial.account(&application, &other).await?;
    if account == trial.account(&application, &actor).await? {
        return Err(Stop::Unknown("the test bed's parties have one account together".into()));
    }
    let before = trial.count(&application, &other).await?;
    let thief =
        Actor { party: Party { account: Some(account), ..actor.party.clone() }, key: actor.key.clone() };
    let call = trial.add(1)?;
    let error = failure(trial, &application, &thief, call).await?;
    let code = error.as_ref().map(|error| error.code);
    ensure(
        code == Some(ErrorCode::PermissionDenied),
        "permission-denied to an account whose keys do not speak for it",
        || error.map_or("the call succeeds".into(), |error| error.to_string()),
    )?;
    let after = trial.count(&application, &other).await?;
    ensure(before == after, "nothing is done in the name of another account", || {
        format!("its counter was {before} and is {after}")
    })
}
