//! Who has which nonce.
//!
//! A nonce that is never used blocks every later one of the account, and one that is used twice loses a call. So:
//!
//! 1. `begin` **leases** the lowest nonce that is neither taken nor leased. The lease's nonce is a hint and no promise: it
//!    spreads calls that begin together over different nonces, so that most of them sign once. The lease itself says that
//!    the call goes on: one that has none any more, since it was abandoned or its time is over, is not resumed.
//! 2. `resume` **signs** only the lowest nonce that is not taken. A signature for any other is turned away with a new
//!    step for that lowest one. So an abandoned or slow call leaves no gap behind itself: those that follow it move down
//!    to its nonce, and it, if it comes back, moves up. Whoever is turned away was turned away because another call
//!    came through, so some call always gets through.
//! 3. A signed nonce is **taken** until its envelope is sent, or until the envelope's time is over. Only one envelope
//!    (or replacements of it, which are alternatives by their nonce) holds a nonce at a time, since all changes go
//!    through one compare-and-swap on one key.
//! 4. `send` first turns *signed* into *sent*, and sends only what the book says is signed or sent. An envelope whose
//!    time was over and whose nonce went to another one is not in the book any more: it is not sent, and says `expired`.
//! 5. A sent nonce is taken until the chain has used it. Where the node has forgotten a sent transaction (its pool
//!    dropped it) and no lower nonce is missing, the nonce may be signed anew; what was sent before stays in the book
//!    beside it, as an alternative that can still win, and the loser's receipt says `superseded`.
//!
//! All of it is in the host's store, so that it outlives instances and restarts. What remains: an envelope that was
//! signed and is never sent keeps its nonce for the rest of its time, and envelopes after it wait that long; a
//! transaction that another program signs with the same key is seen only in the node's counts.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode},
};
use alloy_primitives::{Address, B256, FixedBytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::codec;

/// A call, by the digest of its salt.
pub(crate) type Owner = FixedBytes<16>;

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'n', 1);
/// The most leases kept; beyond it the oldest go, and their calls have to begin anew.
const MAX_LEASES: usize = 256;
/// The most nonces taken at once.
const MAX_SLOTS: usize = 256;
/// The most envelopes for one nonce: an original and its replacements.
const MAX_ALTERNATIVES: usize = 16;
/// The most replacements remembered after their nonce is used.
const MAX_REPLACED: usize = 64;
/// How often a change is tried when others change the book at the same time.
const ATTEMPTS: u32 = 256;

/// A nonce that a call may try first.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct Lease {
    owner: Owner,
    nonce: u64,
    until: u64,
}

/// A nonce that is taken.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct Slot {
    nonce: u64,
    owner: Owner,
    /// Signed envelopes are in time, and sent ones are not asked after, until here.
    until: u64,
    /// The node has forgotten what was sent.
    forgotten: bool,
    /// Envelopes that were not sent yet.
    signed: Vec<B256>,
    /// Envelopes that were sent, or may have been.
    sent: Vec<B256>,
}

impl Slot {
    fn taken(&self) -> bool {
        !self.signed.is_empty() || (!self.sent.is_empty() && !self.forgotten)
    }

    fn holds(&self, envelope: B256) -> bool {
        self.signed.contains(&envelope) || self.sent.contains(&envelope)
    }
}

/// Envelopes that were alternatives, kept to say which one superseded the others.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct Replaced {
    alternatives: Vec<B256>,
}

/// One account's nonces.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Book {
    leases: Vec<Lease>,
    slots: Vec<Slot>,
    replaced: Vec<Replaced>,
}

/// What the node and the clock say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Transactions in the chain: nonces below are used.
    pub(crate) latest: u64,
    /// With those that wait in the node's pool without a gap.
    pub(crate) pending: u64,
    /// Milliseconds since 1970.
    pub(crate) now: u64,
}

