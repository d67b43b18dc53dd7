//! Nodes that are down, lie, lag behind, or cannot be trusted with a word.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml covers test functions only"
)]

mod support;

use std::sync::{Arc, Mutex};

use adapter_spec::{
    Adapter as _, Function, GrpcStream, Imports, Lender, async_trait,
    types::{
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcError, JsonRpcFailure,
            JsonRpcRequest, Lent, LogLevel,
        },
        *,
    },
};
use berth_model::{MAIN_SPACE, native};
use support::*;

type Answer = Result<String, JsonRpcFailure>;
type Fault = dyn Fn(&JsonRpcRequest, Answer) -> Answer + Send + Sync;

/// Lends what another lender does, but for the answers of nodes. A request that must not arrive is named by `stop`.
#[derive(Clone)]
struct Faulty {
    inner: Arc<dyn Lender>,
    fault: Arc<Mutex<Arc<Fault>>>,
    stop: Arc<Mutex<Option<Failure>>>,
}

struct FaultyCall {
    inner: Arc<dyn Imports>,
    faulty: Faulty,
}

impl Lender for Faulty {
    fn application(&self) -> &str {
        self.inner.application()
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        Arc::new(FaultyCall { inner: self.inner.imports(function), faulty: self.clone() })
    }
}

#[async_trait]
impl Imports for FaultyCall {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        self.inner.lent_as(need)
    }
    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        self.inner.http(requests).await
    }
    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Answer> {
        let fault = self.faulty.fault.lock().unwrap().clone();
        let stop = self.faulty.stop.lock().unwrap().clone();
        let mut answers = Vec::new();
        for request in requests {
            let answer = match &stop {
                Some(failure) if request.method == "ledger_submit" => {
                    Err(JsonRpcFailure::Transport(failure.clone()))
                }
                _ => self.inner.json_rpc(vec![request.clone()]).await.remove(0),
            };
            answers.push(fault(&request, answer));
        }
        answers
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
        self.inner.verify(key, input, signature)
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
    fn now_millis(&self) -> u64 {
        self.inner.now_millis()
    }
    fn random(&self, length: u32) -> Vec<u8> {
        self.inner.random(length)
    }
    fn log(&self, level: LogLevel, message: &str) {
        self.inner.log(level, message);
    }
}

impl Faulty {
    fn with(&self, fault: impl Fn(&JsonRpcRequest, Answer) -> Answer + Send + Sync + 'static) {
        *self.fault.lock().unwrap() = Arc::new(fault);
    }

    fn heal(&self) {
        self.with(|_, answer| answer);
        *self.stop.lock().unwrap() = None;
    }

    /// Submissions do not arrive.
    fn stop(&self, failure: Failure) {
        *self.stop.lock().unwrap() = Some(failure);
    }
}

/// An application with so many endpoints whose nodes can be made faulty, and a probe.
async fn faulty(endpoints: usize) -> (Bed, Faulty, String) {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let inner = bed.lender.clone().with_endpoints(endpoints).lend();
    let pass: Arc<Fault> = Arc::new(|_, answer| answer);
    let faulty = Faulty { inner, fault: Arc::new(Mutex::new(pass)), stop: Arc::default() };
    let ledger = native().open(Arc::new(faulty.clone()), SETTINGS).await.unwrap();
    (Bed { ledger, ..bed }, faulty, probe)
}

fn error(code: i64) -> JsonRpcFailure {
    JsonRpcFailure::Error(JsonRpcError { code, message: "canary".into(), data: None })
}

fn add(probe: &str) -> Call {
    invoke(probe, "add(integer)", vec![integer(1)])
}

#[tokio::test]
async fn a_node_that_fails_is_told_by_how_it_fails() {
    let (bed, faulty, probe) = faulty(1).await;
    let failures = [
        (Failure::Unreachable("down".into()), ErrorCode::Unavailable, true),
        (Failure::Interrupted("cut".into()), ErrorCode::Unavailable, true),
        (Failure::Timeout, ErrorCode::Timeout, true),
        (Failure::TooLarge(9), ErrorCode::TooLarge, false),
        (Failure::Exhausted, ErrorCode::QuotaExceeded, false),
    ];
    for (failure, code, retryable) in failures {
        faulty.with(move |_, _| Err(JsonRpcFailure::Transport(failure.clone())));
        let error = answered(bed.ledger.status().await);
        assert_eq!((error.code, error.retryable), (code, retryable));
        assert_eq!(bed.begin(add(&probe)).await.unwrap_err().code, code);
    }
    for (native, code) in [
        (3001, ErrorCode::Unavailable),
        (3002, ErrorCode::QuotaExceeded),
        (3003, ErrorCode::Unavailable),
        (3004, ErrorCode::Timeout),
        (-99, ErrorCode::Unavailable),
    ] {
        faulty.with(move |_, _| Err(error(native)));
        let error = answered(bed.ledger.status().await);
        assert_eq!((error.code, error.native), (code, Some(native.to_string())));
        assert!(!error.message.contains("canary"));
    }
    faulty.heal();
    assert!(bed.ledger.status().await.is_ok());
}

