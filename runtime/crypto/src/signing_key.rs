//! Private keys.

use std::fmt;

use adapter_spec::types::{PublicKey, Signature, SignatureScheme, SigningInput};
use k256::sha2::Sha256;
use p256::pkcs8::DecodePrivateKey as _;
use sm2::dsa::signature::hazmat::PrehashSigner as _;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{InputError, input, verify::is_canonical};

/// How often a signature is made anew until it is canonical. Each attempt succeeds with odds of about one half.
const MAX_ATTEMPTS: u32 = 256;

/// Why a private key cannot be read or made. Says nothing of the key's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not 32 bytes.
    #[error("a private key has 32 bytes, not {0}")]
    Length(usize),
    /// Not hexadecimal.
    #[error("the private key is not hexadecimal text of 32 bytes")]
    Hex,
    /// Zero, or not below the order of the curve.
    #[error("the private key is not a number between 1 and the order of the curve")]
    Range,
    /// No PKCS#8 in PEM, or a key on another curve.
    #[error("the text is not a P-256 private key in PKCS#8 PEM (\"BEGIN PRIVATE KEY\")")]
    Pem,
    /// The scheme has no PEM form here.
    #[error("{0:?} keys are read from hexadecimal text only, not from PEM")]
    NoPem(SignatureScheme),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    Random,
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The input does not fit the key's scheme.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The arithmetic came to no signature (odds below 2^-120), or the key is degenerate.
    #[error("no signature comes of this key and input")]
    NoSignature,
}

enum Secret {
    P256(p256::ecdsa::SigningKey),
    Secp256k1(k256::ecdsa::SigningKey),
    Sm2(sm2::SecretKey),
}

/// A private key and the scheme it signs with. Wiped from memory when dropped; `Debug` hides it.
pub struct SigningKey {
    scheme: SignatureScheme,
    secret: Secret,
    point: Vec<u8>,
}

impl SigningKey {
    /// A key from its 32 bytes, big-endian.
    ///
    /// # Errors
    /// When there are not 32 bytes, or they are no scalar of the curve.
    pub fn from_bytes(scheme: SignatureScheme, bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() != 32 {
            return Err(KeyError::Length(bytes.len()));
        }
        let secret = match scheme {
            SignatureScheme::EcdsaP256Sha256 => {
                Secret::P256(p256::ecdsa::SigningKey::from_slice(bytes).map_err(|_| KeyError::Range)?)
            }
            SignatureScheme::EcdsaSecp256k1Keccak256 | SignatureScheme::EcdsaSecp256k1Sha256Canonical => {
                Secret::Secp256k1(k256::ecdsa::SigningKey::from_slice(bytes).map_err(|_| KeyError::Range)?)
            }
            SignatureScheme::Sm2Sm3 => {
                Secret::Sm2(sm2::SecretKey::from_slice(bytes).map_err(|_| KeyError::Range)?)
            }
        };
        Ok(Self::new(scheme, secret))
    }

    /// A key from 64 hexadecimal digits, with or without `0x`. White space around it is ignored.
    ///
    /// # Errors
    /// When it is not that, or no scalar of the curve.
    pub fn from_hex(scheme: SignatureScheme, text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut *bytes)
            .map_err(|_| KeyError::Hex)?;
        Self::from_bytes(scheme, &*bytes)
    }

    /// A P-256 key from PKCS#8 in PEM.
    ///
    /// # Errors
    /// When the scheme is another, or the text no such key.
    pub fn from_pem(scheme: SignatureScheme, pem: &str) -> Result<Self, KeyError> {
        if scheme != SignatureScheme::EcdsaP256Sha256 {
            return Err(KeyError::NoPem(scheme));
        }
        let key = p256::ecdsa::SigningKey::from_pkcs8_pem(pem).map_err(|_| KeyError::Pem)?;
        Ok(Self::new(scheme, Secret::P256(key)))
    }

    /// A new key from the system's randomness.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn random(scheme: SignatureScheme) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        loop {
            getrandom::fill(&mut *bytes).map_err(|_| KeyError::Random)?;
            // All but about 2^-32 of the numbers are keys on each of these curves.
            if let Ok(key) = Self::from_bytes(scheme, &*bytes) {
                return Ok(key);
            }
        }
    }

    fn new(scheme: SignatureScheme, secret: Secret) -> Self {
        let point = match &secret {
            Secret::P256(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Secret::Secp256k1(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            Secret::Sm2(key) => {
                use sm2::elliptic_curve::sec1::ToSec1Point as _;
                key.public_key().to_sec1_point(false).as_bytes().to_vec()
            }
        };
        SigningKey { scheme, secret, point }
    }

    /// How this key signs.
    #[must_use]
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// The public key, without a certificate.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey { scheme: self.scheme, point: self.point.clone(), certificate: None }
    }

    /// Signs. The same input gives the same signature (RFC 6979; for SM2 its generator over SM3). ECDSA signatures
    /// have s in the lower half, and those on secp256k1 a recovery id.
    ///
    /// Canonical signatures also have no r and s that could be written shorter, since EOS nodes refuse those.
    ///
    /// # Errors
    /// When the input does not fit the scheme.
    pub fn sign(&self, input: &SigningInput) -> Result<Signature, SignError> {
        let digest = input::digest(self.scheme, &self.point, input)?;
        match &self.secret {
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature =
                    key.sign_prehash(&digest).map_err(|_| SignError::NoSignature)?;
                let bytes = signature.normalize_s().to_bytes().to_vec();
                Ok(Signature { bytes, recovery_id: None })
            }
            Secret::Secp256k1(key) => sign_secp256k1(self.scheme, key, &digest),
            Secret::Sm2(key) => {
                let key = sm2::dsa::SigningKey::new("", key).map_err(|_| SignError::NoSignature)?;
                let signature: sm2::dsa::Signature =
                    key.sign_prehash(&digest).map_err(|_| SignError::NoSignature)?;
                Ok(Signature { bytes: signature.to_bytes().to_vec(), recovery_id: None })
            }
        }
    }
}

fn sign_secp256k1(
    scheme: SignatureScheme,
    key: &k256::ecdsa::SigningKey,
    digest: &[u8; 32],
) -> Result<Signature, SignError> {
    for attempt in 0..MAX_ATTEMPTS {
        // RFC 6979, section 3.6: additional data gives another nonce, as deterministic as the first.
        let counter = attempt.to_be_bytes();
        let additional: &[u8] = if attempt == 0 { &[] } else { &counter };
        let (signature, id) = ecdsa::hazmat::sign_prehashed_rfc6979::<k256::Secp256k1, Sha256>(
            key.as_nonzero_scalar(),
            digest,
            additional,
        );
        let bytes = signature.to_bytes().to_vec();
        let canonical = scheme != SignatureScheme::EcdsaSecp256k1Sha256Canonical
            || (is_canonical(&bytes) && is_shortest(&bytes));
        if canonical && !id.is_x_reduced() {
            return Ok(Signature { bytes, recovery_id: Some(u8::from(id.is_y_odd())) });
        }
    }
    Err(SignError::NoSignature)
}

/// Neither r nor s begins with a zero byte that could be left out.
fn is_shortest(signature: &[u8]) -> bool {
    signature.chunks(32).all(|number| !matches!(number, [0, second, ..] if *second < 0x80))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("scheme", &self.scheme)
            .field("point", &hex::encode(&self.point))
            .finish_non_exhaustive()
    }
}