impl Counts {
    /// Where to look for a free nonce.
    fn first(self) -> u64 {
        self.latest.max(self.pending)
    }
}

/// What became of a wish to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    /// The envelope has its nonce.
    Taken,
    /// Sign this nonce instead.
    Move(u64),
}

/// What the book says of an envelope that is about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    /// For the first time.
    First,
    /// It was sent before, or may have been.
    Again,
    /// The nonce is another's, or nobody's: this envelope's time is over.
    GivenAway,
}

impl Book {
    /// Drops what is over.
    fn tidy(&mut self, counts: Counts) {
        // A lease whose nonce is used stays: its call, where it comes back in time, moves up.
        self.leases.retain(|lease| lease.until > counts.now);
        for slot in &mut self.slots {
            if slot.until <= counts.now && !slot.signed.is_empty() {
                slot.signed.clear();
            }
        }
        let (kept, done): (Vec<_>, Vec<_>) = std::mem::take(&mut self.slots).into_iter().partition(|slot| {
            slot.nonce >= counts.latest && !(slot.signed.is_empty() && slot.sent.is_empty())
        });
        self.slots = kept;
        for slot in done {
            let alternatives = [slot.sent, slot.signed].concat();
            if alternatives.len() > 1 {
                self.replaced.push(Replaced { alternatives });
            }
        }
        let beyond = self.replaced.len().saturating_sub(MAX_REPLACED);
        self.replaced.drain(..beyond);
    }

