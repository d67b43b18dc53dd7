//! Calls that change the ledger.

use std::path::PathBuf;

use clap::Args;

use super::{ContractArguments, PlainArguments, WriteOptions};
use crate::call::values::{self, Goal};

/// `invoke`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  $C invoke --key key.hex --contract 0x5FbD… \\
     --function 'transfer(address,uint256)' --argument 0x7099… --argument int:5
  $C invoke … --idempotency-key order-17 --max-fee 1000000000000000 --wait final

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Invoke {
    #[command(flatten)]
    pub(crate) call: ContractArguments,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}

/// `deploy`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  $C deploy --key key.hex --code token.hex --abi @token.abi.json \\
     --argument int:1000

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Deploy {
    /// The code: a file with hexadecimal text or with the bytes themselves
    #[arg(long, value_name = "FILE")]
    pub(crate) code: PathBuf,
    /// The contract's name, where the ledger names contracts
    #[arg(long, default_value = "")]
    pub(crate) name: String,
    /// Its version, where the ledger keeps versions
    #[arg(long = "contract-version", value_name = "TEXT", default_value = "1")]
    pub(crate) version: String,
    #[command(flatten)]
    pub(crate) rest: PlainArguments,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}

/// `native`
#[derive(Args, Debug)]
#[command(after_help = "\
The operations are among the capabilities that `berth adapter inspect` shows.

Example:
  $C native --key key.hex --name NAME --json-arguments '{\"a\": 1}'

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Native {
    /// The operation's name
    #[arg(long)]
    pub(crate) name: String,
    /// Its arguments
    #[arg(long, value_name = "JSON|@FILE", default_value = "{}")]
    pub(crate) json_arguments: String,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}

/// `plan`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  $C plan preset
  $C plan preset --carry-out --key key.hex

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Plan {
    /// preset (the preset contract), account:NAME or space:NAME
    #[arg(value_parser = values::goal)]
    pub(crate) goal: Goal,
    /// Make the calls, one after the other, with the given key
    #[arg(long)]
    pub(crate) carry_out: bool,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}

/// `replace`
#[derive(Args, Debug)]
#[command(after_help = "\
The replacement can only take effect instead of the original, never beside it.

Example:
  $C replace --key key.hex --original stuck.json --envelope replacement.json

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Replace {
    /// The envelope of the transaction that is stuck, as --envelope wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) original: PathBuf,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}
