//! The key that seals all others.

use std::fmt;

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of the nonce before a ciphertext. Random nonces of this length do not repeat.
const NONCE: usize = 24;

/// Why a text is no master key. Says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MasterKeyError {
    /// Not 64 hexadecimal digits.
    #[error("a master key is 64 hexadecimal digits (32 random bytes)")]
    Malformed,
    /// All zeros, as a file that was never written.
    #[error("a master key of zeros is none")]
    Zeros,
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    Random,
}

/// Why something was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    Random,
    /// Sealed with another master key, for another place, or changed since.
    #[error("it was sealed with another master key, for another use, or was changed since")]
    DoesNotOpen,
}

/// The operator's master key: 32 bytes, from a file or the environment. Wiped when dropped; `Debug` hides it.
///
/// What is sealed opens only for the same purpose and the same context. Each purpose has a key of its own: HMAC-SHA-256
/// of the purpose under the master key; the cipher is XChaCha20-Poly1305 with a random nonce of 24 bytes in front.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A new key.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn random() -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|_| MasterKeyError::Random)?;
        Ok(MasterKey(bytes))
    }

    /// A key from 64 hexadecimal digits. White space around them is ignored.
    ///
    /// # Errors
    /// When it is not that.
    pub fn from_hex(text: &str) -> Result<Self, MasterKeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *bytes).map_err(|_| MasterKeyError::Malformed)?;
        if *bytes == [0; 32] {
            return Err(MasterKeyError::Zeros);
        }
        Ok(MasterKey(bytes))
    }

    /// The digits that [`MasterKey::from_hex`] reads.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.0))
    }

    /// A key for one purpose.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        // HMAC takes a key of any length.
        let mut key = Zeroizing::new([0; 32]);
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.0) {
            mac.update(b"berth ");
            mac.update(purpose.as_bytes());
            key.copy_from_slice(&mac.finalize().into_bytes());
        }
        key
    }

    fn cipher(&self, purpose: &str) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.derive(purpose)).into())
    }

    /// Seals bytes for a purpose and a context, e.g. whose key it is.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal(&self, purpose: &str, context: &[u8], bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::Random)?;
        let payload = Payload { msg: bytes, aad: context };
        let sealed = self.cipher(purpose).encrypt(&XNonce::from(nonce), payload);
        Ok([&nonce[..], &sealed.map_err(|_| SealError::Random)?].concat())
    }

    /// Opens what was sealed for the same purpose and context.
    ///
    /// # Errors
    /// When it does not open.
    pub fn open(
        &self,
        purpose: &str,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(SealError::DoesNotOpen)?;
        let payload = Payload { msg: sealed, aad: context };
        let opened = self.cipher(purpose).decrypt(&XNonce::from(*nonce), payload);
        opened.map(Zeroizing::new).map_err(|_| SealError::DoesNotOpen)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(<hidden>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_the_same_key_purpose_and_context() {
        let key = MasterKey::random().unwrap();
        let sealed = key.seal("key", b"alice", b"secret").unwrap();
        assert_eq!(&**key.open("key", b"alice", &sealed).unwrap(), b"secret");
        assert_eq!(key.open("key", b"bob", &sealed), Err(SealError::DoesNotOpen));
        assert_eq!(key.open("continuation", b"alice", &sealed), Err(SealError::DoesNotOpen));
        assert_eq!(MasterKey::random().unwrap().open("key", b"alice", &sealed), Err(SealError::DoesNotOpen));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("key", b"alice", &changed).is_err(), "byte {at}");
        }
        assert!(key.open("key", b"alice", b"short").is_err());
    }

    #[test]
    fn a_master_key_is_64_digits_and_not_zeros_and_does_not_show() {
        let key = MasterKey::random().unwrap();
        let text = key.to_hex();
        assert_eq!(*MasterKey::from_hex(&format!(" {}\n", *text)).unwrap().0, *key.0);
        assert_eq!(MasterKey::from_hex("00").unwrap_err(), MasterKeyError::Malformed);
        assert_eq!(MasterKey::from_hex(&"0".repeat(64)).unwrap_err(), MasterKeyError::Zeros);
        assert!(!format!("{key:?}").contains(text.as_str()));
    }
}
