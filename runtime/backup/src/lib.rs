//! What a node keeps, in one file: copied while the node is used, and checked to its last byte before it is put back.
//!
//! # What is in a backup
//!
//! The whole store (applications, participants, the journal, usage records, adapters' state), the authority's certificate and
//! sealed key, and what admission must not forget. Secrets are in it as they are in the store: sealed with the master key,
//! **which is not in it**. Signed envelopes of calls that are under way are in clear, as in the store. Compiled code is not
//! in it: it is made anew.
//!
//! # One moment
//!
//! A backup shows all trees of the store at one moment: [`Pass`] says how, without a pause in the node's work. A moment's
//! state is what a crash at that moment could have left, and the journal holds whatever a crash leaves: what was sent to a
//! ledger before that moment was written down before it was sent, so it is in the backup.
//!
//! # The file
//!
//! Numbers are big-endian.
//!
//! ```text
//! "berth-backup"                                12 bytes
//! version                                        4 bytes   1
//! when it was made                               8 bytes   milliseconds since 1970, signed
//! records, each:
//!   kind                                         1 byte    1 an entry, 2 an entry that is gone, 3 a part of a file
//!   length of the name, the name                 1 byte    of the tree or the file: 1 to 64 of a-z 0-9 . _ -
//!   length of the key, the key                   2 bytes   at most 4 KiB; none of a file
//!   length of the value, the value               4 bytes   at most 16 MiB; none of what is gone
//! end:
//!   kind                                         1 byte    0
//!   number of records                            8 bytes
//!   SHA-256 of everything before it             32 bytes
//! ```
//!
//! A later record of an entry replaces an earlier one; parts of a file follow each other. Nothing comes after the end.

mod copy;
mod database;
mod error;
mod folder;
mod format;
mod gate;
mod mark;
mod restore;
mod target;

pub use copy::{Source, back_up, back_up_folder};
pub use database::Database;
pub use error::BackupError;
pub use folder::{DATABASE, FILES};
pub use format::{MAX_KEY, MAX_NAME, MAX_VALUE, Reader, Record, Summary, VERSION, Writer};
pub use gate::Pass;
pub use mark::{MARK, forget_mark, mark};
pub use restore::{Checked, Restored};
pub use target::Target;
