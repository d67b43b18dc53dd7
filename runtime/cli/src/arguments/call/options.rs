//! What several calls take.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use adapter_spec::types::SignatureScheme;

use crate::call::values::{self, Argument, NamedEndpoint, PrivateArgument};

/// What every call takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options of every call")]
pub(crate) struct Common {
    /// Lend this address under a name that the descriptor has; may be given several times
    #[arg(long, global = true, value_name = "NAME=URL", value_parser = values::endpoint)]
    pub(crate) endpoint: Vec<NamedEndpoint>,
    /// A file with endpoints that need more than an address, and with service keys: `berth node app create --help` shows one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) lend: Option<PathBuf>,
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
