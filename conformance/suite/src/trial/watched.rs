//! A ledger whose every call is watched.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use adapter_spec::{
    CallError, Ended, Function, GrpcStream, Imports, Ledger, Lender, Limit, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Claim, Envelope, Error, Estimate, EventFilter, EventPage,
        EventStart, Goal, HashAlgorithm, LedgerStatus, Output, Party, PlannedCall, Proof, PublicKey, Receipt,
        SendFailure, Signature, SignatureScheme, SigningInput, Step, StoreAnswer, StoreOperation,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent as LentEndpoint, LogLevel,
        },
    },
};
use berth_lending::recording::Recorder;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{
    gate::Gate,
    observed::{Ending, Observed},
};

/// After which a call is given up. Far beyond what the standard allows, so that only what hangs reaches it.
const PATIENCE: Duration = Duration::from_secs(30);

tokio::task_local! {
    /// The recorded calls of the watched call that runs.
    static RECORDED: Arc<Mutex<Vec<usize>>>;
}

/// Where calls of a trial are written down.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Observed>>>);

impl Log {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Observed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lends what the recorder lends, one call after another where the gate says so.
pub(crate) struct Gated {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) gate: Gate,
}

impl Lender for Gated {
    fn application(&self) -> &str {
        self.recorder.application()
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        let number = self.recorder.calls();
        let inner = self.recorder.imports(function);
        // What is asked outside of a watched call belongs to none.
        let _ = RECORDED.try_with(|recorded| {
            recorded.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        });
        Arc::new(GatedImports { inner, gate: self.gate.clone() })
    }
}

struct GatedImports {
    inner: Arc<dyn Imports>,
    gate: Gate,
}

macro_rules! through_the_gate {
    ($self:ident, $call:expr) => {{
        $self.gate.pass().await;
        let answer = $call.await;
        $self.gate.pass().await;
        answer
    }};
}

#[async_trait]
impl Imports for GatedImports {
    fn lent_as(&self, need: &str) -> Vec<LentEndpoint> {
        self.inner.lent_as(need)
    }
    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        through_the_gate!(self, self.inner.http(requests))
    }
    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        through_the_gate!(self, self.inner.json_rpc(requests))
    }
    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        through_the_gate!(self, self.inner.grpc(requests))
    }
    async fn grpc_stream(&self, request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        through_the_gate!(self, self.inner.grpc_stream(request))
    }
    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        self.inner.service_public_key(name).await
    }
    async fn service_sign(&self, name: &str, input: SigningInput) -> Result<Signature, Error> {
        self.inner.service_sign(name, input).await
    }
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        self.inner.hash(algorithm, data)
    }
    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        self.inner.verify(key, input, signature)
    }
    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        self.inner.recover(scheme, digest, signature)
    }
    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        through_the_gate!(self, self.inner.state_get(key))
    }
    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        through_the_gate!(self, self.inner.state_swap(key, expected, new))
    }
    async fn state_trouble(&self, key: &str, new: Option<&[u8]>) -> Option<Ended> {
        self.inner.state_trouble(key, new).await
    }
    fn now_millis(&self) -> u64 {
        self.inner.now_millis()
    }
    fn random(&self, length: u32) -> Vec<u8> {
        self.inner.random(length)
    }
    fn log(&self, level: LogLevel, message: &str) {
        self.inner.log(level, message);
    }
}

/// Watches one application's calls.
#[derive(Clone)]
pub(crate) struct Watcher {
    pub(crate) application: Arc<str>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) log: Log,
}

/// Writes a call down when it ends, however it ends.
struct Watching {
    watcher: Watcher,
    function: Function,
    arguments: Value,
    recorded: Arc<Mutex<Vec<usize>>>,
    ending: Ending,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let calls = recorded.into_iter().filter_map(|number| self.watcher.recorder.call(number));
        self.watcher.log.lock().push(Observed {
            application: self.watcher.application.to_string(),
            function: self.function,
            arguments: self.arguments.take(),
            ending: std::mem::replace(&mut self.ending, Ending::Dropped),
            exchanges: calls.flat_map(|call| call.exchanges).collect(),
            requests: Arc::default(),
        });
    }
}

impl Watcher {
    /// Carries the call out and writes it down. A panic of a native plug-in is what a trap is to a component.
    pub(crate) async fn call<T, E>(
        &self,
        function: Function,
        arguments: Value,
        call: impl Future<Output = Result<T, CallError<E>>>,
    ) -> Result<T, CallError<E>>
    where
        E: std::fmt::Debug + std::fmt::Display + std::error::Error + 'static,
        for<'a> Ending: From<&'a Result<T, CallError<E>>>,
    {
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let mut watching = Watching {
            watcher: self.clone(),
            function,
            arguments,
            recorded: recorded.clone(),
            ending: Ending::Dropped,
        };
        let guarded = AssertUnwindSafe(RECORDED.scope(recorded, call)).catch_unwind();
        let result = match tokio::time::timeout(PATIENCE, guarded).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(CallError::Ended(Ended::Trapped { message: message(&panic) })),
            Err(_) => Err(CallError::Ended(Ended::LimitReached {
                limit: Limit::WallTime,
                allowed: format!("{PATIENCE:?}"),
            })),
        };
        watching.ending = Ending::from(&result);
        result
    }
}

fn message(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

/// A ledger with its watcher.
pub(crate) struct WatchedLedger {
    pub(crate) inner: Arc<dyn Ledger>,
    pub(crate) watcher: Watcher,
}

macro_rules! watched {
    ($self:ident, $function:ident, $method:ident($($argument:ident),*)) => {{
        let arguments = json!([$(&$argument),*]);
        $self.watcher.call(Function::$function, arguments, $self.inner.$method($($argument),*)).await
    }};
}

#[async_trait]
impl Ledger for WatchedLedger {
    async fn status(&self) -> Result<LedgerStatus, CallError> {
        watched!(self, Status, status())
    }
    async fn accounts(&self, key: PublicKey) -> Result<Vec<String>, CallError> {
        watched!(self, Accounts, accounts(key))
    }
    async fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError> {
        watched!(self, Begin, begin(call, parties, options))
    }
    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError> {
        watched!(self, Resume, resume(continuation, signatures))
    }
    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError> {
        watched!(self, Abandon, abandon(continuation))
    }
    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        watched!(self, Send, send(envelope))
    }
    async fn replace(
        &self,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        watched!(self, Replace, replace(original, parties, options))
    }
    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
        watched!(self, Receipt, receipt(transaction, tracking))
    }
    async fn estimate(
        &self,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        watched!(self, Estimate, estimate(call, parties, options))
    }
    async fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        watched!(self, Plan, plan(goal))
    }
    async fn contract_abi(&self, contract: &str) -> Result<Option<String>, CallError> {
        watched!(self, ContractAbi, contract_abi(contract))
    }
    async fn block(&self, selector: BlockSelector) -> Result<Block, CallError> {
        watched!(self, Block, block(selector))
    }
    async fn events(
        &self,
        filter: EventFilter,
        start: EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<EventPage, CallError> {
        watched!(self, Events, events(filter, start, limit, max_bytes))
    }
    async fn to_call(&self, contract: &str, operation: StoreOperation) -> Result<Call, CallError> {
        watched!(self, ToCall, to_call(contract, operation))
    }
    async fn from_outcome(
        &self,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        watched!(self, FromOutcome, from_outcome(operation, outcome))
    }
    async fn prove(&self, claim: Claim) -> Result<Proof, CallError> {
        watched!(self, Prove, prove(claim))
    }
}
