//! An adapter that can be withdrawn while it runs: running calls end by themselves, new ones do not begin.

use std::{
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use adapter_spec::{
    Adapter, CallError, Ended, Interfaces, Ledger, Lender, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, Envelope, Error, Estimate, EventFilter,
        EventPage, EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Proof, PublicKey, Receipt,
        SendFailure, Signature, Step, StoreAnswer, StoreOperation,
    },
};
use tokio::sync::Notify;

/// An adapter that can be withdrawn, with all ledgers that it opened.
pub struct Withdrawable {
    adapter: Arc<dyn Adapter>,
    status: Arc<Status>,
}

#[derive(Default)]
struct Status {
    reason: OnceLock<String>,
    running: AtomicUsize,
    ended: Notify,
}

/// A call that runs.
struct Running<'a>(&'a Status);

impl Status {
    fn begin(&self) -> Result<Running<'_>, Ended> {
        // Counted before the look at the reason, so that who waits for the end misses no call.
        self.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(self);
        match self.reason.get() {
            None => Ok(running),
            Some(reason) => Err(Ended::Withdrawn { reason: reason.clone() }),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.ended.notify_waiters();
        }
    }
}

impl Withdrawable {
    /// The adapter, not withdrawn.
    #[must_use]
    pub fn new(adapter: Arc<dyn Adapter>) -> Self {
        Withdrawable { adapter, status: Arc::default() }
    }

    /// From now on no call begins; each is answered with this reason. The first reason stays.
    pub fn withdraw(&self, reason: &str) {
        let _ = self.status.reason.set(reason.to_owned());
    }

    /// Why it was withdrawn, if it was.
    #[must_use]
    pub fn withdrawn(&self) -> Option<&str> {
        self.status.reason.get().map(String::as_str)
    }

    /// Calls that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.status.running.load(Ordering::SeqCst)
    }

    /// Waits until no call runs.
    pub async fn drained(&self) {
        loop {
            let ended = self.status.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.running() == 0 {
                return;
            }
            ended.await;
        }
    }
}

async fn guarded<T, E>(
    status: &Status,
    call: impl Future<Output = Result<T, CallError<E>>> + Send,
) -> Result<T, CallError<E>>
where
    E: std::fmt::Debug + std::fmt::Display + std::error::Error + 'static,
{
    let _running = status.begin()?;
    call.await
}

#[async_trait]
impl Adapter for Withdrawable {
    fn interfaces(&self) -> Interfaces {
        self.adapter.interfaces()
    }

    async fn describe(&self) -> Result<Descriptor, CallError> {
        guarded(&self.status, self.adapter.describe()).await
    }

    async fn open(&self, lender: Arc<dyn Lender>, settings: &str) -> Result<Arc<dyn Ledger>, CallError> {
        let ledger = guarded(&self.status, self.adapter.open(lender, settings)).await?;
        Ok(Arc::new(WithdrawableLedger { ledger, status: self.status.clone() }))
    }

    async fn verify(&self, lender: Arc<dyn Lender>, anchor: Vec<u8>, proof: Proof) -> Result<(), CallError> {
        guarded(&self.status, self.adapter.verify(lender, anchor, proof)).await
    }
}

struct WithdrawableLedger {
    ledger: Arc<dyn Ledger>,
    status: Arc<Status>,
}

#[async_trait]
impl Ledger for WithdrawableLedger {
    async fn status(&self) -> Result<LedgerStatus, CallError> {
        guarded(&self.status, self.ledger.status()).await
    }
    async fn accounts(&self, key: PublicKey) -> Result<Vec<String>, CallError> {
        guarded(&self.status, self.ledger.accounts(key)).await
    }
    async fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError> {
        guarded(&self.status, self.ledger.begin(call, parties, options)).await
    }
    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError> {
        guarded(&self.status, self.ledger.resume(continuation, signatures)).await
    }
    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError> {
        guarded(&self.status, self.ledger.abandon(continuation)).await
    }
    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        guarded(&self.status, self.ledger.send(envelope)).await
    }
    async fn replace(
        &self,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        guarded(&self.status, self.ledger.replace(original, parties, options)).await
    }
    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
        guarded(&self.status, self.ledger.receipt(transaction, tracking)).await
    }
    async fn estimate(
        &self,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        guarded(&self.status, self.ledger.estimate(call, parties, options)).await
    }
    async fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        guarded(&self.status, self.ledger.plan(goal)).await
    }
    async fn contract_abi(&self, contract: &str) -> Result<Option<String>, CallError> {
        guarded(&self.status, self.ledger.contract_abi(contract)).await
    }
    async fn block(&self, selector: BlockSelector) -> Result<Block, CallError> {
        guarded(&self.status, self.ledger.block(selector)).await
    }
    async fn events(
        &self,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        guarded(&self.status, self.ledger.events(filter, start, limit, max_bytes)).await
    }
    async fn to_call(&self, contract: &str, operation: StoreOperation) -> Result<Call, CallError> {
        guarded(&self.status, self.ledger.to_call(contract, operation)).await
    }
    async fn from_outcome(
        &self,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        guarded(&self.status, self.ledger.from_outcome(operation, outcome)).await
    }
    async fn prove(&self, claim: Claim) -> Result<Proof, CallError> {
        guarded(&self.status, self.ledger.prove(claim)).await
    }
}
