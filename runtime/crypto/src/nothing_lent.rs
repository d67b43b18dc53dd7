//! What is lent where nothing is.

use std::sync::{Arc, LazyLock};

use adapter_spec::{
    GrpcStream, Imports, async_trait,
    types::{
        Error, ErrorCode, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};

/// Lends hashing and verification, which are pure, and nothing else: to `describe` and between calls, and to unit tests of
/// adapters. Its clock stands at 0, and its random bytes are zeros.
#[derive(Clone, Copy, Debug)]
pub struct NothingLent;

impl NothingLent {
    /// The same one every time.
    #[must_use]
    pub fn shared() -> Arc<dyn Imports> {
        static SHARED: LazyLock<Arc<dyn Imports>> = LazyLock::new(|| Arc::new(NothingLent));
        SHARED.clone()
    }
}

fn refused() -> Failure {
    Failure::Refused("no endpoint is lent to this call".into())
}

fn no_key(name: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("no service key {name:?} is lent to this call"))
}

#[async_trait]
impl Imports for NothingLent {
    fn lent_as(&self, _need: &str) -> Vec<Lent> {
        Vec::new()
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        requests.iter().map(|_| Err(refused())).collect()
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        requests.iter().map(|_| Err(JsonRpcFailure::Transport(refused()))).collect()
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        requests.iter().map(|_| Err(GrpcFailure::Transport(refused()))).collect()
    }

    async fn grpc_stream(&self, _request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        Err(GrpcFailure::Transport(refused()))
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        Err(no_key(name))
    }

    async fn service_sign(&self, name: &str, _input: SigningInput) -> Result<Signature, Error> {
        Err(no_key(name))
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        crate::hash(algorithm, data).to_vec()
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        crate::verify(key, input, signature)
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        crate::recover(scheme, digest, signature)
    }

    async fn state_get(&self, _key: &str) -> Option<Vec<u8>> {
        None
    }

    async fn state_swap(&self, _key: &str, _expected: Option<Vec<u8>>, _new: Option<Vec<u8>>) -> bool {
        false
    }

    fn now_millis(&self) -> u64 {
        0
    }

    fn random(&self, length: u32) -> Vec<u8> {
        vec![0; usize::try_from(length).unwrap_or(0)]
    }

    fn log(&self, _level: LogLevel, message: &str) {
        tracing::debug!(target: "adapter", message, "logged where nothing is lent");
    }
}
