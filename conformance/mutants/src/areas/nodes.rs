//! NODE: node misbehaviour, and NET.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use adapter_spec::{
    CallError, Ended, Function, Imports, Lender, Limit, async_trait,
    types::{
        Block, BlockRef, BlockSelector, Call, CallOptions, Envelope, Error, ErrorCode, EventFilter,
        EventPage, EventStart, Inclusion, LedgerStatus, Party, Receipt, SendFailure, Step,
        transport::{HttpRequest, JsonRpcRequest, Lent},
    },
};

use crate::{
    Honest, Mutant, Mutation,
    change_errors::ChangeErrors,
    change_imports::{Answers, ImportChange, changed},
};

use CallError::Answered;
use ErrorCode as E;

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("NODE-1", "a-node-that-is-down-is-rejected", "the node is down: unavailable", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::Unavailable, E::Rejected)))
        }),
        Mutant::new("NODE-1", "a-slow-node-is-unavailable", "the node is slow: timeout", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::Timeout, E::Unavailable)))
        }),
        Mutant::new("NODE-1", "a-node-that-is-down-is-for-good", "not retryable", || {
            Box::new(ChangeErrors(|_, error| Answered(Error { retryable: false, ..error })))
        }),
        Mutant::new(
            "NODE-1",
            "the-last-status-of-a-node-that-is-down",
            "core.ledger.status, the node is slow",
            || Box::new(LastStatus(Mutex::default())),
        ),
        Mutant::new("NODE-2", "garbage-is-not-found", "corrupt-response or unavailable", || {
            Box::new(ChangeErrors(|_, error| coded(error, E::CorruptResponse, E::NotFound)))
        }),
        Mutant::new("NODE-2", "garbage-is-no-event", "events.read", || Box::new(NoEvents)),
        Mutant::new("NODE-2", "garbage-is-unknown", "core.ledger.receipt", || Box::new(UnknownReceipt)),
        Mutant::new("NODE-2", "garbage-is-remembered", "the next call, with nothing wrong, works", || {
            Box::new(Poisoned(AtomicBool::new(false)))
        }),
        Mutant::new("NODE-3", "the-block-that-was-seen-first", "as if it were the right one", || {
            Box::new(LastBlock(Mutex::default()))
        }),
        Mutant::new(
            "NODE-3",
            "the-receipt-that-was-seen-last",
            "of a transaction that was never sent",
            || Box::new(LastReceipt(Mutex::default())),
        ),
        Mutant::new("NODE-4", "a-stated-length-is-allocated", "a stated length is not believed", || {
            Box::new(ChangeErrors(|function, error| match (function, error.code) {
                (Function::Block, E::CorruptResponse) => {
                    CallError::Ended(Ended::LimitReached { limit: Limit::Memory, allowed: "64 MiB".into() })
                }
                _ => Answered(error),
            }))
        }),
        Mutant::new("NODE-5", "a-replica-is-believed", "the receipt went back to", || {
            Box::new(BelievesReceipts)
        }),
        Mutant::new("NODE-5", "a-cursor-follows-a-replica", "scanned went from", || Box::new(FollowsReplica)),
        Mutant::new("NODE-6", "old-is-final", "is not final with a wrong clock", || Box::new(OldIsFinal)),
        Mutant::new("NODE-6", "a-wrong-clock-is-the-callers-fault", "success, expired or rejected", || {
            Box::new(WatchesTheClock(AtomicU64::new(0)))
        }),
        Mutant::new("NODE-7", "only-the-first-endpoint", "though one of several endpoints", || {
            Box::new(OnlyFirst)
        }),
        Mutant::new("NODE-8", "the-nodes-word-for-the-id", "another id than the transaction's own", || {
            Box::new(BelievesIds)
        }),
        Mutant::new("NET-18", "secrets-in-clear", "in clear with the planted secret", || Box::new(InClear)),
        Mutant::new("NET-19", "a-contract-becomes-a-path", "checked or percent-encoded", || Box::new(Paths)),
    ]
}

fn coded(error: Error, from: ErrorCode, to: ErrorCode) -> CallError {
    Answered(Error { code: if error.code == from { to } else { error.code }, ..error })
}

fn is(error: &CallError, code: ErrorCode) -> bool {
    error.answered().is_some_and(|error| error.code == code)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers what it knew last when the node is down.
struct LastStatus(Mutex<Option<LedgerStatus>>);

#[async_trait]
impl Mutation for LastStatus {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        match honest.ledger.status().await {
            Ok(status) => {
                *lock(&self.0) = Some(status.clone());
                Ok(status)
            }
            Err(error) => lock(&self.0).clone().ok_or(error),
        }
    }
}

/// Takes an answer that it cannot read for one without events.
struct NoEvents;

#[async_trait]
impl Mutation for NoEvents {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        match honest.ledger.events(filter, start, limit, max_bytes).await {
            Err(error) if is(&error, E::CorruptResponse) => {
                Ok(EventPage { events: Vec::new(), cursor: Vec::new(), scanned: 0 })
            }
            page => page,
        }
    }
}

/// Takes an answer that it cannot read for one that the transaction is not known.
struct UnknownReceipt;

#[async_trait]
impl Mutation for UnknownReceipt {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        match honest.ledger.receipt(transaction, tracking).await {
            Err(error) if is(&error, E::CorruptResponse) => Ok(unknown(transaction)),
            receipt => receipt,
        }
    }
}

