//! The adapter against a notebook service in memory, through the same traits that a host calls.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use adapter_sdk::types::{transport::*, *};
use adapter_spec::{Adapter, CallError, Function, GrpcStream, Imports, Ledger, Lender, async_trait};
use p256::ecdsa::{
    SigningKey, VerifyingKey,
    signature::{Signer, Verifier},
};
use sha2::{Digest, Sha256};

/// The service: notes by id, and what it does to the next request instead of answering.
#[derive(Default)]
struct Service {
    notes: Mutex<BTreeMap<String, String>>,
    next_answer: Mutex<Option<Result<HttpResponse, Failure>>>,
}

/// The lender: what is lent while one function runs.
struct Lend(Arc<Service>, Function);

impl Lender for Lend {
    fn application(&self) -> &str {
        "test"
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        Arc::new(Lend(Arc::clone(&self.0), function))
    }
}

fn response(status: u16, body: impl Into<Vec<u8>>) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: body.into() }
}

fn page(number: usize) -> serde_json::Value {
    serde_json::json!({"number": number, "hash": format!("0x{number:064x}")})
}

impl Service {
    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let mut notes = self.notes.lock().unwrap();
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/page") => response(200, page(notes.len()).to_string()),
            ("GET", path) => match notes.get(path.strip_prefix("/notes/").unwrap()) {
                Some(note) => {
                    response(200, serde_json::json!({"note": note, "page": page(1), "line": 0}).to_string())
                }
                None => response(404, ""),
            },
            ("POST", "/notes") => {
                let signed: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
                let note = signed["note"].as_str().unwrap().to_owned();
                let id = hex::encode(Sha256::digest(&note));
                response(if notes.insert(id, note).is_none() { 201 } else { 409 }, "")
            }
            _ => response(405, ""),
        }
    }
}

#[async_trait]
impl Imports for Lend {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        assert_eq!(need, "service");
        vec![Lent { endpoint: "a".into(), labels: Vec::new(), client_certificate_sha256: None }]
    }
    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        let answer = |request: &HttpRequest| {
            assert_eq!(request.endpoint, "a");
            if request.method != "GET" && self.1 != Function::Send {
                return Err(Failure::Refused("not a read".into()));
            }
            self.0.next_answer.lock().unwrap().take().unwrap_or_else(|| Ok(self.0.answer(request)))
        };
        requests.iter().map(answer).collect()
    }
    async fn json_rpc(&self, _: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        unreachable!("the service speaks HTTP")
    }
    async fn grpc(&self, _: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        unreachable!("the service speaks HTTP")
    }
    async fn grpc_stream(&self, _: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        unreachable!("the service speaks HTTP")
    }
    async fn service_public_key(&self, _: &str) -> Result<PublicKey, Error> {
        unreachable!("no service key is declared")
    }
    async fn service_sign(&self, _: &str, _: SigningInput) -> Result<Signature, Error> {
        unreachable!("no service key is declared")
    }
    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        assert_eq!(algorithm, HashAlgorithm::Sha256);
        Sha256::digest(data).to_vec()
    }
    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        let SigningInput::Message(message) = input else { return false };
        let Ok(key) = VerifyingKey::from_sec1_bytes(&key.point) else { return false };
        p256::ecdsa::Signature::from_slice(&signature.bytes).is_ok_and(|s| key.verify(message, &s).is_ok())
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

/// A signer that stands for a user's wallet.
fn wallet(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).unwrap()
}

fn public(key: &SigningKey) -> PublicKey {
    let point = key.verifying_key().to_sec1_point(false).as_bytes().to_vec();
    PublicKey { scheme: SignatureScheme::EcdsaP256Sha256, point, certificate: None }
}

fn sign(key: &SigningKey, item: &SignItem) -> Signature {
    let SigningInput::Message(message) = &item.input else { panic!("messages are signed") };
    let signature: p256::ecdsa::Signature = key.sign(message);
    Signature { bytes: signature.to_bytes().to_vec(), recovery_id: None }
}

fn call(function: &str, argument: &str) -> ContractCall {
    ContractCall {
        contract: "notebook".into(),
        function: function.into(),
        arguments: vec![Value::Text(argument.into())],
        abi: None,
        private_arguments: Vec::new(),
    }
}

async fn open(service: &Arc<Service>) -> Arc<dyn Ledger> {
    let lender = Arc::new(Lend(Arc::clone(service), Function::Open));
    adapter_notebook::native().open(lender, "{}").await.unwrap()
}

async fn begin_add(ledger: &dyn Ledger, text: &str, salt: u8) -> SignRequest {
    let party = Party { account: None, keys: vec![public(&wallet(1))] };
    let options = CallOptions { salt: vec![salt; 32], ..CallOptions::default() };
    match ledger.begin(Call::Invoke(call("add", text)), vec![party], options).await.unwrap() {
        Step::Sign(request) => request,
        other => panic!("a signature is asked for, not {other:?}"),
    }
}

