//! ONCE: exactly once.

use std::sync::{Arc, Mutex, PoisonError};

use adapter_spec::{
    CallError, Function, Imports, Lender, async_trait,
    types::{
        Call, CallOptions, Effect, Envelope, Error, ErrorCode, Inclusion, Party, Receipt, SendFailure,
        Signature, Step, Validity,
        transport::{Failure, JsonRpcFailure, JsonRpcRequest, Lent},
    },
};

use crate::{
    Honest, Mutant, Mutation,
    change_answers::{ChangeFailures, ChangeSteps},
    change_errors::ChangeErrors,
    change_imports::{Answers, ImportChange, changed},
    remember::Memory,
    spare::{Spare, When},
};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("ONCE-1", "sends-in-resume", "core.ledger.resume asked for", || Box::new(SendsInResume)),
        Mutant::new("ONCE-2", "sends-all-that-waits", "two different contents", || {
            Box::new(SendsAllThatWaits::default())
        }),
        Mutant::new("ONCE-3", "a-repetition-is-a-new-transaction", "the counter has grown by", || {
            Box::new(Spare::new(When::Repeated))
        }),
        Mutant::new("ONCE-4", "a-repetition-is-known-by-the-state-alone", "when the state was lost", || {
            Box::new(Spare::new(When::Forgotten))
        }),
        Mutant::new(
            "ONCE-5",
            "what-is-there-is-a-failure",
            "sending an envelope again that is in the chain",
            || Box::new(AlreadyThere),
        ),
        Mutant::new("ONCE-6", "every-refusal-is-never", "by an earlier send", || {
            Box::new(ChangeFailures(|failure| Some(SendFailure { effect: Effect::Never, ..failure })))
        }),
        Mutant::new("ONCE-7", "a-used-up-budget-is-never", "for which the budget was exhausted", || {
            Box::new(NeverLeft(|failure| matches!(failure, Failure::Exhausted)))
        }),
        Mutant::new("ONCE-7", "an-interruption-is-never", "that was interrupted", || {
            Box::new(NeverLeft(|failure| matches!(failure, Failure::Interrupted(_))))
        }),
        Mutant::new("ONCE-8", "the-last-endpoint-decides", "one of the endpoints may have got", || {
            Box::new(LastDecides)
        }),
        Mutant::new("ONCE-9", "an-id-for-each-attempt", "the same envelope bytes have the same id", || {
            Box::new(IdOfAttempt::default())
        }),
        Mutant::new("ONCE-10", "fire-and-forget", "that no node has answered", || {
            Box::new(ChangeFailures(|_| None))
        }),
        Mutant::new("ONCE-11", "random-in-place-of-the-salt", "the same bytes to sign", || {
            Box::new(Salted(|imports, _| imports.random(32)))
        }),
        Mutant::new("ONCE-11", "one-salt-for-all", "different salts give different transactions", || {
            Box::new(Salted(|_, _| vec![7; 32]))
        }),
        Mutant::new("ONCE-12", "seconds-for-milliseconds", "in milliseconds since 1970", || {
            Box::new(ChangeSteps::envelopes(|envelope| Envelope {
                valid_until: Validity::Millis(1_700_000_300),
                ..envelope
            }))
        }),
        Mutant::new("ONCE-12", "later-than-the-ledgers-window", "taken until its `valid-until`", || {
            Box::new(ChangeSteps::envelopes(|envelope| Envelope {
                valid_until: match envelope.valid_until {
                    Validity::Block(number) => Validity::Block(number + 50),
                    other => other,
                },
                ..envelope
            }))
        }),
        Mutant::new("ONCE-13", "late-is-merely-rejected", "first sent past its `valid-until`", || {
            Box::new(ChangeErrors(|_, error| {
                CallError::Answered(match error.code {
                    ErrorCode::Expired => Error { code: ErrorCode::Rejected, ..error },
                    _ => error,
                })
            }))
        }),
        Mutant::new("ONCE-14", "the-bytes-stay-in-memory", "another instance with the same settings", || {
            Box::new(BytesInMemory::default())
        }),
        Mutant::new("ONCE-15", "a-replacement-beside-the-original", "one takes effect", || {
            Box::new(BesideTheOriginal::default())
        }),
        Mutant::new("ONCE-15", "another-code-for-what-is-in-a-block", "`already-exists`", || {
            Box::new(ChangeErrors(|function, error| {
                CallError::Answered(match (function, error.code) {
                    (Function::Replace, ErrorCode::AlreadyExists) => {
                        Error { code: ErrorCode::Rejected, ..error }
                    }
                    _ => error,
                })
            }))
        }),
        Mutant::new("ONCE-16", "tries-again-by-itself", "in the same call", || Box::new(TriesAgain)),
    ]
}

struct SendsInResume;

#[async_trait]
impl Mutation for SendsInResume {
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let step = honest.ledger.resume(continuation, signatures).await?;
        if let Step::Send(envelope) = &step {
            honest.ledger.send(envelope.clone()).await.ok();
        }
        Ok(step)
    }
}

#[derive(Default)]
struct SendsAllThatWaits(Memory<Envelope>);

#[async_trait]
impl Mutation for SendsAllThatWaits {
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let step = honest.ledger.resume(continuation, signatures).await?;
        if let Step::Send(envelope) = &step {
            self.0.set(&envelope.transaction, envelope.clone());
        }
        Ok(step)
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        self.0.forget(&envelope.transaction);
        for waiting in self.0.all() {
            self.0.forget(&waiting.transaction);
            honest.ledger.send(waiting).await.ok();
        }
        honest.ledger.send(envelope).await
    }
}

