//! The contracts that this ledger knows: their code names their kind.

mod preset;
mod probe;

pub(crate) use probe::private_key;

use adapter_sdk::types::Value;

use super::state::State;
use crate::wire::{Hash, Malformed, Reader, Wire, Writer, codes, value};

/// Why a contract, or the ledger, did not do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// See [`codes`].
    pub(crate) code: i64,
    /// For people.
    pub(crate) reason: String,
}

pub(crate) fn refuse<T>(code: i64, reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { code, reason: reason.into() })
}

/// A contract as the state holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contract {
    pub(crate) kind: String,
    /// Who made it.
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) abi: Option<String>,
}

impl Wire for Contract {
    const KIND: [u8; 2] = [b'C', 1];

    fn write(&self, to: &mut Writer) {
        to.text(&self.kind).text(&self.owner).text(&self.name).text(&self.version);
        to.option(self.abi.as_deref(), |to, abi| {
            to.text(abi);
        });
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Contract {
            kind: from.text()?,
            owner: from.text()?,
            name: from.text()?,
            version: from.text()?,
            abi: from.option(Reader::text)?,
        })
    }
}

/// A run of one function.
pub(crate) struct Run<'a> {
    pub(crate) state: &'a mut State,
    /// The contract's address.
    pub(crate) contract: &'a str,
    pub(crate) owner: &'a str,
    pub(crate) caller: &'a str,
    pub(crate) transaction: Hash,
    /// Height of the block that it runs in, or on whose state it is tried.
    pub(crate) number: u64,
    /// In a block, and not only tried.
    pub(crate) in_block: bool,
    /// The digest of the private arguments; see [`private_digest`](crate::wire::private_digest).
    pub(crate) private: Option<Hash>,
    /// Hash of a block of the chain that it is tried on.
    pub(crate) hash_of: &'a dyn Fn(u64) -> Option<Hash>,
    /// Names and contents of events.
    pub(crate) events: Vec<(String, Vec<u8>)>,
    /// Units used beyond those for bytes.
    pub(crate) units: u64,
}

impl Run<'_> {
    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        self.state.get(self.contract, key).map(<[u8]>::to_vec)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        self.state.set(self.contract, key, value);
    }

    fn remove(&mut self, key: &[u8]) {
        self.state.remove(self.contract, key);
    }

    fn announce(&mut self, name: &str, content: &Value) {
        self.events.push((name.to_owned(), value::encode(content)));
    }
}

/// The kind of contract that code makes: its bytes up to the first zero.
pub(crate) fn kind_of(code: &[u8]) -> Result<&'static str, Refusal> {
    let kind = code.split(|byte| *byte == 0).next().unwrap_or_default();
    match kind {
        b"probe" => Ok("probe"),
        b"preset" => Ok("preset"),
        _ => refuse(codes::UNKNOWN_CODE, "the code is neither `probe` nor `preset`"),
    }
}

/// Makes a contract of this kind.
pub(crate) fn construct(kind: &str, run: &mut Run<'_>, arguments: &[Value]) -> Result<(), Refusal> {
    match (kind, arguments) {
        ("probe", [Value::Integer(first)]) => {
            run.set(b"count", first.as_bytes());
            Ok(())
        }
        (_, []) => Ok(()),
        _ => {
            refuse(codes::BAD_ARGUMENTS, "a probe is made with nothing or one integer, a preset with nothing")
        }
    }
}

/// Runs a function, named by its signature.
pub(crate) fn call(
    kind: &str,
    run: &mut Run<'_>,
    function: &str,
    arguments: &[Value],
) -> Result<Option<Value>, Refusal> {
    let functions = match kind {
        "preset" => preset::FUNCTIONS,
        _ => probe::FUNCTIONS,
    };
    if !functions.contains(&function) {
        return refuse(codes::UNKNOWN_FUNCTION, "the contract has no function with this signature");
    }
    let types: Vec<_> = arguments.iter().map(value::type_name).collect();
    let (_, wanted) = function.split_once('(').unwrap_or_default();
    if wanted.strip_suffix(')') != Some(&types.join(",")) {
        return refuse(codes::BAD_ARGUMENTS, format!("the arguments are ({})", types.join(",")));
    }
    match kind {
        "preset" => preset::call(run, function, arguments),
        _ => probe::call(run, function, arguments),
    }
}