    fn slot(&mut self, nonce: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.nonce == nonce)
    }

    /// The lowest nonce from `first` on for which `busy` is false.
    fn lowest(&self, first: u64, busy: impl Fn(&Self, u64) -> bool) -> u64 {
        let mut nonce = first;
        while busy(self, nonce) {
            nonce = nonce.saturating_add(1);
            if nonce == u64::MAX {
                break;
            }
        }
        nonce
    }

    fn taken(&self, nonce: u64) -> bool {
        self.slots.iter().any(|slot| slot.nonce == nonce && slot.taken())
    }

    fn leased(&self, nonce: u64) -> bool {
        self.leases.iter().any(|lease| lease.nonce == nonce)
    }

    /// Notes that a call goes on until its time is over.
    pub(crate) fn set_lease(&mut self, owner: Owner, nonce: u64, until: u64) {
        self.leases.retain(|lease| lease.owner != owner);
        self.leases.push(Lease { owner, nonce, until });
        let beyond = self.leases.len().saturating_sub(MAX_LEASES);
        self.leases.drain(..beyond);
    }

    /// The nonce for a call that begins; the same one for the same owner.
    pub(crate) fn lease(&mut self, owner: Owner, counts: Counts, until: u64) -> u64 {
        self.tidy(counts);
        let own = self.slots.iter().find(|slot| slot.owner == owner).map(|slot| slot.nonce);
        let leased = self.leases.iter().find(|lease| lease.owner == owner).map(|lease| lease.nonce);
        let kept = own.or(leased.filter(|nonce| *nonce >= counts.first() && !self.taken(*nonce)));
        let nonce = kept.unwrap_or_else(|| {
            self.lowest(counts.first(), |book, nonce| book.taken(nonce) || book.leased(nonce))
        });
        self.set_lease(owner, nonce, until);
        nonce
    }

    /// Whether a call goes on: its lease is held, or its envelope has a nonce. A call that was abandoned does not, nor
    /// one whose lease was lost with the state: it can only be begun anew, since its nonce may be another's by now.
    pub(crate) fn goes_on(&mut self, owner: Owner, counts: Counts) -> bool {
        self.tidy(counts);
        self.leases.iter().any(|lease| lease.owner == owner)
            || self.slots.iter().any(|slot| slot.owner == owner)
    }

    /// Gives a lease back.
    pub(crate) fn release(&mut self, owner: Owner) {
        self.leases.retain(|lease| lease.owner != owner);
    }

    /// The envelope was signed with `nonce`: takes it if it is the lowest that is not taken.
    ///
    /// # Errors
    /// `quota-exceeded` when too many envelopes wait.
    pub(crate) fn sign(
        &mut self,
        owner: Owner,
        nonce: u64,
        envelope: B256,
        counts: Counts,
        until: u64,
    ) -> Result<Signing, Error> {
        self.tidy(counts);
        // The same call again: its envelopes are alternatives by their nonce.
        let own = self.slots.iter().any(|slot| slot.nonce == nonce && slot.owner == owner);
        if !own {
            let lowest = self.lowest(counts.first(), Self::taken);
            if nonce != lowest {
                self.set_lease(owner, lowest, until);
                return Ok(Signing::Move(lowest));
            }
        }
        self.release(owner);
        self.add(owner, nonce, envelope, until)?;
        Ok(Signing::Taken)
    }

    fn add(&mut self, owner: Owner, nonce: u64, envelope: B256, until: u64) -> Result<(), Error> {
        let full = |what| {
            Err(Error::retryable(ErrorCode::QuotaExceeded, format!("too many {what} wait; try later")))
        };
        if let Some(slot) = self.slot(nonce) {
            if slot.holds(envelope) {
                return Ok(());
            }
            if slot.signed.len() + slot.sent.len() >= MAX_ALTERNATIVES {
                return full("replacements of one transaction");
            }
            // A replacement leaves the nonce with the call that it replaces.
            if !slot.taken() {
                slot.owner = owner;
            }
            slot.until = slot.until.max(until);
            slot.signed.push(envelope);
            return Ok(());
        }
        if self.slots.len() >= MAX_SLOTS {
            return full("transactions of this account");
        }
        self.slots.push(Slot {
            nonce,
            owner,
            until,
            forgotten: false,
            signed: vec![envelope],
            sent: Vec::new(),
        });
        Ok(())
    }

    /// A replacement of `original` was signed. False: the nonce is not the original's any more.
    pub(crate) fn replace(
        &mut self,
        original: B256,
        nonce: u64,
        owner: Owner,
        envelope: B256,
        counts: Counts,
        until: u64,
    ) -> Result<bool, Error> {
        self.tidy(counts);
        if nonce < counts.latest {
            return Ok(false);
        }
        match self.slot(nonce) {
            Some(slot) if !slot.holds(original) => return Ok(false),
            Some(_) => {}
            None => {
                self.add(owner, nonce, original, until)?;
                self.begin_sending(nonce, original, until);
            }
        }
        self.add(owner, nonce, envelope, until)?;
        Ok(true)
    }

    /// Marks the envelope as sent, before it is.
    pub(crate) fn begin_sending(&mut self, nonce: u64, envelope: B256, until: u64) -> Sending {
        let Some(slot) = self.slot(nonce) else { return Sending::GivenAway };
        if slot.sent.contains(&envelope) {
            slot.forgotten = false;
            slot.until = slot.until.max(until);
            return Sending::Again;
        }
        let before = slot.signed.len();
        slot.signed.retain(|signed| *signed != envelope);
        if slot.signed.len() == before {
            return Sending::GivenAway;
        }
        slot.sent.push(envelope);
        slot.forgotten = false;
        slot.until = slot.until.max(until);
        Sending::First
    }

    /// Takes an envelope up again that the book has dropped, where nobody else has its nonce.
    pub(crate) fn adopt(
        &mut self,
        nonce: u64,
        owner: Owner,
        envelope: B256,
        until: u64,
    ) -> Result<bool, Error> {
        match self.slot(nonce) {
            Some(slot) if slot.holds(envelope) => Ok(true),
            Some(_) => Ok(false),
            None => self.add(owner, nonce, envelope, until).map(|()| true),
        }
    }

    /// The envelope was surely not taken by the node. `keep`: it may be sent again until `until`, so the nonce stays.
    pub(crate) fn not_sent(&mut self, nonce: u64, envelope: B256, keep: Option<u64>) {
        if let Some(slot) = self.slot(nonce) {
            slot.sent.retain(|sent| *sent != envelope);
            if let Some(until) = keep {
                slot.signed.push(envelope);
                slot.until = until;
            }
        }
        self.slots.retain(|slot| !(slot.signed.is_empty() && slot.sent.is_empty()));
    }

    /// What was sent with the node's next nonce so long ago that the node should be asked whether it still knows it.
    fn doubtful(&self, counts: Counts) -> Vec<B256> {
        let overdue = |slot: &&Slot| {
            slot.nonce == counts.first()
                && slot.until <= counts.now
                && !slot.forgotten
                && slot.signed.is_empty()
        };
        self.slots.iter().find(overdue).map(|slot| slot.sent.clone()).unwrap_or_default()
    }

    /// The node's answer about what was doubtful.
    fn settle(&mut self, nonce: u64, known: bool, until: u64) {
        if let Some(slot) = self.slot(nonce) {
            if known {
                slot.until = until;
            } else {
                slot.forgotten = true;
            }
        }
    }

    /// The other envelopes of this one's nonce.
    pub(crate) fn alternatives(&self, envelope: B256) -> Vec<B256> {
        let slots = self.slots.iter().map(|slot| [slot.sent.clone(), slot.signed.clone()].concat());
        let replaced = self.replaced.iter().map(|replaced| replaced.alternatives.clone());
        let mut group = slots.chain(replaced).find(|group| group.contains(&envelope)).unwrap_or_default();
        group.retain(|other| *other != envelope);
        group
    }
}

