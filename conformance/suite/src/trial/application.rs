//! One application of a trial: a ledger, what it lends, and the flows that checks need.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use adapter_spec::{
    Adapter, CallError, Function, Ledger,
    types::{
        Call, CallOptions, Envelope, Error, Inclusion, Output, Party, Receipt, SendFailure, SignRequest,
        Signature, SigningInput, Step, transport::LogLevel,
    },
};
use berth_crypto::SigningKey;
use berth_lending::recording::Recorder;
use serde_json::json;

use super::{
    faults::{Disturbance, Which},
    gate::Gate,
    lent::Kept,
    observed::Observed,
    watched::{Gated, Log, WatchedLedger, Watcher},
};
use crate::check::{Expect as _, Stop, fail};

/// Rounds of signatures that the standard allows (CALL-15).
const MAX_ROUNDS: usize = 16;

/// Between two looks at something that a node has not done yet.
const PAUSE: Duration = Duration::from_millis(20);
/// After the first look.
const FIRST_PAUSE: Duration = Duration::from_millis(1);

/// Somebody who makes calls.
#[derive(Clone)]
pub struct Actor {
    /// Who it is to the adapter.
    pub party: Party,
    /// Its key.
    pub key: Arc<SigningKey>,
}

impl Actor {
    /// It alone, as a call's parties.
    #[must_use]
    pub fn parties(&self) -> Vec<Party> {
        vec![self.party.clone()]
    }

    /// The signatures that a request asks for, all by this actor's key.
    ///
    /// # Errors
    /// A fault when another key is asked for, or something that the key cannot sign.
    pub fn sign(&self, request: &SignRequest) -> Result<Vec<Signature>, Stop> {
        let own = self.key.public_key();
        let one = |item: &adapter_spec::types::SignItem| {
            if item.key.point != own.point || item.key.scheme != own.scheme {
                return fail(
                    "signatures by the keys of the call's parties alone",
                    "another key is asked for",
                );
            }
            self.key
                .sign(&item.input)
                .or_else(|error| fail("an input that the key can sign", error.to_string()))
        };
        request.items.iter().map(one).collect()
    }
}

/// A call that needs no more signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// To be sent.
    Envelope(Envelope),
    /// A read is done.
    Answer(Output),
}

/// A transaction that was sent.
#[derive(Clone, Debug)]
pub struct Written {
    /// What was sent.
    pub envelope: Envelope,
    /// The last receipt.
    pub receipt: Receipt,
}

/// What an application needs to be opened again.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) adapter: Arc<dyn Adapter>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) gate: Gate,
    pub(crate) kept: Arc<Mutex<Kept>>,
    pub(crate) watcher: Watcher,
    pub(crate) settings: String,
    pub(crate) patience: u32,
    pub(crate) is_live: bool,
}

/// An application whose every call is watched. Calls are made on it as on its [`Ledger`].
#[derive(Clone)]
pub struct Application {
    pub(crate) setup: Setup,
    ledger: Arc<dyn Ledger>,
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application").field("name", &self.name()).finish_non_exhaustive()
    }
}

impl Deref for Application {
    type Target = dyn Ledger;

    fn deref(&self) -> &Self::Target {
        &*self.ledger
    }
}

impl Application {
    /// Opens the ledger.
    ///
    /// # Errors
    /// What the adapter answers.
    pub(crate) async fn open(setup: Setup) -> Result<Self, CallError> {
        let lender = Arc::new(Gated { recorder: setup.recorder.clone(), gate: setup.gate.clone() });
        let watcher = setup.watcher.clone();
        let opening = setup.adapter.open(lender, &setup.settings);
        let opened = Arc::new(Mutex::new(None));
        let keep = opened.clone();
        watcher
            .call(Function::Open, json!([setup.settings]), async move {
                *keep.lock().unwrap_or_else(PoisonError::into_inner) = Some(opening.await?);
                Ok::<(), CallError>(())
            })
            .await?;
        let inner = opened.lock().unwrap_or_else(PoisonError::into_inner).take();
        let inner = inner.ok_or_else(|| {
            CallError::Ended(adapter_spec::Ended::Host { message: "the ledger was not opened".into() })
        })?;
        Ok(Application { ledger: Arc::new(WatchedLedger { inner, watcher }), setup })
    }

    /// The same application on a ledger that is opened anew: nothing in memory, the state kept.
    ///
    /// # Errors
    /// A fault when it cannot be opened.
    pub async fn restarted(&self) -> Result<Self, Stop> {
        Application::open(self.setup.clone()).await.expected("open succeeds as before")
    }

