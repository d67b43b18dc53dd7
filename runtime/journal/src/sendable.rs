//! The permission to send, and what came of it.

use std::fmt;

use adapter_spec::{
    CallError, Ledger,
    types::{Envelope, Error, SendFailure},
};

use crate::key::EntryKey;

/// An envelope whose entry is durable: the permission to send it once. Only the journal makes one.
#[must_use = "an envelope that is not sent stays open until the next start"]
pub struct Sendable {
    pub(crate) key: EntryKey,
    pub(crate) envelope: Envelope,
}

impl Sendable {
    /// The entry that it belongs to.
    #[must_use]
    pub fn key(&self) -> &EntryKey {
        &self.key
    }

    /// What is going to be sent.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Sends the very bytes that are in the journal. Hand the result to [`Journal::attempted`](crate::Journal::attempted).
    #[tracing::instrument(target = "berth::trace", name = "journal.send", skip_all)]
    pub async fn send(self, ledger: &dyn Ledger) -> Attempt {
        let result = ledger.send(self.envelope).await;
        Attempt { key: self.key, result }
    }
}

impl fmt::Debug for Sendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sendable")
            .field("key", &self.key)
            .field("transaction", &self.envelope.transaction)
            .finish_non_exhaustive()
    }
}

/// A send that was tried.
#[derive(Debug)]
#[must_use = "the journal must know how it ended"]
pub struct Attempt {
    pub(crate) key: EntryKey,
    pub(crate) result: Result<(), CallError<SendFailure>>,
}

/// What a send tells about the transaction.
#[derive(Debug)]
pub enum Attempted {
    /// A node has it. Ask for the receipt; while that does not settle the entry, [`Journal::acknowledged`](crate::Journal::acknowledged).
    Acknowledged,
    /// It has no effect and never will: settled.
    Never(Error),
    /// This attempt had no effect, but it was not the only one. Ask for the receipt.
    NotThisTime(Error),
    /// It may be on its way. Ask for the receipt.
    Unknown(CallError<SendFailure>),
}
