//! One call from begin to its receipt, through the journal, and what a restart left open.

use std::error::Error as StdError;

use adapter_spec::{
    CallError, Ledger, async_trait,
    types::{
        Call, CallOptions, Envelope, Inclusion, Output, Party, Receipt, SendFailure, SignRequest, Signature,
        Step, Validity,
    },
};
use thiserror::Error;

use crate::{
    entry::{Entry, Settled, Settlement, State},
    error::JournalError,
    journal::{Begin, Bound, Journal},
    key::{EntryKey, PayloadDigest, Salt},
    sendable::{Attempted, Sendable},
    store::MAX_PAGE_ENTRIES,
};

/// Rounds of signatures in one call, after which the adapter breaks the standard (CALL-15).
const MAX_ROUNDS: usize = 16;

/// Why a signer did not sign. It is shown to the caller: no secrets in it.
pub type SignerError = Box<dyn StdError + Send + Sync>;

/// Whoever has the keys: a key store, a user at a wallet.
#[async_trait]
pub trait Signer: Send + Sync {
    /// One signature for each of the request's items, in their order.
    ///
    /// # Errors
    /// Why it does not sign; the call is given up then.
    async fn sign(&self, request: &SignRequest) -> Result<Vec<Signature>, SignerError>;
}

#[async_trait]
impl<F> Signer for F
where
    F: Fn(&SignRequest) -> Result<Vec<Signature>, SignerError> + Send + Sync,
{
    async fn sign(&self, request: &SignRequest) -> Result<Vec<Signature>, SignerError> {
        self(request)
    }
}

/// What is to be done under one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The application, and the idempotency key that it chose.
    pub key: EntryKey,
    /// The call, or the replacement.
    pub task: Task,
    /// Who acts.
    pub parties: Vec<Party>,
    /// The salt in it is not looked at: the journal has the key's own.
    pub options: CallOptions,
}

/// A call, or a replacement of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// `begin` of this call.
    Call(Call),
    /// `replace` of the envelope of this entry, of the same application.
    Replace(EntryKey),
}

impl Work {
    /// What the key is bound to.
    #[must_use]
    pub fn payload(&self) -> PayloadDigest {
        match &self.task {
            Task::Call(call) => PayloadDigest::of_call(call, &self.parties, &self.options),
            Task::Replace(original) => PayloadDigest::of_replacement(original, &self.parties, &self.options),
        }
    }
}

/// How far a call has come.
#[derive(Debug)]
pub enum Outcome {
    /// It was a read.
    Answered(Output),
    /// Its transaction may take effect, or has, and that can still change: [`follow`] it.
    UnderWay {
        /// Its id.
        transaction: String,
        /// What the ledger last said of it, if it was heard.
        receipt: Option<Receipt>,
        /// What went wrong on the way, if anything did.
        trouble: Option<Trouble>,
    },
    /// It is known for good what became of it.
    Settled {
        /// Its id.
        transaction: String,
        /// What became of it.
        settlement: Settlement,
        /// The receipt that settled it just now. None where it was settled before, or without a receipt.
        receipt: Option<Receipt>,
    },
}

