//! FIN and CONF: finality, receipts, conflicts.

use adapter_spec::{
    CallError, async_trait,
    types::{
        BlockRef, BlockSelector, Envelope, Error, ErrorCode, Event, Inclusion, Output, Party, Receipt,
        SendFailure, Step, StoreAnswer, StoreOperation,
    },
};

use crate::{
    Honest, Mutant, Mutation,
    change_answers::ChangeReceipts,
    change_errors::ChangeErrors,
    remember::Memory,
    spare::{Spare, When},
};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("FIN-1", "final-only-at-its-depth", "moves forward only", || {
            Box::new(FinalOnce::default())
        }),
        Mutant::new("FIN-2", "two-confirmations-are-final", "the ledger calls final", || {
            Box::new(ChangeReceipts(|receipt| match receipt.inclusion {
                Inclusion::Included(2..) => Receipt { inclusion: Inclusion::Final, ..receipt },
                _ => receipt,
            }))
        }),
        Mutant::new("FIN-2", "final-by-height-alone", "which has left the chain", || {
            Box::new(Cached::default())
        }),
        Mutant::new(
            "FIN-3",
            "the-block-itself-does-not-count",
            "of which the block itself is the first",
            || {
                Box::new(ChangeReceipts(|receipt| match receipt.inclusion {
                    Inclusion::Included(count) => {
                        Receipt { inclusion: Inclusion::Included(count - 1), ..receipt }
                    }
                    _ => receipt,
                }))
            },
        ),
        Mutant::new("FIN-4", "unknown-is-expired", "for what can still be sent", || {
            Box::new(ChangeReceipts(|receipt| match receipt.inclusion {
                Inclusion::Unknown => Receipt { inclusion: Inclusion::Expired, ..receipt },
                _ => receipt,
            }))
        }),
        Mutant::new(
            "FIN-4",
            "superseded-as-soon-as-replaced",
            "only when what took its place is final",
            || Box::new(SupersededEarly::default()),
        ),
        Mutant::new("FIN-5", "superseded-names-itself", "names the transaction that took its place", || {
            Box::new(ChangeReceipts(|receipt| match receipt.inclusion {
                Inclusion::Superseded(_) => {
                    Receipt { inclusion: Inclusion::Superseded(receipt.transaction.clone()), ..receipt }
                }
                _ => receipt,
            }))
        }),
        Mutant::new("FIN-6", "no-block-before-final", "names its block by number and hash", || {
            Box::new(ChangeReceipts(|receipt| match receipt.inclusion {
                Inclusion::Included(_) => Receipt { block: None, index: None, ..receipt },
                _ => receipt,
            }))
        }),
        Mutant::new("FIN-6", "the-index-counts-from-one", "counts from 0", || {
            Box::new(ChangeReceipts(|receipt| Receipt {
                index: receipt.index.map(|index| index + 1),
                ..receipt
            }))
        }),
        Mutant::new(
            "FIN-7",
            "an-outcome-before-inclusion",
            "an outcome from inclusion on, and none before",
            || {
                Box::new(ChangeReceipts(|receipt| Receipt {
                    outcome: receipt.outcome.or(Some(Ok(nothing()))),
                    ..receipt
                }))
            },
        ),
        Mutant::new("FIN-7", "included-is-success", "a failed execution is an error", || {
            Box::new(ChangeReceipts(|receipt| Receipt {
                outcome: receipt.outcome.map(|outcome| Ok(outcome.unwrap_or_else(|_| nothing()))),
                ..receipt
            }))
        }),
        Mutant::new("FIN-8", "accepted-is-executed", "not that a node accepted the transaction", || {
            Box::new(AcceptedIsExecuted::default())
        }),
        Mutant::new("FIN-9", "a-receipt-is-kept", "is withdrawn", || Box::new(Cached::default())),
        Mutant::new("FIN-10", "a-repetition-has-failed", "the receipt of the valid transaction", || {
            Box::new(RepetitionFails::default())
        }),
        Mutant::new("FIN-11", "a-malformed-id-is-unknown", "for the malformed id", || Box::new(NoBadId)),
        Mutant::new("FIN-11", "unknown-is-an-error", "that the ledger has not heard of", || {
            Box::new(UnknownIsError)
        }),
        Mutant::new("FIN-12", "tracking-is-required", "by the id alone", || Box::new(NeedsTracking)),
        Mutant::new("FIN-12", "searches-the-chain", "does not search through the chain", || {
            Box::new(SearchesTheChain)
        }),
        Mutant::new("FIN-13", "events-have-ids-of-their-own", "with the same ids", || {
            Box::new(ChangeReceipts(|receipt| {
                let renamed =
                    |event: Event| Event { id: format!("{}-{}", event.transaction, event.index), ..event };
                Receipt { events: receipt.events.into_iter().map(renamed).collect(), ..receipt }
            }))
        }),
        Mutant::new("FIN-14", "the-fee-is-hexadecimal", "a decimal number in the smallest unit", || {
            Box::new(ChangeReceipts(|receipt| Receipt {
                fee: receipt.fee.map(|fee| format!("0x{fee}")),
                ..receipt
            }))
        }),
        Mutant::new("FIN-14", "the-fee-in-another-unit", "what was paid is within what was signed", || {
            Box::new(ChangeReceipts(|receipt| Receipt {
                fee: receipt.fee.map(|fee| format!("{fee}000000000")),
                ..receipt
            }))
        }),
        Mutant::new("FIN-15", "the-block-is-the-newest", "of its own transaction and block", || {
            Box::new(NewestBlock)
        }),
        Mutant::new("CONF-1", "a-conflict-is-for-good", "`conflict`, retryable", || {
            Box::new(ChangeErrors(|_, error| {
                CallError::Answered(match error.code {
                    ErrorCode::Conflict => Error { retryable: false, ..error },
                    _ => error,
                })
            }))
        }),
        Mutant::new("CONF-1", "a-conflict-is-a-rejection", "`conflict`, retryable", || {
            Box::new(ChangeErrors(|_, error| {
                CallError::Answered(match error.code {
                    ErrorCode::Conflict => Error { code: ErrorCode::Rejected, ..error },
                    _ => error,
                })
            }))
        }),
        Mutant::new("CONF-2", "an-insert-that-lost-is-done", "exactly one succeeds", || Box::new(AllWin)),
        Mutant::new("CONF-3", "a-conflict-is-run-again", "submitted a second transaction", || {
            Box::new(Spare::new(When::Conflict))
        }),
    ]
}

