//! What the host's tests share: where components are, and a lender that answers from memory.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use adapter_spec::{
    Function, GrpcStream, Imports, Lender, async_trait,
    types::{
        Call, CallOptions, Error, ErrorCode, HashAlgorithm, NativeCall, PublicKey, Signature,
        SignatureScheme, SigningInput, Step,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};

/// The bytes of a component that `cargo xtask components` made.
pub fn component(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("BERTH_COMPONENTS").map(PathBuf::from).unwrap_or_else(|| {
        // Beside the test program: <target>/debug/deps/<program>.
        let program = std::env::current_exe().unwrap();
        program.ancestors().nth(3).unwrap().join("components")
    });
    let path = folder.join(format!("{name}.component.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{} is not there ({error}); make it with: cargo xtask components", path.display())
    })
}

/// A call of an operation of the adapter's own.
pub fn native(name: &str, json: &str) -> Call {
    Call::Native(NativeCall { name: name.into(), json: json.into() })
}

/// Options with nothing in them.
pub fn options() -> CallOptions {
    CallOptions::default()
}

/// The text of an answer.
pub fn text(step: Step) -> String {
    match step {
        Step::Answer(output) => String::from_utf8(output.raw).unwrap(),
        other => panic!("not an answer: {other:?}"),
    }
}

/// Lends from memory: state, a log, and JSON-RPC whose answer is the given text, or that never comes.
#[derive(Clone)]
pub struct MemoryLender {
    pub application: String,
    pub answer: Option<String>,
    pub state: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    pub log: Arc<Mutex<Vec<String>>>,
}

impl MemoryLender {
    pub fn new(application: &str) -> Self {
        MemoryLender {
            application: application.into(),
            answer: Some("\"read\"".into()),
            state: Arc::default(),
            log: Arc::default(),
        }
    }

    pub fn answering(self, answer: &str) -> Self {
        MemoryLender { answer: Some(answer.into()), ..self }
    }

    pub fn silent(self) -> Self {
        MemoryLender { answer: None, ..self }
    }

    pub fn lend(self) -> Arc<dyn Lender> {
        Arc::new(self)
    }
}

impl Lender for MemoryLender {
    fn application(&self) -> &str {
        &self.application
    }

    fn imports(&self, _function: Function) -> Arc<dyn Imports> {
        Arc::new(self.clone())
    }
}

struct EndlessStream;

#[async_trait]
impl GrpcStream for EndlessStream {
    async fn next(&mut self, _wait_millis: u32) -> Result<Option<Vec<u8>>, GrpcFailure> {
        Ok(Some(vec![1]))
    }
}

#[async_trait]
impl Imports for MemoryLender {
    fn lent_as(&self, _need: &str) -> Vec<Lent> {
        Vec::new()
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        requests.iter().map(|_| Err(Failure::Timeout)).collect()
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        match &self.answer {
            Some(answer) => requests.iter().map(|_| Ok(answer.clone())).collect(),
            None => std::future::pending().await,
        }
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        requests.iter().map(|_| Ok(vec![])).collect()
    }

    async fn grpc_stream(&self, _request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        Ok(Box::new(EndlessStream))
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        Err(Error::new(ErrorCode::NotFound, name))
    }

    async fn service_sign(&self, name: &str, _input: SigningInput) -> Result<Signature, Error> {
        Err(Error::new(ErrorCode::NotFound, name))
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        berth_crypto::hash(algorithm, data)
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        berth_crypto::verify(key, input, signature)
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        berth_crypto::recover(scheme, digest, signature)
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().get(key).cloned()
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        let mut state = self.state.lock().unwrap();
        if state.get(key) != expected.as_ref() {
            return false;
        }
        match new {
            Some(new) => state.insert(key.into(), new),
            None => state.remove(key),
        };
        true
    }

    fn now_millis(&self) -> u64 {
        1
    }

    fn random(&self, length: u32) -> Vec<u8> {
        vec![4; length as usize]
    }

    fn log(&self, _level: LogLevel, message: &str) {
        self.log.lock().unwrap().push(message.into());
    }
}
