//! Solidity's values as JSON.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::hex;
use serde_json::{Map, Value as Json};

/// Integers as decimal text, since JSON numbers are not exact; bytes as hexadecimal with `0x`; addresses after EIP-55.
pub(crate) fn of_value(value: &DynSolValue) -> Json {
    match value {
        DynSolValue::Bool(value) => Json::Bool(*value),
        DynSolValue::Int(value, _) => Json::String(value.to_string()),
        DynSolValue::Uint(value, _) => Json::String(value.to_string()),
        DynSolValue::FixedBytes(word, size) => {
            Json::String(hex::encode_prefixed(word.get(..*size).unwrap_or(&word[..])))
        }
        DynSolValue::Address(address) => Json::String(address.to_checksum(None)),
        DynSolValue::Function(function) => Json::String(hex::encode_prefixed(function)),
        DynSolValue::Bytes(bytes) => Json::String(hex::encode_prefixed(bytes)),
        DynSolValue::String(text) => Json::String(text.clone()),
        DynSolValue::Array(items) | DynSolValue::FixedArray(items) | DynSolValue::Tuple(items) => {
            Json::Array(items.iter().map(of_value).collect())
        }
        // With alloy's feature `eip712`, which another crate of a workspace may turn on, structures have a case of their own.
        #[allow(unreachable_patterns, reason = "whether there is one more case depends on alloy's features")]
        other => Json::Array(other.as_fixed_seq().unwrap_or_default().iter().map(of_value).collect()),
    }
}

/// One value alone as it is, several as an array.
pub(crate) fn one_or_many(mut values: Vec<Json>) -> Json {
    match values.pop() {
        Some(only) if values.is_empty() => only,
        Some(last) => {
            values.push(last);
            Json::Array(values)
        }
        None => Json::Array(values),
    }
}

/// An object where all names are there and differ, an array otherwise.
pub(crate) fn named(names: &[&str], values: Vec<Json>) -> Json {
    let complete = names.len() == values.len() && names.iter().all(|name| !name.is_empty());
    let object: Map<String, Json> =
        names.iter().map(|name| (*name).to_owned()).zip(values.iter().cloned()).collect();
    if complete && object.len() == values.len() { Json::Object(object) } else { Json::Array(values) }
}
