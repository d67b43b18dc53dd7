//! The standard's hashes.

use adapter_spec::types::HashAlgorithm;
use sha2::{Digest as _, Sha256};
use sha3::Keccak256;
use sm3::Sm3;

/// The hash of `data`, 32 bytes.
#[must_use]
pub fn hash(algorithm: HashAlgorithm, data: &[u8]) -> [u8; 32] {
    match algorithm {
        HashAlgorithm::Sha256 => Sha256::digest(data).into(),
        HashAlgorithm::DoubleSha256 => Sha256::digest(Sha256::digest(data)).into(),
        HashAlgorithm::Keccak256 => Keccak256::digest(data).into(),
        HashAlgorithm::Sm3 => Sm3::digest(data).into(),
    }
}