#[tokio::test]
async fn answers_that_are_cut_swapped_or_altered_are_never_believed() {
    let (bed, faulty, probe) = faulty(1).await;
    let receipt = bed.write(add(&probe)).await;
    let look = async || {
        let all = EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest };
        vec![
            bed.ledger.status().await.err(),
            bed.ledger.block(BlockSelector::At(Confidence::Latest)).await.err(),
            bed.ledger.events(all, EventStart::Earliest, 10, 1000).await.err(),
            bed.ledger.receipt(&receipt.transaction, vec![]).await.err(),
        ]
    };
    let corrupt = async |what: &str| {
        for error in look().await {
            let code = error.unwrap_or_else(|| panic!("{what} was believed")).answered().unwrap().code;
            assert_eq!(code, ErrorCode::CorruptResponse, "{what}");
        }
    };
    for text in
        ["", "null", "[]", "{}", "nonsense", "{\"question\":\"\",\"answer\":{}}", &"[".repeat(100_000)]
    {
        let owned = text.to_owned();
        faulty.with(move |_, _| Ok(owned.clone()));
        corrupt(text.get(..10).unwrap_or(text)).await;
    }
    faulty.with(|_, answer| answer.map(|text| text[..text.len() / 2].to_owned()));
    corrupt("half an answer").await;
    // An answer that belongs to the question before.
    let before = Arc::new(Mutex::new(Ok(String::new())));
    faulty.with(move |_, answer| std::mem::replace(&mut *before.lock().unwrap(), answer));
    corrupt("the answer before").await;
    // One digit of whatever is in hexadecimal.
    faulty.with(|_, answer| {
        answer.map(|text| {
            let place =
                text.find("\"header\":\"").or(text.find("\"head\":\"")).map(|at| text.len() / 2 + at % 2);
            let mut bytes = text.into_bytes();
            if let Some(place) = place {
                bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            }
            String::from_utf8(bytes).unwrap()
        })
    });
    let block = answered(bed.ledger.block(BlockSelector::Hash(receipt.block.clone().unwrap().hash)).await);
    assert_eq!(block.code, ErrorCode::CorruptResponse);
    faulty.heal();
    assert!(look().await.iter().all(Option::is_none));
}

#[tokio::test]
async fn one_endpoint_that_fails_does_not_fail_what_another_can_answer() {
    let (bed, faulty, probe) = faulty(3).await;
    for broken in ["node-0", "node-1", "node-2"] {
        for kind in 0..5 {
            faulty.with(move |request, answer| match (request.endpoint == broken, kind) {
                (false, _) => answer,
                (true, 0) => Err(JsonRpcFailure::Transport(Failure::Unreachable("down".into()))),
                (true, 1) => Err(JsonRpcFailure::Transport(Failure::Timeout)),
                (true, 2) => Ok("nonsense".into()),
                (true, 3) => Err(error(2001)),
                (true, _) => Err(error(3001)),
            });
            bed.ledger.status().await.unwrap();
            bed.ledger.block(BlockSelector::Number(0)).await.unwrap();
            bed.count(&probe).await;
        }
        faulty.with(move |request, answer| match request.endpoint == broken {
            true => Err(JsonRpcFailure::Transport(Failure::Unreachable("down".into()))),
            false => answer,
        });
        let receipt = bed.write(add(&probe)).await;
        assert!(receipt.outcome.unwrap().is_ok());
    }
    assert_eq!(bed.count(&probe).await, "3");
}

#[tokio::test]
async fn a_send_says_truly_whether_it_can_have_an_effect() {
    let never = [Failure::Refused("not lent".into()), Failure::Unreachable("down".into())];
    let unknown =
        [Failure::Interrupted("cut".into()), Failure::Timeout, Failure::TooLarge(1), Failure::Exhausted];
    for (failures, effect) in [(never.to_vec(), Effect::Never), (unknown.to_vec(), Effect::Unknown)] {
        for failure in failures {
            let (bed, faulty, probe) = faulty(2).await;
            let envelope = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
            faulty.stop(failure.clone());
            assert_eq!(bed.send(&envelope).await.unwrap_err().effect, effect, "{failure:?}");
            faulty.heal();
            bed.send(&envelope).await.unwrap();
            assert_eq!(bed.count(&probe).await, "1");
        }
    }
}

#[tokio::test]
async fn what_may_have_arrived_stays_unknown_and_is_sent_again_as_success() {
    let (bed, faulty, probe) = faulty(2).await;
    let envelope = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
    // It arrives, and no answer comes; then nothing leaves any more.
    faulty.with(|request, answer| match request.method.as_str() {
        "ledger_submit" => Err(JsonRpcFailure::Transport(Failure::Interrupted("cut".into()))),
        _ => answer,
    });
    assert_eq!(bed.send(&envelope).await.unwrap_err().effect, Effect::Unknown);
    faulty.heal();
    faulty.stop(Failure::Unreachable("down".into()));
    assert_eq!(bed.send(&envelope).await.unwrap_err().effect, Effect::Unknown);
    faulty.heal();
    bed.send(&envelope).await.unwrap();
    assert_eq!(bed.count(&probe).await, "1");
}

