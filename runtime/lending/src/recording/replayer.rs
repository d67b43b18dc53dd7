//! A lender that gives again what a recording has.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use adapter_spec::{
    Function, GrpcStream, Imports, Lender, async_trait,
    types::{
        Error, ErrorCode, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput,
        transport::{
            Failure, GrpcFailure, GrpcRequest, HttpRequest, HttpResponse, JsonRpcFailure, JsonRpcRequest,
            Lent, LogLevel,
        },
    },
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Content, Hex, Import, OperatorKey, RecordedCall, Recording,
    recorder::json,
    seal::{Place, digest, open},
};

/// Lends what a recording has: calls in order by function, and within a call exactly the recorded imports in their
/// order. A call that asks for anything else is refused from there on.
pub struct Replayer {
    shared: Arc<Shared>,
}

struct Shared {
    recording: Recording,
    key: Option<OperatorKey>,
    /// The calls of each function that were not taken yet, by their numbers, last first.
    waiting: Mutex<HashMap<Function, Vec<usize>>>,
    /// How many exchanges of each call were replayed; the calls that were taken only.
    replayed: Mutex<HashMap<usize, usize>>,
    divergences: Mutex<Vec<Divergence>>,
}

/// Where a run parted from its recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The function that was called.
    pub function: Function,
    /// The recorded call's number, from 0; none when none was left.
    pub call: Option<usize>,
    /// The number of the import call within it, from 0.
    pub exchange: usize,
    /// What the recording has there. A digest where it is sealed.
    pub expected: String,
    /// What was asked.
    pub came: String,
}

/// What a run did not ask for, though the recording has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The recorded call's number, from 0.
    pub call: usize,
    /// Its function.
    pub function: Function,
    /// How many of its import calls were replayed; none when the call was not made at all.
    pub replayed: Option<usize>,
    /// How many it has.
    pub recorded: usize,
}

impl Replayer {
    /// Replays a recording; with the operator's key, also what is sealed.
    #[must_use]
    pub fn new(recording: Recording, key: Option<OperatorKey>) -> Arc<Self> {
        let mut waiting: HashMap<Function, Vec<usize>> = HashMap::new();
        for (number, call) in recording.calls.iter().enumerate().rev() {
            waiting.entry(call.function).or_default().push(number);
        }
        let shared = Shared {
            recording,
            key,
            waiting: Mutex::new(waiting),
            replayed: Mutex::default(),
            divergences: Mutex::default(),
        };
        Arc::new(Replayer { shared: Arc::new(shared) })
    }

    /// Where the run parted from the recording until now; empty when it did not.
    #[must_use]
    pub fn divergences(&self) -> Vec<Divergence> {
        lock(&self.shared.divergences).clone()
    }

    /// What the run did not ask for until now.
    #[must_use]
    pub fn leftovers(&self) -> Vec<Leftover> {
        let replayed = lock(&self.shared.replayed);
        let calls = self.shared.recording.calls.iter().enumerate();
        calls
            .map(|(number, call)| Leftover {
                call: number,
                function: call.function,
                replayed: replayed.get(&number).copied(),
                recorded: call.exchanges.len(),
            })
            .filter(|left| left.replayed != Some(left.recorded))
            .collect()
    }
}

