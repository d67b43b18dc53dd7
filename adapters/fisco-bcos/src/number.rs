//! Numbers as nodes write them: JSON numbers, decimal text, hexadecimal text with `0x`.

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// A number in any of the three forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number(pub(crate) U256);

impl Number {
    /// Where it must be a height, an index or a count.
    pub(crate) fn small(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_u64().map(U256::from),
            Value::String(text) => parse(&text),
            _ => None,
        };
        number.map(Number).ok_or_else(|| D::Error::custom("a number"))
    }
}

fn parse(text: &str) -> Option<U256> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let only_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    if only_digits { U256::from_str_radix(digits, radix.into()).ok() } else { None }
}

/// A number that fits 64 bits.
pub(crate) fn small<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Number::deserialize(deserializer)?.small().ok_or_else(|| D::Error::custom("a number below 2^64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_are_read_and_nothing_else() {
        for (json, expected) in [("8", 8), ("\"8\"", 8), ("\"0x1f\"", 31), ("\"0x0\"", 0)] {
            assert_eq!(serde_json::from_str::<Number>(json).unwrap().small(), Some(expected), "{json}");
        }
        for wrong in ["-1", "1.5", "\"\"", "\"0x\"", "\"0xg\"", "\"+1\"", "\"1_0\"", "null", "[]", "true"] {
            assert!(serde_json::from_str::<Number>(wrong).is_err(), "{wrong}");
        }
    }
}
