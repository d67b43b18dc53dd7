//! What a contract gave back.

use adapter_spec::types::{Output, Value};
use serde_json::Value as Json;

use super::find;

/// Whether the output is this value and no other: as JSON where there is some, and otherwise as bytes.
pub(super) fn is(output: &Output, value: &Value) -> bool {
    match output.json.as_deref().map(serde_json::from_str::<Json>) {
        Some(Ok(json)) => is_json(alone(&json), value),
        Some(Err(_)) => false,
        None => match value {
            Value::Text(text) | Value::Integer(text) => output.raw == text.as_bytes(),
            Value::Bytes(bytes) => output.raw == *bytes,
            Value::Boolean(boolean) => output.raw == boolean.to_string().as_bytes(),
            Value::Json(json) => match (parsed(json), serde_json::from_slice::<Json>(&output.raw)) {
                (Some(expected), Ok(came)) => is_same(&expected, &came),
                _ => false,
            },
        },
    }
}

/// A contract gives one value, or a list of one.
fn alone(json: &Json) -> &Json {
    match json {
        Json::Array(items) if items.len() == 1 => items.first().unwrap_or(json),
        other => other,
    }
}

fn parsed(json: &str) -> Option<Json> {
    serde_json::from_str(json).ok()
}

fn is_json(json: &Json, value: &Value) -> bool {
    match (value, json) {
        (Value::Text(text), Json::String(came)) => text == came,
        (Value::Integer(number), json) => number_text(json).as_deref() == Some(number),
        (Value::Boolean(boolean), Json::Bool(came)) => boolean == came,
        (Value::Bytes(bytes), Json::String(came)) => is_bytes(came, bytes),
        (Value::Bytes(bytes), Json::Array(items)) => {
            let numbers: Option<Vec<_>> = items.iter().map(Json::as_u64).collect();
            numbers.is_some_and(|numbers| numbers.into_iter().eq(bytes.iter().map(|byte| u64::from(*byte))))
        }
        (Value::Json(json), came) => {
            parsed(json).is_some_and(|expected| is_same(&expected, came) || is_same(alone(&expected), came))
        }
        _ => false,
    }
}

/// Hexadecimal with or without `0x`, or base64.
fn is_bytes(text: &str, bytes: &[u8]) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).is_ok_and(|decoded| decoded == bytes)
        || (text.len() == bytes.len().div_ceil(3) * 4 && find::holds(text.as_bytes(), bytes))
}

/// A number, or a text of its digits.
pub(super) fn number_text(json: &Json) -> Option<String> {
    match json {
        Json::Number(number) => Some(number.to_string()),
        Json::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// The same, where numbers may come as texts of their digits.
fn is_same(expected: &Json, came: &Json) -> bool {
    match (expected, came) {
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Json::Object(one), Json::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        (Json::Number(_), _) => number_text(expected) == number_text(came),
        _ => expected == came,
    }
}

/// For people.
pub(super) fn shown(output: &Output) -> String {
    match &output.json {
        Some(json) => json.clone(),
        None => format!("0x{}", hex::encode(&output.raw)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(raw: &[u8], json: Option<&str>) -> Output {
        Output { raw: raw.to_vec(), json: json.map(str::to_owned) }
    }

    #[test]
    fn an_output_is_a_value_in_json_or_in_bytes_and_not_nearly() {
        let text = Value::Text("a b".into());
        assert!(is(&output(b"", Some("[\"a b\"]")), &text) && is(&output(b"a b", None), &text));
        assert!(!is(&output(b"a b ", None), &text) && !is(&output(b"", Some("\"a  b\"")), &text));
        let integer = Value::Integer("9007199254740993".into());
        assert!(is(&output(b"", Some("\"9007199254740993\"")), &integer));
        assert!(!is(&output(b"", Some("9007199254740992")), &integer));
        let bytes = Value::Bytes(vec![0, 255]);
        assert!(is(&output(b"", Some("\"0x00ff\"")), &bytes) && !is(&output(b"", Some("\"0x00\"")), &bytes));
        let json = Value::Json("[[1,2],[]]".into());
        assert!(is(&output(b"", Some("[[[\"1\",\"2\"],[]]]")), &json));
        assert!(!is(&output(b"", Some("[[1,2]]")), &json));
    }
}
