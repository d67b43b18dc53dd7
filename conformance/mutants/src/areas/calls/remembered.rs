//! Faults of what is kept in memory from call to call.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use adapter_spec::{
    CallError, async_trait,
    types::{
        Call, CallOptions, Envelope, Error, ErrorCode, LedgerStatus, Party, Receipt, SendFailure,
        SignRequest, Signature, Step,
    },
};

use crate::{Honest, Mutation, change_begin::is};

/// Which instance a call came to.
fn instance(honest: &Honest) -> usize {
    Arc::as_ptr(&honest.ledger).cast::<()>().addr()
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Each instance goes on with what it began itself.
#[derive(Default)]
pub(super) struct Sessions(Mutex<BTreeSet<(usize, Vec<u8>)>>);

#[async_trait]
impl Mutation for Sessions {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let step = honest.ledger.begin(call, parties, options).await?;
        if let Step::Sign(request) = &step {
            lock(&self.0).insert((instance(honest), request.continuation.clone()));
        }
        Ok(step)
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        if !lock(&self.0).contains(&(instance(honest), continuation.clone())) {
            let error = Error::new(ErrorCode::InvalidArgument, "no such call was begun");
            return Err(CallError::Answered(error));
        }
        honest.ledger.resume(continuation, signatures).await
    }
}

/// Takes what does not decode for a fault of its own.
pub(super) struct Forgets;

#[async_trait]
impl Mutation for Forgets {
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        match honest.ledger.resume(continuation, signatures).await {
            Err(CallError::Answered(error)) if error.code == ErrorCode::InvalidArgument => {
                Err(CallError::Answered(Error::new(ErrorCode::Internal, "the continuation is gone")))
            }
            other => other,
        }
    }
}

/// Has additions signed again and again.
#[derive(Default)]
pub(super) struct Again(Mutex<BTreeMap<Vec<u8>, SignRequest>>);

#[async_trait]
impl Mutation for Again {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let adds = is(&call, "add");
        let step = honest.ledger.begin(call, parties, options).await?;
        if let (true, Step::Sign(request)) = (adds, &step) {
            lock(&self.0).insert(request.continuation.clone(), request.clone());
        }
        Ok(step)
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        if let Some(request) = lock(&self.0).get(&continuation) {
            return Ok(Step::Sign(request.clone()));
        }
        honest.ledger.resume(continuation, signatures).await
    }
}

/// Takes whoever wrote last for the party of a call without one.
#[derive(Default)]
pub(super) struct LastParties(Mutex<Vec<Party>>);

#[async_trait]
impl Mutation for LastParties {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        mut parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        if parties.is_empty() {
            parties = lock(&self.0).clone();
        } else {
            lock(&self.0).clone_from(&parties);
        }
        honest.ledger.begin(call, parties, options).await
    }
}

/// Looks once where the ledger stands.
#[derive(Default)]
pub(super) struct Stale(OnceLock<LedgerStatus>);

#[async_trait]
impl Mutation for Stale {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        let status = honest.ledger.status().await?;
        Ok(self.0.get_or_init(|| status).clone())
    }
}

/// Knows the name of what was made only where it was sent.
#[derive(Default)]
pub(super) struct KnowsItsOwn(Mutex<BTreeSet<(usize, String)>>);

#[async_trait]
impl Mutation for KnowsItsOwn {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        lock(&self.0).insert((instance(honest), envelope.transaction.clone()));
        honest.ledger.send(envelope).await
    }

    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let mut receipt = honest.ledger.receipt(transaction, tracking).await?;
        if !lock(&self.0).contains(&(instance(honest), transaction.to_owned())) {
            receipt.created = None;
        }
        Ok(receipt)
    }
}
