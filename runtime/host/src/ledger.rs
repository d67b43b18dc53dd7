//! One application's ledger, served by instances of a component.

use std::sync::Arc;

use adapter_spec::{
    CallError, Ended, Function, Ledger, Lender, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Envelope, Error, Estimate, EventFilter, EventPage,
        EventStart, Goal, LedgerStatus, Output, Party, PlannedCall, Proof, PublicKey, Receipt, SendFailure,
        Signature, Step, StoreAnswer, StoreOperation,
    },
};
use wasmtime::component::{ComponentNamedList, Lift, Lower, ResourceAny};

use crate::{
    component::Loaded,
    instance::ComponentInstance,
    pool::Pool,
    trace::{CallSpan, Coded},
};

/// A ledger that a component serves. Calls run side by side, each in an instance of its own.
#[derive(Clone)]
pub(crate) struct ComponentLedger {
    loaded: Arc<Loaded>,
    lender: Arc<dyn Lender>,
    settings: Arc<str>,
    pool: Arc<Pool>,
}

impl ComponentLedger {
    /// Opens the ledger once, so that wrong settings are told at once.
    pub(crate) async fn open(
        loaded: Arc<Loaded>,
        lender: Arc<dyn Lender>,
        settings: &str,
    ) -> Result<Self, CallError> {
        let pool = Pool::new(&loaded.host.long_calls, &loaded.limits, Some(lender.application()));
        loaded.host.watch(&pool);
        let ledger = ComponentLedger { loaded, lender, settings: settings.into(), pool };
        let span = CallSpan::new(&ledger.loaded.facts, Function::Open);
        let (this, pool) = (ledger.clone(), &ledger.pool);
        let opened = span.around(async move {
            let turn = this.pool.turn(&this.loaded.host, this.loaded.limits.wall_time).await?;
            let instance = this.instance().await?;
            turn.give_back(instance, &this.loaded.limits);
            Ok::<_, CallError>(())
        });
        pool.long_calls.run(opened).await.inspect_err(|error| span.failed(error))?;
        Ok(ledger)
    }

    /// A fresh instance with this ledger open.
    async fn instance(&self) -> Result<ComponentInstance, CallError> {
        let Loaded { pre, exports, limits, .. } = &*self.loaded;
        let imports = self.lender.imports(Function::Open);
        ComponentInstance::open(pre, exports, limits, &self.pool.long_calls, imports, &self.settings).await
    }