/// The account's key in the host's store.
fn key(chain_id: u64, account: Address) -> String {
    format!("nonces/{chain_id}/{account:#x}")
}

fn decode(value: Option<&[u8]>) -> Result<Book, Error> {
    let Some(value) = value else { return Ok(Book::default()) };
    codec::decode_state(KIND.0, KIND.1, value, "the book of nonces")
}

/// The book as it stands.
pub(crate) async fn read(host: &dyn Imports, chain_id: u64, account: Address) -> Result<Book, Error> {
    decode(host.state_get(&key(chain_id, account)).await.as_deref())
}

/// Changes the book by compare-and-swap; `change` runs again when another change came first.
pub(crate) async fn update<T>(
    host: &dyn Imports,
    chain_id: u64,
    account: Address,
    mut change: impl FnMut(&mut Book) -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let key = key(chain_id, account);
    for _ in 0..ATTEMPTS {
        let stored = host.state_get(&key).await;
        let before = decode(stored.as_deref())?;
        let mut book = before.clone();
        let result = change(&mut book)?;
        if book == before {
            return Ok(result);
        }
        let new = codec::encode(KIND.0, KIND.1, &book);
        if host.state_swap(&key, stored, Some(new)).await {
            return Ok(result);
        }
    }
    Err(Error::retryable(ErrorCode::Conflict, "too many calls change this account's nonces at once"))
}

/// Asks the node about sent transactions that should long be in the chain, so that a forgotten one blocks nobody.
pub(crate) async fn settle(
    host: &dyn Imports,
    node: &crate::rpc::Node<'_>,
    chain_id: u64,
    account: Address,
    counts: Counts,
    until: u64,
) -> Result<(), Error> {
    let doubtful = read(host, chain_id, account).await?.doubtful(counts);
    if doubtful.is_empty() {
        return Ok(());
    }
    let mut answers = node.ask(doubtful.iter().map(|hash| crate::rpc::transaction(*hash)).collect()).await;
    let mut known = false;
    for _ in &doubtful {
        known |= answers.next_known::<crate::rpc::TransactionInfo>()?.is_some();
    }
    update(host, chain_id, account, |book| {
        book.settle(counts.first(), known, until);
        Ok(())
    })
    .await
}

#[cfg(test)]
#[path = "nonces_tests.rs"]
mod tests;
