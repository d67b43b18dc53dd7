//! Operations of the preset store, carried out from beginning to end.

use std::sync::{Mutex, PoisonError};

use adapter_spec::{
    CallError,
    types::{
        CallOptions, Effect, Envelope, Error, ErrorCode, Inclusion, Output, Receipt, Step, StoreAnswer,
        StoreEntry, StoreOperation, StoreVersion,
    },
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

use super::{Actor, Application, Trial};
use crate::check::{Stop, fail};

/// Rounds of signatures that the standard allows (CALL-15).
const MAX_ROUNDS: usize = 16;

/// The preset store as one application and one actor use it.
pub struct Store {
    /// The application.
    pub application: Application,
    /// Who writes.
    pub actor: Actor,
    contract: String,
    salts: Mutex<ChaCha8Rng>,
}

/// An operation that goes no further without a send.
#[derive(Clone, Debug)]
pub enum Begun {
    /// `to-call` refused it.
    Refused(Error),
    /// Its call has ended: a read, or a write that was refused before it was sent.
    Over(Result<Output, Error>),
    /// To be sent.
    Signed(Envelope),
}

/// How an operation ended.
#[derive(Clone, Debug)]
pub enum Came {
    /// So.
    Answer(Result<StoreAnswer, Error>),
    /// Its transaction did not get into a block for as long as was waited, and may still.
    NobodyKnows,
}

impl Trial {
    /// The store for a new application and an actor of its own.
    ///
    /// # Errors
    /// A fault when the application does not open or the actor gets no means.
    pub async fn store(&mut self) -> Result<Store, Stop> {
        let application = self.application().await?;
        let actor = self.actor(&application).await?;
        Ok(self.store_of(application, actor))
    }

    /// The store for this application and actor.
    pub fn store_of(&mut self, application: Application, actor: Actor) -> Store {
        let contract = self.contracts.preset.clone().unwrap_or_default();
        let salts = Mutex::new(ChaCha8Rng::seed_from_u64(self.rng().next_u64()));
        Store { application, actor, contract, salts }
    }
}

/// The adapter's own answer; a call that the host ended is a fault.
fn answered<T: std::fmt::Debug>(result: Result<T, CallError>, what: &str) -> Result<Result<T, Error>, Stop> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(CallError::Answered(error)) => Ok(Err(error)),
        Err(CallError::Ended(ended)) => fail(what, ended.to_string()),
    }
}

impl Store {
    /// The same store on a ledger that was opened anew.
    ///
    /// # Errors
    /// A fault when it cannot be opened.
    pub async fn restarted(&self, trial: &mut Trial) -> Result<Self, Stop> {
        let application = self.application.restarted().await?;
        Ok(trial.store_of(application, self.actor.clone()))
    }

