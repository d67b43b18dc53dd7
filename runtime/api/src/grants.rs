//! Grants between applications: what one owner proposes, the other agrees to, and what is written down of it.

use std::collections::BTreeSet;

use adapter_spec::types::{ContractCall, Output, Proof, PublicKey, StoreAnswer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::{ChainError, Entry, Place, SignedRecord, verify_chain};

/// A function of a contract that may be called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GrantedFunction {
    /// The contract, exactly as calls have to name it.
    pub contract: String,
    /// The function, exactly as calls have to name it.
    pub function: String,
    /// Interface description, where the function's name alone does not say which one it is. Calls use this one: with another,
    /// the same name could be another function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abi: Option<String>,
}

/// What an owner proposes to give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GrantRequest {
    /// The application that takes.
    pub to: String,
    /// Functions that may be evaluated.
    #[serde(default)]
    pub functions: BTreeSet<GrantedFunction>,
    /// Functions that may be invoked, which writes.
    #[serde(default)]
    pub writes: BTreeSet<GrantedFunction>,
    /// Keys of the preset store that may be read.
    #[serde(default)]
    pub keys: BTreeSet<String>,
    /// When it ends by itself.
    pub expires: Timestamp,
}

/// A grant as it is kept. Owners see it whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Grant {
    /// 32 random hexadecimal digits.
    pub id: String,
    /// The application that gives.
    pub from: String,
    /// The application that takes.
    pub to: String,
    /// The id of the application that gives: one of the same name, later, has another.
    pub from_id: String,
    /// The id of the application that takes.
    pub to_id: String,
    /// Functions that may be evaluated.
    pub functions: BTreeSet<GrantedFunction>,
    /// Functions that may be invoked, which writes.
    #[serde(default)]
    pub writes: BTreeSet<GrantedFunction>,
    /// Keys of the preset store that may be read.
    pub keys: BTreeSet<String>,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// When the owner of the application that takes accepted it; none before.
    pub accepted: Option<Timestamp>,
    /// What proofs are verified against, hexadecimal.
    pub anchor: Option<String>,
    /// Which application's owner revoked it.
    pub revoked: Option<String>,
}

/// One read under a grant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum GrantedRead {
    /// Evaluate a function.
    Function(ContractCall),
    /// The value of a key of the preset store, of the contract that the giving application's settings name.
    Key(String),
}

/// What a read came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum GrantedAnswer {
    /// Of a function. The standard has no proofs of what functions answer.
    Output(Output),
    /// Of a key, with the proof that was verified; none where the adapter proves no values.
    Value {
        /// The value.
        answer: StoreAnswer,
        /// Its proof.
        proof: Option<Box<Proof>>,
    },
}

/// What a call under a grant does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum GrantedUse {
    /// It reads.
    #[default]
    Read,
    /// It writes.
    Write,
}

/// A call under a grant, as both sides have it written down before it is made. A write that comes again is the same call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantCall {
    /// 32 random hexadecimal digits, the same on both sides; empty of calls from before there were chains.
    #[serde(default)]
    pub id: String,
    /// The grant.
    pub grant: String,
    /// When.
    pub at: Timestamp,
    /// A member of the application that takes.
    pub participant: String,
    /// The application that gives.
    pub from: String,
    /// The application that takes.
    pub to: String,
    /// Whether it reads or writes.
    #[serde(default)]
    pub does: GrantedUse,
    /// The function, or the key of the preset store.
    pub what: String,
    /// The idempotency key of a write.
    #[serde(default)]
    pub key: Option<String>,
}

/// A call under a grant in its place in an application's chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantEntry {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// The call.
    #[serde(flatten)]
    pub call: GrantCall,
}

impl Entry for GrantEntry {
    fn place(&self) -> &Place {
        &self.place
    }
}

/// The calls under grants that an application made, or that were made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantCalls {
    /// Oldest first; those from before there were chains go first.
    pub calls: Vec<GrantCall>,
    /// The key that signs the records.
    pub key: PublicKey,
    /// The same calls as a chain of signed records, whose entries are calls with the application's id, their number, and the digest
    /// (SHA-256, hexadecimal) of text, a zero byte and signature of the record before.
    pub records: Vec<SignedRecord>,
    /// The number of the record that the next page begins with; none at the end.
    #[serde(default)]
    pub next: Option<u64>,
}

/// Looks whether records are one application's whole chain of calls under grants. `seen` is the digest of a record that was its
/// last one before: it has to be there, so that no end is cut off and nothing written anew. Gives the calls.
///
/// # Errors
/// The first record that does not hold.
pub fn verify_grant_calls(
    key: &PublicKey,
    records: &[SignedRecord],
    seen: Option<&str>,
) -> Result<Vec<GrantEntry>, ChainError> {
    let mut entries = Vec::new();
    verify_chain(key, records, |before: Option<&GrantEntry>, entry: &GrantEntry| {
        if before.is_some_and(|before| entry.call.at < before.call.at) {
            return Err(ChainError::Falls(entry.place.number));
        }
        entries.push(entry.clone());
        Ok(())
    })?;
    match seen {
        Some(seen) if !records.iter().any(|record| record.digest() == seen) => {
            Err(ChainError::Missing(seen.to_owned()))
        }
        _ => Ok(entries),
    }
}
