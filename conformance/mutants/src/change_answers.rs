//! Changes receipts, results of `send`, or steps.

use adapter_spec::{
    CallError, async_trait,
    types::{Call, CallOptions, Envelope, Party, Receipt, SendFailure, SignRequest, Signature, Step},
};

use crate::{Honest, Mutation};

/// What becomes of each receipt.
pub(crate) struct ChangeReceipts(pub(crate) fn(Receipt) -> Receipt);

#[async_trait]
impl Mutation for ChangeReceipts {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        Ok((self.0)(honest.ledger.receipt(transaction, tracking).await?))
    }
}

/// What becomes of each failure of `send`; none: success.
pub(crate) struct ChangeFailures(pub(crate) fn(SendFailure) -> Option<SendFailure>);

#[async_trait]
impl Mutation for ChangeFailures {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        match honest.ledger.send(envelope).await {
            Err(CallError::Answered(failure)) => match (self.0)(failure) {
                Some(failure) => Err(CallError::Answered(failure)),
                None => Ok(()),
            },
            other => other,
        }
    }
}

/// What becomes of each envelope and of each request for signatures.
pub(crate) struct ChangeSteps {
    pub(crate) envelope: fn(Envelope) -> Envelope,
    pub(crate) request: fn(SignRequest) -> SignRequest,
}

impl ChangeSteps {
    /// Only envelopes change.
    pub(crate) fn envelopes(envelope: fn(Envelope) -> Envelope) -> Self {
        ChangeSteps { envelope, request: |request| request }
    }

    /// Only requests for signatures change.
    pub(crate) fn requests(request: fn(SignRequest) -> SignRequest) -> Self {
        ChangeSteps { envelope: |envelope| envelope, request }
    }

    fn change(&self, step: Step) -> Step {
        match step {
            Step::Send(envelope) => Step::Send((self.envelope)(envelope)),
            Step::Sign(request) => Step::Sign((self.request)(request)),
            Step::Answer(output) => Step::Answer(output),
        }
    }
}

#[async_trait]
impl Mutation for ChangeSteps {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        Ok(self.change(honest.ledger.begin(call, parties, options).await?))
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        Ok(self.change(honest.ledger.resume(continuation, signatures).await?))
    }
}
