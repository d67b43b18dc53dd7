//! `berth adapter call`.

mod options;
mod reads;
mod steps;
mod store;
mod writes;

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(crate) use options::*;
pub(crate) use reads::*;
pub(crate) use steps::*;
pub(crate) use store::*;
pub(crate) use writes::*;

/// `berth adapter call`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples, with an Ethereum node; the help of each call has more:
  C='berth adapter call ethereum.component.wasm'
  C=\"$C --endpoint node=http://127.0.0.1:8545 --settings @chain.json\"
  echo '{\"chain_id\": 1}' > chain.json
  $C status
  $C evaluate --contract 0x5FbD… --argument 0x7099… \\
     --function 'balanceOf(address)(uint256)'
  $C invoke --key key.hex --contract 0x5FbD… --argument 0x7099… \\
     --argument int:5 --function 'transfer(address,uint256)'

Keys come from a file (--key) or from the environment variable BERTH_KEY, never
from the command line.

Exit codes: 0 done; 1 the adapter or the ledger answered with an error;
2 wrong usage; 3 a file or the host.")]
pub(crate) struct Call {
    /// The component
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) common: Common,
    /// The call
    #[command(subcommand)]
    pub(crate) function: Function,
}

/// The calls of the standard.
#[derive(Debug, Subcommand)]
pub(crate) enum Function {
    /// Show the descriptor
    Describe,
    /// Show where the ledger stands
    Status,
    /// Show the accounts that a key has
    Accounts(Accounts),
    /// Change the ledger by a contract's function
    Invoke(Invoke),
    /// Read by a contract's function
    Evaluate(Evaluate),
    /// Put a contract on the ledger
    Deploy(Deploy),
    /// Carry out an operation that only this framework has
    Native(Native),
    /// Say what a contract's function would cost
    Estimate(Estimate),
    /// Show which calls reach a goal, and make them if asked to
    Plan(Plan),
    /// Show a contract's interface description
    Abi(Abi),
    /// Show what became of a transaction
    Receipt(Receipt),
    /// Show a block, with its hash computed anew
    Block(Block),
    /// Show events
    Events(Events),
    /// Use the preset key-value store
    Store(Store),
    /// Put a transaction that is stuck in another's place
    Replace(Replace),
    /// Start a call whose keys are elsewhere: shows what is to be signed
    Begin(Begin),
    /// Go on with signatures that were made elsewhere
    Resume(Resume),
    /// Send a signed envelope; doing it twice is harmless
    Send(Send),
    /// Give up a call that was begun
    Abandon(Abandon),
}
