//! A host that hashes and verifies, and lends nothing.

use adapter_sdk::{
    GrpcStream, Imports, async_trait,
    types::{
        Error, ErrorCode, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};

/// The host.
pub(crate) struct TestHost;

fn refused() -> Failure {
    Failure::Refused("nothing is lent".into())
}

#[async_trait]
impl Imports for TestHost {
    fn lent_as(&self, _: &str) -> Vec<Lent> {
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

    async fn grpc_stream(&self, _: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        Err(GrpcFailure::Transport(refused()))
    }

    async fn service_public_key(&self, _: &str) -> Result<PublicKey, Error> {
        Err(Error::new(ErrorCode::NotFound, "no key is lent"))
    }

    async fn service_sign(&self, _: &str, _: SigningInput) -> Result<Signature, Error> {
        Err(Error::new(ErrorCode::NotFound, "no key is lent"))
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        berth_crypto::hash(algorithm, data).to_vec()
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        berth_crypto::verify(key, input, signature)
    }

    fn recover(&self, _: SignatureScheme, _: &[u8], _: &Signature) -> Option<Vec<u8>> {
        None
    }

    async fn state_get(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    async fn state_swap(&self, _: &str, _: Option<Vec<u8>>, _: Option<Vec<u8>>) -> bool {
        false
    }

    fn now_millis(&self) -> u64 {
        0
    }

    fn random(&self, length: u32) -> Vec<u8> {
        vec![0; length as usize]
    }

    fn log(&self, _: LogLevel, _: &str) {}
}