/// From the call to the envelope.
async fn envelope(ledger: &dyn Ledger, text: &str, salt: u8) -> Envelope {
    let request = begin_add(ledger, text, salt).await;
    let signatures = request.items.iter().map(|item| sign(&wallet(1), item)).collect();
    match ledger.resume(request.continuation, signatures).await.unwrap() {
        Step::Send(envelope) => envelope,
        other => panic!("an envelope is ready, not {other:?}"),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, CallError>) -> ErrorCode {
    result.unwrap_err().answered().unwrap().code
}

#[tokio::test]
async fn a_note_is_begun_signed_sent_and_found_again() {
    let service = Arc::new(Service::default());
    let ledger = open(&service).await;
    let envelope = envelope(&*ledger, "hello", 1).await;

    let before = ledger.receipt(&envelope.transaction, Vec::new()).await.unwrap();
    assert_eq!((before.inclusion, before.outcome), (Inclusion::Unknown, None));
    assert!(service.notes.lock().unwrap().is_empty(), "nothing is sent before send");

    ledger.send(envelope.clone()).await.unwrap();
    let after = ledger.receipt(&envelope.transaction, Vec::new()).await.unwrap();
    assert_eq!(after.inclusion, Inclusion::Final);
    assert_eq!((after.block.unwrap().number, after.index), (1, Some(0)));
    assert_eq!(after.outcome.unwrap().unwrap().raw, b"hello");
    assert_eq!(ledger.status().await.unwrap().head.number, 1);

    let read = Call::Evaluate(call("read", &envelope.transaction));
    let answer = ledger.begin(read, Vec::new(), CallOptions::default()).await.unwrap();
    assert_eq!(answer, Step::Answer(Output { raw: b"hello".to_vec(), json: None }));
}

#[tokio::test]
async fn one_envelope_sent_often_makes_one_note_and_another_salt_makes_another() {
    let service = Arc::new(Service::default());
    let ledger = open(&service).await;
    let first = envelope(&*ledger, "hello", 1).await;
    for _ in 0..3 {
        ledger.send(first.clone()).await.unwrap();
    }
    assert_eq!(service.notes.lock().unwrap().len(), 1);
    assert_eq!(envelope(&*ledger, "hello", 1).await.transaction, first.transaction);
    assert_ne!(envelope(&*ledger, "hello", 2).await.transaction, first.transaction);
}

#[tokio::test]
async fn a_signature_by_another_key_is_refused() {
    let ledger = open(&Arc::default()).await;
    let request = begin_add(&*ledger, "hello", 1).await;
    let forged = sign(&wallet(2), &request.items[0]);
    let result = ledger.resume(request.continuation, vec![forged]).await;
    assert_eq!(code(result), ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn a_send_says_truly_whether_it_can_have_had_an_effect() {
    let service = Arc::new(Service::default());
    let ledger = open(&service).await;
    let envelope = envelope(&*ledger, "hello", 1).await;
    let cases = [
        (Err(Failure::Unreachable("no route".into())), Effect::Never),
        (Err(Failure::Timeout), Effect::Unknown),
        (Err(Failure::Interrupted("reset".into())), Effect::Unknown),
        (Ok(response(400, "")), Effect::Never),
        (Ok(response(502, "")), Effect::Unknown),
    ];
    for (answer, effect) in cases {
        *service.next_answer.lock().unwrap() = Some(answer.clone());
        let failure = ledger.send(envelope.clone()).await.unwrap_err();
        assert_eq!(failure.answered().unwrap().effect, effect, "{answer:?}");
    }
}

#[tokio::test]
async fn nonsense_from_the_service_and_another_note_than_asked_for_are_corrupt_responses() {
    let service = Arc::new(Service::default());
    let ledger = open(&service).await;
    let other = serde_json::json!({"note": "{}", "page": page(1), "line": 0}).to_string();
    for body in ["", "nonsense", "[1]", &other, &"[".repeat(100_000)] {
        *service.next_answer.lock().unwrap() = Some(Ok(response(200, body)));
        assert_eq!(code(ledger.receipt(&"0".repeat(64), Vec::new()).await), ErrorCode::CorruptResponse);
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_code() {
    let ledger = open(&Arc::default()).await;
    let begin = |call| ledger.begin(call, Vec::new(), CallOptions::default());
    assert_eq!(code(begin(Call::Invoke(call("burn", "x"))).await), ErrorCode::NotFound);
    assert_eq!(code(begin(Call::Invoke(call("add", &"x".repeat(4097)))).await), ErrorCode::TooLarge);
    assert_eq!(code(begin(Call::Invoke(call("add", "nobody signs"))).await), ErrorCode::InvalidArgument);
    assert_eq!(code(begin(Call::Evaluate(call("read", "../page"))).await), ErrorCode::InvalidArgument);
    assert_eq!(code(begin(Call::Evaluate(call("read", &"0".repeat(64)))).await), ErrorCode::NotFound);
    let bytes = ContractCall { arguments: vec![Value::Bytes(vec![0; 4097])], ..call("add", "") };
    assert_eq!(code(begin(Call::Invoke(bytes)).await), ErrorCode::TooLarge);
    let native = NativeCall { name: "n".into(), json: "{}".into() };
    assert_eq!(code(begin(Call::Native(native)).await), ErrorCode::Unsupported);

    let lender = || Arc::new(Lend(Arc::default(), Function::Open));
    for settings in ["", "[]", "{\"colour\": 1}"] {
        let opened = adapter_notebook::native().open(lender(), settings).await;
        assert_eq!(code(opened.map(|_| ())), ErrorCode::InvalidArgument);
    }
}
