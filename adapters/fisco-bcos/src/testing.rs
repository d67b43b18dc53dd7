//! A host for unit tests: it can hash and verify, and nothing else.

use adapter_sdk::{
    Imports, async_trait,
    types::{
        Error, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};
use adapter_spec::GrpcStream;

/// Hashes and verifies.
pub(crate) struct Hashing;

#[async_trait]
impl Imports for Hashing {
    fn lent_as(&self, _: &str) -> Vec<Lent> {
        Vec::new()
    }

    async fn http(&self, _: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        Vec::new()
    }

    async fn json_rpc(&self, _: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        Vec::new()
    }

    async fn grpc(&self, _: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        Vec::new()
    }

    async fn grpc_stream(&self, _: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        Err(GrpcFailure::Transport(Failure::Exhausted))
    }

    async fn service_public_key(&self, _: &str) -> Result<PublicKey, Error> {
        Err(Error::unsupported("keys"))
    }

    async fn service_sign(&self, _: &str, _: SigningInput) -> Result<Signature, Error> {
        Err(Error::unsupported("keys"))
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
        vec![7; length as usize]
    }

    fn log(&self, _: LogLevel, _: &str) {}
}

/// The bytes with one bit changed, wherever in them `place` falls; as they are where there are none.
pub(crate) fn changed(bytes: &[u8], place: usize, bit: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(place % length) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}