impl Lender for Replayer {
    fn application(&self) -> &str {
        "replay"
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        let call = lock(&self.shared.waiting).get_mut(&function).and_then(Vec::pop);
        if let Some(call) = call {
            lock(&self.shared.replayed).insert(call, 0);
        }
        Arc::new(Replayed(Arc::new(Needle {
            shared: self.shared.clone(),
            function,
            call,
            next: AtomicUsize::new(0),
            has_diverged: AtomicBool::new(false),
        })))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where one call is in its recording.
struct Needle {
    shared: Arc<Shared>,
    function: Function,
    call: Option<usize>,
    next: AtomicUsize,
    has_diverged: AtomicBool,
}

impl Needle {
    fn recorded(&self) -> Option<&RecordedCall> {
        self.shared.recording.calls.get(self.call?)
    }

    /// The recorded answer to this request, and its number; none once the call has diverged.
    fn replay<A: DeserializeOwned>(&self, import: Import, request: &impl Serialize) -> Option<(usize, A)> {
        if self.has_diverged.load(Ordering::Acquire) {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::AcqRel);
        match self.answer(number, import, json(request).get()) {
            Ok(answer) => {
                if let Some(call) = self.call {
                    *lock(&self.shared.replayed).entry(call).or_default() += 1;
                }
                Some((number, answer))
            }
            Err((expected, came)) => {
                self.has_diverged.store(true, Ordering::Release);
                let Needle { function, call, .. } = *self;
                let divergence = Divergence { function, call, exchange: number, expected, came };
                lock(&self.shared.divergences).push(divergence);
                None
            }
        }
    }

    /// The answer; otherwise what was expected and what came.
    fn answer<A: DeserializeOwned>(
        &self,
        number: usize,
        import: Import,
        request: &str,
    ) -> Result<A, (String, String)> {
        let came = || format!("{import:?} {request}");
        let recorded = self.recorded().ok_or_else(|| ("no further call of this function".into(), came()))?;
        let exchange =
            recorded.exchanges.get(number).ok_or_else(|| ("no further import call".into(), came()))?;
        let salt = &self.shared.recording.salt.0;
        let (same, expected) = match &exchange.request {
            Content::Clear(json) => (json.get() == request, json.get().to_string()),
            Content::Sealed { digest: expected, .. } => {
                (digest(salt, request) == expected.0, format!("sealed {}", hex::encode(&expected.0)))
            }
        };
        let expected = format!("{:?} {expected}", exchange.import);
        if !same || exchange.import != import {
            // What is sealed stays so, also when it is compared with what came.
            let came = match &exchange.request {
                Content::Clear(_) => came(),
                Content::Sealed { .. } => format!("{import:?} sealed {}", hex::encode(digest(salt, request))),
            };
            return Err((expected, came));
        }
        let unusable = |why: &str| (format!("{expected}, {why}"), "the same request".to_string());
        let place = Place { call: self.call.unwrap_or_default(), exchange: number, is_answer: true };
        let answer = match &exchange.answer {
            None => return Err(unusable("whose call ended before the answer came")),
            Some(Content::Clear(json)) => serde_json::from_str(json.get()),
            Some(Content::Sealed { digest, ciphertext }) => {
                let key = self.shared.key.as_ref();
                let opened = key
                    .zip(ciphertext.as_ref())
                    .and_then(|(key, ciphertext)| open(salt, key, place, digest, ciphertext));
                let opened = opened
                    .ok_or_else(|| unusable("whose sealed answer this operator's key does not open"))?;
                serde_json::from_str(&opened)
            }
        };
        answer.map_err(|error| unusable(&format!("whose answer is malformed: {error}")))
    }
}

/// What endpoints answer once a call has diverged.
fn refused() -> Failure {
    Failure::Refused("the call diverged from its recording".into())
}

fn diverged() -> Error {
    Error::new(ErrorCode::Unavailable, "the call diverged from its recording")
}

/// The imports of one call.
struct Replayed(Arc<Needle>);

impl Replayed {
    fn replay<A: DeserializeOwned>(&self, import: Import, request: &impl Serialize) -> Option<A> {
        self.0.replay(import, request).map(|(_, answer)| answer)
    }

    /// As many answers as requests, whatever the recording has.
    fn list<A: DeserializeOwned + Clone>(
        &self,
        import: Import,
        requests: &(impl Serialize + ?Sized),
        length: usize,
        otherwise: A,
    ) -> Vec<A> {
        let answers: Vec<A> = self.replay(import, &requests).unwrap_or_default();
        if answers.len() == length { answers } else { vec![otherwise; length] }
    }
}

#[async_trait]
impl Imports for Replayed {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        self.replay(Import::LentAs, &need).unwrap_or_default()
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        self.list(Import::Http, &requests, requests.len(), Err(refused()))
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        self.list(Import::JsonRpc, &requests, requests.len(), Err(JsonRpcFailure::Transport(refused())))
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        let otherwise = Err(GrpcFailure::Transport(refused()));
        let answers: Vec<Result<Hex, GrpcFailure>> =
            self.list(Import::Grpc, &requests, requests.len(), otherwise);
        answers.into_iter().map(|answer| answer.map(|hex| hex.0)).collect()
    }

    async fn grpc_stream(&self, request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        let opened: Option<(usize, Result<(), GrpcFailure>)> = self.0.replay(Import::GrpcStream, &request);
        let (opened_at, answer) = opened.ok_or_else(|| GrpcFailure::Transport(refused()))?;
        answer?;
        Ok(Box::new(ReplayedStream { needle: self.0.clone(), opened_at }))
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        self.replay(Import::ServicePublicKey, &name).unwrap_or_else(|| Err(diverged()))
    }

    async fn service_sign(&self, name: &str, input: SigningInput) -> Result<Signature, Error> {
        self.replay(Import::ServiceSign, &(name, &input)).unwrap_or_else(|| Err(diverged()))
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        let hash: Option<Hex> = self.replay(Import::Hash, &(algorithm, Hex(data.to_vec())));
        hash.map_or_else(|| vec![0; 32], |hash| hash.0)
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        self.replay(Import::Verify, &(key, input, signature)).unwrap_or_default()
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        let request = (scheme, Hex(digest.to_vec()), signature);
        let point: Option<Hex> = self.replay(Import::Recover, &request).unwrap_or_default();
        point.map(|point| point.0)
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        let value: Option<Hex> = self.replay(Import::StateGet, &key).unwrap_or_default();
        value.map(|value| value.0)
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        self.replay(Import::StateSwap, &(key, expected.map(Hex), new.map(Hex))).unwrap_or_default()
    }

    fn now_millis(&self) -> u64 {
        self.replay(Import::NowMillis, &()).unwrap_or_default()
    }

    fn random(&self, length: u32) -> Vec<u8> {
        let bytes: Option<Hex> = self.replay(Import::Random, &length);
        bytes.map_or_else(|| vec![0; length.min(1 << 20) as usize], |bytes| bytes.0)
    }

    fn log(&self, level: LogLevel, message: &str) {
        let _: Option<()> = self.replay(Import::Log, &(level, message));
    }
}

struct ReplayedStream {
    needle: Arc<Needle>,
    opened_at: usize,
}

#[async_trait]
impl GrpcStream for ReplayedStream {
    async fn next(&mut self, wait_millis: u32) -> Result<Option<Vec<u8>>, GrpcFailure> {
        let answer: Option<(usize, Result<Option<Hex>, GrpcFailure>)> =
            self.needle.replay(Import::GrpcStreamNext, &(self.opened_at, wait_millis));
        let (_, answer) = answer.ok_or_else(|| GrpcFailure::Transport(refused()))?;
        answer.map(|message| message.map(|hex| hex.0))
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, import call {}: expected {:.300}, came {:.300}",
            self.function, self.exchange, self.expected, self.came
        )
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.replayed {
            None => write!(f, "{}: recorded call {} was not made", self.function, self.call),
            Some(replayed) => write!(
                f,
                "{}: recorded call {} made {replayed} of {} import calls",
                self.function, self.call, self.recorded
            ),
        }
    }
}
