//! What a node must not forget: a store, and in it the journal of envelopes.
//!
//! # The store
//!
//! [`Store`] is keys with values, named sequences, and a flush. [`SledStore`] keeps it on this machine's disk,
//! [`MemoryStore`] in memory; [`CrashStore`] loses at a chosen step whatever was not flushed, for tests. The trait asks for
//! nothing that a distributed store with revisions and streams does not have.
//!
//! # The journal
//!
//! An entry for each application and idempotency key goes one way:
//!
//! ```text
//! begun ──────► signed ─────► sent ─────► settled
//! payload,      envelope,     a node      final, expired, superseded, never,
//! salt          for good      has it      or answered (a read)
//! ```
//!
//! - What a function returned is durable, where it does not say otherwise; a crash at any moment leaves the journal as it was
//!   told. Callers share flushes: whoever comes during one waits for the next, with all others.
//! - A write waits for one flush, before its envelope is sent. Its binding goes with it: what is lost before that has left
//!   nothing anywhere. And that its transaction is final is flushed later, with others: the ledger says so again.
//! - Only what is durable can be sent: [`Journal::signed`] and [`Journal::resume`] give a [`Sendable`], and nobody else can
//!   make one.
//! - A key is bound to its first payload, its salt and its first envelope. They never change, whatever happens; a call that
//!   can have no effect any more is settled as [`Settlement::Never`], and a new attempt needs a new key. That is kept for at
//!   least [`Journal::binding`] after the call was settled; after that [`Journal::prune`] may forget it.
//! - "It had no effect" is true of one attempt. It settles an entry only where no other attempt was made; otherwise the
//!   receipt decides. So the journal counts how often it gave an envelope out.
//! - After a restart [`recover`] takes up what [`Journal::unsettled`] lists: the very same bytes are sent again, or the
//!   receipt is asked for. Where there is no envelope nothing was sent: the same work begins again, with
//!   the same salt, since salts come of the key (`salts.rs`).
//! - An envelope is kept in clear until its entry is settled, then its bytes are dropped.
//!
//! [`carry_out`] is one call from begin to receipt, [`follow`] asks for the receipt once more. They never wait by themselves:
//! pauses are the caller's.
//!
//! ```
//! use std::sync::Arc;
//! use berth_journal::{Begin, EntryKey, Journal, MemoryStore, PayloadDigest};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let journal = Journal::new(Arc::new(MemoryStore::new()));
//! let key = EntryKey::new("shop", "order 17")?;
//! let payload = PayloadDigest::from_bytes([7; 32]);
//! assert!(matches!(journal.begin(&key, payload).await?, Begin::New { .. }));
//! assert!(matches!(journal.begin(&key, payload).await?, Begin::Resumed(_)));
//! let other = PayloadDigest::from_bytes([8; 32]);
//! assert!(matches!(journal.begin(&key, other).await?, Begin::Conflict));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod crash_store;
mod drive;
mod entry;
mod error;
mod group_flush;
mod journal;
mod key;
mod memory_store;
mod recent;
mod salts;
mod sendable;
mod sled_store;
mod sources;
mod store;
mod upkeep;
mod watched_store;

pub use crash_store::{Crash, CrashStore};
pub use drive::{
    DriveError, Outcome, Recovered, Signer, SignerError, Task, Trouble, Work, carry_out, conclude, follow,
    recover, take_up,
};
pub use entry::{Entry, Settled, SettledTransaction, Settlement, Signed, State};
pub use error::JournalError;
pub use journal::{Begin, Bound, DEFAULT_BINDING, Journal, MAX_ENVELOPE, MAX_REPLACEMENTS, MAX_TRANSACTION};
pub use key::{EntryKey, KeyError, MAX_NAME, PayloadDigest, Salt};
pub use memory_store::MemoryStore;
pub use sendable::{Attempt, Attempted, Sendable};
pub use sled_store::SledStore;
pub use sources::{Sources, SystemSources};
pub use store::{
    MAX_KEY, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, MAX_SEQUENCE_NAME, MAX_VALUE, Page, SequencePage, Store,
    StoreError,
};
pub use upkeep::OpenEntries;
pub use watched_store::WatchedStore;
