//! What a mutant changes, and how.

use std::sync::Arc;

use adapter_spec::{
    Adapter, CallError, Function, Imports, Interfaces, Ledger, Lender, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, Envelope, Error, Estimate, EventFilter,
        EventPage, EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Proof, PublicKey, Receipt,
        SendFailure, Signature, Step, StoreAnswer, StoreOperation,
    },
};

/// The honest ledger, and what the mutant itself is lent.
pub struct Honest {
    /// The ledger that keeps every clause.
    pub ledger: Arc<dyn Ledger>,
    /// What the application lends.
    pub lender: Arc<dyn Lender>,
    /// The application's settings.
    pub settings: String,
}

impl Honest {
    /// What a call of this function may reach: for what the mutant does on its own.
    #[must_use]
    pub fn imports(&self, function: Function) -> Arc<dyn Imports> {
        self.lender.imports(function)
    }
}

/// A change to an honest adapter. Every function does what the honest one does unless it is overridden. One `Mutation`
/// serves all applications of a mutant, so that it can also remember what it must not.
#[async_trait]
#[expect(clippy::wrong_self_convention, reason = "the standard has a function of that name")]
pub trait Mutation: Send + Sync + 'static {
    /// What is declared.
    fn interfaces(&self, honest: Interfaces) -> Interfaces {
        honest
    }
    /// The descriptor.
    fn describe(&self, honest: Descriptor) -> Descriptor {
        honest
    }
    /// What the honest adapter is lent instead: a wrapper that changes what it asks or what it gets.
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        lender
    }
    /// Before the honest adapter opens: settings that it is given instead, or an error.
    async fn open(&self, _lender: &Arc<dyn Lender>, settings: &str) -> Result<String, CallError> {
        Ok(settings.to_owned())
    }
    /// After it refused to open: an error, or settings to open with all the same.
    fn refused(&self, _settings: &str, error: CallError) -> Result<String, CallError> {
        Err(error)
    }
    /// `proofs.verify`.
    async fn verify(
        &self,
        honest: &dyn Adapter,
        lender: Arc<dyn Lender>,
        anchor: Vec<u8>,
        proof: Proof,
    ) -> Result<(), CallError> {
        honest.verify(lender, anchor, proof).await
    }
    /// `core.ledger.status`.
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        honest.ledger.status().await
    }
    /// `core.ledger.accounts`.
    async fn accounts(&self, honest: &Honest, key: PublicKey) -> Result<Vec<String>, CallError> {
        honest.ledger.accounts(key).await
    }
    /// `core.ledger.begin`.
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        honest.ledger.begin(call, parties, options).await
    }
    /// `core.ledger.resume`.
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        honest.ledger.resume(continuation, signatures).await
    }
    /// `core.ledger.abandon`.
    async fn abandon(&self, honest: &Honest, continuation: Vec<u8>) -> Result<(), CallError> {
        honest.ledger.abandon(continuation).await
    }
    /// `core.ledger.send`.
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        honest.ledger.send(envelope).await
    }
    /// `core.ledger.replace`.
    async fn replace(
        &self,
        honest: &Honest,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        honest.ledger.replace(original, parties, options).await
    }
    /// `core.ledger.receipt`.
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        honest.ledger.receipt(transaction, tracking).await
    }
    /// `core.ledger.estimate`.
    async fn estimate(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        honest.ledger.estimate(call, parties, options).await
    }
    /// `core.ledger.plan`.
    async fn plan(&self, honest: &Honest, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        honest.ledger.plan(goal).await
    }
    /// `core.ledger.contract-abi`.
    async fn contract_abi(&self, honest: &Honest, contract: &str) -> Result<Option<String>, CallError> {
        honest.ledger.contract_abi(contract).await
    }
    /// `blocks.get`.
    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        honest.ledger.block(selector).await
    }
    /// `events.read`.
    async fn events(
        &self,
        honest: &Honest,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        honest.ledger.events(filter, start, limit, max_bytes).await
    }
    /// `store.to-call`.
    async fn to_call(
        &self,
        honest: &Honest,
        contract: &str,
        operation: StoreOperation,
    ) -> Result<Call, CallError> {
        honest.ledger.to_call(contract, operation).await
    }
    /// `store.from-outcome`.
    async fn from_outcome(
        &self,
        honest: &Honest,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        honest.ledger.from_outcome(operation, outcome).await
    }
    /// `proofs.prove`.
    async fn prove(&self, honest: &Honest, claim: Claim) -> Result<Proof, CallError> {
        honest.ledger.prove(claim).await
    }
}

