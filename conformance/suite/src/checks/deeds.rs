//! What applications do with each function that asks endpoints, to be done again and again under all sorts of conditions.

use adapter_spec::{
    Function,
    types::{
        BlockSelector, CallOptions, Confidence, Envelope, EventFilter, EventStart, Goal, Receipt, Signature,
        Step, StoreOperation, Value,
    },
};
use serde_json::Value as Json;

use crate::{
    check::{Stop, fail},
    trial::{Actor, Application, Disturbance, Ending, Observed, Signed, Trial, Which, Written},
};

/// One thing that an application does: a function of the standard with arguments that are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    Status,
    Accounts,
    Evaluate,
    Begin,
    Resume,
    Send,
    Receipt,
    Estimate,
    Plan,
    ContractAbi,
    Block,
    Events,
    StoreGet,
}

/// All of them, in the order of the standard.
pub(super) const DEEDS: &[Deed] = &[
    Deed::Status,
    Deed::Accounts,
    Deed::Evaluate,
    Deed::Begin,
    Deed::Resume,
    Deed::Send,
    Deed::Receipt,
    Deed::Estimate,
    Deed::Plan,
    Deed::ContractAbi,
    Deed::Block,
    Deed::Events,
    Deed::StoreGet,
];

/// Those that only read the ledger.
pub(super) const READS: &[Deed] = &[
    Deed::Status,
    Deed::Accounts,
    Deed::Evaluate,
    Deed::Receipt,
    Deed::ContractAbi,
    Deed::Block,
    Deed::Events,
    Deed::StoreGet,
];

impl Deed {
    /// The functions that it calls: a read is begun and, where a ledger has its reads signed, resumed.
    pub(super) fn functions(self) -> &'static [Function] {
        match self {
            Deed::Status => &[Function::Status],
            Deed::Accounts => &[Function::Accounts],
            Deed::Evaluate | Deed::StoreGet => &[Function::Begin, Function::Resume],
            Deed::Begin => &[Function::Begin],
            Deed::Resume => &[Function::Resume],
            Deed::Send => &[Function::Send],
            Deed::Receipt => &[Function::Receipt],
            Deed::Estimate => &[Function::Estimate],
            Deed::Plan => &[Function::Plan],
            Deed::ContractAbi => &[Function::ContractAbi],
            Deed::Block => &[Function::Block],
            Deed::Events => &[Function::Events],
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Deed::Evaluate => "a read",
            Deed::StoreGet => "a preset get",
            _ => self.functions().first().map_or("", |function| function.name()),
        }
    }
}

/// An application with a transaction in a block.
pub(super) struct Day {
    pub(super) application: Application,
    pub(super) actor: Actor,
    /// The transaction.
    pub(super) written: Written,
    /// A preset key, with its value in the ledger.
    key: Option<String>,
    word: String,
}

/// What a deed needs before it can be done, and what must be freed after it.
enum Ready {
    Nothing,
    Options(CallOptions),
    Signed(Vec<u8>, Vec<Signature>),
    Envelope(Envelope),
}

/// A deed that was done.
pub(super) struct Done {
    /// While things went wrong.
    pub(super) wrong: Observed,
    /// The same again, when they did no longer.
    pub(super) again: Option<Observed>,
}

impl Day {
    /// Opens an application and writes.
    pub(super) async fn begin(trial: &mut Trial) -> Result<Self, Stop> {
        let application = trial.application().await?;
        Day::with(trial, application).await
    }

    /// The same in an application that is open already.
    pub(super) async fn with(trial: &mut Trial, application: Application) -> Result<Self, Stop> {
        let actor = trial.actor(&application).await?;
        let added = u32::try_from(2 + trial.below(90_000)).unwrap_or(2);
        let (call, options) = (trial.add(added)?, trial.options());
        let written = application.write_well(call, &actor, options).await?;
        Ok(Day { word: trial.name(), key: None, application, actor, written })
    }

    /// Writes a preset key, so that it can be read.
    pub(super) async fn with_preset(mut self, trial: &mut Trial) -> Result<Self, Stop> {
        if trial.contracts.preset.is_some() {
            let (key, value) = (trial.name(), trial.bytes(20));
            let entry = adapter_spec::types::StoreEntry { key: key.clone(), value };
            let call = trial.store_call(&self.application, StoreOperation::Insert(entry)).await?;
            let options = trial.options();
            self.application.write_well(call, &self.actor, options).await?;
            self.key = Some(key);
        }
        Ok(self)
    }

