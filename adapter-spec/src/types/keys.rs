//! Keys, signatures, and what is signed.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

/// How a signature is made: curve, hash and form, fixed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u8)]
pub enum SignatureScheme {
    /// ECDSA on NIST P-256 over SHA-256 (FIPS 186-5).
    #[cfg_attr(feature = "component", component(name = "ecdsa-p256-sha256"))]
    EcdsaP256Sha256,
    /// ECDSA on secp256k1 over Keccak-256 (Ethereum).
    #[cfg_attr(feature = "component", component(name = "ecdsa-secp256k1-keccak256"))]
    EcdsaSecp256k1Keccak256,
    /// EOS: r and s both below 2^255.
    #[cfg_attr(feature = "component", component(name = "ecdsa-secp256k1-sha256-canonical"))]
    EcdsaSecp256k1Sha256Canonical,
    /// SM2 over SM3 (GB/T 32918.2).
    #[cfg_attr(feature = "component", component(name = "sm2-sm3"))]
    Sm2Sm3,
}

enum_from_discriminant!(SignatureScheme {
    EcdsaP256Sha256,
    EcdsaSecp256k1Keccak256,
    EcdsaSecp256k1Sha256Canonical,
    Sm2Sm3
});

/// A hash of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(enum))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[repr(u8)]
pub enum HashAlgorithm {
    /// SHA-256 (FIPS 180-4).
    #[cfg_attr(feature = "component", component(name = "sha256"))]
    Sha256,
    /// SHA-256 of the SHA-256.
    #[cfg_attr(feature = "component", component(name = "double-sha256"))]
    DoubleSha256,
    /// Keccak-256 with the original padding, not SHA3-256.
    #[cfg_attr(feature = "component", component(name = "keccak256"))]
    Keccak256,
    /// SM3 (GB/T 32905).
    #[cfg_attr(feature = "component", component(name = "sm3"))]
    Sm3,
}

enum_from_discriminant!(HashAlgorithm { Sha256, DoubleSha256, Keccak256, Sm3 });

/// A public key and the scheme it is used with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublicKey {
    /// How this key signs.
    pub scheme: SignatureScheme,
    /// SEC1 uncompressed point, 65 bytes.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub point: Vec<u8>,
    /// X.509 certificate, DER, where the framework has certificates.
    #[serde(with = "crate::types::hex_bytes::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::types::hex_bytes::Hex>"))]
    pub certificate: Option<Vec<u8>>,
}

/// Who acts: an account with the keys that speak for it. One key may hold many accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Party {
    /// The framework's name for it, e.g. "alice@active"; none where the key alone decides.
    pub account: Option<String>,
    /// The keys that speak for the account, at least one.
    pub keys: Vec<PublicKey>,
}

/// What SM2 signs: a message, and the user id that is hashed into ZA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sm2Message {
    /// The user id; `1234567812345678` in ASCII where a framework has none of its own.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub id: Vec<u8>,
    /// The message.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub data: Vec<u8>,
}

/// What a signer is asked to sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum SigningInput {
    /// The signer applies the scheme's hash.
    #[cfg_attr(feature = "component", component(name = "message"))]
    Message(
        #[serde(with = "crate::types::hex_bytes")]
        #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
        Vec<u8>,
    ),
    /// SM2 over SM3(ZA, data), with the user id that goes into ZA.
    #[cfg_attr(feature = "component", component(name = "sm2"))]
    Sm2(Sm2Message),
    /// EIP-712 JSON, for wallets that show what they sign.
    #[cfg_attr(feature = "component", component(name = "typed-data"))]
    TypedData(String),
    /// Hashed already, 32 bytes. Only where the descriptor declares it.
    #[cfg_attr(feature = "component", component(name = "digest"))]
    Digest(
        #[serde(with = "crate::types::hex_bytes")]
        #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
        Vec<u8>,
    ),
}

/// A signature in one form for all schemes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signature {
    /// r then s, 32 bytes each, big-endian; ECDSA with s in the lower half.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub bytes: Vec<u8>,
    /// Parity of the signer's point; secp256k1 only.
    #[cfg_attr(feature = "component", component(name = "recovery-id"))]
    pub recovery_id: Option<u8>,
}
