//! Idempotency keys.

use std::fmt;

use crate::error::ClientError;

/// The most bytes of a key.
const MOST: usize = 128;

/// The caller's own name for a write, another for each. The node binds it to the request: whoever sends the same again under the
/// same key gets the same transaction, and no second one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key that says what it is for, such as the number of an order.
    ///
    /// # Errors
    /// Where it is not 1 to 128 visible ASCII characters.
    pub fn new(key: impl Into<String>) -> Result<Self, ClientError> {
        let key = key.into();
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if !(1..=MOST).contains(&key.len()) || !visible {
            return Err(ClientError::IdempotencyKey);
        }
        Ok(IdempotencyKey(key))
    }

    /// A random key. Write it down before it is used: without it nobody can ask what became of the write.
    ///
    /// # Errors
    /// Where the system gives no randomness.
    pub fn random() -> Result<Self, ClientError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| ClientError::Random)?;
        Ok(IdempotencyKey(hex::encode(bytes)))
    }

    /// The key itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
