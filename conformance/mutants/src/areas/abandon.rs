//! ABAN: abandonment.

use std::sync::{Arc, Mutex, PoisonError};

use adapter_spec::{
    CallError, Function, Lender, async_trait,
    types::{Call, CallOptions, Error, ErrorCode, Party, SignRequest, Signature, Step, Validity},
};

use crate::{
    Honest, Mutant, Mutation,
    change_answers::ChangeSteps,
    change_imports::{ImportChange, changed},
    remember::Memory,
};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("ABAN-1", "abandoned-once-only", "abandoned before", || {
            Box::new(AbandonedOnce::default())
        }),
        Mutant::new("ABAN-2", "one-open-call-of-an-account", "past their `valid-until`", || {
            Box::new(OneOpenCall::default())
        }),
        Mutant::new("ABAN-3", "abandoned-calls-count-for-good", "that are abandoned", || {
            Box::new(CountsForGood::default())
        }),
        Mutant::new("ABAN-4", "abandoning-does-nothing", "after `abandon`", || Box::new(AbandonsNothing)),
        Mutant::new(
            "ABAN-4",
            "a-late-signature-is-as-good",
            "comes after the continuation's `valid-until`",
            || Box::new(NeverLate),
        ),
        Mutant::new("ABAN-5", "a-reservation-without-end", "reserves something of its account", || {
            Box::new(ChangeSteps::requests(|request| SignRequest {
                valid_until: Validity::Unbounded,
                ..request
            }))
        }),
    ]
}

fn refused(code: ErrorCode, message: &str) -> CallError {
    CallError::Answered(Error::retryable(code, message))
}

#[derive(Default)]
struct AbandonedOnce(Memory<()>);

#[async_trait]
impl Mutation for AbandonedOnce {
    async fn abandon(&self, honest: &Honest, continuation: Vec<u8>) -> Result<(), CallError> {
        if self.0.set(hex::encode(&continuation), ()).is_some() {
            return Err(refused(ErrorCode::NotFound, "no such call waits"));
        }
        honest.ledger.abandon(continuation).await
    }
}

/// The accounts that have an open call, by their keys.
#[derive(Default)]
struct OneOpenCall(Memory<Vec<u8>>);

fn account(honest: &Honest, parties: &[Party]) -> String {
    let key = parties.first().and_then(|party| party.keys.first());
    format!("{} {}", honest.lender.application(), key.map(|key| hex::encode(&key.point)).unwrap_or_default())
}

impl OneOpenCall {
    fn close(&self, honest: &Honest) {
        // Whose it is, is in the continuation; one open call at a time is enough here.
        self.0.forget(honest.lender.application());
    }
}

#[async_trait]
impl Mutation for OneOpenCall {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let of = account(honest, &parties).into_bytes();
        if let Call::Evaluate(_) = call {
            return honest.ledger.begin(call, parties, options).await;
        }
        if self.0.get(honest.lender.application()) == Some(of.clone()) {
            return Err(refused(ErrorCode::Conflict, "another call of this account is open"));
        }
        let step = honest.ledger.begin(call, parties, options).await?;
        if let Step::Sign(_) = step {
            self.0.set(honest.lender.application(), of);
        }
        Ok(step)
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        self.close(honest);
        honest.ledger.resume(continuation, signatures).await
    }

    async fn abandon(&self, honest: &Honest, continuation: Vec<u8>) -> Result<(), CallError> {
        self.close(honest);
        honest.ledger.abandon(continuation).await
    }
}

#[derive(Default)]
struct CountsForGood(Memory<u64>);

#[async_trait]
impl Mutation for CountsForGood {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let is_read = matches!(call, Call::Evaluate(_));
        if !is_read && self.0.count(&account(honest, &parties)) >= 64 {
            return Err(refused(ErrorCode::QuotaExceeded, "too many calls of this account are open"));
        }
        honest.ledger.begin(call, parties, options).await
    }
}

struct AbandonsNothing;

#[async_trait]
impl Mutation for AbandonsNothing {
    async fn abandon(&self, _honest: &Honest, _continuation: Vec<u8>) -> Result<(), CallError> {
        Ok(())
    }
}

/// Time stands still for the adapter.
struct NeverLate;

#[derive(Default)]
struct FirstTime(Mutex<Option<u64>>);

impl ImportChange for FirstTime {
    fn now(&self, _function: Function, now: u64) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now)
    }
}

impl Mutation for NeverLate {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(FirstTime::default()))
    }
}
