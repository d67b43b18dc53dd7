//! Changes what the preset store is asked, and what it means.

use adapter_spec::{
    CallError, async_trait,
    types::{Call, Error, Output, StoreAnswer, StoreOperation},
};

use crate::{Honest, Mutation};

/// A change to `to-call` and `from-outcome`.
pub(crate) struct ChangeStore {
    /// What is asked of the honest store instead.
    pub(crate) asked: fn(StoreOperation) -> StoreOperation,
    /// The call that comes of it.
    pub(crate) called: fn(&StoreOperation, Call) -> Call,
    /// What its outcome means.
    pub(crate) meant: fn(&StoreOperation, Result<StoreAnswer, Error>) -> Result<StoreAnswer, Error>,
}

impl Default for ChangeStore {
    fn default() -> Self {
        ChangeStore { asked: |operation| operation, called: |_, call| call, meant: |_, meant| meant }
    }
}

#[async_trait]
impl Mutation for ChangeStore {
    async fn to_call(
        &self,
        honest: &Honest,
        contract: &str,
        operation: StoreOperation,
    ) -> Result<Call, CallError> {
        let call = honest.ledger.to_call(contract, (self.asked)(operation.clone())).await?;
        Ok((self.called)(&operation, call))
    }

    async fn from_outcome(
        &self,
        honest: &Honest,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        let meant = match honest.ledger.from_outcome((self.asked)(operation.clone()), outcome).await {
            Ok(answer) => Ok(answer),
            Err(CallError::Answered(error)) => Err(error),
            Err(ended) => return Err(ended),
        };
        (self.meant)(&operation, meant).map_err(CallError::Answered)
    }
}
