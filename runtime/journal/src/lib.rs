//! The store trait, with sled behind it, and the journal of envelopes.

mod crash_store;
mod drive;
mod entry;
mod error;
mod group_flush;
mod journal;
mod key;
mod memory_store;
mod sendable;
mod sled_store;
mod sources;
mod store;

pub use crash_store::{Crash, CrashStore};
pub use drive::{
    DriveError, Outcome, Recovered, Signer, SignerError, Task, Trouble, Work, carry_out, follow, recover,
};
pub use entry::{Entry, Settled, SettledTransaction, Settlement, Signed, State};
pub use error::JournalError;
pub use journal::{
    Begin, Bound, DEFAULT_BINDING, Journal, MAX_ENVELOPE, MAX_REPLACEMENTS, MAX_TRANSACTION, OpenEntries,
};
pub use key::{EntryKey, KeyError, MAX_NAME, PayloadDigest, Salt};
pub use memory_store::MemoryStore;
pub use sendable::{Attempt, Attempted, Sendable};
pub use sled_store::SledStore;
pub use sources::{Sources, SystemSources};
pub use store::{
    MAX_KEY, MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, MAX_SEQUENCE_NAME, MAX_VALUE, Page, SequencePage, Store,
    StoreError,
};
