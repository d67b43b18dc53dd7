//! The node that a script plays, and what is asked of the adapter on it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use adapter_spec::{
    Adapter, CallError, Function, GrpcStream, Imports, Ledger, Lender, async_trait,
    types::{
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcError, JsonRpcFailure,
            JsonRpcRequest, Lent, LogLevel,
        },
        *,
    },
};
use berth_crypto::SigningKey;
use serde_json::{Value as Json, json};

pub type Answered = Result<String, JsonRpcFailure>;

/// A node that knows only what it is told, and what is lent beside it.
#[derive(Default)]
pub struct Script {
    pub answers: Mutex<BTreeMap<String, Answered>>,
    pub sent: Mutex<Vec<String>>,
    pub state: Mutex<BTreeMap<String, Vec<u8>>>,
}

pub fn recorded() -> Vec<Json> {
    serde_json::from_str(include_str!("../vectors/fisco-bcos-2.9.1-exchanges.json")).unwrap()
}

/// The block of 3.x that is published, with the one transaction that it has.
pub fn published_block() -> Json {
    let published: Json = serde_json::from_str(include_str!("../vectors/fisco-bcos-3.json")).unwrap();
    let mut block = published["sm"]["block"].clone();
    block["transactions"] = json!([published["sm"]["receipt"]["transactionHash"]]);
    block
}

/// The recorded answer to the first request of this method whose parameters hold these words.
pub fn answer_to(method: &str, words: &str) -> Answered {
    let exchanges = recorded();
    let fits = |exchange: &&Json| {
        exchange["request"]["method"] == method && exchange["request"]["params"].to_string().contains(words)
    };
    of_response(&exchanges.iter().find(fits).unwrap()["response"])
}

/// The recorded refusal whose message holds these words.
pub fn refusal(words: &str) -> Answered {
    let exchanges = recorded();
    let fits = |exchange: &&Json| {
        exchange["response"]["error"]["message"].as_str().is_some_and(|m| m.contains(words))
    };
    of_response(&exchanges.iter().find(fits).unwrap()["response"])
}

pub fn of_response(response: &Json) -> Answered {
    match response.get("error") {
        None => Ok(response["result"].to_string()),
        Some(error) => refused(error["code"].as_i64().unwrap(), error["message"].as_str().unwrap()),
    }
}

pub fn refused(code: i64, message: &str) -> Answered {
    Err(JsonRpcFailure::Error(JsonRpcError { code, message: message.into(), data: None }))
}

pub fn ok(value: Json) -> Answered {
    Ok(value.to_string())
}

impl Script {
    /// As the recorded node of 2.9.1 was.
    pub fn two() -> Arc<Self> {
        let script = Script::default();
        script.says("getClientVersion", answer_to("getClientVersion", ""));
        script.says("getBlockNumber", answer_to("getBlockNumber", "[1]"));
        script.says("call", answer_to("call", "from"));
        script.says("getTransactionReceiptByHashWithProof", ok(Json::Null));
        Arc::new(script)
    }

    /// As the documentation of 3.x shows a node with SM2 and SM3.
    pub fn three() -> Arc<Self> {
        let published: Json = serde_json::from_str(include_str!("../vectors/fisco-bcos-3.json")).unwrap();
        let script = Script::default();
        script.says("getGroupInfo", ok(published["sm"]["groupInfo"].clone()));
        script.says("getSyncStatus", ok(published["sm"]["syncStatus"].clone()));
        script.says("getBlockNumber", ok(json!(7)));
        script.says("call", ok(json!({"blockNumber": 7, "output": "0x", "status": 0})));
        script.says("getTransactionReceipt", ok(published["sm"]["receipt"].clone()));
        script.says("getBlockByNumber", ok(published_block()));
        Arc::new(script)
    }

    pub fn says(&self, what: &str, answer: Answered) {
        self.answers.lock().unwrap().insert(what.into(), answer);
    }

