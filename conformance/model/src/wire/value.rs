//! Arguments and results of contracts, and their JSON.

use adapter_sdk::types::Value;
use serde::de::IgnoredAny;

use super::{Malformed, Reader, Writer};

const TEXT: u8 = 0;
const BYTES: u8 = 1;
const INTEGER: u8 = 2;
const BOOLEAN: u8 = 3;
const JSON: u8 = 4;

/// Beyond this, numbers in JSON are not exact everywhere.
const EXACT: u128 = 1 << 53;

/// The name of a value's type in signatures.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Text(_) => "text",
        Value::Bytes(_) => "bytes",
        Value::Integer(_) => "integer",
        Value::Boolean(_) => "boolean",
        Value::Json(_) => "json",
    }
}

/// The number, if this is the one spelling of an integer of 128 bits: no plus, no zeros before it, no minus zero.
#[must_use]
pub fn integer(text: &str) -> Option<i128> {
    let number: i128 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// Whether a value can be written: integers are spelt as [`integer`] wants, and JSON is JSON.
///
/// # Errors
/// What is wrong.
pub fn check(value: &Value) -> Result<(), Malformed> {
    match value {
        Value::Integer(text) if integer(text).is_none() => Err(Malformed(
            "an integer is a decimal number of at most 128 bits, without a plus or leading zeros",
        )),
        Value::Json(text) if serde_json::from_str::<IgnoredAny>(text).is_err() => {
            Err(Malformed("a JSON argument is not JSON"))
        }
        _ => Ok(()),
    }
}

/// A value as contracts give it back: its type's byte, then its content.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut to = Writer::default();
    match value {
        Value::Text(text) => to.u8(TEXT).fixed(text.as_bytes()),
        Value::Bytes(bytes) => to.u8(BYTES).fixed(bytes),
        Value::Integer(text) => to.u8(INTEGER).fixed(text.as_bytes()),
        Value::Boolean(value) => to.u8(BOOLEAN).flag(*value),
        Value::Json(text) => to.u8(JSON).fixed(text.as_bytes()),
    };
    to.done()
}

/// Reads what [`encode`] writes.
///
/// # Errors
/// When it is nothing that [`encode`] writes.
pub fn decode(bytes: &[u8]) -> Result<Value, Malformed> {
    let mut from = Reader::new(bytes);
    let kind = from.u8()?;
    if kind == BOOLEAN {
        let value = Value::Boolean(from.flag()?);
        from.end()?;
        return Ok(value);
    }
    let content = from.rest().to_vec();
    if kind == BYTES {
        return Ok(Value::Bytes(content));
    }
    let text = String::from_utf8(content).map_err(|_| Malformed("a text is not UTF-8"))?;
    let value = match kind {
        TEXT => Value::Text(text),
        INTEGER => Value::Integer(text),
        JSON => Value::Json(text),
        _ => return Err(Malformed("there is no such type of value")),
    };
    check(&value)?;
    Ok(value)
}

/// The same content as JSON; integers beyond 2^53 as text.
#[must_use]
pub fn json(value: &Value) -> String {
    match value {
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        Value::Bytes(bytes) => format!("\"0x{}\"", hex::encode(bytes)),
        Value::Integer(text) => exact(text),
        Value::Boolean(value) => value.to_string(),
        Value::Json(text) => exact_numbers(text),
    }
}

/// A JSON number, in quotes where it is an integer beyond 2^53.
fn exact(number: &str) -> String {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole && digits.parse::<u128>().map_or(true, |value| value > EXACT) {
        format!("\"{number}\"")
    } else {
        number.to_owned()
    }
}

/// JSON with its integers beyond 2^53 in quotes, else unchanged. A parser would round them.
fn exact_numbers(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut number = String::new();
    let (mut in_text, mut escaped) = (false, false);
    for character in json.chars() {
        if !in_text
            && (character.is_ascii_digit() || matches!(character, '-' | '+' | '.' | 'e' | 'E'))
            && !(number.is_empty() && character == 'e')
        {
            number.push(character);
            continue;
        }
        if !number.is_empty() {
            out.push_str(&exact(&number));
            number.clear();
        }
        out.push(character);
        match character {
            '"' if !escaped => in_text = !in_text,
            _ => {}
        }
        escaped = in_text && character == '\\' && !escaped;
    }
    if !number.is_empty() {
        out.push_str(&exact(&number));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_spelling() {
        assert_eq!(integer("-170141183460469231731687303715884105728"), Some(i128::MIN));
        for wrong in ["", "-", "+1", "01", "-0", " 1", "1e3", "170141183460469231731687303715884105728"] {
            assert_eq!(integer(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn big_integers_are_text_in_json_wherever_they_are() {
        let json = |text: &str| super::json(&Value::Json(text.into()));
        assert_eq!(json("9007199254740992"), "9007199254740992");
        assert_eq!(json("9007199254740993"), "\"9007199254740993\"");
        assert_eq!(
            json(r#"{"a":[true,false,null,-9007199254740993, 1.5e300],"12345678901234567890\"1":0}"#),
            r#"{"a":[true,false,null,"-9007199254740993", 1.5e300],"12345678901234567890\"1":0}"#
        );
        assert_eq!(super::json(&Value::Integer("-9007199254740993".into())), "\"-9007199254740993\"");
        assert_eq!(super::json(&Value::Text("\"\u{1}".into())), r#""\"\u0001""#);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_to_what_encodes_the_same_or_are_an_error(bytes: Vec<u8>) {
            if let Ok(value) = decode(&bytes) {
                assert_eq!(encode(&value), bytes);
                assert!(serde_json::from_str::<serde_json::Value>(&json(&value)).is_ok());
            }
        }
    }
}