fn nothing() -> Output {
    Output { raw: Vec::new(), json: None }
}

/// Final is what is exactly so deep.
#[derive(Default)]
struct FinalOnce(Memory<u64>);

#[async_trait]
impl Mutation for FinalOnce {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await?;
        if receipt.inclusion != Inclusion::Final || self.0.count(transaction) == 0 {
            return Ok(receipt);
        }
        let head = honest.ledger.status().await?.head.number;
        let depth = head - receipt.block.as_ref().map_or(head, |block| block.number) + 1;
        let count = u32::try_from(depth).unwrap_or(u32::MAX);
        Ok(Receipt { inclusion: Inclusion::Included(count), ..receipt })
    }
}

/// What was once in a block is not asked for again.
#[derive(Default)]
struct Cached(Memory<Receipt>);

#[async_trait]
impl Mutation for Cached {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let Some(kept) = self.0.get(transaction) else {
            let receipt = honest.ledger.receipt(transaction, tracking).await?;
            if receipt.block.is_some() {
                self.0.set(transaction, receipt.clone());
            }
            return Ok(receipt);
        };
        let status = honest.ledger.status().await?;
        let number = kept.block.as_ref().map_or(0, |block| block.number);
        let inclusion = if number <= status.finalized.number {
            Inclusion::Final
        } else {
            let depth = status.head.number.saturating_sub(number) + 1;
            Inclusion::Included(u32::try_from(depth).unwrap_or(u32::MAX))
        };
        Ok(Receipt { inclusion, ..kept })
    }
}

#[derive(Default)]
struct SupersededEarly(Memory<()>);

