//! Calls in steps: begin, resume, send, abandon.

use std::path::PathBuf;

use clap::Args;

use super::WaitOptions;
use crate::call::values::{self, ContractSource, SignatureText};

/// `begin`
#[derive(Args, Debug)]
#[command(after_help = "\
What is to be signed goes to standard output as JSON; what the adapter needs
later goes into --continuation. Use --state, so that what the adapter reserves
is still there when the signatures come.

Example:
  $C --state state begin --public-key 0x04… --contract 0x5FbD… \\
     --function 'transfer(address,uint256)' --argument 0x7099… \\
     --argument int:5 --continuation call.bin > sign.json
  $C --state state resume --continuation call.bin --signature 0x…:0 \\
     --envelope envelope.json
  $C --state state send --envelope envelope.json

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Begin {
    #[command(flatten)]
    pub(crate) source: ContractSource,
    /// The public key that will sign, an uncompressed point of 65 bytes; without it, that of --key
    #[arg(long, value_name = "0xHEX", value_parser = values::bytes)]
    pub(crate) public_key: Option<values::Bytes>,
    /// Where the continuation goes
    #[arg(long, value_name = "FILE")]
    pub(crate) continuation: PathBuf,
    /// Where the envelope goes, if no signature is wanted
    #[arg(long, value_name = "FILE")]
    pub(crate) envelope: Option<PathBuf>,
    /// Currency to send along, in the smallest unit
    #[arg(long, value_name = "NUMBER", value_parser = values::decimal)]
    pub(crate) amount: Option<String>,
    /// The most to pay, in the smallest unit
    #[arg(long, value_name = "NUMBER", value_parser = values::decimal)]
    pub(crate) max_fee: Option<String>,
    /// The same text makes the same random ids
    #[arg(long, value_name = "TEXT")]
    pub(crate) idempotency_key: Option<String>,
}

/// `resume`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  $C --state state resume --continuation call.bin --signature 0x…:1 \\
     --envelope envelope.json

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Resume {
    /// What begin wrote; written anew where more signatures are wanted
    #[arg(long, value_name = "FILE")]
    pub(crate) continuation: PathBuf,
    /// A signature, r then s, 64 bytes, with :0 or :1 for the parity where the curve is secp256k1; in the order of the
    /// sign request
    #[arg(long, value_name = "0xHEX[:PARITY]", value_parser = values::signature, required = true)]
    pub(crate) signature: Vec<SignatureText>,
    /// Where the signed envelope goes
    #[arg(long, value_name = "FILE")]
    pub(crate) envelope: PathBuf,
}

/// `send`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  $C --state state send --envelope envelope.json --wait final

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Send {
    /// The signed envelope
    #[arg(long, value_name = "FILE")]
    pub(crate) envelope: PathBuf,
    #[command(flatten)]
    pub(crate) wait: WaitOptions,
}

/// `abandon`
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  $C --state state abandon --continuation call.bin

C is `berth adapter call FILE` with --endpoint and --settings.")]
pub(crate) struct Abandon {
    /// What begin wrote
    #[arg(long, value_name = "FILE")]
    pub(crate) continuation: PathBuf,
}
