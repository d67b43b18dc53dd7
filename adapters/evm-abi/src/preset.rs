//! The preset store as its contract has it (`adapters/ethereum/contracts/PresetStore.sol`): calls, answers, versions.
//!
//! Values are in the contract's storage. History is in its events; the contract keeps the numbers of the blocks that have them, so
//! that reading a history asks for as many blocks as there were writes, however long the chain is.

use adapter_sdk::types::{
    Call, ContractCall, Deployment, Error, ErrorCode, Output, StoreAnswer, StoreEntry, StoreOperation,
    StoreVersion, Value,
};
use alloy_dyn_abi::{DynSolType, DynSolType as Type, DynSolValue};
use alloy_primitives::{Address, hex};
use serde::Deserialize;

use crate::invalid;

/// The event that carries a version: hash of the key, key, value, whether it was deleted.
pub const WRITTEN: &str = "Written(bytes32,string,bytes,bool)";
/// The function by which a history is read: it is none of the contract's, since the versions are in the chain's events.
pub const HISTORY: &str = "preset-history";
/// The function of the contract that tells where versions are.
pub const PLACES: &str = "history(string)(address,uint64[])";
/// The longest key, bytes.
pub const MAX_KEY: usize = 255;
/// The longest value, bytes: writing it costs some 12 million gas, and one transaction has 16.7 million (EIP-7825).
pub const MAX_VALUE: usize = 16 * 1024;
/// The most blocks in one history: each is a request, and a call makes at most 256 (STANDARD.md, LIM).
pub const MAX_BLOCKS: usize = 250;

#[derive(Deserialize)]
struct Compiled {
    bytecode: String,
    abi: serde_json::Value,
}

/// The deployment of a compiled preset contract, `{"bytecode": "0x…", "abi": […]}`.
///
/// # Errors
/// `internal` where it does not decode: it is compiled in.
pub fn deployment(compiled: &str) -> Result<Deployment, Error> {
    let broken =
        |why: String| Error::new(ErrorCode::Internal, format!("the preset contract does not decode: {why}"));
    let compiled: Compiled = serde_json::from_str(compiled).map_err(|error| broken(error.to_string()))?;
    Ok(Deployment {
        name: "preset-store".into(),
        version: "1".into(),
        code: hex::decode(&compiled.bytecode).map_err(|error| broken(error.to_string()))?,
        abi: Some(compiled.abi.to_string()),
        arguments: Vec::new(),
    })
}

fn checked_key(key: &str) -> Result<Value, Error> {
    match key.len() {
        0 => Err(invalid("a key has at least one byte")),
        1..=MAX_KEY => Ok(Value::Text(key.into())),
        _ => Err(Error::new(ErrorCode::TooLarge, format!("a key has at most {MAX_KEY} bytes"))),
    }
}

fn checked_entry(entry: StoreEntry) -> Result<Vec<Value>, Error> {
    let key = checked_key(&entry.key)?;
    if entry.value.len() > MAX_VALUE {
        return Err(Error::new(ErrorCode::TooLarge, format!("a value has at most {MAX_VALUE} bytes")));
    }
    Ok(vec![key, Value::Bytes(entry.value)])
}

/// The call that carries the operation out on this contract.
///
/// # Errors
/// `invalid-argument` and `too-large` for keys and values that the store does not take.
pub fn call(contract: &str, operation: StoreOperation) -> Result<Call, Error> {
    let call = |function: &str, arguments| ContractCall {
        contract: contract.to_owned(),
        function: function.into(),
        arguments,
        abi: None,
        private_arguments: Vec::new(),
    };
    Ok(match operation {
        StoreOperation::Insert(entry) => Call::Invoke(call("insert(string,bytes)", checked_entry(entry)?)),
        StoreOperation::Update(entry) => Call::Invoke(call("update(string,bytes)", checked_entry(entry)?)),
        StoreOperation::Delete(key) => Call::Invoke(call("remove(string)", vec![checked_key(&key)?])),
        StoreOperation::Get(key) => Call::Evaluate(call("get(string)(bytes)", vec![checked_key(&key)?])),
        StoreOperation::History(key) => Call::Evaluate(call(HISTORY, vec![checked_key(&key)?])),
    })
}