#[async_trait]
impl Mutation for SupersededEarly {
    async fn replace(
        &self,
        honest: &Honest,
        original: Envelope,
        parties: Vec<Party>,
        options: adapter_spec::types::CallOptions,
    ) -> Result<Step, CallError> {
        self.0.set(&original.transaction, ());
        honest.ledger.replace(original, parties, options).await
    }

    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await?;
        Ok(match (&receipt.inclusion, self.0.get(transaction)) {
            (Inclusion::Unknown, Some(())) => {
                Receipt { inclusion: Inclusion::Superseded(String::new()), ..receipt }
            }
            _ => receipt,
        })
    }
}

#[derive(Default)]
struct AcceptedIsExecuted(Memory<()>);

#[async_trait]
impl Mutation for AcceptedIsExecuted {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        let transaction = envelope.transaction.clone();
        honest.ledger.send(envelope).await?;
        self.0.set(transaction, ());
        Ok(())
    }

    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await?;
        Ok(match (receipt.outcome, self.0.get(transaction)) {
            (Some(Err(_)), Some(())) => Receipt { outcome: Some(Ok(nothing())), ..receipt },
            (outcome, _) => Receipt { outcome, ..receipt },
        })
    }
}

#[derive(Default)]
struct RepetitionFails(Memory<u64>);

#[async_trait]
impl Mutation for RepetitionFails {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        self.0.count(&envelope.transaction);
        honest.ledger.send(envelope).await
    }

    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await?;
        Ok(match (self.0.get(transaction), receipt.outcome) {
            (Some(2..), Some(Ok(_))) => {
                let error = Error::new(ErrorCode::Rejected, "a duplicate");
                Receipt { outcome: Some(Err(error)), ..receipt }
            }
            (_, outcome) => Receipt { outcome, ..receipt },
        })
    }
}

fn unknown(transaction: &str) -> Receipt {
    Receipt {
        transaction: transaction.to_owned(),
        inclusion: Inclusion::Unknown,
        block: None,
        index: None,
        outcome: None,
        created: None,
        events: Vec::new(),
        fee: None,
        extensions: Vec::new(),
    }
}

struct NoBadId;

#[async_trait]
impl Mutation for NoBadId {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        match honest.ledger.receipt(transaction, tracking).await {
            Err(CallError::Answered(Error { code: ErrorCode::InvalidArgument, .. })) => {
                Ok(unknown(transaction))
            }
            other => other,
        }
    }
}

struct UnknownIsError;

#[async_trait]
impl Mutation for UnknownIsError {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await?;
        match receipt.inclusion {
            Inclusion::Unknown => {
                Err(CallError::Answered(Error::new(ErrorCode::NotFound, "no such transaction")))
            }
            _ => Ok(receipt),
        }
    }
}

struct NeedsTracking;

#[async_trait]
impl Mutation for NeedsTracking {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        if tracking.is_empty() {
            return Err(CallError::Answered(Error::new(ErrorCode::InvalidArgument, "no tracking")));
        }
        honest.ledger.receipt(transaction, tracking).await
    }
}

struct SearchesTheChain;

#[async_trait]
impl Mutation for SearchesTheChain {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        if tracking.is_empty() {
            let head = honest.ledger.status().await?.head.number;
            for number in 0..=head {
                let block = honest.ledger.block(BlockSelector::Number(number)).await?;
                if block.transactions.iter().any(|entry| entry.transaction == transaction) {
                    break;
                }
            }
        }
        honest.ledger.receipt(transaction, tracking).await
    }
}

struct NewestBlock;

#[async_trait]
impl Mutation for NewestBlock {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await?;
        let head: BlockRef = honest.ledger.status().await?.head;
        Ok(Receipt { block: receipt.block.map(|_| head), ..receipt })
    }
}

struct AllWin;

#[async_trait]
impl Mutation for AllWin {
    async fn from_outcome(
        &self,
        honest: &Honest,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        match operation {
            StoreOperation::Insert(_) => Ok(StoreAnswer::Done),
            operation => honest.ledger.from_outcome(operation, outcome).await,
        }
    }
}
