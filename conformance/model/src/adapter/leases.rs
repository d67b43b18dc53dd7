//! Who has which nonce.
//!
//! A nonce that is never used blocks every later one of the account. So a nonce that `begin` gives is a lease and no
//! promise, and `resume` takes a signature only for the lowest nonce that nobody has signed; for another one it asks
//! again. A call that is given up thus leaves no gap, and no two calls sign one nonce while both are in time. Were they
//! to (the lease ran out, the state was lost), the ledger takes only one of them.
//!
//! The book also knows whether an envelope was sent before: only then can a refusal leave something behind.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode},
};

use super::{records::Owner, settings::Settings};
use crate::wire::{Hash, Malformed, Reader, Wire, Writer};

/// The most leases; beyond it the oldest go, since a lease is only a hint.
const MAX_LEASES: usize = 256;
/// The most envelopes remembered; the ledger itself refuses a nonce that is used.
const MAX_SIGNED: usize = 16;
/// How often a change is tried when others change the book at the same time.
const ATTEMPTS: u32 = 256;
/// For how many blocks after the last one that can carry it an envelope is remembered: reorganisations are not deeper.
const SETTLED: u64 = 1000;

/// A nonce for a call that waits for its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Lease {
    owner: Owner,
    nonce: u64,
    until: u64,
}

/// An envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signed {
    owner: Owner,
    nonce: u64,
    id: Hash,
    /// Until when nobody else signs its nonce.
    until: u64,
    last_block: u64,
    /// It was sent, or may have been.
    sent: bool,
}

/// One account's nonces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Book {
    leases: Vec<Lease>,
    signed: Vec<Signed>,
}

/// What the node and the clock say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// The account's next nonce, behind those that wait in the pool.
    pub(super) pending: u64,
    /// Height of the newest block.
    pub(super) head: u64,
    /// Milliseconds since 1970.
    pub(super) now: u64,
}

/// An envelope that takes a nonce.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    pub(super) owner: Owner,
    pub(super) nonce: u64,
    pub(super) id: Hash,
    pub(super) until: u64,
    pub(super) last_block: u64,
    /// It is made to take another's place, so it may have a nonce that is signed.
    pub(super) replaces: bool,
}

/// What became of a wish to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing {
    /// The envelope has its nonce.
    Taken,
    /// Sign this nonce instead.
    Move(u64),
}

impl Book {
    fn tidy(&mut self, counts: Counts) {
        self.leases.retain(|lease| lease.until > counts.now);
        self.signed.retain(|signed| signed.last_block.saturating_add(SETTLED) > counts.head);
        let beyond = self.signed.len().saturating_sub(MAX_SIGNED);
        self.signed.drain(..beyond);
    }

    /// The lowest nonce that is not in the pool and for which `busy` is false. At most as many are busy as the book has.
    fn lowest(counts: Counts, busy: impl Fn(u64) -> bool) -> u64 {
        (counts.pending..u64::MAX).find(|nonce| !busy(*nonce)).unwrap_or(u64::MAX)
    }

    fn is_signed(&self, nonce: u64, now: u64) -> bool {
        self.signed.iter().any(|signed| signed.nonce == nonce && signed.until > now)
    }

    fn set_lease(&mut self, owner: Owner, nonce: u64, until: u64) {
        self.leases.retain(|lease| lease.owner != owner);
        self.leases.push(Lease { owner, nonce, until });
        let beyond = self.leases.len().saturating_sub(MAX_LEASES);
        self.leases.drain(..beyond);
    }

    /// A nonce for a call that begins; the same one for the same owner.
    pub(super) fn lease(&mut self, owner: Owner, counts: Counts, until: u64) -> u64 {
        self.tidy(counts);
        let signed = self.signed.iter().filter(|signed| signed.owner == owner).map(|signed| signed.nonce);
        let leased = self.leases.iter().filter(|lease| lease.owner == owner).map(|lease| lease.nonce);
        let own = signed.chain(leased).find(|nonce| *nonce >= counts.pending);
        let others = |nonce| self.leases.iter().any(|lease| lease.owner != owner && lease.nonce == nonce);
        let free = || Self::lowest(counts, |nonce| self.is_signed(nonce, counts.now) || others(nonce));
        let nonce = own.unwrap_or_else(free);
        self.set_lease(owner, nonce, until);
        nonce
    }

