//! Adapters that see another host than there is.

use std::sync::Arc;

use adapter_spec::{
    Ended, Function, GrpcStream, Imports, Lender, async_trait,
    types::{
        Error, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};

use crate::Mutation;

/// What of the imports comes out differently. Each function has what the host answers, and gives what the adapter sees.
#[derive(Clone, Copy)]
pub(crate) struct Changed {
    /// `endpoints.lent-as`.
    pub(crate) lent_as: fn(Vec<Lent>) -> Vec<Lent>,
    /// `crypto.verify`.
    pub(crate) verify: fn(bool) -> bool,
    /// `environment.now-millis`, in calls of this function.
    pub(crate) now: fn(Function, u64) -> u64,
}

impl Changed {
    /// Nothing comes out differently.
    pub(crate) const NOTHING: Changed =
        Changed { lent_as: |lent| lent, verify: |holds| holds, now: |_, now| now };
}

struct Sees(Changed);

impl Mutation for Sees {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        Arc::new(ChangedLender { lender, changed: self.0 })
    }
}

/// The honest adapter, which sees other answers of its host.
pub(crate) fn seeing(changed: Changed) -> Box<dyn Mutation> {
    Box::new(Sees(changed))
}

struct ChangedLender {
    lender: Arc<dyn Lender>,
    changed: Changed,
}

impl Lender for ChangedLender {
    fn application(&self) -> &str {
        self.lender.application()
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        Arc::new(ChangedImports { inner: self.lender.imports(function), changed: self.changed, function })
    }
}

struct ChangedImports {
    inner: Arc<dyn Imports>,
    changed: Changed,
    function: Function,
}

#[async_trait]
impl Imports for ChangedImports {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        (self.changed.lent_as)(self.inner.lent_as(need))
    }
    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        self.inner.http(requests).await
    }
    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        self.inner.json_rpc(requests).await
    }
    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        self.inner.grpc(requests).await
    }
    async fn grpc_stream(&self, request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        self.inner.grpc_stream(request).await
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
        (self.changed.verify)(self.inner.verify(key, input, signature))
    }
    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        self.inner.recover(scheme, digest, signature)
    }
    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        self.inner.state_get(key).await
    }
    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        self.inner.state_swap(key, expected, new).await
    }
    async fn state_trouble(&self, key: &str, new: Option<&[u8]>) -> Option<Ended> {
        self.inner.state_trouble(key, new).await
    }
    fn now_millis(&self) -> u64 {
        (self.changed.now)(self.function, self.inner.now_millis())
    }
    fn random(&self, length: u32) -> Vec<u8> {
        self.inner.random(length)
    }
    fn log(&self, level: LogLevel, message: &str) {
        self.inner.log(level, message);
    }
}
