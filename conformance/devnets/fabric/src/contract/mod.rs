//! Contracts that are built in: each a function over what it may ask of the ledger.

mod preset;
mod probe;

use std::collections::BTreeMap;

pub use preset::Preset;
pub use probe::{Probe, SECRETS};

use crate::{identity::Identity, ledger::Simulation};

/// The status of a call that went well, as chaincodes answer it.
pub const OK: i32 = 200;

/// The status of a call that failed.
pub const ERROR: i32 = 500;

/// What a contract answers where it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The chaincode's status, 400 to 599.
    pub status: i32,
    /// Why.
    pub message: String,
}

impl Failure {
    /// A failure with status 500.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { status: ERROR, message: message.into() }
    }

    /// Arguments that the function does not take.
    #[must_use]
    pub fn arguments(what: impl std::fmt::Display) -> Failure {
        Failure::new(format!("invalid-argument: {what}"))
    }

    pub(crate) fn no_function() -> Failure {
        Failure::new("not-found: there is no such function")
    }
}

/// A contract.
pub trait Contract: Send + Sync {
    /// Runs a function. What it wrote counts only where it answers well.
    ///
    /// # Errors
    /// The contract's own reason.
    fn invoke(&self, call: &mut Call<'_>) -> Result<Vec<u8>, Failure>;

    /// The private collections that it uses.
    fn collections(&self) -> &'static [&'static str] {
        &[]
    }
}

/// One call of a contract: what it is asked, and the ledger as it sees it.
///
/// As in Fabric, a contract does not see what it wrote in the same call, and only its last event counts.
pub struct Call<'a> {
    /// The function.
    pub function: String,
    /// Its arguments.
    pub arguments: Vec<Vec<u8>>,
    /// Arguments that do not go into the transaction.
    pub transient: &'a BTreeMap<String, Vec<u8>>,
    /// Who asks.
    pub creator: &'a Identity,
    /// The channel's organisations.
    pub organisations: &'a [String],
    pub(crate) namespace: &'a str,
    pub(crate) simulation: Simulation<'a>,
    pub(crate) event: Option<(String, Vec<u8>)>,
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The transaction that made it.
    pub transaction: String,
    /// What it wrote; none where it deleted.
    pub value: Option<Vec<u8>>,
    /// The block.
    pub block: u64,
}

impl Call<'_> {
    /// The value of a key.
    pub fn get(&mut self, key: &str) -> Option<Vec<u8>> {
        self.simulation.get(self.namespace, key)
    }

    /// Writes a key.
    pub fn put(&mut self, key: &str, value: Vec<u8>) {
        self.simulation.put(self.namespace, key, Some(value));
    }

    /// Deletes a key.
    pub fn delete(&mut self, key: &str) {
        self.simulation.put(self.namespace, key, None);
    }

    /// All keys from `start` on and before `end`, with their values.
    pub fn range(&mut self, start: &str, end: &str) -> Vec<(String, Vec<u8>)> {
        self.simulation.range(self.namespace, start, end)
    }

    /// All that ever happened to a key, oldest first. It is not validated again when the transaction is committed.
    #[must_use]
    pub fn history(&self, key: &str) -> Vec<Change> {
        self.simulation.history(self.namespace, key)
    }

    /// The value of a key in a private collection.
    pub fn get_private(&mut self, collection: &str, key: &str) -> Option<Vec<u8>> {
        self.simulation.get_private(self.namespace, collection, key)
    }

    /// Writes a key in a private collection.
    pub fn put_private(&mut self, collection: &str, key: &str, value: Vec<u8>) {
        self.simulation.put_private(self.namespace, collection, key, Some(value));
    }

    /// Deletes a key in a private collection.
    pub fn delete_private(&mut self, collection: &str, key: &str) {
        self.simulation.put_private(self.namespace, collection, key, None);
    }

    /// Makes an event; an earlier one of the same call is lost.
    pub fn emit(&mut self, name: &str, payload: Vec<u8>) {
        self.event = Some((name.to_owned(), payload));
    }

    /// Its arguments, if there are as many.
    ///
    /// # Errors
    /// When there are more or fewer.
    pub fn take<const N: usize>(&self) -> Result<[&[u8]; N], Failure> {
        let given: Vec<&[u8]> = self.arguments.iter().map(Vec::as_slice).collect();
        <[&[u8]; N]>::try_from(given).map_err(|given| {
            Failure::arguments(format!("{} takes {N} arguments, not {}", self.function, given.len()))
        })
    }
}

/// An argument as text.
pub(crate) fn text(argument: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(argument).map_err(|_| Failure::arguments("an argument is no UTF-8"))
}

/// What is written for a value, which may be empty: Fabric takes a written value without bytes for a deletion, so a value is
/// kept behind one byte.
pub(crate) fn wrap(value: &[u8]) -> Vec<u8> {
    [&[1], value].concat()
}

/// The value that was written.
pub(crate) fn unwrap(mut written: Vec<u8>) -> Vec<u8> {
    if !written.is_empty() {
        written.remove(0);
    }
    written
}
