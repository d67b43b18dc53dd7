//! What an application of a trial lends: the ground's endpoints, with whatever goes wrong there, and state, time,
//! randomness and log that the suite keeps.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use adapter_spec::{
    Function, GrpcStream, Imports, Lender, async_trait,
    types::{
        Error, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, GrpcStatus, HttpRequest, HttpResponse, JsonRpcError,
            JsonRpcFailure, JsonRpcRequest, Lent as LentEndpoint, LogLevel,
        },
    },
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use serde_json::Value;

use super::faults::{Asked, Disturbance, Disturbances, Question};

/// What the suite keeps for one application, across restarts of its ledger.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) state: BTreeMap<String, Vec<u8>>,
    pub(crate) log: Vec<(LogLevel, String)>,
    /// Added to the time, milliseconds.
    pub(crate) skew: i64,
    /// The time instead of the real one, while it stands still.
    pub(crate) still: Option<u64>,
    /// Whether time stands still from the next look on.
    pub(crate) stands: bool,
    pub(crate) disturbances: Disturbances,
    random: Option<ChaCha8Rng>,
}

/// Lends to one application.
#[derive(Clone)]
pub(crate) struct Lent {
    pub(crate) application: Arc<str>,
    pub(crate) ground: Arc<dyn Lender>,
    pub(crate) kept: Arc<Mutex<Kept>>,
    pub(crate) seed: u64,
    /// Needs under which nothing is lent.
    pub(crate) withheld: BTreeSet<String>,
}

impl Lent {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lender for Lent {
    fn application(&self) -> &str {
        &self.application
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        Arc::new(LentImports { ground: self.ground.imports(function), lent: self.clone(), function })
    }
}

struct LentImports {
    ground: Arc<dyn Imports>,
    lent: Lent,
    function: Function,
}

impl LentImports {
    fn disturb(&self, asked: Asked<'_>) -> Option<Disturbance> {
        self.lent.lock().disturbances.next(self.function, asked)
    }

