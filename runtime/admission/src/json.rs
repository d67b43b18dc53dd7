//! JSON from outside: checked for size, depth, repeated keys and numbers before anything is made of it.

use std::{collections::HashSet, fmt};

use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

/// Arrays and objects within one another, at most. The formats of this crate need eight.
pub const MAX_DEPTH: usize = 32;

/// The largest whole number that every JSON reader keeps exactly: 2^53 - 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Why bytes are not the JSON that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// More bytes than are read.
    #[error("{bytes} bytes of JSON; at most {allowed} are read")]
    TooLarge {
        /// What there is.
        bytes: usize,
        /// What is allowed.
        allowed: usize,
    },
    /// Not UTF-8.
    #[error("the JSON is not UTF-8")]
    NotUtf8,
    /// Arrays or objects nested deeper than [`MAX_DEPTH`].
    #[error("JSON nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// An object with the same key twice: two readers could take two different values.
    #[error("the key {0:?} is there twice")]
    DuplicateKey(String),
    /// A whole number that other readers would round.
    #[error("a whole number outside ±(2^53 - 1)")]
    Number,
    /// Something follows the JSON value.
    #[error("bytes after the end of the JSON")]
    Trailing,
    /// No JSON at all.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// JSON, but of another shape.
    #[error("not the JSON that is wanted: {0}")]
    Shape(String),
}

/// Reads one JSON value of at most `max_bytes` bytes, strictly, and makes a `T` of it.
///
/// # Errors
/// [`JsonError`]: the first thing that is wrong.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8], max_bytes: usize) -> Result<T, JsonError> {
    check(bytes, max_bytes)?;
    serde_json::from_slice(bytes).map_err(|error| JsonError::Shape(error.to_string()))
}

/// Only the checks, for a value of any shape.
///
/// # Errors
/// [`JsonError`]: the first thing that is wrong.
pub fn check(bytes: &[u8], max_bytes: usize) -> Result<(), JsonError> {
    if bytes.len() > max_bytes {
        return Err(JsonError::TooLarge { bytes: bytes.len(), allowed: max_bytes });
    }
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    let mut fault = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let walked = Walk { depth: 0, fault: &mut fault }.deserialize(&mut deserializer);
    if let Some(fault) = fault {
        return Err(fault);
    }
    walked.map_err(|error| JsonError::Syntax(error.to_string()))?;
    deserializer.end().map_err(|_| JsonError::Trailing)
}

/// Walks through a value and keeps nothing but the first fault.
struct Walk<'a> {
    depth: usize,
    fault: &'a mut Option<JsonError>,
}

impl Walk<'_> {
    fn fail<E: serde::de::Error>(&mut self, fault: JsonError) -> E {
        let error = E::custom(&fault);
        self.fault.get_or_insert(fault);
        error
    }

    fn deeper<E: serde::de::Error>(&mut self) -> Result<Walk<'_>, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.fail(JsonError::TooDeep));
        }
        Ok(Walk { depth: self.depth + 1, fault: self.fault })
    }

    fn integer<E: serde::de::Error>(&mut self, magnitude: u64) -> Result<(), E> {
        if magnitude > MAX_INTEGER { Err(self.fail(JsonError::Number)) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: serde::de::Error>(mut self, value: u64) -> Result<(), E> {
        self.integer(value)
    }

    fn visit_i64<E: serde::de::Error>(mut self, value: i64) -> Result<(), E> {
        self.integer(value.unsigned_abs())
    }

    /// Whole numbers beyond 64 bits come here too.
    fn visit_f64<E: serde::de::Error>(mut self, value: f64) -> Result<(), E> {
        if value.abs() > MAX_INTEGER as f64 { Err(self.fail(JsonError::Number)) } else { Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let inside = self.deeper()?;
        while elements.next_element_seed(Walk { depth: inside.depth, fault: &mut *inside.fault })?.is_some() {
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let mut inside = self.deeper()?;
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(inside.fail(JsonError::DuplicateKey(key)));
            }
            keys.insert(key);
            entries.next_value_seed(Walk { depth: inside.depth, fault: &mut *inside.fault })?;
        }
        Ok(())
    }
}
