//! What an adapter offers: the standard's exports as traits.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    CallError, Lender,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, Envelope, Error, Estimate, EventFilter,
        EventPage, EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Proof, PublicKey, Receipt,
        SendFailure, Signature, Step, StoreAnswer, StoreOperation,
    },
};

/// The optional interfaces that an adapter declares, by exporting them. `core` is always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interfaces {
    /// [`Ledger::block`].
    pub blocks: bool,
    /// [`Ledger::events`].
    pub events: bool,
    /// [`Ledger::to_call`] and [`Ledger::from_outcome`].
    pub store: bool,
    /// [`Ledger::prove`] and [`Adapter::verify`].
    pub proofs: bool,
}

impl Interfaces {
    /// The names of the declared interfaces, `core` first.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let optional = [
            ("blocks", self.blocks),
            ("events", self.events),
            ("store", self.store),
            ("proofs", self.proofs),
        ];
        let declared = optional.into_iter().filter_map(|(name, declared)| declared.then_some(name));
        std::iter::once("core").chain(declared).collect()
    }
}

/// An adapter that is loaded, for any number of applications.
#[async_trait]
pub trait Adapter: Send + Sync {
    /// The interfaces that it declares.
    fn interfaces(&self) -> Interfaces;

    /// What it says of itself. Reaches no endpoint; the same answer every time.
    ///
    /// # Errors
    /// Only [`CallError::Ended`].
    async fn describe(&self) -> Result<Descriptor, CallError>;

    /// One application's ledger. `settings` is JSON after the descriptor's schema; `lender` is what the application
    /// lends. Reaches no endpoint.
    ///
    /// # Errors
    /// `invalid-argument` when the settings do not fit.
    async fn open(&self, lender: Arc<dyn Lender>, settings: &str) -> Result<Arc<dyn Ledger>, CallError>;

    /// Verifies a proof against an anchor that the verifier trusts. Of what `lender` lends, no endpoint is reached.
    ///
    /// # Errors
    /// `unsupported` when `proofs` is not declared; otherwise the proof does not hold.
    async fn verify(&self, lender: Arc<dyn Lender>, anchor: Vec<u8>, proof: Proof) -> Result<(), CallError>;
}

/// One application's view of one ledger. Calls may run side by side.
///
/// Every function answers `unsupported` where its interface or capability is not declared.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Where the ledger stands, as the node sees it.
    async fn status(&self) -> Result<LedgerStatus, CallError>;

    /// The accounts that this key has on the ledger.
    async fn accounts(&self, key: PublicKey) -> Result<Vec<String>, CallError>;

    /// Starts a call.
    async fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError>;

    /// Goes on with the signatures that were asked for, in the order they were asked for.
    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError>;

    /// Gives up a call that will not be resumed, so that what it reserved is free.
    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError>;

    /// Sends a transaction. The envelope must be journalled before; sending it again is harmless.
    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>>;

    /// Starts a transaction that can only take effect instead of the original, never beside it.
    async fn replace(
        &self,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError>;

    /// What became of a transaction. `tracking` is its envelope's.
    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError>;

    /// What a call would cost.
    async fn estimate(
        &self,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError>;

    /// The calls, in order, that reach a goal, and who must make each.
    async fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, CallError>;

    /// The contract's interface description, where the ledger knows it.
    async fn contract_abi(&self, contract: &str) -> Result<Option<String>, CallError>;

    /// A block; interface `blocks`.
    async fn block(&self, selector: BlockSelector) -> Result<Block, CallError>;

    /// Some events; interface `events`. At most `limit` of them with at most `max_bytes` bytes of payload together;
    /// at least one, where there is one.
    async fn events(
        &self,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError>;

    /// The call that carries a store operation out on the preset contract at `contract`; interface `store`.
    async fn to_call(&self, contract: &str, operation: StoreOperation) -> Result<Call, CallError>;

    /// What the outcome of that call means; interface `store`.
    #[expect(clippy::wrong_self_convention, reason = "the standard's name for it")]
    async fn from_outcome(
        &self,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError>;

    /// A proof of a claim; interface `proofs`.
    async fn prove(&self, claim: Claim) -> Result<Proof, CallError>;
}
