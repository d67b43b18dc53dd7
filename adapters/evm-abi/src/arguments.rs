//! From the standard's values to Solidity's.

use adapter_sdk::types::Value;
use alloy_dyn_abi::{DynSolType, DynSolValue, Word};
use alloy_primitives::{I256, U256, hex};
use serde_json::Value as Json;

/// The value in the wanted type, or why it does not fit.
pub(crate) fn coerce(given: &Value, wanted: &DynSolType) -> Result<DynSolValue, String> {
    match given {
        Value::Text(text) => of_text(text, wanted),
        Value::Bytes(bytes) => of_bytes(bytes, wanted),
        Value::Integer(text) if text.contains('x') => Err("it is not a decimal number".into()),
        Value::Integer(text) => of_integer(text, wanted),
        Value::Boolean(value) => match wanted {
            DynSolType::Bool => Ok(DynSolValue::Bool(*value)),
            _ => Err("a boolean is given".into()),
        },
        Value::Json(text) => {
            let json: Json =
                serde_json::from_str(text).map_err(|error| format!("the JSON does not decode: {error}"))?;
            of_json(&json, wanted)
        }
    }
}

/// Text is a string, an address, or bytes and numbers as hexadecimal with `0x`; numbers as decimal too.
fn of_text(text: &str, wanted: &DynSolType) -> Result<DynSolValue, String> {
    match wanted {
        DynSolType::String => Ok(DynSolValue::String(text.into())),
        DynSolType::Address => {
            crate::abi::address(text, "it").map(DynSolValue::Address).map_err(|error| error.message)
        }
        DynSolType::Bytes | DynSolType::FixedBytes(_) => {
            let digits = text.strip_prefix("0x").ok_or("bytes as text must start with 0x")?;
            of_bytes(&hex::decode(digits).map_err(|error| error.to_string())?, wanted)
        }
        DynSolType::Uint(_) | DynSolType::Int(_) => of_integer(text, wanted),
        _ => Err("a text is given".into()),
    }
}

fn of_bytes(bytes: &[u8], wanted: &DynSolType) -> Result<DynSolValue, String> {
    match wanted {
        DynSolType::Bytes => Ok(DynSolValue::Bytes(bytes.to_vec())),
        DynSolType::FixedBytes(size) if bytes.len() == *size => {
            Ok(DynSolValue::FixedBytes(Word::right_padding_from(bytes), *size))
        }
        DynSolType::FixedBytes(size) => Err(format!("{} bytes are given, {size} are wanted", bytes.len())),
        DynSolType::Address => match <[u8; 20]>::try_from(bytes) {
            Ok(bytes) => Ok(DynSolValue::Address(bytes.into())),
            Err(_) => Err(format!("{} bytes are given, an address has 20", bytes.len())),
        },
        _ => Err("bytes are given".into()),
    }
}

fn of_integer(text: &str, wanted: &DynSolType) -> Result<DynSolValue, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (radix, digits) = match digits.strip_prefix("0x") {
        Some(digits) => (16, digits),
        None => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err("it is not a number".into());
    }
    let magnitude = U256::from_str_radix(digits, u64::from(radix)).map_err(|_| "the number is too large")?;
    match wanted {
        DynSolType::Uint(_) if negative && !magnitude.is_zero() => Err("the number is negative".into()),
        DynSolType::Uint(bits) if magnitude.bit_len() <= *bits => Ok(DynSolValue::Uint(magnitude, *bits)),
        DynSolType::Int(bits) => {
            // From -2^(bits-1) to 2^(bits-1)-1.
            let limit = U256::ONE << (bits.saturating_sub(1));
            let fits = if negative { magnitude <= limit } else { magnitude < limit };
            let raw = I256::from_raw(magnitude);
            let value = if negative { raw.wrapping_neg() } else { raw };
            if fits { Ok(DynSolValue::Int(value, *bits)) } else { Err("the number is too large".into()) }
        }
        DynSolType::Uint(_) => Err("the number is too large".into()),
        _ => Err("an integer is given".into()),
    }
}

