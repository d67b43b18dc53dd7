//! The journal of envelopes: what a key is bound to, and how far its call has come.

use std::{sync::Arc, time::Duration};

use adapter_spec::{
    CallError,
    types::{Effect, Envelope, Error, ErrorCode, SendFailure},
};

use crate::{
    entry::{Entry, Settled, SettledTransaction, Settlement, Signed, State, bounded},
    error::JournalError,
    key::{EntryKey, PayloadDigest, Salt},
    recent::Recent,
    salts::Salts,
    sendable::{Attempt, Attempted, Sendable},
    sources::{Sources, SystemSources},
    store::{Store, StoreError},
    watched_store::WatchedStore,
};

/// The most bytes of an envelope's bytes and tracking together.
pub const MAX_ENVELOPE: usize = 7 << 20;
/// The most bytes of a transaction's id.
pub const MAX_TRANSACTION: usize = 1 << 10;
/// The most replacements of one transaction.
pub const MAX_REPLACEMENTS: usize = 64;
/// How long a key stays bound after its call was settled, unless the journal is told otherwise: 90 days.
pub const DEFAULT_BINDING: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// When at the latest a flush is made for a transaction that is final.
const FINAL_FLUSH: Duration = Duration::from_millis(50);
/// Entries, by key.
pub(crate) const ENTRIES: &str = "journal/entry/";
/// The keys of the entries that are not settled; each value is the entry's salt.
pub(crate) const OPEN: &str = "journal/open/";

/// What [`Journal::begin`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// The key is new, and bound to this payload and salt from now on.
    New {
        /// For `call-options.salt`.
        salt: Salt,
    },
    /// The same call was begun before: go on with it.
    Resumed(Box<Entry>),
    /// The key is bound to another payload: answer `conflict`.
    Conflict,
}

/// What [`Journal::signed`] found.
#[derive(Debug)]
pub enum Bound {
    /// The envelope is bound to the key, and may be sent.
    Now(Sendable),
    /// The key has an envelope, or an end, already. That one counts, and the offered one must never be sent.
    Before(Box<Entry>),
}

/// The journal. What a function returned is durable, unless it says otherwise; many callers share one flush.
///
/// Several journals may work on one store at the same time, in one process or, where the store can, in several.
pub struct Journal {
    /// Its flushes are shared.
    pub(crate) store: Arc<WatchedStore>,
    /// Only entries that this journal began, and marked as open.
    recent: Recent,
    salts: Salts,
    sources: Arc<dyn Sources>,
    binding: Duration,
}

