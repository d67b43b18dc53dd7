//! Codes by their meaning, and what is retryable.

use adapter_spec::{
    CallError, Function,
    types::{
        BlockSelector, Call, CallOptions, Error, ErrorCode, NativeCall, Receipt, Value, transport::Lent,
    },
};
use berth_lending::recording::Import;

use crate::{
    check::{Checked, Facts, Fault, Stop, ensure, fail},
    checks::deeds::{DEEDS, Day, ended},
    trial::{Actor, Application, Disturbance, Ending, Observed, Signed, Trial, Which, observed::json},
};

/// The errors of a call: what it answered, and in a receipt the outcome's.
pub(super) fn errors(call: &Observed) -> Vec<Error> {
    let outcome = match call.function {
        Function::Receipt => call.success::<Receipt>().and_then(|receipt| receipt.outcome?.err()),
        _ => None,
    };
    call.error().cloned().into_iter().chain(outcome).collect()
}

/// Only a call that asked a node can tell that the node is not there, is slow or answers wrongly.
pub(super) fn of_nodes(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    // An outcome that the caller hands in may have any code, a proof is corrupt by itself, and what the state holds may be
    // what no node can be asked with.
    let is_of_its_own = matches!(call.function, Function::FromOutcome | Function::Open | Function::Verify);
    if is_of_its_own || call.count(Import::StateGet) > 0 || !call.requests().is_empty() {
        return None;
    }
    let error = call.error()?;
    let lacks_endpoint = call.exchanges.iter().any(|exchange| {
        let answer = exchange.answer.as_ref().map(json).and_then(|lent| serde_json::from_value(lent).ok());
        exchange.import == Import::LentAs && answer.is_none_or(|lent: Vec<Lent>| lent.is_empty())
    });
    let is_nodes = matches!(
        error.code,
        ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::CorruptResponse | ErrorCode::Rejected
    );
    Some(if is_nodes && !lacks_endpoint {
        Err(Fault::new(
            "a code that speaks of nodes is answered only by a call that asked one",
            format!("{} asked no node and answered {}", call.function, error.code.name()),
        ))
    } else {
        Ok(())
    })
}

/// `retryable` is never true where only somebody's doing helps, and always where the clause says so.
pub(super) fn retryable(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    use ErrorCode as E;
    if call.function == Function::FromOutcome {
        return None;
    }
    let errors = errors(call);
    let wrong = errors.iter().find(|error| match error.code {
        E::Conflict | E::Timeout => !error.retryable,
        E::Unsupported
        | E::InvalidArgument
        | E::PermissionDenied
        | E::InsufficientFunds
        | E::TooLarge
        | E::Expired
        | E::Pruned => error.retryable,
        _ => false,
    });
    let judged = wrong.map_or(Ok(()), |error| {
        let (code, is) = (error.code.name(), error.retryable);
        Err(Fault::new(
            format!("{code} with retryable {}", !is),
            format!("{} answered {code} with retryable {is}", call.function),
        ))
    });
    (!errors.is_empty()).then_some(judged)
}

/// Does a call to its end. None: it succeeded.
async fn failure(
    app: &Application,
    actor: &Actor,
    call: Call,
    options: CallOptions,
) -> Result<Option<Error>, Stop> {
    let envelope = match app.try_call(call, actor, options).await? {
        Ok(Signed::Envelope(envelope)) => envelope,
        Ok(Signed::Answer(_)) => return Ok(None),
        Err(error) => return Ok(Some(error)),
    };
    if let Err(failure) = app.try_send(&envelope).await? {
        return Ok(Some(failure.error));
    }
    Ok(app.included(&envelope).await?.outcome.and_then(Result::err))
}

fn coded(what: &str, error: Option<Error>, codes: &[ErrorCode]) -> Checked {
    let named: Vec<_> = codes.iter().map(|code| code.name()).collect();
    let expected = format!("{what}: {}", named.join(" or "));
    match error {
        Some(error) if codes.contains(&error.code) => Ok(()),
        Some(error) => fail(expected, format!("{}: {}", error.code.name(), error.message)),
        None => fail(expected, "success"),
    }
}

fn answered<T>(result: Result<T, CallError>) -> Result<Option<Error>, Stop> {
    match result {
        Ok(_) => Ok(None),
        Err(CallError::Answered(error)) => Ok(Some(error)),
        Err(CallError::Ended(ended)) => fail("an answer", ended.to_string()),
    }
}

