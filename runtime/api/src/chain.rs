//! Chains of signed records: what a node writes down so that nobody can drop, put in or change any of it unseen.
//!
//! Each record is a text and its signature, and each text names the digest of the record before. What was signed is kept as it
//! was, so there is no canonical form. Whoever has seen a record knows its digest, and with it all that came before.

use adapter_spec::types::{PublicKey, Signature, SigningInput};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Where an entry is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The id of the application whose chain it is.
    pub application: String,
    /// From 0, growing by one.
    pub number: u64,
    /// SHA-256 of the record before, hexadecimal; empty for the first one.
    pub previous: String,
}

/// What is signed, as JSON.
pub trait Entry: DeserializeOwned {
    /// Where it is.
    fn place(&self) -> &Place;
}

/// A record: the text that is signed, and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignedRecord {
    /// The JSON of an entry, as it was signed.
    pub entry: String,
    /// ECDSA on P-256 over SHA-256 of the text: r and s, 32 bytes each, hexadecimal.
    pub signature: String,
}

impl SignedRecord {
    /// SHA-256 of text and signature, hexadecimal: what the next record names.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.entry.as_bytes());
        hasher.update([0]);
        hasher.update(self.signature.as_bytes());
        hex::encode(hasher.finalize())
    }
}

/// Why a chain is not taken for what it says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The record does not decode.
    #[error("record {0} does not decode")]
    Malformed(u64),
    /// The record is not signed by the node's key.
    #[error("record {0} is not signed by this key")]
    Signature(u64),
    /// The record does not follow the one before.
    #[error("record {0} does not follow the one before it: one was left out, put in, or changed")]
    Order(u64),
    /// Numbers fall, or time does.
    #[error("record {0} has less than the one before it, or is earlier")]
    Falls(u64),
    /// The record is another application's.
    #[error("record {0} is of another application")]
    OtherApplication(u64),
    /// A record that was there once is not.
    #[error("the record {0}, which was seen before, is not among them: the chain was cut, or written anew")]
    Missing(String),
}

/// Looks whether records are one application's whole chain from its beginning, signed by this key. Gives the last entry; none
/// where there are no records. `check` is told each entry with the one before, and says what else has to hold.
///
/// # Errors
/// The first record that does not hold.
pub fn verify_chain<E: Entry>(
    key: &PublicKey,
    records: &[SignedRecord],
    mut check: impl FnMut(Option<&E>, &E) -> Result<(), ChainError>,
) -> Result<Option<E>, ChainError> {
    let mut before: Option<(E, String)> = None;
    for (number, record) in (0_u64..).zip(records) {
        let input = SigningInput::Message(record.entry.as_bytes().to_vec());
        let bytes = hex::decode(&record.signature).map_err(|_| ChainError::Malformed(number))?;
        if !berth_crypto::verify(key, &input, &Signature { bytes, recovery_id: None }) {
            return Err(ChainError::Signature(number));
        }
        let entry: E = serde_json::from_str(&record.entry).map_err(|_| ChainError::Malformed(number))?;
        let place = entry.place();
        let (last, digest) = before.as_ref().map(|(last, digest)| (last, digest.as_str())).unzip();
        if last.is_some_and(|last: &E| last.place().application != place.application) {
            return Err(ChainError::OtherApplication(number));
        }
        if place.number != number || place.previous != digest.unwrap_or_default() {
            return Err(ChainError::Order(number));
        }
        check(last, &entry)?;
        before = Some((entry, record.digest()));
    }
    Ok(before.map(|(entry, _)| entry))
}
