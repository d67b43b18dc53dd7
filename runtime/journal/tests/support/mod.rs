//! A toy ledger, and what the tests share.

#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use adapter_spec::{CallError, Ended, Ledger, async_trait, types::*};
use berth_journal::{Crash, CrashStore, EntryKey, Journal, JournalError, SignerError, Sources, Task, Work};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub const APPLICATION: &str = "shop";

/// Secrets that count up, and a clock that stands where it is put.
#[derive(Default)]
pub struct Counted {
    secrets: AtomicU64,
    pub now: AtomicU64,
}

impl Sources for Counted {
    fn secret(&self) -> Result<Zeroizing<[u8; 32]>, JournalError> {
        let number = self.secrets.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Zeroizing::new(Sha256::digest(number.to_be_bytes()).into()))
    }

    fn now_millis(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }
}

/// What the node does with a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// Takes it.
    Takes,
    /// Takes it, and its answer is lost.
    TakesSilently,
    /// It is lost on the way, and nobody knows.
    Loses,
    /// Takes it when three more receipts were asked for; nobody knows till then.
    Delays,
    /// Is not reached: no effect, this time.
    Unreachable,
    /// Refuses these bytes for good, unless it has them.
    Refuses,
    /// The host ends the call before anything left.
    HostEnds,
}

/// A ledger of transactions that are numbered by account nonces, so that two with one nonce exclude each other.
#[derive(Default)]
pub struct ToyLedger {
    pub state: Mutex<Toy>,
}

#[derive(Default)]
pub struct Toy {
    /// What each send is met with, then `Node::Takes`.
    pub script: VecDeque<Node>,
    /// How many receipts say `pending` before the truth, of those that are taken.
    pub slow_receipts: u32,
    pub receipt_errors: u32,
    pub valid_until: Option<Validity>,
    pub fails_in_block: bool,
    /// What never came can no longer come.
    pub expired: bool,
    pub reads_only: bool,
    /// Further rounds of signatures.
    pub rounds: u32,
    pub head: u64,
    /// The next transaction by nonce; what a begin without original takes.
    pub next_nonce: u64,
    /// What took effect: bytes, by nonce.
    pub taken: BTreeMap<u64, Vec<u8>>,
    /// What is on its way, and how many receipts are asked for before it arrives.
    pub delayed: Vec<(u32, Vec<u8>)>,
    /// Each send, whatever came of it.
    pub sent: Vec<Vec<u8>>,
    pub salts: Vec<Vec<u8>>,
    pub abandoned: Vec<Vec<u8>>,
    pub receipts_asked: u32,
    pub begun: u32,
}

impl Toy {
    /// What is on its way comes nearer by so many receipts.
    pub fn arrive(&mut self, receipts: u32) {
        for (left, bytes) in std::mem::take(&mut self.delayed) {
            match left.saturating_sub(receipts) {
                0 => {
                    self.taken.entry(envelope_nonce(&bytes)).or_insert(bytes);
                }
                left => self.delayed.push((left, bytes)),
            }
        }
    }
}

fn envelope_nonce(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes[..8].try_into().unwrap())
}

