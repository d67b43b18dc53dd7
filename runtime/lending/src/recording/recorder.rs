//! A lender that writes down what another lends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    Content, Exchange, Hex, Import, OperatorKey, RecordedCall, Recording, RecordingError, Room, VERSION,
    seal::{Place, seal},
};

/// Lends what another lender lends, and records it.
pub struct Recorder {
    inner: Arc<dyn Lender>,
    tape: Arc<Tape>,
}

/// What all calls write to.
struct Tape {
    salt: Vec<u8>,
    key: Option<OperatorKey>,
    is_clear: bool,
    room: Room,
    /// None once there was no room for all of it: nothing can be made of a part, so that none is kept.
    calls: Mutex<Option<Vec<RecordedCall>>>,
}

impl Recorder {
    /// Records what `inner` lends, as far as there is room. With a key, sensitive exchanges can be replayed by whoever has
    /// it; without, by nobody.
    ///
    /// # Errors
    /// When the system gives no random bytes for the salt.
    pub fn new(
        inner: Arc<dyn Lender>,
        key: Option<OperatorKey>,
        room: Room,
    ) -> Result<Arc<Self>, RecordingError> {
        let mut salt = vec![0; 32];
        getrandom::fill(&mut salt).map_err(|_| RecordingError::Random)?;
        Ok(Recorder::of(
            inner,
            Tape { salt, key, is_clear: false, room, calls: Mutex::new(Some(Vec::new())) },
        ))
    }

    /// Records what `inner` lends, as far as there is room, and seals nothing: for tests whose every secret is made up.
    #[must_use]
    pub fn in_clear(inner: Arc<dyn Lender>, room: Room) -> Arc<Self> {
        let calls = Mutex::new(Some(Vec::new()));
        Recorder::of(inner, Tape { salt: Vec::new(), key: None, is_clear: true, room, calls })
    }

    fn of(inner: Arc<dyn Lender>, tape: Tape) -> Arc<Self> {
        Arc::new(Recorder { inner, tape: Arc::new(tape) })
    }

    /// How many calls were recorded until now; none once the recording was cut off.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.tape.lock().as_ref().map_or(0, Vec::len)
    }

    /// One recorded call, as far as it has come.
    #[must_use]
    pub fn call(&self, number: usize) -> Option<RecordedCall> {
        self.tape.lock().as_ref()?.get(number).cloned()
    }

    /// All that was recorded until now.
    ///
    /// # Errors
    /// When it was cut off: a part of what was asked is nobody's proof.
    pub fn recording(&self) -> Result<Recording, RecordingError> {
        let calls = self.tape.lock().clone();
        let calls = calls.ok_or_else(|| RecordingError::CutOff { allowed: self.tape.room.most() })?;
        Ok(Recording { version: VERSION, salt: Hex(self.tape.salt.clone()), calls })
    }
}

impl Lender for Recorder {
    fn application(&self) -> &str {
        self.inner.application()
    }

    fn imports(&self, function: Function) -> Arc<dyn Imports> {
        let call = self.tape.begin(function);
        Arc::new(Recorded { inner: self.inner.imports(function), pen: Pen { tape: self.tape.clone(), call } })
    }
}

impl Tape {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<RecordedCall>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a call down. Gives its number, which means nothing where the recording was cut off.
    fn begin(&self, function: Function) -> usize {
        let mut tape = self.lock();
        let Some(calls) = tape.as_mut() else { return 0 };
        let call = calls.len();
        calls.push(RecordedCall { function, exchanges: Vec::new() });
        if !self.room.take(0) {
            *tape = None;
        }
        call
    }
}

/// Writes one call's exchanges.
#[derive(Clone)]
struct Pen {
    tape: Arc<Tape>,
    call: usize,
}

/// An exchange that was begun.
struct Begun {
    exchange: usize,
    is_sensitive: bool,
}

impl Pen {
    /// Writes the request down, before it is carried out: the order is that of the requests.
    fn begin(&self, import: Import, is_sensitive: bool, request: &impl Serialize) -> Begun {
        let json = json(request);
        let mut tape = self.tape.lock();
        let call = tape.as_mut().and_then(|calls| calls.get_mut(self.call));
        let Some(call) = call else { return Begun { exchange: 0, is_sensitive } };
        let exchange = call.exchanges.len();
        let request = self.content(json, is_sensitive, exchange, false);
        if self.tape.room.take(request.length()) {
            call.exchanges.push(Exchange { import, request, answer: None });
        } else {
            *tape = None;
        }
        Begun { exchange, is_sensitive }
    }

    fn end(&self, begun: &Begun, answer: &impl Serialize) {
        let answer = self.content(json(answer), begun.is_sensitive, begun.exchange, true);
        let mut tape = self.tape.lock();
        let call = tape.as_mut().and_then(|calls| calls.get_mut(self.call));
        let Some(exchange) = call.and_then(|call| call.exchanges.get_mut(begun.exchange)) else { return };
        if self.tape.room.take(answer.length()) {
            exchange.answer = Some(answer);
        } else {
            *tape = None;
        }
    }

    fn content(&self, json: Box<RawValue>, is_sensitive: bool, exchange: usize, is_answer: bool) -> Content {
        if !is_sensitive || self.tape.is_clear {
            return Content::Clear(json);
        }
        let place = Place { call: self.call, exchange, is_answer };
        seal(&self.tape.salt, self.tape.key.as_ref(), place, json.get())
    }

    /// An exchange whose answer is at hand at once.
    fn both<A: Serialize>(&self, import: Import, request: &impl Serialize, answer: impl FnOnce() -> A) -> A {
        let begun = self.begin(import, false, request);
        let answer = answer();
        self.end(&begun, &answer);
        answer
    }
}

