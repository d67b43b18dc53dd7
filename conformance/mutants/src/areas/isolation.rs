//! ISO: isolation, and ENV and UPG.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use adapter_spec::{
    CallError, Function, Imports, Lender, async_trait,
    types::{
        Call, CallOptions, Envelope, Error, ErrorCode, EventFilter, EventPage, EventStart, Inclusion, Output,
        Party, Receipt, SendFailure, SignRequest, Signature, Step, Validity,
    },
};

use crate::{
    Honest, Mutant, Mutation,
    change_answers::ChangeSteps,
    change_errors::ChangeErrors,
    change_imports::{ImportChange, changed},
    remember::Memory,
    spare::{Spare, When},
};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("ISO-3", "reads-are-kept-in-memory", "wrote since the last look", || {
            Box::new(Kept::new(WhenKept::Always))
        }),
        Mutant::new("ISO-3", "without-a-node-from-memory", "with no node in reach", || {
            Box::new(Kept::new(WhenKept::OnFailure))
        }),
        Mutant::new("ISO-3", "another-applications-answer", "the answer to its own question", || {
            Box::new(Kept::new(WhenKept::ForAnybody))
        }),
        Mutant::new("ISO-4", "the-first-applications-space-for-all", "of another ledger space", || {
            Box::new(FirstSpace::default())
        }),
        Mutant::new("ISO-5", "writes-over-what-others-wrote", "is computed anew", || Box::new(WritesOver)),
        Mutant::new("ENV-7", "what-was-sent-is-known-by-the-state-alone", "grown by", || {
            Box::new(Spare::new(When::Forgotten))
        }),
        Mutant::new("ENV-7", "only-what-the-state-knows-is-there", "when the state is lost", || {
            Box::new(OnlyOwn)
        }),
        Mutant::new("ENV-8", "a-record-of-each-call", "whatever the number of calls", || {
            Box::new(RecordsCalls)
        }),
        Mutant::new("ENV-9", "the-systems-own-clock", "the lent clock's", || {
            Box::new(ChangeSteps::requests(|request| SignRequest {
                valid_until: Validity::Millis(system_millis() + 60_000),
                ..request
            }))
        }),
        Mutant {
            foreign_imports: &["wasi:clocks/wall-clock@0.2.0"],
            ..Mutant::new("ENV-9", "imports-a-clock", "what the standard names", || Box::new(Unchanged))
        },
        Mutant::new("UPG-1", "continuations-of-its-own", "reads the continuation", || {
            Box::new(OwnContinuations)
        }),
        Mutant::new("UPG-2", "an-unreadable-cursor-starts-anew", "a cursor that cannot be read", || {
            Box::new(StartsAnew)
        }),
        Mutant::new("UPG-2", "unreadable-is-an-internal-fault", "that cannot be read", || {
            Box::new(ChangeErrors(|function, error| {
                CallError::Answered(match (function, error.code) {
                    (Function::Resume, ErrorCode::InvalidArgument) => {
                        Error { code: ErrorCode::Internal, ..error }
                    }
                    _ => error,
                })
            }))
        }),
        Mutant::new("UPG-3", "unreadable-state-is-none", "that a newer version wrote", || {
            Box::new(UnreadableIsNone)
        }),
    ]
}

struct Unchanged;

impl Mutation for Unchanged {}

fn system_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[derive(PartialEq)]
enum WhenKept {
    /// What was read once is not read again.
    Always,
    /// Only where the read fails.
    OnFailure,
    /// By the function alone, whoever asks.
    ForAnybody,
}

struct Kept {
    when: WhenKept,
    outputs: Memory<Output>,
}

impl Kept {
    fn new(when: WhenKept) -> Self {
        Kept { when, outputs: Memory::default() }
    }
}

#[async_trait]
impl Mutation for Kept {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let Call::Evaluate(read) = &call else { return honest.ledger.begin(call, parties, options).await };
        let name = match self.when {
            WhenKept::ForAnybody => read.function.clone(),
            WhenKept::Always | WhenKept::OnFailure => {
                format!("{} {}", honest.lender.application(), serde_json::to_string(read).unwrap_or_default())
            }
        };
        let kept = self.outputs.get(&name);
        if let (Some(kept), WhenKept::Always | WhenKept::ForAnybody) = (&kept, &self.when) {
            return Ok(Step::Answer(kept.clone()));
        }
        match (honest.ledger.begin(call, parties, options).await, kept) {
            (Ok(Step::Answer(output)), _) => {
                self.outputs.set(name, output.clone());
                Ok(Step::Answer(output))
            }
            (Err(_), Some(kept)) => Ok(Step::Answer(kept)),
            (other, _) => other,
        }
    }
}