/// What a caller can do wrong, each with the code that says so.
pub(super) async fn situations(trial: &mut Trial) -> Checked {
    use ErrorCode as E;
    let app = trial.application().await?;
    let actor = trial.actor(&app).await?;
    let probe = trial.facts.testbed.probe.clone();
    for arguments in probe.unfit {
        let (call, options) = (trial.invoke("add", arguments)?, trial.options());
        let error = failure(&app, &actor, call, options).await?;
        coded("arguments that do not fit the function", error, &[E::InvalidArgument])?;
    }
    let add = trial.function("add", vec![Value::Integer("1".into())])?;
    if let Some(contract) = probe.missing_contract {
        let (call, options) =
            (Call::Evaluate(adapter_spec::types::ContractCall { contract, ..add.clone() }), trial.options());
        let error = answered(app.read(call, &actor, options).await)?;
        coded("a contract that is not there", error, &[E::NotFound, E::Reverted])?;
    }
    if let Some(function) = probe.missing_function {
        let (call, options) =
            (Call::Evaluate(adapter_spec::types::ContractCall { function, ..add }), trial.options());
        let error = answered(app.read(call, &actor, options).await)?;
        coded("a function that is not there", error, &[E::NotFound, E::Reverted])?;
    }
    if probe.functions.contains_key("fail") {
        let (reason, options) = (trial.name(), trial.options());
        let error = failure(&app, &actor, trial.invoke("fail", vec![Value::Text(reason)])?, options).await?;
        coded("a contract that fails", error, &[E::Reverted])?;
    }
    if probe.functions.contains_key("owned") {
        let (call, options) = (trial.invoke("owned", Vec::new())?, trial.options());
        let error = failure(&app, &actor, call, options).await?;
        coded("what the ledger refuses to this account", error, &[E::PermissionDenied])?;
    }
    let undeclared = NativeCall { name: format!("undeclared-{}", trial.name()), json: "{}".into() };
    let options = trial.options();
    let error = answered(app.begin(Call::Native(undeclared), actor.parties(), options).await)?;
    coded("a native call that is not declared", error, &[E::Unsupported])?;
    let most = usize::try_from(trial.facts.descriptor.max_payload).unwrap_or(usize::MAX);
    if most < 16 << 20 {
        let (long, options) = ("x".repeat(most.saturating_add(1)), trial.options());
        let call = trial
            .invoke("put", vec![Value::Text(long)])
            .or_else(|_| trial.invoke("fail", vec![Value::Text("x".repeat(most.saturating_add(1)))]));
        if let Ok(call) = call {
            let error = answered(app.begin(call, actor.parties(), options).await)?;
            coded("a payload beyond max-payload", error, &[E::TooLarge])?;
        }
    }
    let malformed = format!("{} {}", trial.name(), trial.name());
    coded("a malformed id", answered(app.receipt(&malformed, Vec::new()).await)?, &[E::InvalidArgument])?;
    let garbage = trial.bytes(33);
    let error = answered(app.resume(garbage, Vec::new()).await)?;
    coded("a continuation that does not decode", error, &[E::InvalidArgument])?;
    if trial.facts.interfaces.blocks {
        let error = answered(app.block(BlockSelector::Number(u64::MAX >> 12)).await)?;
        coded("a block beyond the head", error, &[E::OutOfRange])?;
        let head = app.status().await.map_err(|error| Fault::new("a status", error.to_string()))?.head;
        let unknown = trial.bytes(head.hash.len());
        let error = answered(app.block(BlockSelector::Hash(unknown)).await)?;
        coded("a hash that no block has", error, &[E::NotFound])?;
    }
    Ok(())
}

/// What is said to be retryable succeeds when what went wrong is over, with nobody's doing.
pub(super) async fn retried(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?;
    for deed in DEEDS {
        if !day.can(trial, *deed) {
            continue;
        }
        for disturbance in [Disturbance::Unreachable, Disturbance::Slow, Disturbance::Page] {
            let expected =
                format!("{}: what is answered as retryable succeeds later, unchanged", deed.name());
            let done = day.under(trial, *deed, &[(Which::all(), disturbance)]).await?;
            let (Some(error), Some(again)) = (done.wrong.error(), &done.again) else { continue };
            let holds = !error.retryable || matches!(again.ending, Ending::Success(_));
            ensure(holds, expected, || format!("{}, then {}", error.code.name(), ended(again)))?;
        }
    }
    Ok(())
}
