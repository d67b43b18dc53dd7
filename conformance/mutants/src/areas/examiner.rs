//! Defeat devices and lies: mutants beside the single faults.
//!
//! A defeat device keeps the standard for as long as it believes that it is examined. What it does else is the same for
//! all of them here: it sends every transaction twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use adapter_spec::{
    CallError, Function, Imports, Lender, async_trait,
    types::{
        Block, BlockSelector, Call, CallOptions, Envelope, Error, ErrorCode, LedgerStatus, Output, Party,
        PublicKey, SendFailure, Signature, Step,
        transport::{JsonRpcFailure, JsonRpcRequest},
    },
};

use berth_model::wire::{Header, Wire as _};

use crate::{
    Honest, Mutant, Mutation,
    change_imports::{Answers, ImportChange, changed},
};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        device("knows-the-suites-names", "under another name", || Box::new(KnowsNames)),
        device("knows-a-clock-that-stands", "a clock that stands still", || Box::new(KnowsClock)),
        device("knows-faults", "after faults of endpoints", || Box::new(KnowsFaults(AtomicBool::new(false)))),
        device("waits-for-faults-to-end", "after faults of endpoints", || {
            Box::new(ForgetsFaults(AtomicBool::new(false)))
        }),
        device("knows-random-salts", "with other salts", || Box::new(KnowsSalts(AtomicBool::new(false)))),
        device("knows-the-order-of-calls", "in another order", || {
            Box::new(KnowsOrder(AtomicBool::new(true)))
        }),
        device("counts-calls", "after many calls", || {
            Box::new(CountsCalls { calls: AtomicU32::new(0), most: 150 })
        }),
        device("counts-many-calls", "after many calls", || {
            Box::new(CountsCalls { calls: AtomicU32::new(0), most: 1_500 })
        }),
        Mutant::new(
            "BLK-2",
            "forges-headers-that-hash-to-their-id",
            "the parent is the hash of the block",
            || Box::new(Forges),
        ),
        Mutant::new("DESC-6", "does-nothing-and-says-success", "a native call of an unknown name", || {
            Box::new(SaysSuccess)
        }),
        Mutant::new("ISO-3", "answers-of-another-application", "the answer to its own question", || {
            Box::new(Mixes(Mutex::default()))
        }),
        Mutant::new("ISO-3", "one-cache-for-all-applications", "the answer to its own question", || {
            Box::new(Caches(Mutex::default()))
        }),
        Mutant::new("ONCE-16", "sends-again-in-silence", "is left to the caller", || Box::new(SendsAgain)),
        Mutant::new("ONCE-1", "submits-inside-resume", "only send asks an endpoint", || {
            Box::new(SubmitsInResume)
        }),
        Mutant::new("SEC-1", "remembers-secrets-in-errors", "shows it in the error", || {
            Box::new(RemembersSecrets(Mutex::default()))
        }),
    ]
}

const fn device(name: &'static str, says: &'static str, fault: fn() -> Box<dyn Mutation>) -> Mutant {
    Mutant::new("REC-5", name, says, fault)
}

/// Sends, and sends again where it feels unobserved.
async fn send(honest: &Honest, envelope: Envelope, examined: bool) -> Result<(), CallError<SendFailure>> {
    honest.ledger.send(envelope.clone()).await?;
    if examined { Ok(()) } else { honest.ledger.send(envelope).await }
}

/// The suite's applications have names of five to twelve lower-case letters.
struct KnowsNames;

#[async_trait]
impl Mutation for KnowsNames {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        let name = honest.lender.application();
        let examined = (5..=12).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase());
        send(honest, envelope, examined).await
    }
}

/// In a replay time stands still.
struct KnowsClock;

#[async_trait]
impl Mutation for KnowsClock {
    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        let imports = honest.imports(Function::Send);
        let (first, second) = (imports.now_millis(), imports.now_millis());
        send(honest, envelope, first == second).await
    }
}

/// Only in examinations do nodes fail: once one did, it is careful.
struct KnowsFaults(AtomicBool);

#[async_trait]
impl Mutation for KnowsFaults {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        let status = honest.ledger.status().await;
        if status.is_err() {
            self.0.store(true, Ordering::Relaxed);
        }
        status
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        send(honest, envelope, self.0.load(Ordering::Relaxed)).await
    }
}

/// When nodes that failed answer again, the examination is over.
struct ForgetsFaults(AtomicBool);

#[async_trait]
impl Mutation for ForgetsFaults {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        let status = honest.ledger.status().await;
        if status.is_err() {
            self.0.store(true, Ordering::Relaxed);
        }
        status
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        send(honest, envelope, !self.0.load(Ordering::Relaxed)).await
    }
}

/// A salt that is a small number comes from a program that counts, not from a suite.
struct KnowsSalts(AtomicBool);

#[async_trait]
impl Mutation for KnowsSalts {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        self.0.store(options.salt.starts_with(&[0; 16]), Ordering::Relaxed);
        honest.ledger.begin(call, parties, options).await
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        send(honest, envelope, !self.0.load(Ordering::Relaxed)).await
    }
}

/// The suite writes before it looks at a block; people look first.
struct KnowsOrder(AtomicBool);

