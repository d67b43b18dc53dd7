//! A host for tests: lends one endpoint over real HTTP, or one that a closure scripts, with a state in memory; and a
//! signer. Kept apart, so that the real host can take its place.

#![allow(dead_code, reason = "each test program uses a part")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "support of tests"
)]

pub mod anvil;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use adapter_spec::{
    CallError, Function, GrpcStream, Imports, Ledger, Lender, async_trait,
    types::{
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcError, JsonRpcFailure,
            JsonRpcRequest, Lent, LogLevel,
        },
        *,
    },
};
use alloy_primitives::keccak256;
use k256::ecdsa::{RecoveryId, Signature as EcdsaSignature, SigningKey, VerifyingKey};

/// Answers one call: the node, or a script in its place.
pub type Answer = dyn Fn(&str, &str) -> Result<String, JsonRpcFailure> + Send + Sync;

/// What tests lend.
pub struct TestHost {
    answer: Arc<Answer>,
    state: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Added to the clock, milliseconds.
    pub ahead: AtomicU64,
    /// The methods that were asked, in order.
    pub asked: Mutex<Vec<String>>,
}

impl TestHost {
    pub fn new(answer: Arc<Answer>) -> Arc<Self> {
        Arc::new(TestHost {
            answer,
            state: Mutex::default(),
            ahead: AtomicU64::new(0),
            asked: Mutex::default(),
        })
    }

    pub fn pass(&self, millis: u64) {
        self.ahead.fetch_add(millis, Ordering::SeqCst);
    }
}

/// The lender of one application.
pub struct Application(pub Arc<TestHost>);

impl Lender for Application {
    fn application(&self) -> &str {
        "test"
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        Arc::new(Call { lent: Arc::clone(&self.0), function })
    }
}

struct Call {
    lent: Arc<TestHost>,
    function: Function,
}

#[async_trait]
impl Imports for Call {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        if need != "node" {
            return Vec::new();
        }
        vec![Lent { endpoint: "n1".into(), labels: Vec::new(), client_certificate_sha256: None }]
    }

    async fn http(&self, _: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        panic!("not lent")
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        let mut answers = Vec::new();
        for request in requests {
            assert_eq!(request.endpoint, "n1");
            let reads = &adapter_ethereum_reads();
            if self.function != Function::Send && !reads.contains(&request.method) {
                answers.push(Err(JsonRpcFailure::Transport(Failure::Refused(request.method))));
                continue;
            }
            self.lent.asked.lock().unwrap().push(request.method.clone());
            let answer = Arc::clone(&self.lent.answer);
            let asked = move || answer(&request.method, &request.params);
            answers.push(tokio::task::spawn_blocking(asked).await.unwrap());
        }
        answers
    }

    async fn grpc(&self, _: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        panic!("not lent")
    }

    async fn grpc_stream(&self, _: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        panic!("not lent")
    }

    async fn service_public_key(&self, _: &str) -> Result<PublicKey, Error> {
        panic!("not lent")
    }

    async fn service_sign(&self, _: &str, _: SigningInput) -> Result<Signature, Error> {
        panic!("not lent")
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        assert_eq!(algorithm, HashAlgorithm::Keccak256);
        keccak256(data).to_vec()
    }

    fn verify(&self, _: &PublicKey, _: &SigningInput, _: &Signature) -> bool {
        panic!("not used")
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        assert_eq!(scheme, SignatureScheme::EcdsaSecp256k1Keccak256);
        let parsed = EcdsaSignature::from_slice(&signature.bytes).ok()?;
        let id = RecoveryId::from_byte(signature.recovery_id?)?;
        let key = VerifyingKey::recover_from_prehash(digest, &parsed, id).ok()?;
        Some(point_of(&key))
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        tokio::task::yield_now().await;
        self.lent.state.lock().unwrap().get(key).cloned()
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        tokio::task::yield_now().await;
        let mut state = self.lent.state.lock().unwrap();
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
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::try_from(now.as_millis()).unwrap() + self.lent.ahead.load(Ordering::SeqCst)
    }

    fn random(&self, length: u32) -> Vec<u8> {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let mut bytes = COUNT.fetch_add(1, Ordering::SeqCst).to_be_bytes().to_vec();
        bytes.resize(length as usize, 7);
        bytes
    }

    fn log(&self, _: LogLevel, _: &str) {}
}

fn adapter_ethereum_reads() -> Vec<String> {
    use adapter_sdk::FrameworkAdapter;
    adapter_ethereum::Ethereum::describe().endpoints.remove(0).reads
}

fn point_of(key: &VerifyingKey) -> Vec<u8> {
    key.to_sec1_point(false).as_bytes().to_vec()
}

/// A user with a key.
pub struct User(SigningKey);

impl User {
    /// The key whose number is `n`.
    pub fn number(n: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&n.to_be_bytes());
        User(SigningKey::from_slice(&bytes).unwrap())
    }

    pub fn from_hex(hex: &str) -> Self {
        User(SigningKey::from_slice(&alloy_primitives::hex::decode(hex).unwrap()).unwrap())
    }

    pub fn key(&self) -> PublicKey {
        PublicKey {
            scheme: SignatureScheme::EcdsaSecp256k1Keccak256,
            point: point_of(self.0.verifying_key()),
            certificate: None,
        }
    }

    pub fn address(&self) -> alloy_primitives::Address {
        alloy_primitives::Address::from_raw_public_key(&self.key().point[1..])
    }

    pub fn party(&self) -> Vec<Party> {
        vec![Party { account: None, keys: vec![self.key()] }]
    }

    pub fn sign(&self, input: &SigningInput) -> Signature {
        let SigningInput::Message(message) = input else { panic!("{input:?}") };
        let (signature, id) = self.0.sign_prehash_recoverable(keccak256(message).as_slice());
        Signature { bytes: signature.to_bytes().to_vec(), recovery_id: Some(id.to_byte()) }
    }

    /// Signs for as long as signatures are asked for.
    pub async fn finish(&self, ledger: &dyn Ledger, step: Step) -> Result<Envelope, Error> {
        let mut step = step;
        for _ in 0..1000 {
            match step {
                Step::Sign(request) => {
                    let signatures = request.items.iter().map(|item| self.sign(&item.input)).collect();
                    step = answered(ledger.resume(request.continuation, signatures).await)?;
                }
                Step::Send(envelope) => return Ok(envelope),
                Step::Answer(output) => panic!("{output:?}"),
            }
        }
        panic!("signatures are asked for without end")
    }
}

/// The adapter's answer; the host ends nothing here.
pub fn answered<T>(result: Result<T, CallError>) -> Result<T, Error> {
    result.map_err(|error| match error {
        CallError::Answered(error) => error,
        CallError::Ended(ended) => panic!("{ended}"),
    })
}

pub fn options(salt: &[u8]) -> CallOptions {
    CallOptions { salt: salt.to_vec(), ..CallOptions::default() }
}

/// A JSON-RPC error as the node gives it.
pub fn refused(code: i64, message: &str) -> Result<String, JsonRpcFailure> {
    Err(JsonRpcFailure::Error(JsonRpcError { code, message: message.into(), data: None }))
}