    /// Leases a nonce that a replacement has from its original.
    pub(super) fn lease_for_replacement(&mut self, owner: Owner, nonce: u64, counts: Counts, until: u64) {
        self.tidy(counts);
        self.set_lease(owner, nonce, until);
    }

    /// Gives a call up: its lease, and its envelopes that were never sent.
    pub(super) fn give_up(&mut self, owner: Owner) {
        self.release(owner);
        self.signed.retain(|signed| signed.sent || signed.owner != owner);
    }

    fn release(&mut self, owner: Owner) {
        self.leases.retain(|lease| lease.owner != owner);
    }

    /// The envelope was signed: takes its nonce if that is the lowest that nobody has signed.
    ///
    /// # Errors
    /// `expired` when the call's lease is gone.
    pub(super) fn sign(&mut self, envelope: Envelope, counts: Counts) -> Result<Signing, Error> {
        self.tidy(counts);
        let Envelope { owner, nonce, id, until, last_block, replaces } = envelope;
        if self.signed.iter().any(|signed| signed.owner == owner && signed.id == id) {
            self.release(owner);
            return Ok(Signing::Taken);
        }
        if !self.leases.iter().any(|lease| lease.owner == owner) {
            return Err(Error::new(
                ErrorCode::Expired,
                "the call was given up, or its time is over: begin it anew",
            ));
        }
        let own = self.signed.iter().any(|signed| signed.owner == owner && signed.nonce == nonce);
        let lowest = Self::lowest(counts, |nonce| self.is_signed(nonce, counts.now));
        if !replaces && !own && nonce != lowest {
            self.set_lease(owner, lowest, until);
            return Ok(Signing::Move(lowest));
        }
        self.release(owner);
        self.signed.push(Signed { owner, nonce, id, until, last_block, sent: false });
        Ok(Signing::Taken)
    }

    /// Marks an envelope as sent, before it is. True: it cannot have been sent before.
    pub(super) fn begin_sending(&mut self, envelope: Envelope, counts: Counts) -> bool {
        self.tidy(counts);
        let Envelope { owner, nonce, id, until, last_block, .. } = envelope;
        match self.signed.iter_mut().find(|signed| signed.id == id) {
            Some(signed) => {
                signed.until = until;
                !std::mem::replace(&mut signed.sent, true)
            }
            None => {
                self.signed.push(Signed { owner, nonce, id, until, last_block, sent: true });
                false
            }
        }
    }

    /// The envelope surely did not arrive. `forget`: nor will it be sent again.
    pub(super) fn not_sent(&mut self, id: Hash, forget: bool) {
        match self.signed.iter_mut().find(|signed| signed.id == id) {
            Some(_) if forget => self.signed.retain(|signed| signed.id != id),
            Some(signed) => signed.sent = false,
            None => {}
        }
    }
}

impl Wire for Book {
    const KIND: [u8; 2] = [b'L', 1];

    fn write(&self, to: &mut Writer) {
        to.list(&self.leases, |to, lease| {
            to.fixed(&lease.owner).u64(lease.nonce).u64(lease.until);
        });
        to.list(&self.signed, |to, signed| {
            to.fixed(&signed.owner).u64(signed.nonce).fixed(&signed.id).u64(signed.until);
            to.u64(signed.last_block).flag(signed.sent);
        });
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let leases =
            from.list(|from| Ok(Lease { owner: from.fixed()?, nonce: from.u64()?, until: from.u64()? }))?;
        let signed = from.list(|from| {
            Ok(Signed {
                owner: from.fixed()?,
                nonce: from.u64()?,
                id: from.fixed()?,
                until: from.u64()?,
                last_block: from.u64()?,
                sent: from.flag()?,
            })
        })?;
        Ok(Book { leases, signed })
    }
}

