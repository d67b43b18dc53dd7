//! What an entry is found by, and what it is bound to.

use std::fmt;

use adapter_spec::types::{Call, CallOptions, Party};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// The most bytes of an application's name, and of an idempotency key. At least one.
pub const MAX_NAME: usize = 256;

/// The name of an entry: an application, and an idempotency key that the application chose.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryKey {
    application: String,
    idempotency: String,
}

/// A name that no entry can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the {what} has 1 to {MAX_NAME} bytes, not {length}")]
pub struct KeyError {
    what: &'static str,
    length: usize,
}

impl EntryKey {
    /// Any text of 1 to [`MAX_NAME`] bytes each.
    ///
    /// # Errors
    /// When one is empty or longer.
    pub fn new(application: impl Into<String>, idempotency: impl Into<String>) -> Result<Self, KeyError> {
        let (application, idempotency) = (application.into(), idempotency.into());
        check("application's name", &application)?;
        check("idempotency key", &idempotency)?;
        Ok(EntryKey { application, idempotency })
    }

    /// The application's name.
    #[must_use]
    pub fn application(&self) -> &str {
        &self.application
    }

    /// The key that the application chose.
    #[must_use]
    pub fn idempotency(&self) -> &str {
        &self.idempotency
    }

    /// Another key of the same application.
    pub(crate) fn sibling(&self, idempotency: String) -> EntryKey {
        EntryKey { application: self.application.clone(), idempotency }
    }

    /// Where the store has it, below `folder`.
    pub(crate) fn place(&self, folder: &str) -> Vec<u8> {
        [application_prefix(folder, &self.application).as_slice(), self.idempotency.as_bytes()].concat()
    }

    /// What [`EntryKey::place`] wrote.
    pub(crate) fn from_place(folder: &str, place: &[u8]) -> Option<Self> {
        let rest = place.strip_prefix(folder.as_bytes())?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (application, idempotency) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_string);
        EntryKey::new(text(application)?, text(idempotency)?).ok()
    }
}

/// All keys of an application begin with it and no other application's do: the name's length (2 bytes, big-endian) and the
/// name.
pub(crate) fn application_prefix(folder: &str, application: &str) -> Vec<u8> {
    // A longer name has no entries.
    let length = u16::try_from(application.len()).unwrap_or(u16::MAX).to_be_bytes();
    [folder.as_bytes(), &length, application.as_bytes()].concat()
}

fn check(what: &'static str, name: &str) -> Result<(), KeyError> {
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(KeyError { what, length: name.len() });
    }
    Ok(())
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of application {:?}", self.idempotency, self.application)
    }
}

/// The SHA-256 of all that a request asks for. A key stays bound to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PayloadDigest([u8; 32]);

impl PayloadDigest {
    /// Of a call. The salt does not count, everything else does.
    #[must_use]
    pub fn of_call(call: &Call, parties: &[Party], options: &CallOptions) -> Self {
        Self::of("call", &(call, parties, without_salt(options)))
    }

    /// Of the replacement of an earlier transaction. The salt does not count, everything else does.
    #[must_use]
    pub fn of_replacement(original: &EntryKey, parties: &[Party], options: &CallOptions) -> Self {
        let original = (original.application(), original.idempotency());
        Self::of("replacement", &(original, parties, without_salt(options)))
    }

    /// A digest that was made in another way.
    #[must_use]
    pub fn from_bytes(digest: [u8; 32]) -> Self {
        PayloadDigest(digest)
    }

    /// Over the JSON of the standard's types, which does not change within a major version.
    fn of(kind: &str, content: &impl Serialize) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"berth payload 1 ");
        hasher.update(kind.as_bytes());
        hasher.update([0]);
        // Writing into a hasher cannot fail, and the types have no map with keys that are no text.
        let written = serde_json::to_writer(HashWriter(&mut hasher), content);
        debug_assert!(written.is_ok(), "the types are always JSON");
        PayloadDigest(hasher.finalize().into())
    }
}

fn without_salt(options: &CallOptions) -> CallOptions {
    CallOptions { salt: Vec::new(), ..options.clone() }
}

/// Hashes what is written.
struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The source of every random value in a transaction: 32 random bytes, fixed for one key and used for no other.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Salt([u8; 32]);

impl Salt {
    /// These bytes, which must be random.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Salt(bytes)
    }

    /// What goes into `call-options.salt`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Hidden: whoever knows it can tell the ids of transactions that are not sent yet.
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(hidden)")
    }
}

impl fmt::Debug for PayloadDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadDigest({})", hex::encode(self.0))
    }
}

/// 32 bytes as hexadecimal text.
fn parse(text: &str) -> Result<[u8; 32], hex::FromHexError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes)?;
    Ok(bytes)
}

impl TryFrom<String> for PayloadDigest {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).map(PayloadDigest)
    }
}

impl From<PayloadDigest> for String {
    fn from(digest: PayloadDigest) -> String {
        hex::encode(digest.0)
    }
}

impl TryFrom<String> for Salt {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).map(Salt)
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> String {
        hex::encode(salt.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_and_what_is_none_is_not() {
        let key = EntryKey::new("ab", "c").unwrap();
        let place = key.place("folder/");
        assert_eq!(place, b"folder/\x00\x02abc");
        assert_eq!(EntryKey::from_place("folder/", &place), Some(key.clone()));
        assert_eq!(EntryKey::from_place("other/", &place), None);
        assert!(place.starts_with(&application_prefix("folder/", "ab")));
        assert_eq!(key.to_string(), r#""c" of application "ab""#);
        for damaged in [
            &b""[..],
            b"\x00",
            b"\x00\x02a",
            b"\x00\x02ab",
            b"\x00\x00abc",
            b"\x00\x02a\xffc",
            b"\x00\x01a\xff",
        ] {
            assert_eq!(EntryKey::from_place("", damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn digests_and_salts_are_32_bytes_of_hexadecimal_text() {
        let text = "0f".repeat(32);
        assert_eq!(PayloadDigest::try_from(text.clone()).unwrap(), PayloadDigest::from_bytes([15; 32]));
        assert_eq!(Salt::try_from(text.clone()).unwrap().as_bytes(), [15; 32]);
        assert_eq!(String::from(Salt::from_bytes([15; 32])), text);
        for wrong in ["", "0f", &text[1..], &format!("{text}00"), &text.replace('f', "g")] {
            assert!(
                Salt::try_from(wrong.to_string()).is_err()
                    && PayloadDigest::try_from(wrong.to_string()).is_err()
            );
        }
    }
}