impl Journal {
    /// A journal in this store, with the system's randomness and clock and [`DEFAULT_BINDING`].
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Journal::with(store, Arc::new(SystemSources), DEFAULT_BINDING)
    }

    /// The same in a store that others use too, with whom it shares flushes.
    #[must_use]
    pub fn beside_others(store: Arc<WatchedStore>) -> Self {
        Journal::made(store, Arc::new(SystemSources), DEFAULT_BINDING)
    }

    /// A journal with other sources, and another time for which a key stays bound after its end.
    #[must_use]
    pub fn with(store: Arc<dyn Store>, sources: Arc<dyn Sources>, binding: Duration) -> Self {
        Journal::made(Arc::new(WatchedStore::new(store)), sources, binding)
    }

    fn made(store: Arc<WatchedStore>, sources: Arc<dyn Sources>, binding: Duration) -> Self {
        Journal { store, recent: Recent::new(), salts: Salts::default(), sources, binding }
    }

    /// How long a key stays bound after its call was settled, or begun and not signed: see [`Journal::prune`].
    #[must_use]
    pub fn binding(&self) -> Duration {
        self.binding
    }

    /// Milliseconds since 1970, as the journal's sources tell it.
    #[must_use]
    pub fn now_millis(&self) -> u64 {
        self.sources.now_millis()
    }

    /// Binds a key to a payload and a salt, or finds what it is bound to.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn begin(&self, key: &EntryKey, payload: PayloadDigest) -> Result<Begin, JournalError> {
        let begun = self.begin_unflushed(key, payload).await?;
        if matches!(begun, Begin::New { .. }) {
            self.flush().await?;
        }
        Ok(begun)
    }

    /// The same for a caller who keeps what comes of it to itself until it is bound or settled. A new binding is durable only with
    /// the envelope: before that a crash may leave the key free, and nothing of the call anywhere else.
    ///
    /// # Errors
    /// [`JournalError`].
    #[tracing::instrument(target = "berth::trace", name = "journal.begin", skip_all)]
    pub async fn begin_unflushed(
        &self,
        key: &EntryKey,
        payload: PayloadDigest,
    ) -> Result<Begin, JournalError> {
        let place = key.place(ENTRIES);
        loop {
            let now = self.now_millis();
            let kept = (self.store.as_ref() as &dyn Store, self.sources.as_ref());
            let salt = self.salts.of(key, (now, self.binding), kept).await?;
            let entry = Entry::new(key.clone(), payload, salt, now);
            let bytes = entry.encode()?;
            // Most keys are new: nothing is read before.
            if self.store.compare_and_set(&place, None, Some(&bytes)).await? {
                self.open(&entry).await?;
                self.recent.put(&entry, bytes);
                return Ok(Begin::New { salt });
            }
            if let Some(entry) = self.read(key).await?.map(|(entry, _)| entry) {
                if entry.payload != payload {
                    return Ok(Begin::Conflict);
                }
                self.confirm(&entry).await?;
                return Ok(Begin::Resumed(Box::new(entry)));
            }
        }
    }

    /// Makes durable what [`Journal::begin_unflushed`] bound.
    ///
    /// # Errors
    /// [`JournalError::Store`].
    pub async fn flush(&self) -> Result<(), JournalError> {
        Ok(self.store.flush().await?)
    }

    /// Binds an envelope to a key that has none, for good. When this returns [`Bound::Now`] it is durable.
    ///
    /// # Errors
    /// [`JournalError`]; the envelope must not be sent then.
    pub async fn signed(&self, key: &EntryKey, envelope: Envelope) -> Result<Bound, JournalError> {
        self.bind(key, envelope, None).await
    }

    /// The same for an envelope that can only take effect instead of another one of the same application; both entries
    /// name each other.
    ///
    /// # Errors
    /// [`JournalError`]; the envelope must not be sent then.
    pub async fn signed_instead(
        &self,
        key: &EntryKey,
        envelope: Envelope,
        original: &EntryKey,
    ) -> Result<Bound, JournalError> {
        let nothing = || JournalError::NothingToReplace { key: original.clone() };
        if original.application() != key.application() {
            return Err(nothing());
        }
        // First there, so that no envelope is durable before the one that it replaces knows of it.
        self.change(original, |entry| {
            if entry.replaced_by.contains(key) {
                return Ok(((), false));
            }
            if entry.state.signed().is_none() || entry.replaced_by.len() >= MAX_REPLACEMENTS {
                return Err(nothing());
            }
            entry.replaced_by.push(key.clone());
            Ok(((), true))
        })
        .await?;
        self.flush().await?;
        self.bind(key, envelope, Some(original)).await
    }

    #[tracing::instrument(target = "berth::trace", name = "journal.bind", skip_all)]
    async fn bind(
        &self,
        key: &EntryKey,
        envelope: Envelope,
        original: Option<&EntryKey>,
    ) -> Result<Bound, JournalError> {
        let (bytes, id) =
            (envelope.bytes.len().saturating_add(envelope.tracking.len()), envelope.transaction.len());
        if bytes > MAX_ENVELOPE || id > MAX_TRANSACTION {
            return Err(JournalError::Envelope { bytes, id });
        }
        let Changed { entry, result: bound, marked } = self
            .change(key, |entry| {
                let free = entry.state == State::Begun;
                if free {
                    entry.state = State::Signed(Signed { envelope: envelope.clone(), given_out: 1 });
                    entry.replaces = original.cloned();
                }
                Ok((free, free))
            })
            .await?;
        match marked {
            true => self.flush().await?,
            false => self.confirm(&entry).await?,
        }
        if !bound {
            return Ok(Bound::Before(Box::new(entry)));
        }
        Ok(Bound::Now(Sendable { key: key.clone(), envelope }))
    }

    /// The envelope of a key, to be sent again after a restart or a failure. None where there is none, or where it is
    /// settled.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn resume(&self, key: &EntryKey) -> Result<Option<Sendable>, JournalError> {
        // It is counted, so that a failure of one attempt is never taken for the failure of all.
        let Changed { entry, result: envelope, .. } = self
            .change(key, |entry| {
                let envelope = match &mut entry.state {
                    State::Signed(signed) | State::Sent(signed) => {
                        signed.given_out = signed.given_out.saturating_add(1);
                        Some(signed.envelope.clone())
                    }
                    State::Begun | State::Settled(_) => None,
                };
                let changed = envelope.is_some();
                Ok((envelope, changed))
            })
            .await?;
        self.confirm(&entry).await?;
        Ok(envelope.map(|envelope| Sendable { key: key.clone(), envelope }))
    }

    /// Notes how a send ended, where it failed; [`Journal::acknowledged`] is for one that did not, unless its receipt settles the entry.
    ///
    /// An attempt that had no effect settles its entry only where it was the only one: an adapter tells that a node was not
    /// reached, and cannot tell whether an earlier attempt reached it.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn attempted(&self, attempt: Attempt) -> Result<Attempted, JournalError> {
        let Attempt { key, result } = attempt;
        match result {
            Ok(()) => Ok(Attempted::Acknowledged),
            Err(CallError::Answered(SendFailure { error, effect: Effect::Never })) => {
                match self.settle_only_attempt(&key, &error).await? {
                    true => Ok(Attempted::Never(error)),
                    false => Ok(Attempted::NotThisTime(error)),
                }
            }
            Err(error) => Ok(Attempted::Unknown(error)),
        }
    }

    /// Notes that a node has the envelope, so that it is sent again only where it got lost. Not flushed: if a crash takes the note, the
    /// same bytes are sent once more.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn acknowledged(&self, key: &EntryKey) -> Result<(), JournalError> {
        self.change(key, |entry| {
            let State::Signed(signed) = &entry.state else { return Ok(((), false)) };
            entry.state = State::Sent(signed.clone());
            Ok(((), true))
        })
        .await
        .map(drop)
    }

    /// Settles an entry whose envelope was not sent in time, without sending it. False where it may have been sent before, or
    /// is given out to somebody else: ask for the receipt.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn too_late(&self, sendable: Sendable) -> Result<bool, JournalError> {
        let error =
            Error::new(ErrorCode::Expired, "the transaction was not sent before the end of its validity");
        self.settle_only_attempt(&sendable.key, &error).await
    }

    /// Settles with `never` where no other attempt can have had an effect.
    async fn settle_only_attempt(&self, key: &EntryKey, error: &Error) -> Result<bool, JournalError> {
        let only = |entry: &Entry| matches!(&entry.state, State::Signed(signed) if signed.given_out == 1);
        self.settle_if(key, Settlement::Never(error.clone()), only).await.map(|(_, settled)| settled)
    }

    /// Notes what became of a call, for good, and gives what holds: the first settlement counts. Nothing is noted for an
    /// entry without envelope, but that it was answered; and an entry with an envelope cannot be answered.
    ///
    /// The caller vouches for it: [`crate::follow`] settles by receipts.
    ///
    /// [`Settlement::Final`] becomes durable soon after, and all others before this returns. A crash may undo the note that a
    /// transaction is final, and its receipt says so again; after an undone refusal its bytes could be sent once more.
    ///
    /// # Errors
    /// [`JournalError`]. Until this has returned nobody may be told of the settlement.
    #[tracing::instrument(target = "berth::trace", name = "journal.settle", skip_all)]
    pub async fn settle(
        &self,
        key: &EntryKey,
        settlement: Settlement,
    ) -> Result<Option<Settlement>, JournalError> {
        let (entry, _) = self.settle_if(key, settlement, |_| true).await?;
        match entry.state {
            State::Settled(settled) => Ok(Some(settled.settlement)),
            State::Begun | State::Signed(_) | State::Sent(_) => Ok(None),
        }
    }

    async fn settle_if(
        &self,
        key: &EntryKey,
        settlement: Settlement,
        condition: fn(&Entry) -> bool,
    ) -> Result<(Entry, bool), JournalError> {
        let settlement = bounded(settlement);
        let now = self.now_millis();
        let Changed { entry, result: settled, .. } = self
            .change(key, |entry| {
                if !condition(entry) {
                    return Ok((false, false));
                }
                let transaction = match (&entry.state, &settlement) {
                    (State::Begun, Settlement::Answered) => None,
                    (State::Signed(_) | State::Sent(_), Settlement::Answered)
                    | (State::Begun | State::Settled(_), _) => return Ok((false, false)),
                    (State::Signed(signed) | State::Sent(signed), _) => {
                        Some(SettledTransaction::of(&signed.envelope))
                    }
                };
                let settlement = settlement.clone();
                entry.state = State::Settled(Settled { transaction, settlement, settled_millis: now });
                Ok((true, true))
            })
            .await?;
        if settled && matches!(settlement, Settlement::Final { .. }) {
            let (store, closing) = (Arc::clone(&self.store), entry.clone());
            let asked = store.ask();
            // Whatever goes wrong leaves the mark, and the next who look for open entries take it away.
            tokio::spawn(async move {
                // Others flush meanwhile, for whom somebody waits.
                tokio::time::sleep(FINAL_FLUSH).await;
                store.served(asked).await?;
                unmark(store.as_ref(), &closing).await
            });
            return Ok((entry, settled));
        }
        self.flush().await?;
        if settled {
            // After the flush: an open entry without its mark would be forgotten.
            unmark(self.store.as_ref(), &entry).await?;
        }
        Ok((entry, settled))
    }

    /// What is known of a key.
    ///
    /// # Errors
    /// [`JournalError`].
    pub async fn entry(&self, key: &EntryKey) -> Result<Option<Entry>, JournalError> {
        let entry = self.read(key).await?.map(|(entry, _)| entry);
        if entry.is_some() {
            self.flush().await?;
        }
        Ok(entry)
    }

    /// Makes an entry durable, and its mark where it is not settled. Whoever wrote it may not have come that far, or a crash
    /// may have taken the mark and left the entry.
    async fn confirm(&self, entry: &Entry) -> Result<(), JournalError> {
        if !matches!(entry.state, State::Settled(_)) {
            self.open(entry).await?;
        }
        self.flush().await
    }

    /// Marks an entry as not settled.
    async fn open(&self, entry: &Entry) -> Result<(), JournalError> {
        let (place, mark) = (entry.key.place(OPEN), entry.salt.as_bytes());
        let mut old = None;
        while !self.store.compare_and_set(&place, old.as_deref(), Some(mark)).await? {
            old = self.store.get(&place).await?;
            if old.as_deref() == Some(mark) {
                break;
            }
        }
        Ok(())
    }

    pub(crate) async fn read(&self, key: &EntryKey) -> Result<Option<(Entry, Vec<u8>)>, JournalError> {
        let Some(bytes) = self.store.get(&key.place(ENTRIES)).await? else { return Ok(None) };
        Ok(Some((Entry::decode(key, &bytes)?, bytes)))
    }

    /// Changes an entry. `change` tells whether there is anything to write; it is asked again where somebody else was faster.
    /// Nothing is flushed.
    async fn change<T: Send>(
        &self,
        key: &EntryKey,
        mut change: impl FnMut(&mut Entry) -> Result<(T, bool), JournalError> + Send,
    ) -> Result<Changed<T>, JournalError> {
        let mut recent = self.recent.take(key);
        loop {
            let marked = recent.is_some();
            let (mut entry, old) = match recent.take() {
                Some(recent) => recent,
                None => self.read(key).await?.ok_or_else(|| JournalError::NotBegun { key: key.clone() })?,
            };
            let changed = change(&mut entry);
            // What was remembered may be out of date.
            if marked && !matches!(changed, Ok((_, true))) {
                continue;
            }
            let (result, write) = changed?;
            if !write {
                return Ok(Changed { entry, result, marked });
            }
            let new = entry.encode()?;
            if self.store.compare_and_set(&key.place(ENTRIES), Some(&old), Some(&new)).await? {
                if marked && !matches!(entry.state, State::Settled(_)) {
                    self.recent.put(&entry, new);
                }
                return Ok(Changed { entry, result, marked });
            }
        }
    }
}

/// What a change came to.
struct Changed<T> {
    /// The entry as it is afterwards.
    entry: Entry,
    result: T,
    /// Whether this journal marked it as open when it began.
    marked: bool,
}

/// Takes the mark away, unless the key has been begun anew since.
pub(crate) async fn unmark(store: &dyn Store, entry: &Entry) -> Result<(), StoreError> {
    store.compare_and_set(&entry.key.place(OPEN), Some(entry.salt.as_bytes()), None).await.map(drop)
}