/// Changes the book by compare-and-swap; `change` runs again when another change came first.
pub(super) async fn update<T>(
    settings: &Settings,
    host: &dyn Imports,
    account: &str,
    mut change: impl FnMut(&mut Book) -> Result<T, Error> + Send,
) -> Result<T, Error> {
    let key = format!("nonces/{}/{}/{account}", settings.chain, settings.space);
    for _ in 0..ATTEMPTS {
        let stored = host.state_get(&key).await;
        let before = match &stored {
            None => Book::default(),
            // A later version's book stays as it is.
            Some(bytes) => Book::decode(bytes).map_err(|error| {
                Error::new(
                    ErrorCode::Unavailable,
                    format!(
                        "the state's book of nonces is of another version, which has to be used: {error}"
                    ),
                )
            })?,
        };
        let mut book = before.clone();
        let result = change(&mut book)?;
        if book == before || host.state_swap(&key, stored, Some(book.encode())).await {
            return Ok(result);
        }
    }
    Err(Error::retryable(ErrorCode::Conflict, "too many calls change this account's nonces at once"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts { pending: 5, head: 10, now: 1000 };

    fn envelope(owner: u8, nonce: u64) -> Envelope {
        let id = [owner; 32];
        Envelope { owner: [owner; 16], nonce, id, until: 2000, last_block: 50, replaces: false }
    }

    #[test]
    fn a_hundred_calls_that_are_given_up_leave_no_gap() {
        let mut book = Book::default();
        for owner in 0..100 {
            assert_eq!(book.lease([owner; 16], COUNTS, 2000), 5 + u64::from(owner));
        }
        for owner in 0..100 {
            book.release([owner; 16]);
        }
        assert_eq!(book, Book::default());
        assert_eq!(book.lease([200; 16], COUNTS, 2000), 5);
    }

    #[test]
    fn only_the_lowest_free_nonce_is_signed_and_the_same_call_signs_it_again() {
        let mut book = Book::default();
        assert_eq!((book.lease([1; 16], COUNTS, 2000), book.lease([2; 16], COUNTS, 2000)), (5, 6));
        assert_eq!(book.sign(envelope(2, 6), COUNTS), Ok(Signing::Move(5)));
        assert_eq!(book.sign(envelope(2, 5), COUNTS), Ok(Signing::Taken));
        assert_eq!(book.sign(envelope(2, 5), COUNTS), Ok(Signing::Taken));
        assert_eq!(book.sign(envelope(1, 5), COUNTS), Ok(Signing::Move(6)));
        assert_eq!(book.sign(envelope(3, 6), COUNTS).unwrap_err().code, ErrorCode::Expired);
    }

    #[test]
    fn what_was_sent_is_known_until_it_surely_was_not() {
        let mut book = Book::default();
        book.lease([1; 16], COUNTS, 2000);
        book.sign(envelope(1, 5), COUNTS).unwrap();
        assert!(book.begin_sending(envelope(1, 5), COUNTS));
        assert!(!book.begin_sending(envelope(1, 5), COUNTS));
        book.not_sent([1; 32], false);
        assert!(book.begin_sending(envelope(1, 5), COUNTS));
        assert!(!book.begin_sending(envelope(9, 9), COUNTS));
    }

    #[test]
    fn the_book_stays_bounded_and_comes_back_as_it_was() {
        let mut book = Book::default();
        for round in 0..2000u64 {
            let owner = crate::wire::sha256(&[&round.to_be_bytes()]);
            book.lease(*owner.first_chunk().unwrap(), COUNTS, 2000);
            book.begin_sending(Envelope { id: owner, ..envelope(0, round) }, COUNTS);
        }
        assert!(book.leases.len() <= MAX_LEASES && book.signed.len() <= MAX_SIGNED + 1);
        assert_eq!(Book::decode(&book.encode()).unwrap(), book);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_or_are_an_error(bytes: Vec<u8>) {
            let _ = Book::decode(&[&Book::KIND, bytes.as_slice()].concat());
        }
    }
}