    fn saw(&self, question: &Question, answer: Option<&[u8]>) {
        if let Some(answer) = answer {
            self.lent.lock().disturbances.saw(question, answer);
        }
    }
}

/// A text as it is, anything else as JSON.
fn text_of(value: Option<&Value>) -> Option<String> {
    value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// A test bed's error object of JSON-RPC.
fn rpc_error(error: &Value) -> JsonRpcError {
    JsonRpcError {
        code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
        message: text_of(error.get("message")).unwrap_or_default(),
        // As the lender gives it: JSON, quotation marks and all.
        data: error.get("data").filter(|data| !data.is_null()).map(ToString::to_string),
    }
}

/// A test bed's gRPC status; `details` in hexadecimal.
fn status(error: &Value) -> GrpcStatus {
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
    let details = text_of(error.get("details")).unwrap_or_default();
    GrpcStatus {
        code: code.unwrap_or(2),
        message: text_of(error.get("message")).unwrap_or_default(),
        details: hex::decode(details.strip_prefix("0x").unwrap_or(&details)).unwrap_or_default(),
    }
}

/// A test bed's HTTP answer.
fn http_error(error: &Value) -> HttpResponse {
    let code = error.get("status").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    HttpResponse {
        status: code.unwrap_or(500),
        headers: vec![("content-type".into(), "application/json".into())],
        body: text_of(error.get("body")).unwrap_or_default().into_bytes(),
    }
}

#[async_trait]
impl Imports for LentImports {
    fn lent_as(&self, need: &str) -> Vec<LentEndpoint> {
        if self.lent.withheld.contains(need) { Vec::new() } else { self.ground.lent_as(need) }
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        let mut waiting = VecDeque::new();
        let mut carried = Vec::new();
        for request in requests {
            let method = format!("{} {}", request.method, request.path);
            let disturbance = self.disturb(Asked { endpoint: &request.endpoint, method: &method });
            waiting.push_back(((method, request.body.clone()), disturbance.clone()));
            if disturbance.as_ref().is_none_or(Disturbance::leaves) {
                carried.push(request);
            }
        }
        let mut came: VecDeque<_> = self.ground.http(carried).await.into();
        let mut answers = Vec::new();
        for (question, disturbance) in waiting {
            answers.push(match disturbance {
                None => {
                    let answer = came.pop_front().unwrap_or(Err(Failure::Timeout));
                    self.saw(&question, answer.as_ref().ok().map(|response| response.body.as_slice()));
                    answer
                }
                Some(Disturbance::Native(error)) => Ok(http_error(&error)),
                Some(disturbance) => {
                    let answer = disturbance.leaves().then(|| came.pop_front()).flatten();
                    let answer =
                        answer.map(|answer| answer.map(|response| (response.body.clone(), response)));
                    let (body, response) = match answer {
                        Some(Ok((body, response))) => (Some(Ok(body)), Some(response)),
                        Some(Err(failure)) => (Some(Err(failure)), None),
                        None => (None, None),
                    };
                    let disturbed = self.lent.lock().disturbances.answer(&disturbance, &question, body);
                    let is_page = disturbance == Disturbance::Page;
                    let headers = is_page.then(|| ("content-type".to_owned(), "text/html".to_owned()));
                    disturbed.map(|body| match response {
                        Some(response) => HttpResponse { body, ..response },
                        None => HttpResponse { status: 200, headers: headers.into_iter().collect(), body },
                    })
                }
            });
        }
        self.lent.lock().disturbances.reorder(self.function, &mut answers);
        answers
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        let mut waiting = VecDeque::new();
        let mut carried = Vec::new();
        for request in requests {
            let asked = Asked { endpoint: &request.endpoint, method: &request.method };
            let disturbance = self.disturb(asked);
            let question = (request.method.clone(), request.params.clone().into_bytes());
            waiting.push_back((question, disturbance.clone()));
            if disturbance.as_ref().is_none_or(Disturbance::leaves) {
                carried.push(request);
            }
        }
        let mut came: VecDeque<_> = self.ground.json_rpc(carried).await.into();
        let mut answers = Vec::new();
        for (question, disturbance) in waiting {
            answers.push(match disturbance {
                None => {
                    let answer = came.pop_front().unwrap_or(Err(JsonRpcFailure::Transport(Failure::Timeout)));
                    self.saw(&question, answer.as_ref().ok().map(String::as_bytes));
                    answer
                }
                Some(Disturbance::RpcError(error)) => Err(JsonRpcFailure::Error(error)),
                Some(Disturbance::Native(error)) => Err(JsonRpcFailure::Error(rpc_error(&error))),
                Some(disturbance) => {
                    let answer = disturbance.leaves().then(|| came.pop_front()).flatten();
                    match answer {
                        Some(Err(JsonRpcFailure::Error(error))) if !disturbance.hides_errors() => {
                            Err(JsonRpcFailure::Error(error))
                        }
                        answer => {
                            let body = answer.map(|answer| match answer {
                                Ok(json) => Ok(json.into_bytes()),
                                Err(JsonRpcFailure::Transport(failure)) => Err(failure),
                                Err(JsonRpcFailure::Error(_)) => Ok(b"null".to_vec()),
                            });
                            let disturbed =
                                self.lent.lock().disturbances.answer(&disturbance, &question, body);
                            // A lender answers broken text as interrupted: it has looked for the JSON-RPC frame.
                            disturbed
                                .and_then(|body| {
                                    as_json(body).ok_or_else(|| {
                                        Failure::Interrupted("the answer is no JSON-RPC 2.0".into())
                                    })
                                })
                                .map_err(JsonRpcFailure::Transport)
                        }
                    }
                }
            });
        }
        self.lent.lock().disturbances.reorder(self.function, &mut answers);
        answers
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        let mut waiting = VecDeque::new();
        let mut carried = Vec::new();
        for request in requests {
            let disturbance = self.disturb(Asked { endpoint: &request.endpoint, method: &request.method });
            let question = (request.method.clone(), request.message.clone());
            waiting.push_back((question, disturbance.clone()));
            if disturbance.as_ref().is_none_or(Disturbance::leaves) {
                carried.push(request);
            }
        }
        let mut came: VecDeque<_> = self.ground.grpc(carried).await.into();
        let mut answers = Vec::new();
        for (question, disturbance) in waiting {
            answers.push(match disturbance {
                None => {
                    let answer = came.pop_front().unwrap_or(Err(GrpcFailure::Transport(Failure::Timeout)));
                    self.saw(&question, answer.as_ref().ok().map(Vec::as_slice));
                    answer
                }
                Some(Disturbance::Native(error)) => Err(GrpcFailure::Status(status(&error))),
                Some(disturbance) => {
                    let answer = disturbance.leaves().then(|| came.pop_front()).flatten();
                    match answer {
                        Some(Err(GrpcFailure::Status(status))) if !disturbance.hides_errors() => {
                            Err(GrpcFailure::Status(status))
                        }
                        answer => {
                            let body = answer.map(|answer| match answer {
                                Ok(message) => Ok(message),
                                Err(GrpcFailure::Transport(failure)) => Err(failure),
                                Err(GrpcFailure::Status(_)) => Ok(Vec::new()),
                            });
                            let disturbed =
                                self.lent.lock().disturbances.answer(&disturbance, &question, body);
                            disturbed.map_err(GrpcFailure::Transport)
                        }
                    }
                }
            });
        }
        self.lent.lock().disturbances.reorder(self.function, &mut answers);
        answers
    }

    async fn grpc_stream(&self, request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        match self.disturb(Asked { endpoint: &request.endpoint, method: &request.method }) {
            None => self.ground.grpc_stream(request).await,
            Some(Disturbance::Native(error)) => Err(GrpcFailure::Status(status(&error))),
            Some(disturbance) => {
                let question = (request.method, request.message);
                let answer = self.lent.lock().disturbances.answer(&disturbance, &question, None);
                Err(GrpcFailure::Transport(answer.err().unwrap_or(Failure::Timeout)))
            }
        }
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        self.ground.service_public_key(name).await
    }

    async fn service_sign(&self, name: &str, input: SigningInput) -> Result<Signature, Error> {
        self.ground.service_sign(name, input).await
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
        self.lent.lock().state.get(key).cloned()
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        let mut kept = self.lent.lock();
        if kept.state.get(key) != expected.as_ref() {
            return false;
        }
        match new {
            Some(new) => kept.state.insert(key.to_owned(), new),
            None => kept.state.remove(key),
        };
        true
    }

    fn now_millis(&self) -> u64 {
        let now = self.ground.now_millis();
        let mut kept = self.lent.lock();
        let now = if kept.stands { *kept.still.get_or_insert(now) } else { kept.still.unwrap_or(now) };
        now.saturating_add_signed(kept.skew)
    }

    fn random(&self, length: u32) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(length.min(1 << 16)).unwrap_or(0)];
        let seed = self.lent.seed;
        self.lent.lock().random.get_or_insert_with(|| ChaCha8Rng::seed_from_u64(seed)).fill_bytes(&mut bytes);
        bytes
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.lent.lock().log.push((level, message.to_owned()));
    }
}

/// The text, if it is JSON as far as a lender looks.
fn as_json(body: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(body).ok()?;
    serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok().then_some(text)
}