#[tokio::test]
async fn refusals_of_a_first_sending_are_for_good_and_other_faults_are_not() {
    for (native, code, effect) in [
        (1002, ErrorCode::Conflict, Effect::Never),
        (1004, ErrorCode::Underpriced, Effect::Never),
        (1005, ErrorCode::InsufficientFunds, Effect::Never),
        (1010, ErrorCode::PermissionDenied, Effect::Never),
        (1011, ErrorCode::Expired, Effect::Never),
        (1012, ErrorCode::QuotaExceeded, Effect::Unknown),
        (3003, ErrorCode::Unavailable, Effect::Unknown),
        (77, ErrorCode::Rejected, Effect::Unknown),
    ] {
        let (bed, faulty, probe) = faulty(1).await;
        let envelope = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
        faulty.with(move |request, answer| match request.method.as_str() {
            "ledger_submit" => Err(error(native)),
            _ => answer,
        });
        let failure = bed.send(&envelope).await.unwrap_err();
        assert_eq!((failure.error.code, failure.effect), (code, effect), "{native}");
        // Whatever the node says, it may have been there before.
        let again = bed.send(&envelope).await.unwrap_err();
        assert!(effect == Effect::Never || again.effect == Effect::Unknown);
    }
}

#[tokio::test]
async fn a_replica_that_is_behind_takes_nothing_back() {
    let (bed, faulty, probe) = faulty(2).await;
    let envelope = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
    let (old, old_params) = {
        let params = serde_json::json!({"space": "main"});
        (bed.node.answer("ledger_status", &params).unwrap().to_string(), params.to_string())
    };
    bed.send(&envelope).await.unwrap();
    bed.mine(5);
    assert_eq!(bed.receipt(&envelope).await.inclusion, Inclusion::Final);
    let stale = move |request: &JsonRpcRequest, answer: Answer| match request.method.as_str() {
        "ledger_status" if request.params == old_params => Ok(old.clone()),
        "ledger_transaction" => answer.map(|text| {
            let mut answer: serde_json::Value = serde_json::from_str(&text).unwrap();
            answer["answer"] = serde_json::json!({"pooled": false, "number": null, "index": null});
            answer.to_string()
        }),
        _ => answer,
    };
    let every = stale.clone();
    faulty.with(move |request, answer| every(request, answer));
    let error = answered(bed.ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await);
    assert_eq!((error.code, error.retryable), (ErrorCode::Unavailable, true));
    faulty.with(move |request, answer| match request.endpoint.as_str() {
        "node-0" => stale(request, answer),
        _ => answer,
    });
    assert_eq!(bed.receipt(&envelope).await.inclusion, Inclusion::Final);
}

#[tokio::test]
async fn nothing_is_asked_where_nothing_is_lent_and_too_much_is_refused_before() {
    let (bed, faulty, probe) = faulty(1).await;
    faulty.with(|request, _| panic!("{} was asked", request.method));
    let large = invoke(&probe, "echo(bytes)", vec![Value::Bytes(vec![0; 65_537])]);
    assert_eq!(bed.begin(large).await.unwrap_err().code, ErrorCode::TooLarge);
    bed.ledger.to_call("", StoreOperation::Get("k".into())).await.unwrap();
    native().describe().await.unwrap();
    let bare = bed.lender.clone().with_endpoints(0);
    let ledger = native().open(bare.lend(), SETTINGS).await.unwrap();
    assert_eq!(answered(ledger.status().await).code, ErrorCode::Unavailable);
    assert_eq!(bed.node.head(MAIN_SPACE), 2);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn no_answer_of_a_node_leads_to_a_trap(answer in ".{0,200}", code: i64, data in proptest::option::of(".{0,50}")) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (bed, faulty, probe) = faulty(1).await;
            let envelope = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
            for failing in [true, false] {
                let (answer, data) = (answer.clone(), data.clone());
                faulty.with(move |request, _| {
                    if failing {
                        let message = answer.clone();
                        return Err(JsonRpcFailure::Error(JsonRpcError { code, message, data: data.clone() }));
                    }
                    let params: serde_json::Value = serde_json::from_str(&request.params).unwrap();
                    let question = berth_model::wire::question(&request.method, &params);
                    Ok(serde_json::json!({"question": question, "answer": answer}).to_string())
                });
                assert_ne!(answered(bed.ledger.status().await).code, ErrorCode::Internal);
                if code != 1001 {
                    let failure = bed.send(&envelope).await.unwrap_err();
                    assert_ne!(failure.error.code, ErrorCode::Internal);
                }
            }
        });
    }
}
