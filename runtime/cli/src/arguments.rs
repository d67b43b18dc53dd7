//! What can be typed. The help texts are the documentation.

use std::{path::PathBuf, time::Duration};

use adapter_spec::types::{BlockSelector, SignatureScheme};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    call::values::{
        self, Argument, ContractSource, EventsFrom, Goal, NamedEndpoint, PrivateArgument, SignatureText,
    },
    certificates::CertificateCommand,
    node::NodeCommand,
};

/// Loads blockchain-framework adapters, shows what they are, and makes any call of the standard with them.
#[derive(Debug, Parser)]
#[command(name = "berth", version, propagate_version = true, max_term_width = 80)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at adapters and try them out
    Adapter {
        #[command(subcommand)]
        command: AdapterCommand,
    },
    /// Decide whether an adapter keeps the standard, and prove it to others
    Certify {
        #[command(subcommand)]
        command: CertifyCommand,
    },
    /// Let adapters in, and keep the record of it
    Node {
        #[command(subcommand)]
        command: NodeCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CertifyCommand {
    #[command(flatten)]
    Certificates(CertificateCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdapterCommand {
    /// Show what is in a component file, and what the adapter says of itself
    Inspect(Inspect),
    /// Make one call of the standard with an adapter
    Call(Box<Call>),
}

impl Arguments {
    /// Whether the answer is for programs.
    pub(crate) fn json(&self) -> bool {
        match &self.command {
            Command::Adapter { command: AdapterCommand::Inspect(inspect) } => inspect.json,
            Command::Adapter { command: AdapterCommand::Call(call) } => call.common.json,
            Command::Certify { command: CertifyCommand::Certificates(command) } => command.json(),
            Command::Node { command } => command.json(),
        }
    }
}

/// `berth adapter inspect`
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  berth adapter inspect ethereum.component.wasm
  berth adapter inspect ethereum.component.wasm --json | jq .descriptor")]
pub(crate) struct Inspect {
    /// The component
    pub(crate) file: PathBuf,
    /// Answer with one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// Compile it anew, and keep no compiled code
    #[arg(long)]
    pub(crate) no_cache: bool,
}

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

/// What every call takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options of every call")]
pub(crate) struct Common {
    /// Lend this address under a name that the descriptor has; may be given several times
    #[arg(long, global = true, value_name = "NAME=URL", value_parser = values::endpoint)]
    pub(crate) endpoint: Vec<NamedEndpoint>,
    /// The adapter's settings, or a file that has them
    #[arg(long, global = true, value_name = "JSON|@FILE", default_value = "{}")]
    pub(crate) settings: String,
    /// The private key: 64 hexadecimal digits, or PEM for P-256. Without it, the environment variable BERTH_KEY
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The key's scheme, where it is not the descriptor's first
    #[arg(long, global = true, value_parser = values::scheme)]
    pub(crate) scheme: Option<SignatureScheme>,
    /// The account that acts, where one key has several
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Keep the adapter's state in this folder; without it, it is forgotten
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) state: Option<PathBuf>,
    /// Write all that the adapter asks for and gets into this file
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "replay")]
    pub(crate) record: Option<PathBuf>,
    /// Make the same call again out of a recording, without any network
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,
    /// The most memory of one instance, in MiB
    #[arg(long, global = true, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) max_memory: u32,
    /// The longest time of one call, in seconds
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(crate) max_time: u32,
    /// Compile the component anew, and keep no compiled code
    #[arg(long, global = true)]
    pub(crate) no_cache: bool,
    /// At the end, show what it cost: host calls, bytes, time (on standard error)
    #[arg(long, global = true)]
    pub(crate) cost: bool,
    /// Answer with one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
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

/// A contract's function and its arguments.
#[derive(Args, Debug, Clone)]
pub(crate) struct ContractArguments {
    /// The contract's address or name
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) contract: String,
    /// The function's name; its signature where the framework needs types, as in 'transfer(address,uint256)'
    #[arg(long, value_name = "NAME")]
    pub(crate) function: String,
    #[command(flatten)]
    pub(crate) rest: PlainArguments,
    /// A private argument, never written to the ledger, from a file; may be given several times
    #[arg(long, value_name = "NAME=@FILE", value_parser = values::private)]
    pub(crate) private: Vec<PrivateArgument>,
}

/// Arguments and their types.
#[derive(Args, Debug, Clone)]
pub(crate) struct PlainArguments {
    /// One argument, in order: text:…, bytes:0x…, int:…, bool:true, json:…; without a kind it is text
    #[arg(long, value_name = "KIND:VALUE", value_parser = values::argument, allow_hyphen_values = true)]
    pub(crate) argument: Vec<Argument>,
    /// The contract's interface description
    #[arg(long, value_name = "TEXT|@FILE")]
    pub(crate) abi: Option<String>,
}

/// What goes with a write.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Options of writes")]
pub(crate) struct WriteOptions {
    /// Currency to send along, in the smallest unit
    #[arg(long, value_name = "NUMBER", value_parser = values::decimal)]
    pub(crate) amount: Option<String>,
    /// The most to pay, in the smallest unit
    #[arg(long, value_name = "NUMBER", value_parser = values::decimal)]
    pub(crate) max_fee: Option<String>,
    /// The same text makes the same random ids: all that is random in the call comes from its SHA-256
    #[arg(long, value_name = "TEXT")]
    pub(crate) idempotency_key: Option<String>,
    /// Write the signed envelope here before it is sent, to send it again or replace it
    #[arg(long, value_name = "FILE")]
    pub(crate) envelope: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) wait: WaitOptions,
}

/// How long a command waits.
#[derive(Args, Debug, Clone)]
pub(crate) struct WaitOptions {
    /// What to wait for
    #[arg(long, value_enum, default_value_t = Wait::Included)]
    pub(crate) wait: Wait,
    /// How long to wait, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) timeout: u32,
}

impl WaitOptions {
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wait {
    /// Nothing: it is sent
    Sent,
    /// It is in a block
    Included,
    /// Its block cannot disappear
    Final,
}

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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Arguments::command().debug_assert();
    }

    /// Every command that has no commands below it.
    fn leaves(command: &clap::Command, path: String, found: &mut Vec<(String, String)>) {
        if command.get_subcommands().next().is_none() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            found.push((path, help));
        } else {
            for one in command.get_subcommands() {
                leaves(one, format!("{path} {}", one.get_name()), found);
            }
        }
    }

    #[test]
    fn examples_fit_eighty_columns() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "berth".into(), &mut found);
        for (path, help) in found {
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{path}: {help}");
        }
    }

    #[test]
    fn no_command_takes_a_private_key_as_an_argument() {
        for line in ["--key-hex 00", "--private-key 00", "--secret 00"] {
            let words = format!("berth adapter call f status {line}");
            assert!(Arguments::try_parse_from(words.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn every_command_with_arguments_of_its_own_has_an_example() {
        let mut found = Vec::new();
        leaves(&Arguments::command(), "berth".into(), &mut found);
        assert!(found.len() > 20);
        let plain = ["describe", "status", "insert", "update", "delete", "get", "history"];
        for (path, help) in found {
            let has_own = !plain.iter().any(|name| path.ends_with(&format!(" {name}")));
            assert!(!has_own || help.contains("Example"), "{path} has no example");
        }
    }
}