/// The honest adapter with this change.
#[must_use]
pub fn mutate(honest: Arc<dyn Adapter>, mutation: Box<dyn Mutation>) -> Arc<dyn Adapter> {
    Arc::new(Mutated { honest, mutation: mutation.into() })
}

struct Mutated {
    honest: Arc<dyn Adapter>,
    mutation: Arc<dyn Mutation>,
}

struct MutatedLedger {
    honest: Honest,
    mutation: Arc<dyn Mutation>,
}

#[async_trait]
impl Adapter for Mutated {
    fn interfaces(&self) -> Interfaces {
        self.mutation.interfaces(self.honest.interfaces())
    }

    async fn describe(&self) -> Result<Descriptor, CallError> {
        Ok(self.mutation.describe(self.honest.describe().await?))
    }

    async fn open(&self, lender: Arc<dyn Lender>, settings: &str) -> Result<Arc<dyn Ledger>, CallError> {
        let changed = self.mutation.open(&lender, settings).await?;
        let lent = self.mutation.lend(lender.clone());
        let ledger = match self.honest.open(lent.clone(), &changed).await {
            Ok(ledger) => ledger,
            Err(error) => self.honest.open(lent, &self.mutation.refused(settings, error)?).await?,
        };
        let honest = Honest { ledger, lender, settings: settings.to_owned() };
        Ok(Arc::new(MutatedLedger { honest, mutation: self.mutation.clone() }))
    }

    async fn verify(&self, lender: Arc<dyn Lender>, anchor: Vec<u8>, proof: Proof) -> Result<(), CallError> {
        self.mutation.verify(&*self.honest, lender, anchor, proof).await
    }
}

#[async_trait]
impl Ledger for MutatedLedger {
    async fn status(&self) -> Result<LedgerStatus, CallError> {
        self.mutation.status(&self.honest).await
    }
    async fn accounts(&self, key: PublicKey) -> Result<Vec<String>, CallError> {
        self.mutation.accounts(&self.honest, key).await
    }
    async fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError> {
        self.mutation.begin(&self.honest, call, parties, options).await
    }
    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError> {
        self.mutation.resume(&self.honest, continuation, signatures).await
    }
    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError> {
        self.mutation.abandon(&self.honest, continuation).await
    }
    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        self.mutation.send(&self.honest, envelope).await
    }
    async fn replace(
        &self,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        self.mutation.replace(&self.honest, original, parties, options).await
    }
    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
        self.mutation.receipt(&self.honest, transaction, tracking).await
    }
    async fn estimate(
        &self,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        self.mutation.estimate(&self.honest, call, parties, options).await
    }
    async fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        self.mutation.plan(&self.honest, goal).await
    }
    async fn contract_abi(&self, contract: &str) -> Result<Option<String>, CallError> {
        self.mutation.contract_abi(&self.honest, contract).await
    }
    async fn block(&self, selector: BlockSelector) -> Result<Block, CallError> {
        self.mutation.block(&self.honest, selector).await
    }
    async fn events(
        &self,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        self.mutation.events(&self.honest, filter, start, limit, max_bytes).await
    }
    async fn to_call(&self, contract: &str, operation: StoreOperation) -> Result<Call, CallError> {
        self.mutation.to_call(&self.honest, contract, operation).await
    }
    async fn from_outcome(
        &self,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        self.mutation.from_outcome(&self.honest, operation, outcome).await
    }
    async fn prove(&self, claim: Claim) -> Result<Proof, CallError> {
        self.mutation.prove(&self.honest, claim).await
    }
}