/// JSON arrays are arrays and tuples; numbers beyond 2^64 must be strings.
fn of_json(json: &Json, wanted: &DynSolType) -> Result<DynSolValue, String> {
    let items = |items: &[Json], of: &DynSolType| -> Result<Vec<DynSolValue>, String> {
        let one = |(place, item)| of_json(item, of).map_err(|why| format!("item {}: {why}", place + 1));
        items.iter().enumerate().map(one).collect()
    };
    match (json, wanted) {
        (Json::Array(given), DynSolType::Array(of)) => items(given, of).map(DynSolValue::Array),
        (Json::Array(given), DynSolType::FixedArray(of, size)) if given.len() == *size => {
            items(given, of).map(DynSolValue::FixedArray)
        }
        (Json::Array(given), DynSolType::FixedArray(_, size)) => {
            Err(format!("{} items are given, {size} are wanted", given.len()))
        }
        (Json::Array(given), DynSolType::Tuple(of)) if given.len() == of.len() => {
            let one =
                |(place, (item, of))| of_json(item, of).map_err(|why| format!("member {}: {why}", place + 1));
            given.iter().zip(of).enumerate().map(one).collect::<Result<_, _>>().map(DynSolValue::Tuple)
        }
        (Json::Array(given), DynSolType::Tuple(of)) => {
            Err(format!("{} members are given, {} are wanted", given.len(), of.len()))
        }
        (Json::Bool(value), DynSolType::Bool) => Ok(DynSolValue::Bool(*value)),
        (Json::Number(number), DynSolType::Uint(_) | DynSolType::Int(_)) if !number.is_f64() => {
            of_integer(&number.to_string(), wanted)
        }
        (Json::Number(_), _) => Err("numbers that are large or not whole must be given as text".into()),
        (Json::String(text), _) => of_text(text, wanted),
        _ => Err("the JSON has another shape".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coerced(given: Value, wanted: &str) -> Result<DynSolValue, String> {
        coerce(&given, &wanted.parse().unwrap())
    }

    #[test]
    fn integers_keep_their_range() {
        assert!(coerced(Value::Integer("255".into()), "uint8").is_ok());
        assert!(coerced(Value::Integer("256".into()), "uint8").is_err());
        assert!(coerced(Value::Integer("-1".into()), "uint8").is_err());
        assert!(coerced(Value::Integer("-128".into()), "int8").is_ok());
        assert!(coerced(Value::Integer("-129".into()), "int8").is_err());
        assert!(coerced(Value::Integer("128".into()), "int8").is_err());
        assert_eq!(
            coerced(Value::Integer("-1".into()), "int256"),
            Ok(DynSolValue::Int(I256::MINUS_ONE, 256))
        );
        let beyond = format!("1{}", "0".repeat(80));
        assert!(coerced(Value::Integer(beyond), "uint256").is_err());
        for wrong in ["", "-", "+1", "1.0", "1e3", "0x", " 1"] {
            assert!(coerced(Value::Integer(wrong.into()), "uint256").is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn arrays_and_tuples_come_as_json_and_errors_say_where() {
        let given = Value::Json(r#"[["1", true], [2, false]]"#.into());
        assert!(coerced(given, "(uint8,bool)[]").is_ok());
        let why = coerced(Value::Json(r#"[[1, true], [300, false]]"#.into()), "(uint8,bool)[]").unwrap_err();
        assert_eq!(why, "item 2: member 1: the number is too large");
        assert!(coerced(Value::Json("[1,2]".into()), "uint8[3]").is_err());
        assert!(coerced(Value::Json("1.5".into()), "uint8").is_err());
        assert!(coerced(Value::Json("[".into()), "uint8[]").is_err());
    }

    #[test]
    fn bytes_have_their_exact_length() {
        assert!(coerced(Value::Bytes(vec![1; 32]), "bytes32").is_ok());
        assert!(coerced(Value::Bytes(vec![1; 31]), "bytes32").is_err());
        assert!(coerced(Value::Text("0x0102".into()), "bytes2").is_ok());
        assert!(coerced(Value::Text("0102".into()), "bytes2").is_err());
        assert!(coerced(Value::Bytes(vec![1; 20]), "address").is_ok());
        assert!(coerced(Value::Boolean(true), "bytes").is_err());
    }
}
