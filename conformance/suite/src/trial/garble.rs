//! What answers look like that no honest node gives.

use serde_json::{Map, Value, json};

/// What a proxy answers to people.
pub(super) const PAGE: &[u8] = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>";

/// The largest length of four bytes.
const HUGE: u32 = u32::MAX;

/// A value of another type, with those inside it.
fn other(value: Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(yes) => json!({ "yes": yes }),
        Value::Number(number) => json!([[number]]),
        Value::String(text) => json!({ "text": [text] }),
        Value::Array(items) => {
            let numbered = items.into_iter().enumerate().map(|(at, item)| (at.to_string(), other(item)));
            Value::Object(numbered.collect::<Map<_, _>>())
        }
        Value::Object(fields) => Value::Array(fields.into_iter().map(|(_, field)| other(field)).collect()),
    }
}

/// Every value is of another type.
pub(super) fn retyped(body: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice(&body) {
        Ok(value) => other(value).to_string().into_bytes(),
        Err(_) => body.into_iter().map(|byte| !byte).collect(),
    }
}

/// Calls `visit` with each value that has none inside it, in order.
fn leaves(value: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| leaves(item, visit)),
        Value::Object(fields) => fields.values_mut().for_each(|field| leaves(field, visit)),
        leaf => visit(leaf),
    }
}

/// One value is of another type.
pub(super) fn retyped_one(mut body: Vec<u8>, number: usize) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
        let length = body.len().max(1);
        if let Some(byte) = body.get_mut(number % length) {
            *byte = !*byte;
        }
        return body;
    };
    let mut count = 0;
    leaves(&mut value, &mut |_| count += 1);
    let (chosen, mut at) = (number % count.max(1), 0);
    leaves(&mut value, &mut |leaf| {
        if at == chosen {
            *leaf = other(leaf.take());
        }
        at += 1;
    });
    value.to_string().into_bytes()
}

/// Lengths are huge: numbers of JSON, and four bytes at this share of what is bytes or hexadecimal.
pub(super) fn huge(body: Vec<u8>, percent: u8) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { return huge_bytes(body, percent) };
    leaves(&mut value, &mut |leaf| match leaf {
        Value::Number(_) => *leaf = json!(HUGE),
        Value::String(text) => {
            let (prefix, digits) = text.split_at(if text.starts_with("0x") { 2 } else { 0 });
            if let Ok(bytes) = hex::decode(digits)
                && bytes.len() > 4
            {
                *leaf = json!(format!("{prefix}{}", hex::encode(huge_bytes(bytes, percent))));
            } else if !prefix.is_empty() {
                *leaf = json!(format!("0x{HUGE:x}"));
            } else if text.parse::<u64>().is_ok() {
                *leaf = json!(HUGE.to_string());
            }
        }
        _ => {}
    });
    value.to_string().into_bytes()
}

fn huge_bytes(mut bytes: Vec<u8>, percent: u8) -> Vec<u8> {
    let at = bytes.len().saturating_sub(4).saturating_mul(usize::from(percent.min(100))) / 100;
    bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = 0xff);
    bytes
}

/// `to` wherever `from` stands: as it is, and in hexadecimal of either case.
pub(super) fn replaced(body: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let forms = [
        (from.to_vec(), to.to_vec()),
        (hex::encode(from).into_bytes(), hex::encode(to).into_bytes()),
        (hex::encode_upper(from).into_bytes(), hex::encode_upper(to).into_bytes()),
    ];
    forms.iter().fold(body.to_vec(), |body, (from, to)| exchange(&body, from, to))
}

fn exchange(body: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((first, after)) = rest.split_first() {
        if !from.is_empty()
            && let Some(after) = rest.strip_prefix(from)
        {
            changed.extend_from_slice(to);
            rest = after;
        } else {
            changed.push(*first);
            rest = after;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_retyped_answer_has_another_type_and_one_of_one_retyped() {
        let answer = br#"{"number":"0x5","found":true,"list":[1]}"#.to_vec();
        assert_eq!(
            String::from_utf8(retyped(answer.clone())).unwrap(),
            r#"[{"yes":true},{"0":[[1]]},{"text":["0x5"]}]"#
        );
        let one: Value = serde_json::from_slice(&retyped_one(answer, 4)).unwrap();
        assert_eq!(one["list"], json!([[[1]]]));
        assert_eq!(one["found"], json!(true));
        assert_eq!(retyped(vec![0x0f]), [0xf0]);
    }

    #[test]
    fn lengths_are_huge_in_numbers_bytes_and_hexadecimal() {
        let answer = br#"{"n":3,"q":"0x5","d":"7","h":"0x000000021122","t":"name"}"#.to_vec();
        let huge: Value = serde_json::from_slice(&huge(answer, 0)).unwrap();
        assert_eq!(
            huge,
            json!({"n": HUGE, "q": "0xffffffff", "d": "4294967295", "h": "0xffffffff1122", "t": "name"})
        );
    }

    #[test]
    fn bytes_are_replaced_as_they_are_and_in_hexadecimal() {
        assert_eq!(replaced(b"x 0a0B ab", &[0x0a], &[0xff]), b"x ff0B ab");
        assert_eq!(replaced(&[1, 2, 3], &[2], &[9]), [1, 9, 3]);
    }
}