/// What the outcome of the operation's call means. The contract's own errors have the standard's codes already.
///
/// # Errors
/// That of the outcome, and `invalid-argument` where the contract is no preset store.
pub fn answer(operation: &StoreOperation, outcome: Result<Output, Error>) -> Result<StoreAnswer, Error> {
    let output = outcome?;
    match operation {
        StoreOperation::Insert(_) | StoreOperation::Update(_) | StoreOperation::Delete(_) => {
            Ok(StoreAnswer::Done)
        }
        StoreOperation::Get(_) => match decoded(&[Type::Bytes], &output.raw)?.as_slice() {
            [DynSolValue::Bytes(value)] => Ok(StoreAnswer::Value(value.clone())),
            _ => Err(no_store()),
        },
        StoreOperation::History(_) => {
            let versions: Option<Vec<StoreVersion>> =
                output.json.as_deref().and_then(|json| serde_json::from_str(json).ok());
            match versions.ok_or_else(no_store)? {
                versions if versions.is_empty() => {
                    Err(Error::new(ErrorCode::NotFound, "the store has never had this key"))
                }
                versions => Ok(StoreAnswer::History(versions)),
            }
        }
    }
}

/// The contract is none.
pub fn no_store() -> Error {
    invalid("the contract's answer is not that of a preset store")
}

fn decoded(types: &[DynSolType], raw: &[u8]) -> Result<Vec<DynSolValue>, Error> {
    match DynSolType::Tuple(types.to_vec()).abi_decode_params(raw) {
        Ok(DynSolValue::Tuple(values)) => Ok(values),
        _ => Err(no_store()),
    }
}

/// What [`PLACES`] gives back: which contract, and the blocks of its versions, ascending.
///
/// # Errors
/// `invalid-argument` where it is no such answer, `too-large` beyond [`MAX_BLOCKS`].
pub fn places(raw: &[u8]) -> Result<(Address, Vec<u64>), Error> {
    let values = decoded(&[Type::Address, Type::Array(Box::new(Type::Uint(64)))], raw)?;
    let [DynSolValue::Address(contract), DynSolValue::Array(blocks)] = values.as_slice() else {
        return Err(no_store());
    };
    if blocks.len() > MAX_BLOCKS {
        return Err(Error::new(
            ErrorCode::TooLarge,
            format!("the history spans {} blocks, more than {MAX_BLOCKS}", blocks.len()),
        ));
    }
    let numbers: Option<Vec<u64>> = blocks
        .iter()
        .map(|block| block.as_uint().and_then(|(number, _)| u64::try_from(number).ok()))
        .collect();
    let numbers = numbers.ok_or_else(no_store)?;
    if numbers.is_sorted_by(|a, b| a < b) { Ok((*contract, numbers)) } else { Err(no_store()) }
}

/// The version in the data of a [`WRITTEN`] event: the key, and the value unless it was deleted.
///
/// # Errors
/// `invalid-argument` where it is no such event.
pub fn version(data: &[u8]) -> Result<(String, Option<Vec<u8>>), Error> {
    let mut values = decoded(&[Type::String, Type::Bytes, Type::Bool], data)?.into_iter();
    match (values.next(), values.next(), values.next()) {
        (
            Some(DynSolValue::String(key)),
            Some(DynSolValue::Bytes(value)),
            Some(DynSolValue::Bool(deleted)),
        ) => Ok((key, (!deleted).then_some(value))),
        _ => Err(no_store()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_have_their_limits() {
        let insert = |key: usize, value: usize| {
            let entry = StoreEntry { key: "k".repeat(key), value: vec![0; value] };
            call("", StoreOperation::Insert(entry))
        };
        assert!(insert(MAX_KEY, MAX_VALUE).is_ok());
        assert!(insert(1, 0).is_ok());
        assert_eq!(insert(0, 1).unwrap_err().code, ErrorCode::InvalidArgument);
        assert_eq!(insert(MAX_KEY + 1, 1).unwrap_err().code, ErrorCode::TooLarge);
        assert_eq!(insert(1, MAX_VALUE + 1).unwrap_err().code, ErrorCode::TooLarge);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_of_a_contract_decodes_or_is_an_error(raw: Vec<u8>) {
            let _ = places(&raw);
            let _ = version(&raw);
            let _ = decoded(&[Type::Bytes], &raw);
        }
    }
}
