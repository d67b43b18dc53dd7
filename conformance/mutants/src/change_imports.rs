//! Changes what an adapter asks of its imports, and what it gets.

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

/// What JSON-RPC requests are answered.
pub(crate) type Answers = Vec<Result<String, JsonRpcFailure>>;

/// A change to the imports of every call. What is not overridden is as lent.
#[async_trait]
pub(crate) trait ImportChange: Send + Sync + 'static {
    /// Which endpoints there are.
    fn lent_as(&self, lent: Vec<Lent>) -> Vec<Lent> {
        lent
    }
    /// Carries a list out.
    async fn json_rpc(
        &self,
        _function: Function,
        imports: &dyn Imports,
        requests: Vec<JsonRpcRequest>,
    ) -> Answers {
        imports.json_rpc(requests).await
    }
    /// Reads the state.
    async fn state_get(&self, imports: &dyn Imports, key: &str) -> Option<Vec<u8>> {
        imports.state_get(key).await
    }
    /// Writes the state.
    async fn state_swap(
        &self,
        imports: &dyn Imports,
        key: &str,
        expected: Option<Vec<u8>>,
        new: Option<Vec<u8>>,
    ) -> bool {
        imports.state_swap(key, expected, new).await
    }
    /// Whether a signature is the key's.
    fn verify(
        &self,
        imports: &dyn Imports,
        key: &PublicKey,
        input: &SigningInput,
        signature: &Signature,
    ) -> bool {
        imports.verify(key, input, signature)
    }
    /// What time it is.
    fn now(&self, _function: Function, millis: u64) -> u64 {
        millis
    }
}

/// Lends with a change.
pub(crate) fn changed(lender: Arc<dyn Lender>, change: Arc<dyn ImportChange>) -> Arc<dyn Lender> {
    Arc::new(Changed { lender, change })
}

struct Changed {
    lender: Arc<dyn Lender>,
    change: Arc<dyn ImportChange>,
}

impl Lender for Changed {
    fn application(&self) -> &str {
        self.lender.application()
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        Arc::new(ChangedImports {
            inner: self.lender.imports(function),
            change: self.change.clone(),
            function,
        })
    }
}

struct ChangedImports {
    inner: Arc<dyn Imports>,
    change: Arc<dyn ImportChange>,
    function: Function,
}

#[async_trait]
impl Imports for ChangedImports {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        self.change.lent_as(self.inner.lent_as(need))
    }
    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        self.inner.http(requests).await
    }
    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Answers {
        self.change.json_rpc(self.function, &*self.inner, requests).await
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
        self.change.verify(&*self.inner, key, input, signature)
    }
    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        self.inner.recover(scheme, digest, signature)
    }
    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        self.change.state_get(&*self.inner, key).await
    }
    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        self.change.state_swap(&*self.inner, key, expected, new).await
    }
    async fn state_trouble(&self, key: &str, new: Option<&[u8]>) -> Option<Ended> {
        self.inner.state_trouble(key, new).await
    }
    fn now_millis(&self) -> u64 {
        self.change.now(self.function, self.inner.now_millis())
    }
    fn random(&self, length: u32) -> Vec<u8> {
        self.inner.random(length)
    }
    fn log(&self, level: LogLevel, message: &str) {
        self.inner.log(level, message);
    }
}
