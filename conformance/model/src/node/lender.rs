//! Lending the node to an adapter in the same process.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use adapter_spec::{
    Function, GrpcStream, Imports, Lender, async_trait,
    types::{
        Error, ErrorCode, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcError, JsonRpcFailure,
            JsonRpcRequest, Lent, LogLevel,
        },
    },
};
use berth_crypto::SigningKey;

use super::{ModelNode, chain::FIRST_TIME};
use crate::{adapter, wire::sha256};

/// What is kept of an application for as long as the ledger lives.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    state: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    log: Arc<Mutex<Vec<String>>>,
    /// Milliseconds that have passed.
    clock: Arc<AtomicU64>,
    /// Random bytes that were given.
    random: Arc<AtomicU64>,
}

/// What lends a [`ModelNode`] to one application: endpoints `node-0`, `node-1`, … that are all the same node, state and
/// log in memory, a clock that goes on by a millisecond with each look, and randomness that is the same in every run.
/// Clones lend the same.
///
/// It keeps the standard's rules: outside `send` only what the adapter declares as reads is answered, and nothing at
/// all in `describe`, `open` and `verify`.
#[derive(Clone)]
pub struct ModelLender {
    application: Arc<str>,
    node: ModelNode,
    endpoints: usize,
    auditor: Option<Arc<SigningKey>>,
    kept: Kept,
}

impl fmt::Debug for ModelLender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelLender").field("application", &self.application).finish_non_exhaustive()
    }
}

impl ModelLender {
    pub(super) fn new(node: ModelNode, application: &str) -> Self {
        let kept = node.lock().applications.entry(application.into()).or_default().clone();
        ModelLender { application: application.into(), node, endpoints: 1, auditor: None, kept }
    }

    /// Lends so many endpoints under the name `node`.
    #[must_use]
    pub fn with_endpoints(self, endpoints: usize) -> Self {
        ModelLender { endpoints, ..self }
    }

    /// Lends a P-256 key under the name `auditor`, and makes the node let it in.
    #[must_use]
    pub fn with_auditor(self, key: SigningKey) -> Self {
        self.node.let_audit(&key.public_key());
        ModelLender { auditor: Some(Arc::new(key)), ..self }
    }

    /// Moves the clock on.
    pub fn advance(&self, millis: u64) {
        self.kept.clock.fetch_add(millis, Ordering::SeqCst);
    }

    /// The lines that were logged.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.kept.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Everything in the application's state.
    #[must_use]
    pub fn state(&self) -> BTreeMap<String, Vec<u8>> {
        self.kept.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Loses the application's state, as a backup does that is older than the ledger.
    pub fn lose_state(&self) {
        self.kept.state.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// This, as what a ledger is opened with.
    #[must_use]
    pub fn lend(&self) -> Arc<dyn Lender> {
        Arc::new(self.clone())
    }
}

impl Lender for ModelLender {
    fn application(&self) -> &str {
        &self.application
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        Arc::new(Call { lender: self.clone(), function })
    }
}

/// What one call has.
struct Call {
    lender: ModelLender,
    function: Function,
}

impl Call {
    fn answer(&self, request: &JsonRpcRequest) -> Result<String, JsonRpcFailure> {
        let refused = |why: &str| Err(JsonRpcFailure::Transport(Failure::Refused(why.into())));
        if matches!(self.function, Function::Describe | Function::Open | Function::Verify) {
            return refused("nothing is lent here");
        }
        if !self.lent_as(adapter::NEED).iter().any(|lent| lent.endpoint == request.endpoint) {
            return refused("this endpoint is not lent");
        }
        if self.function != Function::Send && !adapter::READS.contains(&request.method.as_str()) {
            return refused("this method is not declared as a read");
        }
        let Ok(params) = serde_json::from_str(&request.params) else { return refused("params are not JSON") };
        match self.lender.node.answer(&request.method, &params) {
            Ok(answer) => Ok(answer.to_string()),
            Err(error) => Err(JsonRpcFailure::Error(JsonRpcError {
                code: error.code,
                message: error.message,
                data: error.data.map(|data| data.to_string()),
            })),
        }
    }

    fn auditor(&self, name: &str) -> Result<&SigningKey, Error> {
        let lent = !matches!(self.function, Function::Describe | Function::Open | Function::Verify);
        let key = self.lender.auditor.as_deref().filter(|_| lent && name == adapter::AUDITOR);
        key.ok_or_else(|| Error::new(ErrorCode::NotFound, format!("no service key {name:?} is lent")))
    }
}

fn not_there() -> Failure {
    Failure::Refused("only JSON-RPC endpoints are lent".into())
}

#[async_trait]
impl Imports for Call {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        let endpoints = if need == adapter::NEED { self.lender.endpoints } else { 0 };
        let lent = |index| Lent {
            endpoint: format!("{need}-{index}"),
            labels: Vec::new(),
            client_certificate_sha256: None,
        };
        (0..endpoints).map(lent).collect()
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        requests.iter().map(|_| Err(not_there())).collect()
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        requests.iter().map(|request| self.answer(request)).collect()
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        requests.iter().map(|_| Err(GrpcFailure::Transport(not_there()))).collect()
    }

    async fn grpc_stream(&self, _request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        Err(GrpcFailure::Transport(not_there()))
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        Ok(self.auditor(name)?.public_key())
    }

    async fn service_sign(&self, name: &str, input: SigningInput) -> Result<Signature, Error> {
        let signed = self.auditor(name)?.sign(&input);
        signed.map_err(|error| Error::new(ErrorCode::InvalidArgument, error.to_string()))
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        berth_crypto::hash(algorithm, data).to_vec()
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        berth_crypto::verify(key, input, signature)
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        berth_crypto::recover(scheme, digest, signature)
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        self.lender.kept.state.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        let mut state = self.lender.kept.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.get(key) != expected.as_ref() {
            return false;
        }
        match new {
            Some(new) => state.insert(key.to_owned(), new),
            None => state.remove(key),
        };
        true
    }

    fn now_millis(&self) -> u64 {
        FIRST_TIME + self.lender.kept.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn random(&self, length: u32) -> Vec<u8> {
        let length = usize::try_from(length.min(1 << 16)).unwrap_or(0);
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let round = self.lender.kept.random.fetch_add(1, Ordering::SeqCst);
            bytes.extend(sha256(&[self.lender.application.as_bytes(), &round.to_be_bytes()]));
        }
        bytes.truncate(length);
        bytes
    }

    fn log(&self, _level: LogLevel, message: &str) {
        self.lender.kept.log.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
    }
}