#[derive(Default)]
struct FirstSpace(Memory<String>);

#[async_trait]
impl Mutation for FirstSpace {
    async fn open(&self, _lender: &Arc<dyn Lender>, settings: &str) -> Result<String, CallError> {
        if let Some(first) = self.0.get("settings") {
            return Ok(first);
        }
        self.0.set("settings", settings.to_owned());
        Ok(settings.to_owned())
    }
}

struct WritesOver;

#[async_trait]
impl ImportChange for WritesOver {
    async fn state_swap(
        &self,
        imports: &dyn Imports,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> bool {
        if imports.state_swap(key, expected, new.clone()).await {
            return true;
        }
        let there = imports.state_get(key).await;
        imports.state_swap(key, there, new).await
    }
}

impl Mutation for WritesOver {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(WritesOver))
    }
}

/// Only transactions that its state knows are looked for.
struct OnlyOwn;

#[async_trait]
impl Mutation for OnlyOwn {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        let key = format!("own/{}", envelope.transaction);
        honest.imports(Function::Send).state_swap(&key, None, Some(vec![1])).await;
        honest.ledger.send(envelope).await
    }

    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await?;
        let own = honest.imports(Function::Receipt).state_get(&format!("own/{transaction}")).await;
        Ok(match own {
            Some(_) => receipt,
            None => Receipt {
                inclusion: Inclusion::Unknown,
                block: None,
                index: None,
                outcome: None,
                events: Vec::new(),
                ..receipt
            },
        })
    }
}

struct RecordsCalls;

#[async_trait]
impl Mutation for RecordsCalls {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let key = format!("calls/{}", hex::encode(&options.salt));
        honest.imports(Function::Begin).state_swap(&key, None, Some(vec![1])).await;
        honest.ledger.begin(call, parties, options).await
    }
}

struct OwnContinuations;

/// Which instance it is.
fn instance(honest: &Honest) -> Vec<u8> {
    Arc::as_ptr(&honest.ledger).cast::<()>().addr().to_be_bytes().to_vec()
}

#[async_trait]
impl Mutation for OwnContinuations {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        Ok(match honest.ledger.begin(call, parties, options).await? {
            Step::Sign(request) => Step::Sign(SignRequest {
                continuation: [instance(honest), request.continuation].concat(),
                ..request
            }),
            other => other,
        })
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        match continuation.strip_prefix(instance(honest).as_slice()) {
            Some(own) => honest.ledger.resume(own.to_vec(), signatures).await,
            None => Err(CallError::Answered(Error::new(
                ErrorCode::InvalidArgument,
                "the continuation is not of this instance",
            ))),
        }
    }
}

struct StartsAnew;

#[async_trait]
impl Mutation for StartsAnew {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        match honest.ledger.events(filter.clone(), start, limit, max_bytes).await {
            Err(CallError::Answered(Error { code: ErrorCode::InvalidArgument, .. })) => {
                honest.ledger.events(filter, EventStart::Earliest, limit, max_bytes).await
            }
            other => other,
        }
    }
}

/// Takes state of another form for none.
struct UnreadableIsNone;

/// Whether the value has the form that this version writes: a kind and the version, or a height.
fn is_readable(value: &[u8]) -> bool {
    value.len() == 8 || value.starts_with(b"L\x01")
}

#[async_trait]
impl ImportChange for UnreadableIsNone {
    async fn state_get(&self, imports: &dyn Imports, key: &str) -> Option<Vec<u8>> {
        imports.state_get(key).await.filter(|value| is_readable(value))
    }

    async fn state_swap(
        &self,
        imports: &dyn Imports,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> bool {
        let there = imports.state_get(key).await;
        let expected = match there {
            Some(there) if !is_readable(&there) => Some(there),
            _ => expected,
        };
        imports.state_swap(key, expected, new).await
    }
}

impl Mutation for UnreadableIsNone {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(UnreadableIsNone))
    }
}
