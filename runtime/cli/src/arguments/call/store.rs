//! The preset key-value store.

use clap::{Args, Subcommand};

use super::WriteOptions;

/// `store`
#[derive(Args, Debug)]
#[command(after_help = "\
`plan preset --carry-out` puts the preset contract on the ledger, where it is
not there already.

Examples:
  $C store --contract 0x5FbD… insert colour blue --key key.hex
  $C store --contract 0x5FbD… get colour
  $C store --contract 0x5FbD… history colour

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Store {
    /// The preset contract; may be left away where the settings name it
    #[arg(long, value_name = "ADDRESS", default_value = "", global = true)]
    pub(crate) contract: String,
    #[command(subcommand)]
    pub(crate) operation: StoreOperation,
}

/// What the preset store does.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreOperation {
    /// Put a value under a new key
    Insert(StoreWrite),
    /// Put another value under a key
    Update(StoreWrite),
    /// Delete a key
    Delete(StoreDelete),
    /// Read a key's value
    Get(StoreRead),
    /// Read all values that a key ever had
    History(StoreRead),
}

/// A key and a value.
#[derive(Args, Debug)]
pub(crate) struct StoreWrite {
    /// The key
    pub(crate) name: String,
    /// The value: text, bytes:0x…, or @FILE
    pub(crate) value: String,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}

/// A key to delete.
#[derive(Args, Debug)]
pub(crate) struct StoreDelete {
    /// The key
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}

/// A key to read.
#[derive(Args, Debug)]
pub(crate) struct StoreRead {
    /// The key
    pub(crate) name: String,
}