pub fn transaction_id(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

pub fn error(code: ErrorCode, retryable: bool) -> Error {
    Error { code, message: "so it is".into(), native: None, retryable }
}

fn answered<T>(code: ErrorCode) -> Result<T, CallError> {
    Err(CallError::Answered(error(code, false)))
}

impl ToyLedger {
    pub fn with(script: &[Node]) -> Self {
        let ledger = ToyLedger::default();
        ledger.lock().script = script.iter().copied().collect();
        ledger
    }

    pub fn lock(&self) -> std::sync::MutexGuard<'_, Toy> {
        self.state.lock().unwrap()
    }

    fn ask(&self, nonce: u64, salt: Vec<u8>) -> Step {
        let mut toy = self.lock();
        toy.begun += 1;
        toy.salts.push(salt.clone());
        if toy.reads_only {
            return Step::Answer(Output { raw: b"read".to_vec(), json: None });
        }
        drop(toy);
        let continuation = [nonce.to_be_bytes().as_slice(), &[0], &salt].concat();
        Step::Sign(request(continuation))
    }

    fn take(&self, bytes: &[u8]) -> Result<(), CallError<SendFailure>> {
        let fail = |code, retryable, effect| {
            Err(CallError::Answered(SendFailure { error: error(code, retryable), effect }))
        };
        let mut toy = self.lock();
        toy.sent.push(bytes.to_vec());
        let node = toy.script.pop_front().unwrap_or(Node::Takes);
        let nonce = envelope_nonce(bytes);
        let on_its_way = toy.delayed.iter().any(|(_, delayed)| delayed == bytes).then_some(true);
        let known = toy.taken.get(&nonce).map(|taken| taken == bytes).or(on_its_way);
        match (node, known) {
            (Node::Unreachable, _) => fail(ErrorCode::Unavailable, true, Effect::Never),
            (Node::HostEnds, _) => Err(CallError::Ended(Ended::Host { message: "no room".into() })),
            (Node::Loses, _) => fail(ErrorCode::Timeout, true, Effect::Unknown),
            (Node::Takes | Node::Refuses, Some(true)) => Ok(()),
            (Node::TakesSilently | Node::Delays, Some(true)) => {
                fail(ErrorCode::Timeout, true, Effect::Unknown)
            }
            // Another transaction has its nonce.
            (_, Some(false)) | (Node::Refuses, None) => fail(ErrorCode::Rejected, false, Effect::Never),
            (Node::Delays, None) => {
                toy.delayed.push((3, bytes.to_vec()));
                fail(ErrorCode::Timeout, true, Effect::Unknown)
            }
            (Node::Takes, None) => {
                toy.taken.insert(nonce, bytes.to_vec());
                Ok(())
            }
            (Node::TakesSilently, None) => {
                toy.taken.insert(nonce, bytes.to_vec());
                fail(ErrorCode::Timeout, true, Effect::Unknown)
            }
        }
    }

    fn look(&self, transaction: &str, tracking: &[u8]) -> Result<Receipt, CallError> {
        let mut toy = self.lock();
        toy.receipts_asked += 1;
        if toy.receipt_errors > 0 {
            toy.receipt_errors -= 1;
            return answered(ErrorCode::Unavailable);
        }
        toy.arrive(1);
        let nonce = envelope_nonce(tracking);
        let taken = toy.taken.get(&nonce).map(|bytes| transaction_id(bytes));
        let inclusion = match taken {
            None if toy.expired => Inclusion::Expired,
            None => Inclusion::Unknown,
            Some(_) if toy.slow_receipts > 0 => {
                toy.slow_receipts -= 1;
                Inclusion::Pending
            }
            Some(id) if id == transaction => Inclusion::Final,
            Some(id) => Inclusion::Superseded(id),
        };
        let outcome = (inclusion == Inclusion::Final).then(|| match toy.fails_in_block {
            true => Err(error(ErrorCode::Reverted, false)),
            false => Ok(Output { raw: Vec::new(), json: None }),
        });
        Ok(receipt(transaction, inclusion, outcome))
    }
}

pub fn receipt(transaction: &str, inclusion: Inclusion, outcome: Option<Result<Output, Error>>) -> Receipt {
    Receipt {
        transaction: transaction.into(),
        inclusion,
        block: None,
        index: None,
        outcome,
        created: None,
        events: Vec::new(),
        fee: None,
        extensions: Vec::new(),
    }
}

fn request(continuation: Vec<u8>) -> SignRequest {
    SignRequest {
        items: Vec::new(),
        continuation,
        valid_until: Validity::Unbounded,
        max_fee: None,
        summary: "pay".into(),
    }
}

#[async_trait]
impl Ledger for ToyLedger {
    async fn status(&self) -> Result<LedgerStatus, CallError> {
        let number = self.lock().head;
        if number == u64::MAX {
            return answered(ErrorCode::Unavailable);
        }
        let head = BlockRef { number, hash: Vec::new() };
        Ok(LedgerStatus { finalized: head.clone(), head, synced: true, peers: 0 })
    }

    async fn accounts(&self, _: PublicKey) -> Result<Vec<String>, CallError> {
        answered(ErrorCode::Unsupported)
    }

    async fn begin(&self, _: Call, _: Vec<Party>, options: CallOptions) -> Result<Step, CallError> {
        let nonce = {
            let mut toy = self.lock();
            toy.next_nonce += 1;
            toy.next_nonce
        };
        Ok(self.ask(nonce, options.salt))
    }

    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError> {
        if signatures.is_empty() {
            return answered(ErrorCode::InvalidArgument);
        }
        let round = u32::from(continuation[8]);
        let toy = self.lock();
        if round < toy.rounds {
            let mut continuation = continuation;
            continuation[8] += 1;
            return Ok(Step::Sign(request(continuation)));
        }
        let bytes = [continuation.as_slice(), &signatures[0].bytes].concat();
        Ok(Step::Send(Envelope {
            transaction: transaction_id(&bytes),
            tracking: bytes[..8].to_vec(),
            bytes,
            valid_until: toy.valid_until.clone().unwrap_or(Validity::Unbounded),
        }))
    }

    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError> {
        self.lock().abandoned.push(continuation);
        Ok(())
    }

    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        self.take(&envelope.bytes)
    }

    async fn replace(
        &self,
        original: Envelope,
        _: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        Ok(self.ask(envelope_nonce(&original.bytes), options.salt))
    }

    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
        self.look(transaction, &tracking)
    }

    async fn estimate(&self, _: Call, _: Vec<Party>, _: CallOptions) -> Result<Estimate, CallError> {
        answered(ErrorCode::Unsupported)
    }

    async fn plan(&self, _: Goal) -> Result<Vec<PlannedCall>, CallError> {
        answered(ErrorCode::Unsupported)
    }

    async fn contract_abi(&self, _: &str) -> Result<Option<String>, CallError> {
        answered(ErrorCode::Unsupported)
    }

    async fn block(&self, _: BlockSelector) -> Result<Block, CallError> {
        answered(ErrorCode::Unsupported)
    }

    async fn events(&self, _: EventFilter, _: EventStart, _: u32, _: u32) -> Result<EventPage, CallError> {
        answered(ErrorCode::Unsupported)
    }

    async fn to_call(&self, _: &str, _: StoreOperation) -> Result<Call, CallError> {
        answered(ErrorCode::Unsupported)
    }

    async fn from_outcome(
        &self,
        _: StoreOperation,
        _: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        answered(ErrorCode::Unsupported)
    }

    async fn prove(&self, _: Claim) -> Result<Proof, CallError> {
        answered(ErrorCode::Unsupported)
    }
}