    fn options(&self) -> CallOptions {
        let mut salt = vec![0; 32];
        self.salts.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut salt);
        CallOptions { salt, ..CallOptions::default() }
    }

    /// Carries an operation out as far as it goes without a send.
    ///
    /// # Errors
    /// A fault when the host had to end a call, or signatures are asked for that the actor cannot give.
    pub async fn begin(&self, operation: &StoreOperation) -> Result<Begun, Stop> {
        let called = self.application.to_call(&self.contract, operation.clone()).await;
        let call = match answered(called, "an answer of to-call")? {
            Ok(call) => call,
            Err(error) => return Ok(Begun::Refused(error)),
        };
        let begun = self.application.begin(call, self.actor.parties(), self.options()).await;
        let mut step = answered(begun, "an answer of begin")?;
        for _ in 0..=MAX_ROUNDS {
            let request = match step {
                Ok(Step::Sign(request)) => request,
                Ok(Step::Send(envelope)) => return Ok(Begun::Signed(envelope)),
                Ok(Step::Answer(output)) => return Ok(Begun::Over(Ok(output))),
                Err(error) => return Ok(Begun::Over(Err(error))),
            };
            let signatures = self.actor.sign(&request)?;
            let resumed = self.application.resume(request.continuation, signatures).await;
            step = answered(resumed, "an answer of resume")?;
        }
        fail("at most 16 rounds of signatures", "more")
    }

    /// Sends what is to be sent, waits until it is in a block, and asks what it means.
    ///
    /// # Errors
    /// A fault when the host had to end a call.
    pub async fn end(&self, operation: &StoreOperation, begun: Begun) -> Result<Came, Stop> {
        let outcome = match begun {
            Begun::Refused(error) => return Ok(Came::Answer(Err(error))),
            Begun::Over(outcome) => outcome,
            Begun::Signed(envelope) => match self.committed(&envelope).await? {
                Some(outcome) => outcome,
                None => return Ok(Came::NobodyKnows),
            },
        };
        let meant = self.application.from_outcome(operation.clone(), outcome).await;
        answered(meant, "an answer of from-outcome").map(Came::Answer)
    }

    async fn committed(&self, envelope: &Envelope) -> Result<Option<Result<Output, Error>>, Stop> {
        if let Err(failure) = self.application.try_send(envelope).await?
            && failure.effect == Effect::Never
        {
            return Ok(Some(Err(failure.error)));
        }
        let Some(receipt) = self.settled(envelope).await? else { return Ok(None) };
        match (receipt.inclusion, receipt.outcome) {
            (Inclusion::Expired | Inclusion::Superseded(_), _) => {
                Ok(Some(Err(Error::new(ErrorCode::Expired, "the transaction cannot enter a block any more"))))
            }
            (_, Some(outcome)) => Ok(Some(outcome)),
            (inclusion, None) => {
                fail("the outcome of a transaction that is in a block", format!("{inclusion:?}"))
            }
        }
    }

    async fn settled(&self, envelope: &Envelope) -> Result<Option<Receipt>, Stop> {
        for look in 0..self.application.setup.patience {
            let asked = self.application.receipt(&envelope.transaction, envelope.tracking.clone()).await;
            match answered(asked, "an answer of receipt")? {
                Ok(receipt) if !matches!(receipt.inclusion, Inclusion::Unknown | Inclusion::Pending) => {
                    return Ok(Some(receipt));
                }
                Err(error) if !error.retryable => return fail("a receipt", error.to_string()),
                _ => self.application.pause_after(look).await,
            }
        }
        Ok(None)
    }

    /// Carries an operation out.
    ///
    /// # Errors
    /// A fault when the host had to end a call, or a transaction gets into no block.
    pub async fn carry_out(&self, operation: &StoreOperation) -> Result<Result<StoreAnswer, Error>, Stop> {
        let begun = self.begin(operation).await?;
        match self.end(operation, begun).await? {
            Came::Answer(answer) => Ok(answer),
            Came::NobodyKnows => fail("the transaction gets into a block", "it does not"),
        }
    }

    async fn write(&self, operation: StoreOperation) -> Result<Result<(), Error>, Stop> {
        match self.carry_out(&operation).await? {
            Ok(StoreAnswer::Done) => Ok(Ok(())),
            Ok(other) => fail("done, or an error", format!("{other:?}")),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Inserts.
    ///
    /// # Errors
    /// See [`carry_out`](Self::carry_out); the inner error is the store's.
    pub async fn insert(&self, key: &str, value: &[u8]) -> Result<Result<(), Error>, Stop> {
        self.write(StoreOperation::Insert(StoreEntry { key: key.into(), value: value.into() })).await
    }

    /// Updates.
    ///
    /// # Errors
    /// See [`carry_out`](Self::carry_out); the inner error is the store's.
    pub async fn update(&self, key: &str, value: &[u8]) -> Result<Result<(), Error>, Stop> {
        self.write(StoreOperation::Update(StoreEntry { key: key.into(), value: value.into() })).await
    }

    /// Deletes.
    ///
    /// # Errors
    /// See [`carry_out`](Self::carry_out); the inner error is the store's.
    pub async fn delete(&self, key: &str) -> Result<Result<(), Error>, Stop> {
        self.write(StoreOperation::Delete(key.into())).await
    }

    /// The key's value.
    ///
    /// # Errors
    /// See [`carry_out`](Self::carry_out); the inner error is the store's.
    pub async fn get(&self, key: &str) -> Result<Result<Vec<u8>, Error>, Stop> {
        match self.carry_out(&StoreOperation::Get(key.into())).await? {
            Ok(StoreAnswer::Value(value)) => Ok(Ok(value)),
            Ok(other) => fail("a value, or an error", format!("{other:?}")),
            Err(error) => Ok(Err(error)),
        }
    }

    /// The key's history.
    ///
    /// # Errors
    /// See [`carry_out`](Self::carry_out); the inner error is the store's.
    pub async fn history(&self, key: &str) -> Result<Result<Vec<StoreVersion>, Error>, Stop> {
        match self.carry_out(&StoreOperation::History(key.into())).await? {
            Ok(StoreAnswer::History(versions)) => Ok(Ok(versions)),
            Ok(other) => fail("a history, or an error", format!("{other:?}")),
            Err(error) => Ok(Err(error)),
        }
    }
}
