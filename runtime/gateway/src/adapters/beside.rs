//! A ledger on a version that is on trial, with the same ledger on the version before beside it.
//!
//! A call that the new version traps on, runs out of a limit on, answers with a fault of its own, or cannot read what an
//! earlier version wrote for is made once more on the version before. Where that one does better, its answer counts, and the new version is taken back: so nobody's call fails
//! by an upgrade. That a call is made twice changes nothing: only `send` writes, and the same envelope has one effect however
//! often it is sent.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use adapter_spec::{
    CallError, Ended, Ledger, Limit, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Effect, Envelope, Error, ErrorCode, Estimate,
        EventFilter, EventPage, EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Proof, PublicKey,
        Receipt, SendFailure, Signature, Step, StoreAnswer, StoreOperation,
    },
};

use super::Trial;

/// A ledger on two versions.
pub(crate) struct Beside {
    new: Arc<dyn Ledger>,
    before: RwLock<Option<Arc<dyn Ledger>>>,
    trial: Arc<Trial>,
}

impl Beside {
    pub(crate) fn new(new: Arc<dyn Ledger>, before: Arc<dyn Ledger>, trial: Arc<Trial>) -> Self {
        Beside { new, before: RwLock::new(Some(before)), trial }
    }

    /// The trial is over: from now on there is the new version alone.
    pub(crate) fn let_go(&self, trial: &Arc<Trial>) {
        // What failed is used to the end by the calls that began on it, and falls back at each.
        if !Arc::ptr_eq(&self.trial, trial) || trial.failure().is_some() {
            return;
        }
        self.before.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn before(&self) -> Option<Arc<dyn Ledger>> {
        self.before.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a call is handed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handed {
    /// Only what its caller says: a new version may refuse what the one before took.
    Words,
    /// Something that a version wrote earlier, which later ones have to read (clauses `UPG`).
    Writing,
}

/// Whether a call failed by the adapter's own fault.
trait Fault {
    fn fault(&self, handed: Handed) -> bool;

    /// Whether it ended at a limit on time, where a slower ledger or processor does as much as the adapter.
    fn ran_out_of_time(&self) -> bool;

    /// Whether it says that a transaction can have no effect.
    fn says_never(&self) -> bool {
        false
    }
}

impl Fault for CallError {
    fn fault(&self, handed: Handed) -> bool {
        match self {
            CallError::Answered(error) => answered_by_fault(error, handed),
            CallError::Ended(ended) => ended_by_fault(ended),
        }
    }

    fn ran_out_of_time(&self) -> bool {
        matches!(self, CallError::Ended(ended) if ended_by_time(ended))
    }
}

impl Fault for CallError<SendFailure> {
    fn says_never(&self) -> bool {
        matches!(self, CallError::Answered(failure) if failure.effect == Effect::Never)
    }

    fn fault(&self, handed: Handed) -> bool {
        match self {
            CallError::Answered(failure) => answered_by_fault(&failure.error, handed),
            CallError::Ended(ended) => ended_by_fault(ended),
        }
    }

    fn ran_out_of_time(&self) -> bool {
        matches!(self, CallError::Ended(ended) if ended_by_time(ended))
    }
}

fn answered_by_fault(error: &Error, handed: Handed) -> bool {
    error.code == ErrorCode::Internal
        || (handed == Handed::Writing && error.code == ErrorCode::InvalidArgument)
}

/// A version that was withdrawn in the middle of its trial is no better than one that traps.
fn ended_by_fault(ended: &Ended) -> bool {
    matches!(ended, Ended::Trapped { .. } | Ended::LimitReached { .. } | Ended::Withdrawn { .. })
}

fn ended_by_time(ended: &Ended) -> bool {
    matches!(ended, Ended::LimitReached { limit: Limit::WallTime | Limit::ComputeTime, .. })
}

macro_rules! tried {
    ($handed:ident, $self:ident.$function:ident($($argument:ident),*)) => {{
        let Some(before) = $self.before() else { return $self.new.$function($($argument),*).await };
        let start = Instant::now();
        match $self.new.$function($($argument.clone()),*).await {
            Err(error) if error.fault(Handed::$handed) => {
                let (took, start) = (start.elapsed(), Instant::now());
                match before.$function($($argument),*).await {
                    Ok(answer) => {
                        // Time that ran out shows something only where the one before was far from that: else whoever makes a call that
                        // takes just so long could have any version taken back.
                        if !error.ran_out_of_time() || start.elapsed() < took / 2 {
                            $self.trial.fail(&format!("{}: {error}", stringify!($function)));
                        }
                        Ok(answer)
                    }
                    // The one before may have sent what the new one could not.
                    Err(again) if error.says_never() && !again.says_never() => Err(again),
                    // It does no better, or cannot go on with what the new one began.
                    Err(_) => Err(error),
                }
            }
            answer => answer,
        }
    }};
}

#[async_trait]
impl Ledger for Beside {
    async fn status(&self) -> Result<LedgerStatus, CallError> {
        tried!(Words, self.status())
    }
    async fn accounts(&self, key: PublicKey) -> Result<Vec<String>, CallError> {
        tried!(Words, self.accounts(key))
    }
    async fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError> {
        tried!(Words, self.begin(call, parties, options))
    }
    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError> {
        tried!(Writing, self.resume(continuation, signatures))
    }
    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError> {
        tried!(Writing, self.abandon(continuation))
    }
    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        tried!(Writing, self.send(envelope))
    }
    async fn replace(
        &self,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        tried!(Writing, self.replace(original, parties, options))
    }
    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
        tried!(Writing, self.receipt(transaction, tracking))
    }
    async fn estimate(
        &self,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        tried!(Words, self.estimate(call, parties, options))
    }
    async fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        tried!(Words, self.plan(goal))
    }
    async fn contract_abi(&self, contract: &str) -> Result<Option<String>, CallError> {
        tried!(Words, self.contract_abi(contract))
    }
    async fn block(&self, selector: BlockSelector) -> Result<Block, CallError> {
        tried!(Words, self.block(selector))
    }
    async fn events(
        &self,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        tried!(Writing, self.events(filter, start, limit, max_bytes))
    }
    async fn to_call(&self, contract: &str, operation: StoreOperation) -> Result<Call, CallError> {
        tried!(Words, self.to_call(contract, operation))
    }
    async fn from_outcome(
        &self,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        tried!(Words, self.from_outcome(operation, outcome))
    }
    async fn prove(&self, claim: Claim) -> Result<Proof, CallError> {
        tried!(Words, self.prove(claim))
    }
}