/// The toy ledger behind a machine that crashes: each call is a step. It refuses to be sent what is not durable.
pub struct CrashingLedger {
    pub ledger: Arc<ToyLedger>,
    pub crash: Arc<Crash>,
    pub store: Arc<CrashStore>,
}

impl CrashingLedger {
    async fn step<T>(&self, answer: impl Future<Output = T>) -> T {
        self.crash.alive().await;
        let answer = answer.await;
        self.crash.step().await;
        answer
    }

    async fn assert_durable(&self, envelope: &Envelope) {
        let journal = Journal::new(Arc::new(self.store.durable()));
        let open = journal.unsettled(APPLICATION, None, 1000).await.unwrap();
        let durable = open.entries.iter().filter_map(|entry| entry.state.signed());
        assert!(durable.into_iter().any(|signed| signed.envelope == *envelope), "sent before it was durable");
    }
}

#[async_trait]
impl Ledger for CrashingLedger {
    async fn status(&self) -> Result<LedgerStatus, CallError> {
        self.step(self.ledger.status()).await
    }

    async fn accounts(&self, key: PublicKey) -> Result<Vec<String>, CallError> {
        self.ledger.accounts(key).await
    }

    async fn begin(&self, call: Call, parties: Vec<Party>, options: CallOptions) -> Result<Step, CallError> {
        self.step(self.ledger.begin(call, parties, options)).await
    }

    async fn resume(&self, continuation: Vec<u8>, signatures: Vec<Signature>) -> Result<Step, CallError> {
        self.step(self.ledger.resume(continuation, signatures)).await
    }

    async fn abandon(&self, continuation: Vec<u8>) -> Result<(), CallError> {
        self.step(self.ledger.abandon(continuation)).await
    }

    async fn send(&self, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        self.crash.alive().await;
        self.assert_durable(&envelope).await;
        self.step(self.ledger.send(envelope)).await
    }

    async fn replace(
        &self,
        original: Envelope,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        self.step(self.ledger.replace(original, parties, options)).await
    }

    async fn receipt(&self, transaction: &str, tracking: Vec<u8>) -> Result<Receipt, CallError> {
        self.step(self.ledger.receipt(transaction, tracking)).await
    }

    async fn estimate(&self, c: Call, p: Vec<Party>, o: CallOptions) -> Result<Estimate, CallError> {
        self.ledger.estimate(c, p, o).await
    }

    async fn plan(&self, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        self.ledger.plan(goal).await
    }

    async fn contract_abi(&self, contract: &str) -> Result<Option<String>, CallError> {
        self.ledger.contract_abi(contract).await
    }

    async fn block(&self, selector: BlockSelector) -> Result<Block, CallError> {
        self.ledger.block(selector).await
    }

    async fn events(&self, f: EventFilter, s: EventStart, l: u32, m: u32) -> Result<EventPage, CallError> {
        self.ledger.events(f, s, l, m).await
    }

    async fn to_call(&self, contract: &str, operation: StoreOperation) -> Result<Call, CallError> {
        self.ledger.to_call(contract, operation).await
    }

    async fn from_outcome(
        &self,
        operation: StoreOperation,
        outcome: Result<Output, Error>,
    ) -> Result<StoreAnswer, CallError> {
        self.ledger.from_outcome(operation, outcome).await
    }

    async fn prove(&self, claim: Claim) -> Result<Proof, CallError> {
        self.ledger.prove(claim).await
    }
}

/// Signs differently each time, as real signers may.
#[derive(Default)]
pub struct Signatures(AtomicU64);

impl Signatures {
    pub fn signer(&self) -> impl Fn(&SignRequest) -> Result<Vec<Signature>, SignerError> + Send + Sync + '_ {
        |_| {
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            Ok(vec![Signature { bytes: number.to_be_bytes().to_vec(), recovery_id: None }])
        }
    }
}

pub fn key(idempotency: &str) -> EntryKey {
    EntryKey::new(APPLICATION, idempotency).unwrap()
}

pub fn call(what: &str) -> Call {
    Call::Invoke(ContractCall {
        contract: "bank".into(),
        function: "pay".into(),
        arguments: vec![Value::Text(what.into())],
        abi: None,
        private_arguments: Vec::new(),
    })
}

pub fn work(idempotency: &str, what: &str) -> Work {
    let options = CallOptions::default();
    Work { key: key(idempotency), task: Task::Call(call(what)), parties: Vec::new(), options }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}
