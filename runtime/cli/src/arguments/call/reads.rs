//! Calls that change nothing.

use clap::Args;

use adapter_spec::types::BlockSelector;

use super::{ContractArguments, Wait};
use crate::call::values::{self, EventsFrom};

/// `accounts`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  $C accounts --key key.hex

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Accounts {
    /// The public key, an uncompressed point of 65 bytes; without it, that of --key
    #[arg(long, value_name = "0xHEX", value_parser = values::bytes)]
    pub(crate) public_key: Option<values::Bytes>,
}

/// `evaluate`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  $C evaluate --contract 0x5FbD… --argument 0x7099… \\
     --function 'balanceOf(address)(uint256)'
  $C evaluate … --at final

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Evaluate {
    #[command(flatten)]
    pub(crate) call: ContractArguments,
    /// The block to read at: latest, safe, final, a number, or a hash with 0x
    #[arg(long, value_name = "BLOCK", value_parser = values::selector)]
    pub(crate) at: Option<BlockSelector>,
}

/// `estimate`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  $C estimate --key key.hex --contract 0x5FbD… \\
     --function 'transfer(address,uint256)' --argument 0x7099… --argument int:5

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Estimate {
    #[command(flatten)]
    pub(crate) call: ContractArguments,
    /// Currency to send along, in the smallest unit
    #[arg(long, value_name = "NUMBER", value_parser = values::decimal)]
    pub(crate) amount: Option<String>,
}

/// `abi`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  $C abi 0x5FbD…

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Abi {
    /// The contract's address or name
    pub(crate) contract: String,
}

/// `receipt`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  $C receipt 0x1f0c…
  $C receipt 0x1f0c… --wait final --timeout 900

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Receipt {
    /// The transaction's id
    pub(crate) transaction: String,
    /// The envelope's tracking bytes, which find it again where the id is not enough
    #[arg(long, value_name = "0xHEX", value_parser = values::bytes, default_value = "0x")]
    pub(crate) tracking: values::Bytes,
    /// Wait for it to be included or final; without it, answer at once
    #[arg(long, value_enum, default_value_t = Wait::Sent)]
    pub(crate) wait: Wait,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) timeout: u32,
}

/// `block`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  $C block
  $C block final
  $C block 17

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Block {
    /// latest, safe, final, a number, or a hash with 0x
    #[arg(value_parser = values::selector, default_value = "latest")]
    pub(crate) block: BlockSelector,
}

/// `events`
#[derive(Args, Debug)]
#[command(after_help = "\
With --follow it goes on until it is stopped (Ctrl-C); with --json too, each
event is one line of JSON.

Examples:
  $C events --contract 0x5FbD… \\
     --name 'Transfer(address indexed from,address indexed to,uint256 value)'
  $C events --from latest --follow
  $C events --from 0x01a2…      (the cursor that an earlier page ended with)

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Events {
    /// Only of this contract
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) contract: Option<String>,
    /// Only with this name, or signature where the framework needs types
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Interface description to decode with
    #[arg(long, value_name = "TEXT|@FILE")]
    pub(crate) abi: Option<String>,
    /// Only from blocks that are at least this sure
    #[arg(long, default_value = "latest", value_parser = values::confidence)]
    pub(crate) confidence: adapter_spec::types::Confidence,
    /// Where to begin: earliest, latest, a block's number, or a cursor with 0x
    #[arg(long, default_value = "earliest", value_parser = values::events_from)]
    pub(crate) from: EventsFrom,
    /// The most events
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// Go on with what comes
    #[arg(long)]
    pub(crate) follow: bool,
}