    /// The block of the transaction.
    pub(super) fn block(&self) -> u64 {
        self.written.receipt.block.as_ref().map_or(0, |block| block.number)
    }

    /// Whether the adapter and the test bed offer it.
    pub(super) fn can(&self, trial: &Trial, deed: Deed) -> bool {
        let declares = |name: &str| trial.facts.descriptor.capabilities.iter().any(|c| c == name);
        match deed {
            Deed::Evaluate => trial.facts.testbed.probe.functions.contains_key("echo-text"),
            Deed::Estimate => declares("estimate"),
            Deed::Plan => declares("plan"),
            Deed::ContractAbi => declares("contract-abi"),
            Deed::Block => trial.facts.interfaces.blocks,
            Deed::Events => trial.facts.interfaces.events,
            Deed::StoreGet => self.key.is_some(),
            _ => true,
        }
    }

    /// Does it while these things go wrong at endpoints, and then again while nothing does. Leaves nothing behind.
    pub(super) async fn under(
        &self,
        trial: &mut Trial,
        deed: Deed,
        wrong: &[(Which, Disturbance)],
    ) -> Result<Done, Stop> {
        let ready = self.prepare(trial, deed).await?;
        for (which, disturbance) in wrong {
            for function in deed.functions() {
                let which = Which { function: Some(*function), ..which.clone() };
                self.application.disturb(which, disturbance.clone());
            }
        }
        let made = self.make(trial, deed, &ready).await;
        self.application.calm();
        let wrong = made?;
        // What was signed is taken once: its envelope is there already.
        let is_taken = deed == Deed::Resume && matches!(wrong.ending, Ending::Success(_));
        let again = if is_taken { None } else { Some(self.make(trial, deed, &ready).await?) };
        self.tidy(trial, deed, &ready, again.as_ref().unwrap_or(&wrong)).await?;
        Ok(Done { wrong, again })
    }

    /// Does it while nothing goes wrong.
    pub(super) async fn calmly(&self, trial: &mut Trial, deed: Deed) -> Result<Observed, Stop> {
        let ready = self.prepare(trial, deed).await?;
        let made = self.make(trial, deed, &ready).await?;
        self.tidy(trial, deed, &ready, &made).await?;
        Ok(made)
    }

    async fn prepare(&self, trial: &mut Trial, deed: Deed) -> Result<Ready, Stop> {
        let options = trial.options();
        match deed {
            Deed::Begin | Deed::Evaluate | Deed::Estimate | Deed::StoreGet => Ok(Ready::Options(options)),
            Deed::Resume => {
                let step = self.application.begin(trial.add(1)?, self.actor.parties(), options).await;
                match step {
                    Ok(Step::Sign(request)) => {
                        Ok(Ready::Signed(request.continuation.clone(), self.actor.sign(&request)?))
                    }
                    Ok(Step::Send(_)) => Ok(Ready::Nothing),
                    Ok(Step::Answer(_)) => fail("a call that writes does not end in an answer", "an answer"),
                    Err(error) => fail("begin starts the call", error.to_string()),
                }
            }
            Deed::Send => {
                let call = trial.add(1)?;
                Ok(Ready::Envelope(self.application.envelope(call, &self.actor, options).await?))
            }
            _ => Ok(Ready::Nothing),
        }
    }