    /// Calls a function of the opened ledger; `parameters` are made for the instance's own handle of it.
    async fn call<P, R>(
        &self,
        span: &CallSpan,
        function: Function,
        parameters: impl FnOnce(ResourceAny) -> P + Send + 'static,
    ) -> Result<R, Ended>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: Send + Sync + 'static,
        (R,): ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let (this, own, pool) = (self.clone(), span.clone(), &self.pool);
        // Its span goes with it, on whichever thread it runs.
        let call = span.around(async move { this.call_here(&own, function, parameters).await });
        pool.long_calls.run(call).await
    }

    /// The same, wherever it is polled.
    async fn call_here<P, R>(
        &self,
        span: &CallSpan,
        function: Function,
        parameters: impl FnOnce(ResourceAny) -> P,
    ) -> Result<R, Ended>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: Send + Sync + 'static,
        (R,): ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let loaded = &*self.loaded;
        let mut turn = self.pool.turn(&loaded.host, loaded.limits.wall_time).await?;
        let idle = turn.take();
        span.instance(idle.is_some());
        let mut instance = match idle {
            Some(instance) => instance,
            None => self.instance().await.map_err(|error| match error {
                CallError::Ended(ended) => ended,
                // The same settings were good when the ledger was opened.
                CallError::Answered(error) => {
                    Ended::Host { message: format!("reopening the ledger: {error}") }
                }
            })?,
        };
        let imports = self.lender.imports(function);
        let finished = instance
            .call::<P, (R,)>(&loaded.exports, function, imports, |instance| {
                Ok(parameters(instance.ledger()?))
            })
            .await;
        if finished.result.is_ok() {
            turn.give_back(instance, &loaded.limits);
        }
        span.used(&finished.usage);
        loaded.report(self.lender.application(), function, &finished.usage, finished.result.as_ref().err());
        finished.result.map(|(answer,)| answer)
    }

    /// The same for functions that answer with an error, in the call's span.
    async fn traced<P, R, E>(
        &self,
        function: Function,
        parameters: impl FnOnce(ResourceAny) -> P + Send + 'static,
    ) -> Result<R, CallError<E>>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: Lift + Send + Sync + 'static,
        E: Lift + Coded + Send + Sync + 'static,
        (Result<R, E>,): ComponentNamedList,
    {
        let span = CallSpan::new(&self.loaded.facts, function);
        let answer = self.call::<P, Result<R, E>>(&span, function, parameters).await;
        let answer = answer.map_err(CallError::Ended).and_then(|answer| answer.map_err(CallError::Answered));
        answer.inspect_err(|error| span.failed(error))
    }

    /// The same for functions that answer with an error of the standard, and that the component may not have.
    async fn answer<P, R>(
        &self,
        function: Function,
        parameters: impl FnOnce(ResourceAny) -> P + Send + 'static,
    ) -> Result<R, CallError>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: Lift + Send + Sync + 'static,
    {
        if self.loaded.exports.index(function).is_none() {
            return Err(CallError::Answered(Error::unsupported(function.name())));
        }
        self.traced(function, parameters).await
    }
}

#[async_trait]
impl Ledger for ComponentLedger {
    async fn status(&self) -> Result<LedgerStatus, CallError> {
        self.answer(Function::Status, |ledger| (ledger,)).await
    }

    async fn accounts(&self, key: PublicKey) -> Result<Vec<String>, CallError> {
        self.answer(Function::Accounts, |ledger| (ledger, key)).await
    }

    async fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError> {
        self.answer(Function::Begin, |ledger| (ledger, call, parties, options)).await
    }

    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError> {
        self.answer(Function::Resume, |ledger| (ledger, continuation, signatures)).await
    }

    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError> {
        self.answer(Function::Abandon, |ledger| (ledger, continuation)).await
    }

    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        self.traced(Function::Send, |ledger| (ledger, envelope)).await
    }

    async fn replace(
        &self,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        self.answer(Function::Replace, |ledger| (ledger, original, parties, options)).await
    }

    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
        let transaction = transaction.to_owned();
        self.answer(Function::Receipt, |ledger| (ledger, transaction, tracking)).await
    }

    async fn estimate(
        &self,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        self.answer(Function::Estimate, |ledger| (ledger, call, parties, options)).await
    }

    async fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        self.answer(Function::Plan, |ledger| (ledger, goal)).await
    }

    async fn contract_abi(&self, contract: &str) -> Result<Option<String>, CallError> {
        let contract = contract.to_owned();
        self.answer(Function::ContractAbi, |ledger| (ledger, contract)).await
    }

    async fn block(&self, selector: BlockSelector) -> Result<Block, CallError> {
        self.answer(Function::Block, |ledger| (ledger, selector)).await
    }

    async fn events(
        &self,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        self.answer(Function::Events, move |ledger| (ledger, filter, start, limit, max_bytes)).await
    }

    async fn to_call(&self, contract: &str, operation: StoreOperation) -> Result<Call, CallError> {
        let contract = contract.to_owned();
        self.answer(Function::ToCall, |ledger| (ledger, contract, operation)).await
    }

    async fn from_outcome(
        &self,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        self.answer(Function::FromOutcome, |ledger| (ledger, operation, outcome)).await
    }

    async fn prove(&self, claim: Claim) -> Result<Proof, CallError> {
        self.answer(Function::Prove, |ledger| (ledger, claim)).await
    }
}
