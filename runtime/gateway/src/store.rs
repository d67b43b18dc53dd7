//! The preset store: the same key-value operations on every framework.

use std::sync::Arc;

use adapter_spec::types::{Call, Error, ErrorCode, StoreOperation};
pub use berth_api::Stored;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    application::Application,
    calls::{self, OptionsRequest, Written},
    gateway::Shared,
    problem::Problem,
};

/// An operation of the preset store.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreRequest {
    /// Address of the preset contract; where it is left out, the one that the adapter's settings name.
    #[serde(default)]
    pub contract: String,
    /// What to do.
    pub operation: StoreOperation,
}

/// Whether an operation writes.
pub(crate) fn writes(operation: &StoreOperation) -> bool {
    match operation {
        StoreOperation::Insert(_) | StoreOperation::Update(_) | StoreOperation::Delete(_) => true,
        StoreOperation::Get(_) | StoreOperation::History(_) => false,
    }
}

/// Reads.
pub(crate) async fn read(
    shared: &Shared,
    application: &Application,
    participant: &str,
    request: StoreRequest,
) -> Result<Stored, Problem> {
    let opened = application.open(&shared.ground).await?;
    let operation = request.operation;
    let Call::Evaluate(call) = opened.ledger.to_call(&request.contract, operation.clone()).await? else {
        return Err(Error::new(ErrorCode::Internal, "the adapter makes a write of a read").into());
    };
    // The problem of a read that was answered with an error is the adapter's to tell.
    let evaluated = calls::evaluate(shared, application, participant, call, OptionsRequest::default()).await;
    let outcome = match evaluated {
        Ok(output) => Ok(output),
        Err(problem) => Err(error_of(problem)?),
    };
    let answer = opened.ledger.from_outcome(operation, outcome).await?;
    Ok(Stored { answer: Some(answer), written: None })
}

/// The standard's error behind a problem; the problem itself where there is none.
fn error_of(problem: Problem) -> Result<Error, Problem> {
    let code = serde_json::to_value(&problem.code).and_then(serde_json::from_value::<ErrorCode>);
    match code {
        Ok(code) => Ok(Error {
            code,
            message: problem.detail,
            native: problem.native.map(String::from),
            retryable: problem.retryable,
        }),
        Err(_) => Err(problem),
    }
}

/// The call that carries a write out.
pub(crate) async fn call(
    shared: &Arc<Shared>,
    application: &Application,
    request: &StoreRequest,
) -> Result<Call, Problem> {
    let opened = application.open(&shared.ground).await?;
    Ok(opened.ledger.to_call(&request.contract, request.operation.clone()).await?)
}

/// What a write came to, where its transaction is in a block.
pub(crate) async fn outcome(
    shared: &Shared,
    application: &Application,
    operation: StoreOperation,
    written: Written,
) -> Result<Stored, Problem> {
    let outcome = written.receipt.as_ref().and_then(|receipt| receipt.outcome.clone());
    let answer = match outcome {
        None => None,
        Some(outcome) => {
            let opened = application.open(&shared.ground).await?;
            Some(opened.ledger.from_outcome(operation, outcome).await?)
        }
    };
    Ok(Stored { answer, written: Some(written) })
}
