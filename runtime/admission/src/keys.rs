//! P-256 keys and the one form of signature that is used here: ECDSA with SHA-256, DER, s in the lower half.

use std::fmt;

use p256::{
    ecdsa::{
        Signature, SigningKey, VerifyingKey,
        signature::{Signer as _, Verifier as _},
    },
    pkcs8::{
        DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
    },
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::digest::Digest;

/// Why a text is no key. Never says anything of a private key's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a P-256 public key.
    #[error("not a P-256 public key in PEM (\"BEGIN PUBLIC KEY\")")]
    Public,
    /// Not a P-256 private key.
    #[error("not a P-256 private key in PKCS#8 PEM (\"BEGIN PRIVATE KEY\")")]
    Private,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
}

/// Why bytes are not a signature by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// Not the one DER form of two numbers between 1 and the order of the curve less 1.
    #[error("not a DER signature of two numbers within the order of P-256")]
    NotDer,
    /// s is in the upper half: the other spelling of a signature that is there already.
    #[error("s is in the upper half; only one of the two spellings of a signature is taken")]
    HighS,
    /// Well formed, and made by none of the keys that were tried.
    #[error("made by none of the trusted keys, or over other bytes")]
    NoTrustedKey,
}

/// The name of a key: the SHA-256 digest of its DER `SubjectPublicKeyInfo`. A hint in envelopes, never a proof.
pub type KeyId = Digest;

/// A P-256 public key. Compared by its point.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    /// DER `SubjectPublicKeyInfo`, with the point uncompressed, however the text had it.
    spki: Vec<u8>,
    id: KeyId,
}

impl PublicKey {
    fn new(key: VerifyingKey) -> Result<Self, KeyError> {
        let spki = key.to_public_key_der().map_err(|_| KeyError::Public)?.into_vec();
        let id = Digest::of(&spki);
        Ok(PublicKey { key, spki, id })
    }

    /// From `-----BEGIN PUBLIC KEY-----`; white space around it is ignored.
    ///
    /// # Errors
    /// When it is not that, or a key of another curve.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::new(VerifyingKey::from_public_key_pem(pem.trim()).map_err(|_| KeyError::Public)?)
    }

    /// As `-----BEGIN PUBLIC KEY-----`, with line feeds.
    ///
    /// # Errors
    /// None that is known; the encoder can fail by its type.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.key.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::Public)
    }

    /// DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn made(&self, message: &[u8], signature: &Signature) -> bool {
        self.key.verify(message, signature).is_ok()
    }

    /// Checks a DER signature over a message.
    ///
    /// # Errors
    /// [`SignatureFault`]
    pub fn verify(&self, message: &[u8], der: &[u8]) -> Result<(), SignatureFault> {
        let signature = decode_signature(der)?;
        if self.made(message, &signature) { Ok(()) } else { Err(SignatureFault::NoTrustedKey) }
    }
}

/// Decodes DER strictly: there is one spelling for one signature.
pub(crate) fn decode_signature(der: &[u8]) -> Result<Signature, SignatureFault> {
    let signature = Signature::from_der(der).map_err(|_| SignatureFault::NotDer)?;
    // The decoder takes DER only; encoding again makes sure that nothing else ever gets by.
    if signature.to_der().as_bytes() != der {
        return Err(SignatureFault::NotDer);
    }
    if signature.normalize_s() != signature {
        return Err(SignatureFault::HighS);
    }
    Ok(signature)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_pem().map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_pem(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A P-256 private key. Wiped from memory when dropped; has no `Debug`, so that it cannot be printed by mistake.
pub struct PrivateKey {
    key: SigningKey,
    public: PublicKey,
}

impl PrivateKey {
    fn new(key: SigningKey) -> Result<Self, KeyError> {
        let public = PublicKey::new(*key.verifying_key())?;
        Ok(PrivateKey { key, public })
    }

    /// From PKCS#8, `-----BEGIN PRIVATE KEY-----`; white space around it is ignored.
    ///
    /// # Errors
    /// When it is not that, or a key of another curve.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        Self::new(SigningKey::from_pkcs8_pem(pem.trim()).map_err(|_| KeyError::Private)?)
    }

    /// As PKCS#8, `-----BEGIN PRIVATE KEY-----`. The text is wiped when dropped; write it only where it belongs.
    ///
    /// # Errors
    /// None that is known; the encoder can fail by its type.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        self.key.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Private)
    }

    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            getrandom::fill(&mut *bytes).map_err(|_| KeyError::Random)?;
            // All but about 2^-32 of the numbers are keys.
            if let Ok(key) = SigningKey::from_slice(&*bytes) {
                return Self::new(key);
            }
        }
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// ECDSA over SHA-256 of the message, deterministic (RFC 6979), s in the lower half, DER.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(message);
        signature.normalize_s().to_der().as_bytes().to_vec()
    }
}