/// The types of the standard always serialise; were one not to, the replay would tell.
pub(super) fn json(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The imports of one call.
struct Recorded {
    inner: Arc<dyn Imports>,
    pen: Pen,
}

#[async_trait]
impl Imports for Recorded {
    fn lent_as(&self, need: &str) -> Vec<Lent> {
        self.pen.both(Import::LentAs, &need, || self.inner.lent_as(need))
    }

    async fn http(&self, requests: Vec<HttpRequest>) -> Vec<Result<HttpResponse, Failure>> {
        let is_sensitive = requests.iter().any(|request| request.sensitive);
        let begun = self.pen.begin(Import::Http, is_sensitive, &requests);
        let answers = self.inner.http(requests).await;
        self.pen.end(&begun, &answers);
        answers
    }

    async fn json_rpc(&self, requests: Vec<JsonRpcRequest>) -> Vec<Result<String, JsonRpcFailure>> {
        let is_sensitive = requests.iter().any(|request| request.sensitive);
        let begun = self.pen.begin(Import::JsonRpc, is_sensitive, &requests);
        let answers = self.inner.json_rpc(requests).await;
        self.pen.end(&begun, &answers);
        answers
    }

    async fn grpc(&self, requests: Vec<GrpcRequest>) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        let is_sensitive = requests.iter().any(|request| request.sensitive);
        let begun = self.pen.begin(Import::Grpc, is_sensitive, &requests);
        let answers = self.inner.grpc(requests).await;
        let written: Vec<_> = answers.iter().map(|answer| answer.clone().map(Hex)).collect();
        self.pen.end(&begun, &written);
        answers
    }

    async fn grpc_stream(&self, request: GrpcRequest) -> Result<Box<dyn GrpcStream>, GrpcFailure> {
        let is_sensitive = request.sensitive;
        let begun = self.pen.begin(Import::GrpcStream, is_sensitive, &request);
        let opened = self.inner.grpc_stream(request).await;
        self.pen.end(&begun, &opened.as_ref().map(|_| ()));
        let stream =
            RecordedStream { inner: opened?, pen: self.pen.clone(), opened_at: begun.exchange, is_sensitive };
        Ok(Box::new(stream))
    }

    async fn service_public_key(&self, name: &str) -> Result<PublicKey, Error> {
        let begun = self.pen.begin(Import::ServicePublicKey, false, &name);
        let answer = self.inner.service_public_key(name).await;
        self.pen.end(&begun, &answer);
        answer
    }

    /// What is signed may hold what is sent in confidence, so that it is sealed; the signature is not.
    async fn service_sign(&self, name: &str, input: SigningInput) -> Result<Signature, Error> {
        let mut begun = self.pen.begin(Import::ServiceSign, true, &(name, &input));
        begun.is_sensitive = false;
        let answer = self.inner.service_sign(name, input).await;
        self.pen.end(&begun, &answer);
        answer
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Vec<u8> {
        let request = (algorithm, Hex(data.to_vec()));
        let begun = self.pen.begin(Import::Hash, false, &request);
        let answer = self.inner.hash(algorithm, data);
        self.pen.end(&begun, &Hex(answer.clone()));
        answer
    }

    fn verify(&self, key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
        self.pen.both(Import::Verify, &(key, input, signature), || self.inner.verify(key, input, signature))
    }

    fn recover(&self, scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
        let request = (scheme, Hex(digest.to_vec()), signature);
        let recover = || self.inner.recover(scheme, digest, signature).map(Hex);
        self.pen.both(Import::Recover, &request, recover).map(|hex| hex.0)
    }

    async fn state_get(&self, key: &str) -> Option<Vec<u8>> {
        let begun = self.pen.begin(Import::StateGet, false, &key);
        let answer = self.inner.state_get(key).await.map(Hex);
        self.pen.end(&begun, &answer);
        answer.map(|hex| hex.0)
    }

    async fn state_swap(&self, key: &str, expected: Option<Vec<u8>>, new: Option<Vec<u8>>) -> bool {
        let request = (key, expected.clone().map(Hex), new.clone().map(Hex));
        let begun = self.pen.begin(Import::StateSwap, false, &request);
        let answer = self.inner.state_swap(key, expected, new).await;
        self.pen.end(&begun, &answer);
        answer
    }

    async fn state_trouble(&self, key: &str, new: Option<&[u8]>) -> Option<Ended> {
        // What ends a call is not an answer that the adapter got, so it is not recorded.
        self.inner.state_trouble(key, new).await
    }

    fn now_millis(&self) -> u64 {
        self.pen.both(Import::NowMillis, &(), || self.inner.now_millis())
    }

    fn random(&self, length: u32) -> Vec<u8> {
        self.pen.both(Import::Random, &length, || Hex(self.inner.random(length))).0
    }

    fn log(&self, level: LogLevel, message: &str) {
        self.pen.both(Import::Log, &(level, message), || self.inner.log(level, message));
    }
}

struct RecordedStream {
    inner: Box<dyn GrpcStream>,
    pen: Pen,
    /// The exchange that opened it: the stream's name in the recording.
    opened_at: usize,
    is_sensitive: bool,
}

#[async_trait]
impl GrpcStream for RecordedStream {
    async fn next(&mut self, wait_millis: u32) -> Result<Option<Vec<u8>>, GrpcFailure> {
        let request = (self.opened_at, wait_millis);
        let begun = self.pen.begin(Import::GrpcStreamNext, self.is_sensitive, &request);
        let answer = self.inner.next(wait_millis).await.map(|message| message.map(Hex));
        self.pen.end(&begun, &answer);
        answer.map(|message| message.map(|hex| hex.0))
    }
}
