//! The two cryptographies of FISCO-like chains. Sealers sign with libsecp256k1, since they sign every block; their keys are no secrets, and
//! `berth-crypto`'s, which everything else signs with, are zeroized.

use std::sync::LazyLock;

use adapter_spec::types::{HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput};
use alloy_primitives::{Address, B256};
use berth_crypto::SigningKey;
use secp256k1::{Message, Secp256k1, SecretKey, SignOnly};
use thiserror::Error;

/// libsecp256k1's tables.
static LIBRARY: LazyLock<Secp256k1<SignOnly>> = LazyLock::new(Secp256k1::signing_only);

/// The hash, the signatures and how addresses come of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// Keccak-256 and ECDSA on secp256k1.
    Standard,
    /// SM3 and SM2 (GB/T 32905, GB/T 32918), with the default user id.
    Sm,
}

/// A key of a sealer cannot be made or does not sign.
#[derive(Debug, Error)]
#[error("a sealer's key cannot be used: {0}")]
pub struct SealerKeyError(String);

impl Suite {
    /// The chain's hash.
    #[must_use]
    pub fn hash(self, data: &[u8]) -> B256 {
        let algorithm = match self {
            Suite::Standard => HashAlgorithm::Keccak256,
            Suite::Sm => HashAlgorithm::Sm3,
        };
        B256::from(berth_crypto::hash(algorithm, data))
    }

    /// The address of a public key (x and y, 64 bytes): the last 20 bytes of its hash.
    #[must_use]
    pub fn address(self, key: &[u8]) -> Address {
        Address::from_word(self.hash(key))
    }

    /// Who signed this hash with ECDSA: x and y, 64 bytes. `signature` is r, s and the recovery id.
    #[must_use]
    pub fn recover(self, hash: &B256, signature: &[u8; 65]) -> Option<[u8; 64]> {
        let (bytes, id) = signature.split_at(64);
        let signature = Signature { bytes: bytes.to_vec(), recovery_id: id.first().copied() };
        // It takes no s of the upper half, as the node of 2.9.1 did not (`tests/recorded.rs`).
        let point =
            berth_crypto::recover(SignatureScheme::EcdsaSecp256k1Keccak256, hash.as_slice(), &signature)?;
        point.get(1..)?.try_into().ok()
    }

    /// Whether this key (x and y) made the SM2 signature (r and s) of this hash, as a message of 32 bytes.
    #[must_use]
    pub fn verify_sm2(self, key: &[u8; 64], hash: &B256, signature: &[u8; 64]) -> bool {
        let mut point = vec![4];
        point.extend_from_slice(key);
        let key = PublicKey { scheme: SignatureScheme::Sm2Sm3, point, certificate: None };
        let signature = Signature { bytes: signature.to_vec(), recovery_id: None };
        berth_crypto::verify(&key, &sm2_input(hash), &signature)
    }

    /// How keys of the suite sign.
    #[must_use]
    pub fn scheme(self) -> SignatureScheme {
        match self {
            Suite::Standard => SignatureScheme::EcdsaSecp256k1Keccak256,
            Suite::Sm => SignatureScheme::Sm2Sm3,
        }
    }
}

fn sm2_input(hash: &B256) -> SigningInput {
    SigningInput::Message(hash.to_vec())
}

/// A sealer's key.
#[derive(Debug)]
pub struct Sealer {
    key: SigningKey,
    /// The same for libsecp256k1; none with SM2.
    ecdsa: Option<SecretKey>,
}

impl Sealer {
    /// The sealer of this number of a chain; the same number gives the same key, so that tests repeat.
    ///
    /// # Errors
    /// When no key comes of the number (odds of about 2^-32).
    pub fn new(suite: Suite, chain: &str, number: usize) -> Result<Self, SealerKeyError> {
        let seed = suite.hash(format!("berth test sealer {number} of {chain}").as_bytes());
        let key = SigningKey::from_bytes(suite.scheme(), seed.as_slice());
        let ecdsa = match suite {
            Suite::Standard => SecretKey::from_byte_array(seed.0).map(Some),
            Suite::Sm => Ok(None),
        };
        Ok(Sealer {
            key: key.map_err(|error| SealerKeyError(error.to_string()))?,
            ecdsa: ecdsa.map_err(|error| SealerKeyError(error.to_string()))?,
        })
    }

    /// Its node id: x and y of the public key, 64 bytes.
    #[must_use]
    pub fn id(&self) -> Vec<u8> {
        self.key.public_key().point.get(1..).unwrap_or_default().to_vec()
    }

    /// Its signature of a block's hash: r, s and the recovery id, or r, s and with SM2 the public key.
    ///
    /// # Errors
    /// When the arithmetic comes to no signature.
    pub fn sign(&self, hash: &B256) -> Result<Vec<u8>, SealerKeyError> {
        if let Some(key) = &self.ecdsa {
            let signature = LIBRARY.sign_ecdsa_recoverable(Message::from_digest(hash.0), key);
            let (id, halves) = signature.serialize_compact();
            let id = u8::try_from(i32::from(id)).map_err(|error| SealerKeyError(error.to_string()))?;
            return Ok([halves.as_slice(), &[id]].concat());
        }
        let signature = self.key.sign(&sm2_input(hash)).map_err(|error| SealerKeyError(error.to_string()))?;
        Ok([signature.bytes, self.id()].concat())
    }
}