    /// Makes the call itself.
    async fn make(&self, trial: &Trial, deed: Deed, ready: &Ready) -> Result<Observed, Stop> {
        let (app, parties) = (&self.application, self.actor.parties());
        let options = match ready {
            Ready::Options(options) => options.clone(),
            _ => CallOptions::default(),
        };
        // How it ends is what the watcher has seen.
        match (deed, ready) {
            (Deed::Status, _) => drop(app.status().await),
            (Deed::Accounts, _) => {
                if let Some(key) = self.actor.party.keys.first() {
                    drop(app.accounts(key.clone()).await);
                }
            }
            (Deed::Evaluate, _) => {
                let call = trial.evaluate("echo-text", vec![Value::Text(self.word.clone())])?;
                drop(app.read(call, &self.actor, options).await);
            }
            (Deed::Begin, _) => drop(app.begin(trial.add(1)?, parties, options).await),
            (Deed::Resume, Ready::Signed(continuation, signatures)) => {
                drop(app.resume(continuation.clone(), signatures.clone()).await);
            }
            (Deed::Send, Ready::Envelope(envelope)) => drop(app.send(envelope.clone()).await),
            (Deed::Resume | Deed::Send, _) => {
                return Err(Stop::NotApplicable("calls of this ledger need no signature".into()));
            }
            (Deed::Receipt, _) => {
                let Written { envelope, .. } = &self.written;
                drop(app.receipt(&envelope.transaction, envelope.tracking.clone()).await);
            }
            (Deed::Estimate, _) => drop(app.estimate(trial.add(1)?, parties, options).await),
            (Deed::Plan, _) => drop(app.plan(self.goal(trial)).await),
            (Deed::ContractAbi, _) => drop(app.contract_abi(&trial.contracts.probe).await),
            (Deed::Block, _) => drop(app.block(BlockSelector::Number(self.block())).await),
            (Deed::Events, _) => {
                let filter = EventFilter {
                    contract: Some(trial.contracts.probe.clone()),
                    name: None,
                    abi: trial.facts.testbed.probe.abi.clone(),
                    confidence: Confidence::Latest,
                };
                drop(app.events(filter, EventStart::Block(self.block()), 5, 1 << 20).await);
            }
            (Deed::StoreGet, _) => {
                let key = self.key.clone().unwrap_or_default();
                let call = trial.store_call(app, StoreOperation::Get(key)).await?;
                drop(app.read(call, &self.actor, options).await);
            }
        }
        app.last_call()
    }

    fn goal(&self, trial: &Trial) -> Goal {
        match &trial.facts.testbed.probe.deployment {
            _ if trial.facts.interfaces.store => Goal::Preset,
            Some(deployment) => Goal::Deploy(deployment.clone()),
            None => Goal::Preset,
        }
    }

    /// Frees what the deed reserved.
    async fn tidy(&self, trial: &Trial, deed: Deed, ready: &Ready, last: &Observed) -> Result<(), Stop> {
        match (deed, ready, last.success::<Step>()) {
            (Deed::Begin, _, Some(Step::Sign(request))) => {
                drop(self.application.abandon(request.continuation).await);
            }
            (Deed::Begin | Deed::Resume, _, Some(step @ (Step::Send(_) | Step::Sign(_)))) => {
                // It may have gone its way before: how that ends is not what is looked at here.
                if let Ok(Signed::Envelope(envelope)) = self.application.sign(&self.actor, step).await
                    && self.application.send(envelope.clone()).await.is_ok()
                {
                    self.application.included(&envelope).await?;
                }
            }
            (Deed::Resume, Ready::Signed(continuation, _), _) => {
                drop(self.application.abandon(continuation.clone()).await);
            }
            (Deed::Send, Ready::Envelope(envelope), _) if matches!(last.ending, Ending::Success(_)) => {
                trial.advance(1).await?;
                self.application.included(envelope).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// What the answer of this deed says that cannot change from one call to the next; none where all of it can.
pub(super) fn facts(deed: Deed, call: &Observed) -> Option<Json> {
    let Ending::Success(answer) = &call.ending else { return None };
    match deed {
        Deed::Accounts | Deed::Evaluate | Deed::Plan | Deed::ContractAbi | Deed::Block | Deed::StoreGet => {
            Some(answer.clone())
        }
        Deed::Events => answer.get("events").cloned(),
        Deed::Receipt => {
            let receipt: Receipt = serde_json::from_value(answer.clone()).ok()?;
            let outcome = receipt.outcome.as_ref().map(Result::is_ok);
            Some(serde_json::json!([
                receipt.transaction,
                receipt.block,
                receipt.index,
                outcome,
                receipt.created,
                receipt.events,
                receipt.fee
            ]))
        }
        _ => None,
    }
}

/// How a call ended, in a few words.
pub(super) fn ended(call: &Observed) -> String {
    match &call.ending {
        Ending::Success(value) => format!("success: {:.200}", value.to_string()),
        Ending::Error(error) | Ending::SendFailure(_, error) => {
            let retryable = if error.retryable { "retryable" } else { "not retryable" };
            format!("{error} ({retryable})")
        }
        Ending::Ended(ended) => ended.to_string(),
        Ending::Dropped => "the call was dropped".into(),
    }
}
