//! Changes every error that an adapter answers.

use adapter_spec::{
    CallError, Function, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Envelope, Error, Estimate, EventFilter, EventPage,
        EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Receipt, SendFailure, Signature, Step,
        StoreAnswer, StoreOperation,
    },
};

use crate::{Honest, Mutation};

/// What becomes of an error of this function. An outcome's in a receipt is changed too.
pub(crate) struct ChangeErrors(pub(crate) fn(Function, Error) -> CallError);

impl ChangeErrors {
    fn change(&self, function: Function, error: CallError) -> CallError {
        match error {
            CallError::Answered(error) => (self.0)(function, error),
            ended => ended,
        }
    }
}

#[async_trait]
impl Mutation for ChangeErrors {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        honest.ledger.status().await.map_err(|error| self.change(Function::Status, error))
    }

    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let begun = honest.ledger.begin(call, parties, options).await;
        begun.map_err(|error| self.change(Function::Begin, error))
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let resumed = honest.ledger.resume(continuation, signatures).await;
        resumed.map_err(|error| self.change(Function::Resume, error))
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        honest.ledger.send(envelope).await.map_err(|error| match error {
            CallError::Answered(SendFailure { error, effect }) => match (self.0)(Function::Send, error) {
                CallError::Answered(error) => CallError::Answered(SendFailure { error, effect }),
                CallError::Ended(ended) => CallError::Ended(ended),
            },
            ended => ended,
        })
    }

    async fn replace(
        &self,
        honest: &Honest,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let replaced = honest.ledger.replace(original, parties, options).await;
        replaced.map_err(|error| self.change(Function::Replace, error))
    }

    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await;
        let mut receipt = receipt.map_err(|error| self.change(Function::Receipt, error))?;
        if let Some(Err(error)) = &mut receipt.outcome
            && let CallError::Answered(changed) = (self.0)(Function::Receipt, error.clone())
        {
            *error = changed;
        }
        Ok(receipt)
    }

    async fn estimate(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        let estimated = honest.ledger.estimate(call, parties, options).await;
        estimated.map_err(|error| self.change(Function::Estimate, error))
    }

    async fn plan(&self, honest: &Honest, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        honest.ledger.plan(goal).await.map_err(|error| self.change(Function::Plan, error))
    }

    async fn contract_abi(&self, honest: &Honest, contract: &str) -> Result<Option<String>, CallError> {
        let found = honest.ledger.contract_abi(contract).await;
        found.map_err(|error| self.change(Function::ContractAbi, error))
    }

    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        honest.ledger.block(selector).await.map_err(|error| self.change(Function::Block, error))
    }

    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let page = honest.ledger.events(filter, start, limit, max_bytes).await;
        page.map_err(|error| self.change(Function::Events, error))
    }

    async fn from_outcome(
        &self,
        honest: &Honest,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        let answer = honest.ledger.from_outcome(operation, outcome).await;
        answer.map_err(|error| self.change(Function::FromOutcome, error))
    }
}