    /// The ledger, to be handed on.
    #[must_use]
    pub fn ledger(&self) -> Arc<dyn Ledger> {
        self.ledger.clone()
    }

    /// The application's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.setup.watcher.application
    }

    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.setup.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has requests to endpoints go wrong from now on.
    pub fn disturb(&self, which: Which, disturbance: Disturbance) {
        self.kept().disturbances.plan(which, disturbance);
    }

    /// Has the answers of one list come in the opposite order from now on, in calls of these functions.
    pub fn reorder(&self, functions: &'static [Function]) {
        self.kept().disturbances.reorders = functions;
    }

    /// Has everything go right again. Gives how many requests were disturbed and how many lists reordered until now.
    pub fn calm(&self) -> (u32, u32) {
        let mut kept = self.kept();
        kept.disturbances.clear();
        (kept.disturbances.done, kept.disturbances.reordered)
    }

    /// Remembers from now on what each question to an endpoint is first answered, for [`Disturbance::Stale`].
    pub fn remember(&self) {
        self.kept().disturbances.remember();
    }

    /// Has the clock stand still, or go on.
    pub fn hold_clock(&self, stands: bool) {
        let mut kept = self.kept();
        kept.stands = stands;
        kept.still = None;
    }

    /// Moves the clock that the adapter sees, by milliseconds against the real one.
    pub fn set_clock(&self, skew_millis: i64) {
        self.kept().skew = skew_millis;
    }

    /// All of the adapter's state. In a replay it is empty: checks must not decide by it alone.
    #[must_use]
    pub fn state(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        self.kept().state.clone()
    }

    /// Replaces the adapter's state, e.g. by an older one or none.
    pub fn set_state(&self, state: std::collections::BTreeMap<String, Vec<u8>>) {
        self.kept().state = state;
    }

    /// The log lines until now.
    #[must_use]
    pub fn log_lines(&self) -> Vec<(LogLevel, String)> {
        self.kept().log.clone()
    }

    /// This application's calls that have ended.
    #[must_use]
    pub fn calls(&self) -> Vec<Observed> {
        let log = self.log().lock();
        log.iter().filter(|call| call.application == self.name()).cloned().collect()
    }

    fn log(&self) -> &Log {
        &self.setup.watcher.log
    }

    /// The last call of this application that has ended.
    ///
    /// # Errors
    /// When there was none.
    pub fn last_call(&self) -> Result<Observed, Stop> {
        let log = self.log().lock();
        let last = log.iter().rev().find(|call| call.application == self.name()).cloned();
        last.ok_or_else(|| Stop::Harness("no call was made".into()))
    }

    /// Signs for as long as signatures are asked for.
    ///
    /// # Errors
    /// A fault when the call does not get there.
    pub async fn sign(&self, actor: &Actor, step: Step) -> Result<Signed, Stop> {
        match self.try_sign(actor, step).await? {
            Ok(signed) => Ok(signed),
            Err(error) => fail("resume goes on with good signatures", error.to_string()),
        }
    }

    /// The same, with the adapter's refusal where a ledger runs a call only when it is signed.
    ///
    /// # Errors
    /// A fault when the call neither gets there nor is refused.
    pub async fn try_sign(&self, actor: &Actor, mut step: Step) -> Result<Result<Signed, Error>, Stop> {
        for _ in 0..=MAX_ROUNDS {
            let request = match step {
                Step::Sign(request) => request,
                Step::Send(envelope) => return Ok(Ok(Signed::Envelope(envelope))),
                Step::Answer(output) => return Ok(Ok(Signed::Answer(output))),
            };
            let signatures = actor.sign(&request)?;
            step = match self.resume(request.continuation, signatures).await {
                Ok(step) => step,
                Err(CallError::Answered(error)) => return Ok(Err(error)),
                Err(CallError::Ended(ended)) => return fail("an answer of resume", ended.to_string()),
            };
        }
        fail("at most 16 rounds of signatures", "more")
    }

    /// Begins a call and signs it, or says how it was refused.
    ///
    /// # Errors
    /// A fault when the call neither gets there nor is refused.
    pub async fn try_call(
        &self,
        call: Call,
        actor: &Actor,
        options: CallOptions,
    ) -> Result<Result<Signed, Error>, Stop> {
        match self.begin(call, actor.parties(), options).await {
            Ok(step) => self.try_sign(actor, step).await,
            Err(CallError::Answered(error)) => Ok(Err(error)),
            Err(CallError::Ended(ended)) => fail("an answer of begin", ended.to_string()),
        }
    }

    /// Begins and signs a call that writes.
    ///
    /// # Errors
    /// A fault when no envelope comes of it.
    pub async fn envelope(&self, call: Call, actor: &Actor, options: CallOptions) -> Result<Envelope, Stop> {
        let step = self.begin(call, actor.parties(), options).await.expected("begin starts the call")?;
        match self.sign(actor, step).await? {
            Signed::Envelope(envelope) => Ok(envelope),
            Signed::Answer(output) => {
                fail("a call that writes ends in send", format!("an answer: {output:?}"))
            }
        }
    }

    /// Begins, signs and sends a call, and waits until it is in a block.
    ///
    /// # Errors
    /// A fault when it does not get there. A failed execution is no fault here: look at the outcome.
    pub async fn write(&self, call: Call, actor: &Actor, options: CallOptions) -> Result<Written, Stop> {
        let envelope = self.envelope(call, actor, options).await?;
        self.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
        let receipt = self.included(&envelope).await?;
        Ok(Written { envelope, receipt })
    }

    /// The same, and the execution succeeded.
    ///
    /// # Errors
    /// A fault also when it failed.
    pub async fn write_well(&self, call: Call, actor: &Actor, options: CallOptions) -> Result<Written, Stop> {
        let written = self.write(call, actor, options).await?;
        match &written.receipt.outcome {
            Some(Ok(_)) => Ok(written),
            other => fail("the transaction succeeds", format!("its outcome is {other:?}")),
        }
    }

    /// Carries a read out.
    ///
    /// # Errors
    /// What the adapter answers, as it is.
    pub async fn read(&self, call: Call, actor: &Actor, options: CallOptions) -> Result<Output, CallError> {
        let mut step = self.begin(call, actor.parties(), options).await?;
        for _ in 0..=MAX_ROUNDS {
            match step {
                Step::Answer(output) => return Ok(output),
                Step::Sign(request) => {
                    let Ok(signatures) = actor.sign(&request) else { break };
                    step = self.resume(request.continuation, signatures).await?;
                }
                Step::Send(_) => break,
            }
        }
        Err(CallError::Ended(adapter_spec::Ended::Host { message: "a read that came to no answer".into() }))
    }

    /// Asks for the receipt until the transaction is in a block.
    ///
    /// # Errors
    /// A fault when it does not get there within the test bed's patience.
    pub async fn included(&self, envelope: &Envelope) -> Result<Receipt, Stop> {
        self.receipt_until(envelope, |receipt| {
            !matches!(receipt.inclusion, Inclusion::Unknown | Inclusion::Pending)
        })
        .await
    }

    /// Asks for the receipt until it is as wanted.
    ///
    /// # Errors
    /// A fault when it is not within the test bed's patience.
    pub async fn receipt_until(
        &self,
        envelope: &Envelope,
        mut is_wanted: impl FnMut(&Receipt) -> bool + Send,
    ) -> Result<Receipt, Stop> {
        let mut last = None;
        for look in 0..self.setup.patience {
            match self.receipt(&envelope.transaction, envelope.tracking.clone()).await {
                Ok(receipt) if is_wanted(&receipt) => return Ok(receipt),
                Ok(receipt) => last = Some(Ok(receipt.inclusion)),
                Err(CallError::Answered(error)) if error.retryable => last = Some(Err(error)),
                Err(error) => return fail("a receipt", error.to_string()),
            }
            self.pause_after(look).await;
        }
        fail("the transaction gets on", format!("after {} looks: {last:?}", self.setup.patience))
    }

    /// Waits a little for the node; not in a replay.
    pub async fn pause(&self) {
        self.pause_after(u32::MAX).await;
    }

    /// The same after the look with this number, from 0: at first for a moment only, since many a node needs no more.
    pub async fn pause_after(&self, look: u32) {
        if self.setup.is_live {
            let pause = FIRST_PAUSE.saturating_mul(1 << look.min(16)).min(PAUSE);
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends, and gives the failure where there is one.
    ///
    /// # Errors
    /// A fault when the host had to end the call.
    pub async fn try_send(&self, envelope: &Envelope) -> Result<Result<(), SendFailure>, Stop> {
        match self.send(envelope.clone()).await {
            Ok(()) => Ok(Ok(())),
            Err(CallError::Answered(failure)) => Ok(Err(failure)),
            Err(CallError::Ended(ended)) => fail("an answer of send", ended.to_string()),
        }
    }
}

/// The bytes that a signing input asks to be signed.
#[must_use]
pub fn signed_bytes(input: &SigningInput) -> Vec<u8> {
    match input {
        SigningInput::Message(bytes) | SigningInput::Digest(bytes) => bytes.clone(),
        SigningInput::Sm2(message) => message.data.clone(),
        SigningInput::TypedData(json) => json.clone().into_bytes(),
    }
}