/// What went wrong with a transaction that is still under way.
#[derive(Debug, Error)]
pub enum Trouble {
    /// The last send was not acknowledged.
    #[error("send: {0}")]
    Send(#[source] CallError<SendFailure>),
    /// The receipt was not to be had.
    #[error("receipt: {0}")]
    Receipt(#[source] CallError),
    /// It may not be sent any more, and the ledger has not decided on it.
    #[error("the end of its validity has passed")]
    Late,
}

/// Why a call came to no end. Nothing is under way by it, unless the journal failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DriveError {
    /// The journal failed: [`recover`], or the same work once more, finds out what holds.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The key is bound to another payload: answer `conflict`.
    #[error("the key is bound to another payload")]
    Conflict,
    /// The adapter answered with an error before there was an envelope, or the host ended the call.
    #[error("{function}: {source}")]
    Call {
        /// The function of the standard.
        function: &'static str,
        /// How it failed.
        #[source]
        source: CallError,
    },
    /// The signer does not sign.
    #[error("the signer did not sign: {0}")]
    Signer(#[source] SignerError),
    /// The adapter does not keep the standard: tell its vendor.
    #[error("the adapter breaks the standard: {0}")]
    Adapter(&'static str),
    /// What should be replaced has no envelope that could still take effect.
    #[error("the call {0} has nothing to replace")]
    NothingToReplace(EntryKey),
}

impl DriveError {
    fn of(function: &'static str) -> impl Fn(CallError) -> DriveError {
        move |source| DriveError::Call { function, source }
    }
}

/// Carries work out: binds its key, has it signed, journals the envelope, sends it, asks for the receipt once. The same work
/// once more goes on where it stopped, and makes no second transaction.
///
/// Once there is an envelope, a failure of the ledger is no error but [`Outcome::UnderWay`]. `bound` is called when this work's
/// envelope is bound to the key, before it is sent, and so once for each key, however often the work comes: to count it.
///
/// # Errors
/// [`DriveError`].
pub async fn carry_out(
    journal: &Journal,
    ledger: &dyn Ledger,
    work: Work,
    signer: &dyn Signer,
    bound: impl FnOnce() + Send,
) -> Result<Outcome, DriveError> {
    let salt = match journal.begin_unflushed(&work.key, work.payload()).await? {
        Begin::New { salt } => salt,
        Begin::Conflict => return Err(DriveError::Conflict),
        Begin::Resumed(entry) if may_begin(&entry) => entry.salt,
        Begin::Resumed(entry) => return go_on(journal, ledger, *entry).await,
    };
    let (key, original) = match &work.task {
        Task::Call(_) => (work.key.clone(), None),
        Task::Replace(original) => (work.key.clone(), Some(original.clone())),
    };
    let ready = match sign(journal, ledger, work, salt, signer).await {
        Ok(ready) => ready,
        // The caller may rely on it that the key is bound.
        Err(error) => {
            journal.flush().await?;
            return Err(error);
        }
    };
    match ready {
        Ready::Answer(output) => {
            journal.settle(&key, Settlement::Answered).await?;
            Ok(Outcome::Answered(output))
        }
        Ready::Send(envelope) => conclude(journal, ledger, &key, envelope, original.as_ref(), bound).await,
    }
}

/// The end of [`carry_out`], for a caller who has had the call signed: binds the envelope to its key, which was begun, sends
/// it and asks for the receipt once. `original` is the entry whose transaction it replaces, where it does; `bound` is called as
/// [`carry_out`] does.
///
/// # Errors
/// [`DriveError`]; nothing was sent then, unless the journal failed.
pub async fn conclude(
    journal: &Journal,
    ledger: &dyn Ledger,
    key: &EntryKey,
    envelope: Envelope,
    original: Option<&EntryKey>,
    bound: impl FnOnce() + Send,
) -> Result<Outcome, DriveError> {
    let found = match original {
        Some(original) => journal.signed_instead(key, envelope, original).await?,
        None => journal.signed(key, envelope).await?,
    };
    match found {
        Bound::Now(sendable) => {
            bound();
            deliver(journal, ledger, sendable).await
        }
        Bound::Before(entry) if may_begin(&entry) => {
            Err(DriveError::Adapter("a call that was a read before ends in a transaction"))
        }
        // The same work was carried out side by side, and the other one was first.
        Bound::Before(entry) => go_on(journal, ledger, *entry).await,
    }
}

/// Asks for the receipt of a transaction once, and settles its entry where the receipt says so. Sends nothing.
///
/// # Errors
/// [`DriveError::Journal`] where the key has no transaction, among others; [`DriveError::Adapter`].
pub async fn follow(journal: &Journal, ledger: &dyn Ledger, key: &EntryKey) -> Result<Outcome, DriveError> {
    let entry = journal.entry(key).await?.ok_or_else(|| JournalError::NotBegun { key: key.clone() })?;
    match entry.state {
        State::Begun => Err(JournalError::NotBegun { key: key.clone() }.into()),
        State::Settled(settled) => settled_before(settled),
        State::Signed(signed) | State::Sent(signed) => {
            look(journal, ledger, key, &signed.envelope, None).await
        }
    }
}

/// What [`recover`] did with one entry.
#[derive(Debug)]
pub struct Recovered {
    /// Which.
    pub key: EntryKey,
    /// How it went on. None where there is no envelope: its caller must come again with the same work.
    pub outcome: Option<Result<Outcome, DriveError>>,
}

/// Goes on with all of an application's entries that are not settled, after a restart: sends the very bytes again, or asks
/// for the receipt. One entry's failure does not stop the others. One after the other, in the order of the keys.
///
/// # Errors
/// When the journal cannot be read.
pub async fn recover(
    journal: &Journal,
    application: &str,
    ledger: &dyn Ledger,
) -> Result<Vec<Recovered>, JournalError> {
    let (mut recovered, mut from) = (Vec::new(), None);
    loop {
        let page = journal.unsettled(application, from.as_ref(), MAX_PAGE_ENTRIES).await?;
        for entry in page.entries {
            let key = entry.key.clone();
            recovered
                .push(Recovered { key, outcome: take_up_entry(journal, ledger, entry).await.transpose() });
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(recovered),
        }
    }
}

/// Goes on with one entry, as [`recover`] does: sends the very bytes again, or asks for the receipt. None where there is no
/// envelope: nothing was sent, and its caller must come again with the same work.
///
/// # Errors
/// [`DriveError::Journal`] where there is no such entry, among others; [`DriveError::Adapter`].
pub async fn take_up(
    journal: &Journal,
    ledger: &dyn Ledger,
    key: &EntryKey,
) -> Result<Option<Outcome>, DriveError> {
    let entry = journal.entry(key).await?.ok_or_else(|| JournalError::NotBegun { key: key.clone() })?;
    take_up_entry(journal, ledger, entry).await
}

async fn take_up_entry(
    journal: &Journal,
    ledger: &dyn Ledger,
    entry: Entry,
) -> Result<Option<Outcome>, DriveError> {
    match entry.state {
        State::Begun => Ok(None),
        State::Signed(_) | State::Sent(_) | State::Settled(_) => {
            go_on(journal, ledger, entry).await.map(Some)
        }
    }
}

/// Whether there is nothing that could have been sent.
fn may_begin(entry: &Entry) -> bool {
    match &entry.state {
        State::Begun => true,
        State::Settled(settled) => settled.settlement == Settlement::Answered,
        State::Signed(_) | State::Sent(_) => false,
    }
}

/// What `begin`, `resume` and the signer come to.
enum Ready {
    Send(Envelope),
    Answer(Output),
}

#[tracing::instrument(target = "berth::trace", name = "journal.sign", skip_all)]
async fn sign(
    journal: &Journal,
    ledger: &dyn Ledger,
    work: Work,
    salt: Salt,
    signer: &dyn Signer,
) -> Result<Ready, DriveError> {
    let options = CallOptions { salt: salt.as_bytes().to_vec(), ..work.options };
    let mut step = match work.task {
        Task::Call(call) => {
            ledger.begin(call, work.parties, options).await.map_err(DriveError::of("begin"))?
        }
        Task::Replace(original) => {
            let entry = journal.entry(&original).await?;
            let signed = entry.as_ref().and_then(|entry| entry.state.signed());
            let envelope = signed.map(|signed| signed.envelope.clone());
            let envelope = envelope.ok_or(DriveError::NothingToReplace(original))?;
            let replaced = ledger.replace(envelope, work.parties, options).await;
            replaced.map_err(DriveError::of("replace"))?
        }
    };
    for _ in 0..MAX_ROUNDS {
        let request = match step {
            Step::Send(envelope) => return Ok(Ready::Send(envelope)),
            Step::Answer(output) => return Ok(Ready::Answer(output)),
            Step::Sign(request) => request,
        };
        let continued = match signer.sign(&request).await {
            Ok(signatures) => {
                let resumed = ledger.resume(request.continuation.clone(), signatures).await;
                resumed.map_err(DriveError::of("resume"))
            }
            Err(error) => Err(DriveError::Signer(error)),
        };
        match continued {
            Ok(next) => step = next,
            Err(error) => {
                give_up(ledger, request).await;
                return Err(error);
            }
        }
    }
    match step {
        Step::Send(envelope) => Ok(Ready::Send(envelope)),
        Step::Answer(output) => Ok(Ready::Answer(output)),
        Step::Sign(request) => {
            give_up(ledger, request).await;
            Err(DriveError::Adapter("it asks for signatures more than 16 times in one call"))
        }
    }
}

/// Frees what a call reserved. It ends by itself too, and the error before is the one that matters.
async fn give_up(ledger: &dyn Ledger, request: SignRequest) {
    let _ = ledger.abandon(request.continuation).await;
}

/// Goes on with an entry that has an envelope, or an end.
async fn go_on(journal: &Journal, ledger: &dyn Ledger, entry: Entry) -> Result<Outcome, DriveError> {
    let key = entry.key;
    let envelope = match entry.state {
        State::Begun => return Err(JournalError::NotBegun { key }.into()),
        State::Settled(settled) => return settled_before(settled),
        State::Signed(signed) => signed.envelope,
        State::Sent(signed) => {
            // A node has it, so it is sent again only where it got lost.
            let outcome = look(journal, ledger, &key, &signed.envelope, None).await?;
            let lost = matches!(
                &outcome,
                Outcome::UnderWay { receipt: Some(receipt), .. } if receipt.inclusion == Inclusion::Unknown
            );
            if !lost {
                return Ok(outcome);
            }
            signed.envelope
        }
    };
    if is_late(journal, ledger, &envelope).await {
        return look(journal, ledger, &key, &envelope, Some(Trouble::Late)).await;
    }
    match journal.resume(&key).await? {
        Some(sendable) => send(journal, ledger, sendable).await,
        // Somebody else settled it meanwhile.
        None => follow(journal, ledger, &key).await,
    }
}

/// Sends an envelope for the first time.
async fn deliver(journal: &Journal, ledger: &dyn Ledger, sendable: Sendable) -> Result<Outcome, DriveError> {
    if !is_late(journal, ledger, sendable.envelope()).await {
        return send(journal, ledger, sendable).await;
    }
    let key = sendable.key().clone();
    journal.too_late(sendable).await?;
    follow(journal, ledger, &key).await
}

/// Sends, notes how it ended, and asks for the receipt.
async fn send(journal: &Journal, ledger: &dyn Ledger, sendable: Sendable) -> Result<Outcome, DriveError> {
    let (key, envelope) = (sendable.key().clone(), sendable.envelope().clone());
    let attempt = sendable.send(ledger).await;
    let never = |error| Outcome::Settled {
        transaction: envelope.transaction.clone(),
        settlement: Settlement::Never(error),
        receipt: None,
    };
    match journal.attempted(attempt).await? {
        Attempted::Acknowledged => {
            let outcome = look(journal, ledger, &key, &envelope, None).await?;
            if matches!(outcome, Outcome::UnderWay { .. }) {
                journal.acknowledged(&key).await?;
            }
            Ok(outcome)
        }
        Attempted::Never(error) => Ok(never(error)),
        Attempted::Unknown(error) => look(journal, ledger, &key, &envelope, Some(Trouble::Send(error))).await,
        Attempted::NotThisTime(error) => {
            let failure = SendFailure { error: error.clone(), effect: adapter_spec::types::Effect::Never };
            let trouble = Trouble::Send(CallError::Answered(failure));
            let outcome = look(journal, ledger, &key, &envelope, Some(trouble)).await?;
            let unheard_of = matches!(
                &outcome,
                Outcome::UnderWay { receipt: Some(receipt), .. } if receipt.inclusion == Inclusion::Unknown
            );
            // What a retry could mend is no refusal for good: the node was not reached this time, perhaps the last time.
            if error.retryable || !unheard_of {
                return Ok(outcome);
            }
            match journal.settle(&key, Settlement::Never(error)).await? {
                Some(settlement) => {
                    Ok(Outcome::Settled { transaction: envelope.transaction, settlement, receipt: None })
                }
                None => Ok(outcome),
            }
        }
    }
}

/// Asks for the receipt once, and settles by it.
#[tracing::instrument(target = "berth::trace", name = "journal.look", skip_all)]
async fn look(
    journal: &Journal,
    ledger: &dyn Ledger,
    key: &EntryKey,
    envelope: &Envelope,
    trouble: Option<Trouble>,
) -> Result<Outcome, DriveError> {
    let transaction = envelope.transaction.clone();
    let receipt = match ledger.receipt(&transaction, envelope.tracking.clone()).await {
        Ok(receipt) => receipt,
        Err(error) => {
            let trouble = Some(trouble.unwrap_or(Trouble::Receipt(error)));
            return Ok(Outcome::UnderWay { transaction, receipt: None, trouble });
        }
    };
    if receipt.transaction != transaction {
        return Err(DriveError::Adapter("a receipt is of another transaction than was asked for"));
    }
    let settlement = match (&receipt.inclusion, &receipt.outcome) {
        (Inclusion::Final, Some(outcome)) => Settlement::Final { succeeded: outcome.is_ok() },
        (Inclusion::Final, None) => return Err(DriveError::Adapter("a final receipt has no outcome")),
        (Inclusion::Expired, _) => Settlement::Expired,
        (Inclusion::Superseded(by), _) => Settlement::Superseded(by.clone()),
        (Inclusion::Unknown | Inclusion::Pending | Inclusion::Included(_), _) => {
            return Ok(Outcome::UnderWay { transaction, receipt: Some(receipt), trouble });
        }
    };
    let settlement = journal.settle(key, settlement.clone()).await?.unwrap_or(settlement);
    Ok(Outcome::Settled { transaction, settlement, receipt: Some(receipt) })
}

fn settled_before(settled: Settled) -> Result<Outcome, DriveError> {
    let transaction = settled.transaction.map(|transaction| transaction.id).unwrap_or_default();
    Ok(Outcome::Settled { transaction, settlement: settled.settlement, receipt: None })
}

/// Whether an envelope may not be sent for the first time any more. Where the ledger does not tell, the adapter decides
/// when it is sent (ONCE-13).
async fn is_late(journal: &Journal, ledger: &dyn Ledger, envelope: &Envelope) -> bool {
    match envelope.valid_until {
        Validity::Unbounded => false,
        Validity::Millis(until) => journal.now_millis() > until,
        Validity::Block(until) => ledger.status().await.is_ok_and(|status| status.head.number > until),
    }
}
