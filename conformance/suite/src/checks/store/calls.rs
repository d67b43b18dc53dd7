//! What calls and answers look like, whatever is in the store.

use adapter_spec::{
    Function,
    types::{Call, Error, ErrorCode, Output, StoreAnswer, StoreEntry, StoreOperation},
};
use berth_lending::recording::Import;

use crate::{
    check::{Checked, Expect as _, Facts, Fault, ensure, same},
    trial::{Ending, Observed, Trial},
};

pub(super) fn kind_of_call(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::ToCall {
        return None;
    }
    let (operation, made) = (call.argument(1)?, call.success::<Call>()?);
    let wanted = if writes(&operation) { "invoke" } else { "evaluate" };
    let is_right = match made {
        Call::Invoke(_) => wanted == "invoke",
        Call::Evaluate(_) => wanted == "evaluate",
        Call::Deploy(_) | Call::Native(_) => false,
    };
    let kind = match made {
        Call::Invoke(_) => "invoke",
        Call::Evaluate(_) => "evaluate",
        Call::Deploy(_) => "deploy",
        Call::Native(_) => "native",
    };
    Some(if is_right {
        Ok(())
    } else {
        Err(Fault::new(format!("{} is an {wanted}", name(&operation)), format!("its call is {kind}")))
    })
}

pub(super) fn to_call_reaches_nothing(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    reaches_nothing(call, Function::ToCall)
}

pub(super) fn from_outcome_reaches_nothing(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    reaches_nothing(call, Function::FromOutcome)
}

fn reaches_nothing(call: &Observed, function: Function) -> Option<Result<(), Fault>> {
    if call.function != function {
        return None;
    }
    let reached = call.exchanges.iter().find(|exchange| {
        use Import as I;
        matches!(exchange.import, I::Http | I::JsonRpc | I::Grpc | I::GrpcStream | I::GrpcStreamNext)
    });
    Some(reached.map_or(Ok(()), |_| {
        let method = call.requests().first().map(|request| request.method.clone()).unwrap_or_default();
        Err(Fault::new(format!("{function} reaches no endpoint"), format!("it asked for {method}")))
    }))
}

pub(super) fn answers_fit(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::FromOutcome {
        return None;
    }
    let Ending::Success(_) = &call.ending else { return Some(Ok(())) };
    let operation: StoreOperation = call.argument(0)?;
    let outcome: Result<Output, Error> = call.argument(1)?;
    if let Err(error) = outcome {
        let expected =
            format!("an error for {} whose call failed with {}", name(&operation), error.code.name());
        return Some(Err(Fault::new(expected, "success")));
    }
    let answer: StoreAnswer = call.success()?;
    let (fits, wanted) = match (&operation, &answer) {
        (StoreOperation::Get(_), answer) => (matches!(answer, StoreAnswer::Value(_)), "a value"),
        (StoreOperation::History(_), answer) => (matches!(answer, StoreAnswer::History(_)), "a history"),
        (_, answer) => (*answer == StoreAnswer::Done, "done"),
    };
    Some(if fits {
        Ok(())
    } else {
        Err(Fault::new(format!("{wanted} for {}", name(&operation)), format!("{answer:.200?}")))
    })
}

fn writes(operation: &StoreOperation) -> bool {
    !matches!(operation, StoreOperation::Get(_) | StoreOperation::History(_))
}

fn name(operation: &StoreOperation) -> &'static str {
    match operation {
        StoreOperation::Insert(_) => "insert",
        StoreOperation::Update(_) => "update",
        StoreOperation::Delete(_) => "delete",
        StoreOperation::Get(_) => "get",
        StoreOperation::History(_) => "history",
    }
}

pub(super) async fn same_call(trial: &mut Trial) -> Checked {
    let contract = trial.contracts.preset.clone().unwrap_or_default();
    let application = trial.application().await?;
    let entry = StoreEntry { key: trial.name(), value: trial.bytes(33) };
    let operations = [
        StoreOperation::Insert(entry.clone()),
        StoreOperation::Update(entry.clone()),
        StoreOperation::Delete(entry.key.clone()),
        StoreOperation::Get(entry.key),
    ];
    let (restarted, other) = (application.restarted().await?, trial.application().await?);
    for operation in operations {
        let what = "to-call gives the operation's call";
        let first = application.to_call(&contract, operation.clone()).await.expected(what)?;
        for again in [&application, &restarted, &other] {
            let again = again.to_call(&contract, operation.clone()).await.expected(what)?;
            same(&first, &again, "the same call for the same operation")?;
        }
    }
    Ok(())
}

pub(super) async fn undeclared_history(trial: &mut Trial) -> Checked {
    let is_declared = trial.facts.descriptor.capabilities.iter().any(|name| name == "preset-history");
    let store = trial.store().await?;
    let key = trial.name();
    super::answers(&(), "insert of a new key", store.insert(&key, b"1").await?)?;
    let came = store.history(&key).await?;
    if is_declared {
        let is_unsupported = matches!(&came, Err(error) if error.code == ErrorCode::Unsupported);
        return ensure(!is_unsupported, "history works where preset-history is declared", || {
            super::shown(&came)
        });
    }
    super::refused(ErrorCode::Unsupported, "history where preset-history is not declared", came)
}
