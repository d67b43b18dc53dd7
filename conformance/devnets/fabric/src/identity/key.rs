//! P-256 keys that are derived from the network's seed.

use p256::{
    ecdsa::{self, signature::Signer as _},
    pkcs8::EncodePrivateKey as _,
};
use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SignatureAlgorithm};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use sha2::{Digest as _, Sha256};

use crate::error::NetworkError;

/// A P-256 key of a test network: derived from a known seed, so no secret at all.
pub struct Key {
    secret: ecdsa::SigningKey,
    point: Vec<u8>,
    fast: EcdsaKeyPair,
    random: SystemRandom,
}

impl Key {
    /// The key of this name in the network of this seed.
    ///
    /// # Errors
    /// When the library refuses the key, which no digest should cause.
    pub fn derive(seed: &str, name: &str) -> Result<Key, NetworkError> {
        for attempt in 0_u8..8 {
            let digest = Sha256::new()
                .chain_update(seed.as_bytes())
                .chain_update([0])
                .chain_update(name.as_bytes())
                .chain_update([attempt])
                .finalize();
            // A digest above the group's order is no key; the next attempt will be.
            if let Ok(secret) = ecdsa::SigningKey::from_slice(&digest) {
                return Key::new(secret);
            }
        }
        Err(NetworkError::identity(format!("the key {name}"), "no digest is below the group's order"))
    }

    /// The key with these 32 bytes, big-endian.
    ///
    /// # Errors
    /// When they are no key of P-256.
    pub fn from_secret(secret: &[u8]) -> Result<Key, NetworkError> {
        let secret = ecdsa::SigningKey::from_slice(secret);
        Key::new(secret.map_err(|error| NetworkError::identity("a key", error))?)
    }

    fn new(secret: ecdsa::SigningKey) -> Result<Key, NetworkError> {
        let point = secret.verifying_key().to_sec1_point(false).as_bytes().to_vec();
        let random = SystemRandom::new();
        let fast = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            &secret.to_bytes(),
            &point,
            &random,
        )
        .map_err(|error| NetworkError::identity("a key", error))?;
        Ok(Key { secret, point, fast, random })
    }

    /// Its 32 bytes, big-endian.
    #[must_use]
    pub fn secret(&self) -> Vec<u8> {
        self.secret.to_bytes().to_vec()
    }

    /// The public point, SEC1 uncompressed.
    #[must_use]
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// The key in PKCS#8, DER.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, NetworkError> {
        let failed = |error| NetworkError::identity("PKCS#8", error);
        p256::SecretKey::from(&self.secret).to_pkcs8_der().map(|der| der.as_bytes().to_vec()).map_err(failed)
    }

    /// The key in PKCS#8, PEM.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn to_pem(&self) -> Result<String, NetworkError> {
        let failed = |error| NetworkError::identity("PKCS#8", error);
        let pem =
            p256::SecretKey::from(&self.secret).to_pkcs8_pem(p256::pkcs8::LineEnding::LF).map_err(failed)?;
        Ok(pem.as_str().to_owned())
    }

    /// ECDSA over SHA-256 of the message: DER, s in the lower half of the order, as Fabric's peers ask.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, NetworkError> {
        let failed = |_| NetworkError::internal("sign", "no randomness");
        let signature = self.fast.sign(&self.random, message).map_err(failed)?;
        let signature = ecdsa::Signature::from_der(signature.as_ref())
            .map_err(|error| NetworkError::internal("sign", error))?;
        Ok(signature.normalize_s().to_der().as_bytes().to_vec())
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

/// Signs certificates by RFC 6979, so that the same seed makes the same certificates.
impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature: ecdsa::Signature =
            self.secret.try_sign(message).map_err(|_| rcgen::Error::RemoteKeyError)?;
        Ok(signature.normalize_s().to_der().as_bytes().to_vec())
    }
}
