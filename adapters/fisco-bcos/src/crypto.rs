//! The two cryptographies: secp256k1 with Keccak-256, and SM2 with SM3 (GB/T 32918, GB/T 32905).
//!
//! What is signed is the hash of a transaction or block. ECDSA signs that hash itself, so a signer is given the bytes behind it;
//! SM2 takes the hash as its message and hashes again, with the signer's id (FISCO BCOS `libdevcrypto/SM2Signature`,
//! `bcos-crypto/signature/sm2`).

use adapter_sdk::{
    Imports,
    types::{Error, HashAlgorithm, PublicKey, Signature, SignatureScheme, SigningInput, Sm2Message},
};
use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

use adapter_evm_abi::invalid;

/// The user id that FISCO BCOS hashes into ZA.
pub(crate) const SM2_ID: &[u8] = b"1234567812345678";

/// Which cryptography a chain is made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Crypto {
    /// secp256k1 and Keccak-256.
    #[default]
    Standard,
    /// SM2 and SM3.
    Sm,
}

/// A signature as chains of this cryptography carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    /// 32 bytes, big-endian.
    pub(crate) r: B256,
    /// 32 bytes, big-endian.
    pub(crate) s: B256,
    /// secp256k1: the parity of the signer's point. SM2: the point's 64 bytes.
    pub(crate) signer: Signer,
}

/// What leads from a signature to its signer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signer {
    /// 0 or 1.
    Parity(u8),
    /// Both coordinates.
    Point([u8; 64]),
}

impl Crypto {
    /// The name in settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Crypto::Standard => "standard",
            Crypto::Sm => "sm",
        }
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Crypto::Standard => Crypto::Sm,
            Crypto::Sm => Crypto::Standard,
        }
    }

    /// How keys of such chains sign.
    pub(crate) fn scheme(self) -> SignatureScheme {
        match self {
            Crypto::Standard => SignatureScheme::EcdsaSecp256k1Keccak256,
            Crypto::Sm => SignatureScheme::Sm2Sm3,
        }
    }

    /// The chain's hash.
    pub(crate) fn algorithm(self) -> HashAlgorithm {
        match self {
            Crypto::Standard => HashAlgorithm::Keccak256,
            Crypto::Sm => HashAlgorithm::Sm3,
        }
    }

    /// The hash of these bytes.
    pub(crate) fn hash(self, host: &dyn Imports, data: &[u8]) -> B256 {
        B256::try_from(host.hash(self.algorithm(), data).as_slice()).unwrap_or_default()
    }

    /// The address of a key: the last 20 bytes of the hash of its coordinates.
    pub(crate) fn address(self, host: &dyn Imports, coordinates: &[u8]) -> Address {
        Address::from_word(self.hash(host, coordinates))
    }

    /// What has to be signed so that the chain takes it as a signature of these bytes.
    pub(crate) fn input(self, host: &dyn Imports, bytes: &[u8]) -> SigningInput {
        match self {
            Crypto::Standard => SigningInput::Message(bytes.to_vec()),
            Crypto::Sm => {
                let data = self.hash(host, bytes).to_vec();
                SigningInput::Sm2(Sm2Message { id: SM2_ID.to_vec(), data })
            }
        }
    }

    /// A key of this cryptography, from its coordinates.
    pub(crate) fn key(self, coordinates: &[u8]) -> PublicKey {
        PublicKey { scheme: self.scheme(), point: [&[4], coordinates].concat(), certificate: None }
    }

    /// Whether `r` and `s` are this key's signature of these bytes.
    pub(crate) fn verifies(
        self,
        host: &dyn Imports,
        coordinates: &[u8],
        bytes: &[u8],
        r_and_s: &[u8],
    ) -> bool {
        let signature = Signature { bytes: r_and_s.to_vec(), recovery_id: None };
        host.verify(&self.key(coordinates), &self.input(host, bytes), &signature)
    }

    /// A caller's signature in the chain's form, if it is this key's over these bytes.
    pub(crate) fn seal(
        self,
        host: &dyn Imports,
        coordinates: &[u8],
        bytes: &[u8],
        signature: &Signature,
    ) -> Result<Seal, Error> {
        let halves = signature.bytes.split_first_chunk::<32>();
        let Some((r, s)) = halves.and_then(|(r, s)| Some((*r, <[u8; 32]>::try_from(s).ok()?))) else {
            return Err(invalid("a signature has 64 bytes"));
        };
        let foreign = || invalid("the signature is not by the party's key over what was to be signed");
        if !self.verifies(host, coordinates, bytes, &signature.bytes) {
            return Err(foreign());
        }
        let signer = match self {
            Crypto::Sm => Signer::Point(<[u8; 64]>::try_from(coordinates).map_err(|_| foreign())?),
            Crypto::Standard => {
                let digest = self.hash(host, bytes);
                let leads = |parity: &u8| {
                    let tried = Signature { recovery_id: Some(*parity), ..signature.clone() };
                    let point = host.recover(self.scheme(), digest.as_slice(), &tried);
                    point.is_some_and(|point| point.get(1..) == Some(coordinates))
                };
                // Many signers cannot give the parity; of the two, only one leads to the key.
                let parity = match signature.recovery_id {
                    None => [0, 1].into_iter().find(leads),
                    Some(given @ (0 | 1)) => Some(given).filter(leads),
                    Some(_) => return Err(invalid("a signature's recovery id is 0 or 1")),
                };
                Signer::Parity(parity.ok_or_else(foreign)?)
            }
        };
        Ok(Seal { r: r.into(), s: s.into(), signer })
    }
}
