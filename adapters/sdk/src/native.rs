//! A vendor's adapter as a native plug-in.

use std::{marker::PhantomData, sync::Arc};

use adapter_spec::{
    Adapter, CallError, Function, Interfaces, Ledger, Lender, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Descriptor, Envelope, Error, Estimate, EventFilter,
        EventPage, EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Proof, PublicKey, Receipt,
        SendFailure, Signature, Step, StoreAnswer, StoreOperation,
    },
};

use crate::FrameworkAdapter;

/// Makes a [`FrameworkAdapter`] an [`Adapter`] in the host's own process. It reaches the world through the same
/// imports as a component does, but nothing isolates or limits it.
pub struct NativeAdapter<T> {
    interfaces: Interfaces,
    adapter: PhantomData<fn() -> T>,
}

impl<T: FrameworkAdapter> NativeAdapter<T> {
    /// The plug-in, declaring these interfaces; [`export!`](crate::export) makes `native()` with it.
    #[must_use]
    pub fn new(interfaces: Interfaces) -> Self {
        NativeAdapter { interfaces, adapter: PhantomData }
    }
}

/// One application's ledger of a native plug-in.
struct NativeLedger<T> {
    adapter: T,
    interfaces: Interfaces,
    lender: Arc<dyn Lender>,
}

/// What a component answers by not exporting an interface.
fn declared(declared: bool, interface: &str) -> Result<(), CallError> {
    if declared { Ok(()) } else { Err(CallError::Answered(Error::unsupported(interface))) }
}

#[async_trait]
impl<T: FrameworkAdapter> Adapter for NativeAdapter<T> {
    fn interfaces(&self) -> Interfaces {
        self.interfaces
    }

    async fn describe(&self) -> Result<Descriptor, CallError> {
        Ok(T::describe())
    }

    async fn open(&self, lender: Arc<dyn Lender>, settings: &str) -> Result<Arc<dyn Ledger>, CallError> {
        let adapter = T::open(settings).map_err(CallError::Answered)?;
        Ok(Arc::new(NativeLedger { adapter, interfaces: self.interfaces, lender }))
    }

    async fn verify(&self, lender: Arc<dyn Lender>, anchor: Vec<u8>, proof: Proof) -> Result<(), CallError> {
        declared(self.interfaces.proofs, "proofs")?;
        T::verify(&*lender.imports(Function::Verify), anchor, proof).await.map_err(CallError::Answered)
    }
}

/// Calls the adapter's function of this name with what is lent for it.
macro_rules! call {
    ($self:ident, $function:ident, $method:ident($($argument:expr),*)) => {
        $self
            .adapter
            .$method(&*$self.lender.imports(Function::$function) $(, $argument)*)
            .await
            .map_err(CallError::Answered)
    };
}

#[async_trait]
impl<T: FrameworkAdapter> Ledger for NativeLedger<T> {
    async fn status(&self) -> Result<LedgerStatus, CallError> {
        call!(self, Status, status())
    }

    async fn accounts(&self, key: PublicKey) -> Result<Vec<String>, CallError> {
        call!(self, Accounts, accounts(key))
    }

    async fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError> {
        call!(self, Begin, begin(call, parties, options))
    }

    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError> {
        call!(self, Resume, resume(continuation, signatures))
    }

    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError> {
        call!(self, Abandon, abandon(continuation))
    }

    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        call!(self, Send, send(envelope))
    }

    async fn replace(
        &self,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        call!(self, Replace, replace(original, parties, options))
    }

    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
        call!(self, Receipt, receipt(transaction.into(), tracking))
    }

    async fn estimate(
        &self,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        call!(self, Estimate, estimate(call, parties, options))
    }

    async fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        call!(self, Plan, plan(goal))
    }

    async fn contract_abi(&self, contract: &str) -> Result<Option<String>, CallError> {
        call!(self, ContractAbi, contract_abi(contract.into()))
    }

    async fn block(&self, selector: BlockSelector) -> Result<Block, CallError> {
        declared(self.interfaces.blocks, "blocks")?;
        call!(self, Block, block(selector))
    }

    async fn events(
        &self,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        declared(self.interfaces.events, "events")?;
        call!(self, Events, events(filter, start, limit, max_bytes))
    }

    async fn to_call(&self, contract: &str, operation: StoreOperation) -> Result<Call, CallError> {
        declared(self.interfaces.store, "store")?;
        call!(self, ToCall, to_call(contract.into(), operation))
    }

    async fn from_outcome(
        &self,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        declared(self.interfaces.store, "store")?;
        call!(self, FromOutcome, from_outcome(operation, outcome))
    }

    async fn prove(&self, claim: Claim) -> Result<Proof, CallError> {
        declared(self.interfaces.proofs, "proofs")?;
        call!(self, Prove, prove(claim))
    }
}