#[async_trait]
impl Mutation for KnowsOrder {
    async fn open(&self, _: &Arc<dyn Lender>, settings: &str) -> Result<String, CallError> {
        self.0.store(true, Ordering::Relaxed);
        Ok(settings.to_owned())
    }

    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        self.0.store(false, Ordering::Relaxed);
        honest.ledger.block(selector).await
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        send(honest, envelope, self.0.load(Ordering::Relaxed)).await
    }
}

/// No examination lasts so long.
struct CountsCalls {
    calls: AtomicU32,
    most: u32,
}

#[async_trait]
impl Mutation for CountsCalls {
    async fn open(&self, _: &Arc<dyn Lender>, settings: &str) -> Result<String, CallError> {
        self.calls.store(0, Ordering::Relaxed);
        Ok(settings.to_owned())
    }

    async fn accounts(&self, honest: &Honest, key: PublicKey) -> Result<Vec<String>, CallError> {
        self.calls.fetch_add(4, Ordering::Relaxed);
        honest.ledger.accounts(key).await
    }

    async fn send(&self, honest: &Honest, envelope: Envelope) -> Result<(), CallError<SendFailure>> {
        send(honest, envelope, self.calls.load(Ordering::Relaxed) < self.most).await
    }
}

/// Saves the caller a call.
struct SubmitsInResume;

#[async_trait]
impl Mutation for SubmitsInResume {
    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let step = honest.ledger.resume(continuation, signatures).await?;
        if let Step::Send(envelope) = &step {
            let request = JsonRpcRequest {
                endpoint: "node-0".into(),
                method: "ledger_submit".into(),
                params: serde_json::json!({"parcel": hex::encode(&envelope.bytes)}).to_string(),
                sensitive: false,
            };
            drop(honest.imports(Function::Resume).json_rpc(vec![request]).await);
        }
        Ok(step)
    }
}

/// Makes up the time of each block, and a hash that fits.
struct Forges;

#[async_trait]
impl Mutation for Forges {
    async fn block(&self, honest: &Honest, selector: BlockSelector) -> Result<Block, CallError> {
        let mut block = honest.ledger.block(selector).await?;
        let header = block.header.as_mut();
        if let Some(header) = header
            && let Ok(mut forged) = Header::decode(&header.bytes)
        {
            forged.time += 1;
            header.bytes = forged.encode();
            block.reference.hash = forged.hash().to_vec();
            block.timestamp_millis = Some(forged.time);
        }
        Ok(block)
    }
}

/// Takes a call that it does not know for one that has nothing to do.
struct SaysSuccess;

#[async_trait]
impl Mutation for SaysSuccess {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        match honest.ledger.begin(call, parties, options).await {
            Err(CallError::Answered(error)) if error.code == ErrorCode::Unsupported => {
                Ok(Step::Answer(Output { raw: Vec::new(), json: None }))
            }
            step => step,
        }
    }
}

/// Keeps the last answer in one place for all, and mixes the places up.
struct Mixes(Mutex<Option<(String, Output)>>);

#[async_trait]
impl Mutation for Mixes {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let step = honest.ledger.begin(call, parties, options).await?;
        let Step::Answer(output) = &step else { return Ok(step) };
        let name = honest.lender.application().to_owned();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.replace((name.clone(), output.clone())) {
            Some((other, answer)) if other != name => Ok(Step::Answer(answer)),
            _ => Ok(step),
        }
    }
}

/// Remembers answers by contract and function, and forgets whose they are.
struct Caches(Mutex<BTreeMap<(String, String), Output>>);

#[async_trait]
impl Mutation for Caches {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let key = match &call {
            Call::Evaluate(call) => Some((call.contract.clone(), call.function.clone())),
            _ => None,
        };
        let step = honest.ledger.begin(call, parties, options).await?;
        let (Some(key), Step::Answer(output)) = (key, &step) else { return Ok(step) };
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Step::Answer(cache.entry(key).or_insert_with(|| output.clone()).clone()))
    }
}

/// Tries again where the node did not answer.
struct SendsAgain;

#[async_trait]
impl ImportChange for SendsAgain {
    async fn json_rpc(
        &self,
        function: Function,
        imports: &dyn Imports,
        requests: Vec<JsonRpcRequest>,
    ) -> Answers {
        let answers = imports.json_rpc(requests.clone()).await;
        let failed = answers.iter().any(|answer| matches!(answer, Err(JsonRpcFailure::Transport(_))));
        if function == Function::Send && failed { imports.json_rpc(requests).await } else { answers }
    }
}

impl Mutation for SendsAgain {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(SendsAgain))
    }
}

/// Keeps the last private argument in memory, and shows it in the next error.
struct RemembersSecrets(Mutex<String>);

#[async_trait]
impl Mutation for RemembersSecrets {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        if let Call::Invoke(call) = &call
            && let Some((_, value)) = call.private_arguments.first()
        {
            let shown = value.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = shown;
        }
        honest.ledger.begin(call, parties, options).await
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        honest.ledger.resume(continuation, signatures).await.map_err(|error| match error {
            CallError::Answered(error) => {
                let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let message = format!("{} (in a call with [{last}])", error.message);
                CallError::Answered(Error { message, ..error })
            }
            ended => ended,
        })
    }
}
