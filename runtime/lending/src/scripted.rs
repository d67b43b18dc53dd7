//! A lender that answers from memory: for tests and benchmarks of adapters and hosts, where a node would only add noise.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use adapter_spec::{
    Function, GrpcStream, Imports, Lender, async_trait,
    types::{
        Error, ErrorCode, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};

/// What answers a JSON-RPC request; `None` never does.
type Answer = dyn Fn(&JsonRpcRequest) -> Option<Result<String, JsonRpcFailure>> + Send + Sync;

/// Lends one JSON-RPC node that is a function, endless gRPC streams, state and a log in memory, a clock that stands
/// still and randomness that is none. Clones lend the same.
#[derive(Clone)]
pub struct ScriptedLender {
    application: Arc<str>,
    answer: Arc<Answer>,
    state: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    log: Arc<Mutex<Vec<String>>>,
    now_millis: u64,
}

impl ScriptedLender {
    /// A lender whose node answers every request with what `answer` says; where it says nothing, the node is silent.
    pub fn new(
        application: &str,
        answer: impl Fn(&JsonRpcRequest) -> Option<Result<String, JsonRpcFailure>> + Send + Sync + 'static,
    ) -> Self {
        ScriptedLender {
            application: application.into(),
            answer: Arc::new(answer),
            state: Arc::default(),
            log: Arc::default(),
            now_millis: 1_700_000_000_000,
        }
    }

    /// The lines that were logged.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This, as what a ledger is opened with.
    #[must_use]
    pub fn lend(&self) -> Arc<dyn Lender> {
        Arc::new(self.clone())
    }
}

impl fmt::Debug for ScriptedLender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedLender").field("application", &self.application).finish_non_exhaustive()
    }
}

impl Lender for ScriptedLender {
    fn application(&self) -> &str {
        &self.application
    }

    fn imports(&self, _function: Function) -> Arc<dyn Imports> {
        Arc::new(self.clone())
    }
}

/// A stream that always has a message.
struct EndlessStream;

#[async_trait]
impl GrpcStream for EndlessStream {
    async fn next(&mut self, _wait_millis: u32) -> Result<Option<Vec<u8>>, GrpcFailure> {
        Ok(Some(vec![1]))
    }
}

fn not_there() -> Failure {
    Failure::Refused("a scripted lender lends only a JSON-RPC node".into())
}

#[async_trait]
impl Imports for ScriptedLender {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        vec![Lent { endpoint: need.to_owned(), labels: Vec::new(), client_certificate_sha256: None }]
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        requests.iter().map(|_| Err(not_there())).collect()
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        match requests.iter().map(|request| (self.answer)(request)).collect() {
            Some(answers) => answers,
            None => std::future::pending().await,
        }
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        requests.iter().map(|_| Err(GrpcFailure::Transport(not_there()))).collect()
    }

    async fn grpc_stream(&self, _request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        Ok(Box::new(EndlessStream))
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        Err(Error::new(ErrorCode::NotFound, format!("no service key {name:?} is lent")))
    }

    async fn service_sign(&self, name: &str, _input: SigningInput) -> Result<Signature, Error> {
        Err(Error::new(ErrorCode::NotFound, format!("no service key {name:?} is lent")))
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
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
        self.now_millis
    }

    fn random(&self, length: u32) -> Vec<u8> {
        vec![0; usize::try_from(length).unwrap_or(0)]
    }

    fn log(&self, _level: LogLevel, message: &str) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(message.to_owned());
    }
}