struct AlreadyThere;

#[async_trait]
impl Mutation for AlreadyThere {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        let receipt = honest.ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await;
        match receipt {
            Ok(Receipt { inclusion: Inclusion::Included(_) | Inclusion::Final, .. }) => {
                let error = Error::new(ErrorCode::AlreadyExists, "the transaction is there already");
                Err(CallError::Answered(SendFailure { error, effect: Effect::Unknown }))
            }
            _ => honest.ledger.send(envelope).await,
        }
    }
}

/// Takes these failures for a request that did not leave.
struct NeverLeft(fn(&Failure) -> bool);

#[async_trait]
impl ImportChange for NeverLeft {
    async fn json_rpc(
        &self,
        function: Function,
        imports: &dyn Imports,
        requests: Vec<JsonRpcRequest>,
    ) -> Answers {
        let answers = imports.json_rpc(requests).await;
        let change = |answer| match answer {
            Err(JsonRpcFailure::Transport(failure)) if function == Function::Send && (self.0)(&failure) => {
                Err(JsonRpcFailure::Transport(Failure::Unreachable("no answer".into())))
            }
            other => other,
        };
        answers.into_iter().map(change).collect()
    }
}

impl Mutation for NeverLeft {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(NeverLeft(self.0)))
    }
}

struct LastDecides;

/// What endpoints but the last one failed with is forgotten.
#[derive(Default)]
struct Forgets(Mutex<Option<String>>);

#[async_trait]
impl ImportChange for Forgets {
    fn lent_as(&self, lent: Vec<Lent>) -> Vec<Lent> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            lent.last().map(|lent| lent.endpoint.clone());
        lent
    }

    async fn json_rpc(
        &self,
        function: Function,
        imports: &dyn Imports,
        requests: Vec<JsonRpcRequest>,
    ) -> Answers {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_last: Vec<_> =
            requests.iter().map(|request| Some(&request.endpoint) == last.as_ref()).collect();
        let answers = imports.json_rpc(requests).await;
        let change = |(answer, is_last): (_, bool)| match answer {
            Err(JsonRpcFailure::Transport(_)) if function == Function::Send && !is_last => {
                Err(JsonRpcFailure::Transport(Failure::Unreachable("the next one is asked".into())))
            }
            other => other,
        };
        answers.into_iter().zip(is_last).map(change).collect()
    }
}

impl Mutation for LastDecides {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(Forgets::default()))
    }
}

#[derive(Default)]
struct IdOfAttempt(Memory<u64>);

fn without_attempt(id: &str) -> &str {
    id.split_once('-').map_or(id, |(id, _)| id)
}

#[async_trait]
impl Mutation for IdOfAttempt {
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        Ok(match honest.ledger.resume(continuation, signatures).await? {
            Step::Send(envelope) => {
                let attempt = self.0.count("attempts");
                Step::Send(Envelope {
                    transaction: format!("{}-{attempt}", envelope.transaction),
                    ..envelope
                })
            }
            other => other,
        })
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        let transaction = without_attempt(&envelope.transaction).to_owned();
        honest.ledger.send(Envelope { transaction, ..envelope }).await
    }

    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(without_attempt(transaction), tracking).await?;
        Ok(Receipt { transaction: transaction.to_owned(), ..receipt })
    }
}

/// Another salt than the host's.
struct Salted(fn(&dyn Imports, Vec<u8>) -> Vec<u8>);

#[async_trait]
impl Mutation for Salted {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let salt = (self.0)(&*honest.imports(Function::Begin), options.salt);
        honest.ledger.begin(call, parties, CallOptions { salt, ..options }).await
    }
}

#[derive(Default)]
struct BytesInMemory(Memory<Vec<u8>>);

impl BytesInMemory {
    fn name(honest: &Honest, transaction: &str) -> String {
        format!("{} {transaction}", honest.lender.application())
    }
}

#[async_trait]
impl Mutation for BytesInMemory {
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        Ok(match honest.ledger.resume(continuation, signatures).await? {
            Step::Send(envelope) => {
                self.0.set(BytesInMemory::name(honest, &envelope.transaction), envelope.bytes);
                Step::Send(Envelope { bytes: envelope.transaction.clone().into_bytes(), ..envelope })
            }
            other => other,
        })
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        let Some(bytes) = self.0.get(&BytesInMemory::name(honest, &envelope.transaction)) else {
            let error = Error::new(ErrorCode::NotFound, "no such transaction waits");
            return Err(CallError::Answered(SendFailure { error, effect: Effect::Unknown }));
        };
        honest.ledger.send(Envelope { bytes, ..envelope }).await
    }
}

/// A replacement is the same call once more.
#[derive(Default)]
struct BesideTheOriginal(Memory<Call>);

#[async_trait]
impl Mutation for BesideTheOriginal {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        self.0.set(honest.lender.application(), call.clone());
        honest.ledger.begin(call, parties, options).await
    }

    async fn replace(
        &self,
        honest: &Honest,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        match self.0.get(honest.lender.application()) {
            Some(call) => honest.ledger.begin(call, parties, options).await,
            None => honest.ledger.replace(original, parties, options).await,
        }
    }
}

struct TriesAgain;

#[async_trait]
impl Mutation for TriesAgain {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        match honest.ledger.send(envelope.clone()).await {
            Ok(()) => Ok(()),
            Err(_) => honest.ledger.send(envelope).await,
        }
    }
}