fn unknown(transaction: &str) -> Receipt {
    Receipt {
        transaction: transaction.into(),
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

/// Thinks that a node that answered wrongly once does so for ever.
struct Poisoned(AtomicBool);

#[async_trait]
impl Mutation for Poisoned {
    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Answered(Error::new(E::CorruptResponse, "the node is not to be trusted")));
        }
        let block = honest.ledger.block(selector).await;
        if block.as_ref().is_err_and(|error| is(error, E::CorruptResponse)) {
            self.0.store(true, Ordering::Relaxed);
        }
        block
    }
}

/// Answers the block that it saw first when the node's does not fit.
struct LastBlock(Mutex<Option<Block>>);

#[async_trait]
impl Mutation for LastBlock {
    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        match honest.ledger.block(selector).await {
            Ok(block) => {
                // Only the first one, so that it is another than what is asked for next.
                lock(&self.0).get_or_insert_with(|| block.clone());
                Ok(block)
            }
            Err(error) => match lock(&self.0).clone() {
                Some(block) if is(&error, E::CorruptResponse) => Ok(block),
                _ => Err(error),
            },
        }
    }
}

/// Answers the receipt that it saw last when the node's does not fit.
struct LastReceipt(Mutex<Option<Receipt>>);

#[async_trait]
impl Mutation for LastReceipt {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        match honest.ledger.receipt(transaction, tracking).await {
            Ok(receipt) => {
                *lock(&self.0) = Some(receipt.clone());
                Ok(receipt)
            }
            Err(error) => match lock(&self.0).clone() {
                Some(receipt) if is(&error, E::CorruptResponse) => {
                    Ok(Receipt { transaction: transaction.into(), ..receipt })
                }
                _ => Err(error),
            },
        }
    }
}

/// Says what the replica says, though it knows that the replica is behind.
struct BelievesReceipts;

#[async_trait]
impl Mutation for BelievesReceipts {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let receipt = honest.ledger.receipt(transaction, tracking).await;
        match receipt {
            Err(error) if is(&error, E::Unavailable) => Ok(unknown(transaction)),
            receipt => receipt,
        }
    }
}

/// Gives the replica's height for the last block that was looked at.
struct FollowsReplica;

#[async_trait]
impl Mutation for FollowsReplica {
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        let cursor = match &start {
            EventStart::Cursor(cursor) => cursor.clone(),
            _ => Vec::new(),
        };
        match honest.ledger.events(filter, start, limit, max_bytes).await {
            Err(error) if is(&error, E::OutOfRange) || is(&error, E::Unavailable) => {
                Ok(EventPage { events: Vec::new(), cursor, scanned: 0 })
            }
            page => page,
        }
    }
}

/// Takes what was included long ago, by its own clock, for final.
struct OldIsFinal;

#[async_trait]
impl Mutation for OldIsFinal {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let mut receipt = honest.ledger.receipt(transaction, tracking).await?;
        if let (Inclusion::Included(_), Some(BlockRef { number, .. })) = (&receipt.inclusion, &receipt.block)
        {
            let block = honest.ledger.block(BlockSelector::Number(*number)).await?;
            let made = block.timestamp_millis.unwrap_or(u64::MAX);
            if honest.imports(Function::Receipt).now_millis() > made.saturating_add(3_600_000) {
                receipt.inclusion = Inclusion::Final;
            }
        }
        Ok(receipt)
    }
}

/// Compares the clock with that of the call before.
struct WatchesTheClock(AtomicU64);

#[async_trait]
impl Mutation for WatchesTheClock {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let now = honest.imports(Function::Begin).now_millis();
        let last = self.0.swap(now, Ordering::Relaxed);
        if now.saturating_add(60_000) < last {
            return Err(Answered(Error::new(E::InvalidArgument, "the clock went back: set it right")));
        }
        honest.ledger.begin(call, parties, options).await
    }
}

/// Asks the first endpoint alone.
struct OnlyFirst;

impl ImportChange for OnlyFirst {
    fn lent_as(&self, lent: Vec<Lent>) -> Vec<Lent> {
        lent.into_iter().take(1).collect()
    }
}

impl Mutation for OnlyFirst {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(OnlyFirst))
    }
}

/// Takes a node's id for its own transaction.
struct BelievesIds;

#[async_trait]
impl Mutation for BelievesIds {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        match honest.ledger.send(envelope).await {
            Err(Answered(failure)) if failure.error.code == E::CorruptResponse => Ok(()),
            sent => sent,
        }
    }
}

/// Calls nothing sensitive.
struct InClear;

#[async_trait]
impl ImportChange for InClear {
    async fn json_rpc(&self, _: Function, imports: &dyn Imports, requests: Vec<JsonRpcRequest>) -> Answers {
        let clear = requests.into_iter().map(|request| JsonRpcRequest { sensitive: false, ..request });
        imports.json_rpc(clear.collect()).await
    }
}

impl Mutation for InClear {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(InClear))
    }
}

/// Looks a contract up at an explorer, by its name as it is.
struct Paths;

#[async_trait]
impl Mutation for Paths {
    async fn contract_abi(&self, honest: &Honest, contract: &str) -> Result<Option<String>, CallError> {
        let request = HttpRequest {
            endpoint: "explorer".into(),
            method: "GET".into(),
            path: format!("/contracts/{contract}/abi"),
            headers: Vec::new(),
            body: Vec::new(),
            sensitive: false,
        };
        // Where no explorer is lent the ledger is asked.
        drop(honest.imports(Function::ContractAbi).http(vec![request]).await);
        honest.ledger.contract_abi(contract).await
    }
}
