//! Hiding what is sensitive.

use std::fmt;

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Content, Hex};

/// Bytes of the nonce before a ciphertext. Random nonces of this length do not repeat.
const NONCE: usize = 24;

/// The operator's key for what recordings seal; 32 bytes, wiped when dropped.
#[derive(Clone)]
pub struct OperatorKey(Zeroizing<[u8; 32]>);

impl OperatorKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        OperatorKey(Zeroizing::new(bytes))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorKey(<hidden>)")
    }
}

/// Where in a recording a content stands. A ciphertext opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) call: usize,
    pub(super) exchange: usize,
    pub(super) is_answer: bool,
}

impl Place {
    fn bound_to(self, salt: &[u8]) -> Vec<u8> {
        let mut bytes = salt.to_vec();
        bytes.extend((self.call as u64).to_be_bytes());
        bytes.extend((self.exchange as u64).to_be_bytes());
        bytes.push(u8::from(self.is_answer));
        bytes
    }
}

pub(super) fn digest(salt: &[u8], json: &str) -> Vec<u8> {
    Sha256::new().chain_update(salt).chain_update(json).finalize().to_vec()
}

/// Only the digest, and with a key the bytes too. Without randomness for a nonce there is no ciphertext.
pub(super) fn seal(salt: &[u8], key: Option<&OperatorKey>, place: Place, json: &str) -> Content {
    let ciphertext = key.and_then(|key| {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let bound_to = place.bound_to(salt);
        let payload = Payload { msg: json.as_bytes(), aad: &bound_to };
        let sealed = key.cipher().encrypt(&XNonce::from(nonce), payload).ok()?;
        Some(Hex([&nonce[..], &sealed].concat()))
    });
    Content::Sealed { digest: Hex(digest(salt, json)), ciphertext }
}

/// The bytes, if the key opens them at this place and they have the digest.
pub(super) fn open(
    salt: &[u8],
    key: &OperatorKey,
    place: Place,
    sealed_digest: &Hex,
    ciphertext: &Hex,
) -> Option<String> {
    let (nonce, sealed) = ciphertext.0.split_first_chunk::<NONCE>()?;
    let bound_to = place.bound_to(salt);
    let payload = Payload { msg: sealed, aad: &bound_to };
    let json = key.cipher().decrypt(&XNonce::from(*nonce), payload).ok()?;
    let json = String::from_utf8(json).ok()?;
    (digest(salt, &json) == sealed_digest.0).then_some(json)
}
