//! The preset contract: a store of keys and values, with every version of each.

use adapter_sdk::types::Value;

use super::{Refusal, Run, refuse};
use crate::wire::{History, Version, Wire as _, codes, value_key};

pub(super) const FUNCTIONS: &[&str] =
    &["insert(text,bytes)", "update(text,bytes)", "delete(text)", "get(text)", "history(text)"];

/// The longest key, bytes.
const MAX_KEY: usize = 255;
/// The longest value, bytes.
const MAX_VALUE: usize = 16 * 1024;

fn history_key(key: &str) -> Vec<u8> {
    [b"history ", key.as_bytes()].concat()
}

fn write(run: &mut Run<'_>, key: &str, value: Option<&[u8]>) -> Result<(), Refusal> {
    match value {
        Some(value) => run.set(&value_key(key), value),
        None => run.remove(&value_key(key)),
    }
    let mut history = history(run, key)?;
    history.0.push(Version {
        value: value.map(<[u8]>::to_vec),
        transaction: run.transaction,
        number: run.number,
        block: [0; 32],
    });
    run.set(&history_key(key), &history.encode());
    run.announce("Written", &Value::Text(key.to_owned()));
    Ok(())
}

fn history(run: &Run<'_>, key: &str) -> Result<History, Refusal> {
    match run.get(&history_key(key)) {
        None => Ok(History::default()),
        Some(bytes) => History::decode(&bytes)
            .or_else(|_| refuse(codes::NODE_FAULT, "the node cannot read the history that it wrote")),
    }
}

pub(super) fn call(run: &mut Run<'_>, function: &str, arguments: &[Value]) -> Result<Option<Value>, Refusal> {
    let Some(Value::Text(key)) = arguments.first() else {
        return refuse(codes::BAD_ARGUMENTS, "the key is a text");
    };
    if key.is_empty() || key.len() > MAX_KEY {
        return refuse(codes::BAD_ARGUMENTS, "a key has 1 to 255 bytes");
    }
    let there = run.get(&value_key(key));
    match (function, arguments.get(1), there) {
        ("history(text)", ..) => {
            let mut history = history(run, key)?;
            if history.0.is_empty() {
                return refuse(codes::MISSING, "the store never had this key");
            }
            for version in &mut history.0 {
                version.block = (run.hash_of)(version.number).unwrap_or_default();
            }
            Ok(Some(Value::Bytes(history.encode())))
        }
        ("insert(text,bytes)", _, Some(_)) => refuse(codes::EXISTS, "the key has a value"),
        ("insert(text,bytes)", Some(Value::Bytes(value)), None)
        | ("update(text,bytes)", Some(Value::Bytes(value)), Some(_)) => {
            if value.len() > MAX_VALUE {
                return refuse(codes::TOO_LARGE, "a value has at most 16384 bytes");
            }
            write(run, key, Some(value)).map(|()| None)
        }
        (_, _, None) => refuse(codes::MISSING, "the key has no value"),
        ("delete(text)", _, Some(_)) => write(run, key, None).map(|()| None),
        (_, _, Some(value)) => Ok(Some(Value::Bytes(value))),
    }
}