    pub async fn ledger(self: &Arc<Self>, settings: Json) -> Arc<dyn Ledger> {
        let lender: Arc<dyn Lender> = Arc::new(Lending(Arc::clone(self)));
        adapter_fisco_bcos::native().open(lender, &settings.to_string()).await.unwrap()
    }
}

struct Lending(Arc<Script>);

impl Lender for Lending {
    fn application(&self) -> &str {
        "test"
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        Arc::new(Call(Arc::clone(&self.0), function))
    }
}

struct Call(Arc<Script>, Function);

#[async_trait]
impl Imports for Call {
    fn lent_as(&self, _: &str) -> Vec<Lent> {
        vec![Lent { endpoint: "n".into(), labels: Vec::new(), client_certificate_sha256: None }]
    }

    async fn http(&self, _: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        panic!("not lent")
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Answered> {
        let answer = |request: JsonRpcRequest| {
            if request.method.starts_with("send") {
                assert_eq!(self.1, Function::Send, "only send sends");
                self.0.sent.lock().unwrap().push(request.params);
            }
            let answers = self.0.answers.lock().unwrap();
            answers.get(&request.method).cloned().unwrap_or_else(|| refused(-32601, "METHOD_NOT_FOUND"))
        };
        requests.into_iter().map(answer).collect()
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
        berth_crypto::hash(algorithm, data).to_vec()
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        berth_crypto::verify(key, input, signature)
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        berth_crypto::recover(scheme, digest, signature)
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.state.lock().unwrap().get(key).cloned()
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        let mut state = self.0.state.lock().unwrap();
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
        1_700_000_000_000
    }

    fn random(&self, length: u32) -> Vec<u8> {
        vec![7; length as usize]
    }

    fn log(&self, _: LogLevel, _: &str) {}
}

pub fn two() -> Json {
    json!({"generation": 2, "chain": "1", "group": "1"})
}

pub fn three_sm() -> Json {
    json!({"generation": 3, "chain": "chain0", "group": "group0", "crypto": "sm"})
}

pub fn user(scheme: SignatureScheme) -> SigningKey {
    SigningKey::from_bytes(scheme, &[0x11; 32]).unwrap()
}

pub fn scheme_of(settings: &Json) -> SignatureScheme {
    if settings["crypto"] == "sm" {
        SignatureScheme::Sm2Sm3
    } else {
        SignatureScheme::EcdsaSecp256k1Keccak256
    }
}

pub fn answered<T>(result: Result<T, CallError>) -> Result<T, Error> {
    result.map_err(|error| match error {
        CallError::Answered(error) => error,
        CallError::Ended(ended) => panic!("{ended}"),
    })
}

pub fn call() -> adapter_spec::types::Call {
    adapter_spec::types::Call::Invoke(ContractCall {
        contract: "0x4437f8c9cd1e6a3e8ec9c3460c4bc209acdca052".into(),
        function: "set(uint256)".into(),
        arguments: vec![Value::Integer("7".into())],
        abi: None,
        private_arguments: Vec::new(),
    })
}

pub fn options(salt: &[u8]) -> CallOptions {
    CallOptions { salt: salt.to_vec(), ..CallOptions::default() }
}

pub async fn begin(ledger: &dyn Ledger, key: &SigningKey, salt: &[u8]) -> Result<SignRequest, Error> {
    let parties = vec![Party { account: None, keys: vec![key.public_key()] }];
    match answered(ledger.begin(call(), parties, options(salt)).await)? {
        Step::Sign(request) => Ok(request),
        other => panic!("{other:?}"),
    }
}

pub async fn envelope(ledger: &dyn Ledger, key: &SigningKey) -> Envelope {
    let request = begin(ledger, key, b"salt").await.unwrap();
    let signature = key.sign(&request.items[0].input).unwrap();
    match answered(ledger.resume(request.continuation, vec![signature]).await).unwrap() {
        Step::Send(envelope) => envelope,
        other => panic!("{other:?}"),
    }
}
