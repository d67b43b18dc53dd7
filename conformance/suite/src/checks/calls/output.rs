//! What a call gives back, in bytes and in JSON.

use adapter_spec::{
    Function,
    types::{Output, Receipt, Step},
};
use serde_json::{Value, value::RawValue};

use super::super::find;
use crate::{
    check::{Facts, Fault},
    trial::Observed,
};

/// The largest integer that a double has exactly, and so every reader of JSON (RFC 8259, section 6).
const EXACT: u64 = 1 << 53;

/// What the call gave back.
fn output(call: &Observed) -> Option<Output> {
    match call.function {
        Function::Begin | Function::Resume => match call.success::<Step>()? {
            Step::Answer(output) => Some(output),
            Step::Sign(_) | Step::Send(_) => None,
        },
        Function::Receipt => call.success::<Receipt>()?.outcome?.ok(),
        _ => None,
    }
}

/// The first number that some readers would round.
fn inexact(json: &Value) -> Option<String> {
    match json {
        Value::Number(number) => {
            let is_exact = match (number.as_u64(), number.as_i64()) {
                (Some(positive), _) => positive <= EXACT,
                (None, Some(negative)) => negative.unsigned_abs() <= EXACT,
                (None, None) => number
                    .as_f64()
                    .is_some_and(|number| number.fract() != 0.0 || number.abs() <= EXACT as f64),
            };
            (!is_exact).then(|| number.to_string())
        }
        Value::Array(items) => items.iter().find_map(inexact),
        Value::Object(fields) => fields.values().find_map(inexact),
        _ => None,
    }
}

pub(super) fn json_is_json(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    let json = output(call)?.json?;
    let shown: String = json.chars().take(200).collect();
    // However deep it is: a raw value is only gone through.
    if let Err(error) = serde_json::from_str::<&RawValue>(&json) {
        return Some(Err(Fault::new("output.json is valid JSON", format!("{shown:?}: {error}"))));
    }
    Some(match serde_json::from_str::<Value>(&json) {
        // Deeper than what is looked into.
        Err(_) => Ok(()),
        Ok(value) => match inexact(&value) {
            None => Ok(()),
            Some(number) => Err(Fault::new(
                "integers beyond 2^53 are decimal text in output.json",
                format!("{number} is a JSON number"),
            )),
        },
    })
}

/// All bytes and texts that came from endpoints in this call.
fn answers(call: &Observed) -> Vec<Vec<u8>> {
    fn texts(value: &Value, found: &mut Vec<Vec<u8>>) {
        match value {
            Value::String(text) => {
                let digits = text.strip_prefix("0x").unwrap_or(text);
                if let Ok(bytes) = hex::decode(digits) {
                    // Bodies and messages are recorded in hexadecimal; a JSON body may hold more of it.
                    if let Ok(inner) = serde_json::from_slice::<Value>(&bytes) {
                        texts(&inner, found);
                    }
                    found.push(bytes);
                }
                // The answer of JSON-RPC is the text of its result.
                if let Ok(inner @ (Value::Object(_) | Value::Array(_) | Value::String(_))) =
                    serde_json::from_str(text)
                {
                    texts(&inner, found);
                }
                found.push(text.clone().into_bytes());
            }
            Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
            Value::Object(fields) => fields.values().for_each(|field| texts(field, found)),
            Value::Number(number) => found.push(number.to_string().into_bytes()),
            Value::Bool(boolean) => found.push(boolean.to_string().into_bytes()),
            Value::Null => {}
        }
    }
    let mut found = Vec::new();
    for request in call.requests().iter() {
        if let Some(answer) = &request.answer {
            texts(answer, &mut found);
        }
    }
    found
}

pub(super) fn raw_came_from_the_ledger(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    let output = output(call)?;
    let answers = answers(call);
    // What nothing was asked for can only have been kept since an earlier round.
    if output.raw.is_empty() || answers.is_empty() {
        return None;
    }
    let came = answers.iter().any(|answer| find::holds(answer, &output.raw));
    Some(if came {
        Ok(())
    } else {
        let raw: String = hex::encode(&output.raw).chars().take(200).collect();
        Err(Fault::new(
            "output.raw is what the ledger gave",
            format!("no answer of a node has the bytes {raw}"),
        ))
    })
}
