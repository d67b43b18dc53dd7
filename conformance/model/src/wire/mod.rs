//! What the ledger's nodes and whoever speaks with them agree on: encodings, ids, accounts, trees of hashes, codes.

mod block;
mod codec;
pub mod codes;
pub mod merkle;
mod preset;
mod transaction;
mod validators;
pub mod value;

use adapter_sdk::types::SignatureScheme;
use sha2::{Digest as _, Sha256};

pub use block::{Announced, Entry, Header, Record, records_root};
pub use codec::{Malformed, Reader, Wire, Writer};
pub use preset::{History, Version, deployment_digest, private_question, value_key};
pub use transaction::{Action, Body, Parcel, Signed, account_of, contract_of, is_account, private_digest};
pub use validators::{Anchor, Validators, attested};

/// SHA-256.
pub type Hash = [u8; 32];

/// How transactions can be signed.
pub const SCHEMES: [SignatureScheme; 3] =
    [SignatureScheme::EcdsaP256Sha256, SignatureScheme::EcdsaSecp256k1Keccak256, SignatureScheme::Sm2Sm3];

/// The user id that goes into SM2's ZA here; not the one that is usual elsewhere.
pub const SM2_ID: &[u8] = b"model ledger";

/// The address of the first preset contract of a space.
pub const PRESET: &str = "preset";

/// The SHA-256 of the parts, one after the other.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// What a node's answer names as its question: the SHA-256 of method and parameters in hexadecimal.
#[must_use]
pub fn question(method: &str, params: &serde_json::Value) -> String {
    hex::encode(sha256(&[method.as_bytes(), b" ", params.to_string().as_bytes()]))
}
