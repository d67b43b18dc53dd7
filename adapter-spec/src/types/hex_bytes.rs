//! Bytes as hexadecimal text with `0x` in JSON, for people and for other programs.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Lower-case hexadecimal with `0x`.
pub(crate) fn encode(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// Reads what [`encode`] writes; upper case too, and without `0x`.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|v| u8::try_from(v).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    decode(&text).ok_or_else(|| D::Error::custom("bytes must be an even number of hexadecimal digits"))
}

/// How such text is described to others: read tolerantly, written in one form.
#[cfg(feature = "schema")]
pub(crate) struct Hex;

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Hex {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hex".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let pattern = match generator.contract().is_serialize() {
            true => "^0x([0-9a-f]{2})*$",
            false => "^(0x)?([0-9a-fA-F]{2})*$",
        };
        schemars::json_schema!({"type": "string", "pattern": pattern})
    }
}

/// The same for bytes that may be absent.
pub(crate) mod option {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&super::encode(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| {
            super::decode(&text)
                .ok_or_else(|| D::Error::custom("bytes must be an even number of hexadecimal digits"))
        })
        .transpose()
    }
}

/// The same for named byte strings.
pub(crate) mod named {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        items: &[(String, Vec<u8>)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let items: Vec<_> = items.iter().map(|(name, bytes)| (name, super::encode(bytes))).collect();
        items.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(String, Vec<u8>)>, D::Error> {
        let items = Vec::<(String, String)>::deserialize(deserializer)?;
        items
            .into_iter()
            .map(|(name, text)| super::decode(&text).map(|bytes| (name, bytes)))
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("bytes must be an even number of hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_odd_or_foreign_digits_are_refused() {
        assert_eq!(encode(&[0, 0xab]), "0x00ab");
        assert_eq!(decode("0x00aB"), Some(vec![0, 0xab]));
        assert_eq!(decode("0x0"), None);
        assert_eq!(decode("0xzz"), None);
        assert_eq!(decode("0x+1"), None);
    }
}
