//! The preset store: a contract of this adapter's own (`contracts/PresetStore.sol`).
//!
//! Values are in the contract's storage. History is in its events; the contract keeps the numbers of the blocks that
//! have them, so that reading a history asks for as many blocks as there were writes, however long the chain is.

use adapter_sdk::{
    Imports,
    types::{
        BlockRef, Call, CallOptions, ContractCall, Deployment, Error, ErrorCode, Goal, Output, PlannedCall,
        StoreAnswer, StoreEntry, StoreOperation, StoreVersion, Value,
    },
};
use alloy_dyn_abi::{DynSolType, DynSolType as Type, DynSolValue};
use alloy_primitives::{Address, B256, Bytes, U64, U256, hex, keccak256};
use serde::Deserialize;

use crate::{
    abi,
    begin::call_data,
    errors::{corrupt, invalid},
    rpc::{self, Log, LogFilter, Node},
    settings::Settings,
};

/// The compiled contract.
const COMPILED: &str = include_str!("../contracts/out/PresetStore.json");
/// The event that carries a version.
const WRITTEN: &str = "Written(bytes32,string,bytes,bool)";
/// The longest key, bytes.
pub(crate) const MAX_KEY: usize = 255;
/// The longest value, bytes: writing it costs some 12 million gas, and one transaction has 16.7 million (EIP-7825).
pub(crate) const MAX_VALUE: usize = 16 * 1024;
/// The most blocks in one history: each is a request, and a call makes at most 256 (STANDARD.md, LIM).
const MAX_BLOCKS: usize = 250;
/// The most requests in one list.
const SIDE_BY_SIDE: usize = 64;

#[derive(Deserialize)]
struct Compiled {
    bytecode: String,
    abi: serde_json::Value,
}

/// The calls that reach a goal.
pub(crate) fn plan(settings: &Settings, goal: Goal) -> Result<Vec<PlannedCall>, Error> {
    let call = |deployment| PlannedCall {
        call: Call::Deploy(deployment),
        role: "any account that can pay for the deployment".into(),
        endpoint: None,
    };
    match goal {
        Goal::Deploy(deployment) => Ok(vec![call(deployment)]),
        // It is there, by the operator's word.
        Goal::Preset if settings.preset_contract.is_some() => Ok(Vec::new()),
        Goal::Preset => Ok(vec![call(deployment()?)]),
        // An account is there as soon as it has a key.
        Goal::Account(account) => abi::address(&account, "the account").map(|_| Vec::new()),
        Goal::Space(_) => Err(Error::unsupported("ledger spaces: the chain is one")),
    }
}

/// The preset contract.
fn deployment() -> Result<Deployment, Error> {
    let broken =
        |why: String| Error::new(ErrorCode::Internal, format!("the preset contract does not decode: {why}"));
    let compiled: Compiled = serde_json::from_str(COMPILED).map_err(|error| broken(error.to_string()))?;
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

/// The call that carries the operation out. Without a contract's address, on the one in the settings.
pub(crate) fn to_call(settings: &Settings, contract: &str, operation: StoreOperation) -> Result<Call, Error> {
    let contract = match settings.preset_contract {
        Some(preset) if contract.is_empty() => preset,
        _ => abi::address(contract, "the preset contract")?,
    };
    let call = |function: &str, arguments| ContractCall {
        contract: contract.to_checksum(None),
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

/// The function by which a history is read: it is none of the contract's, since the versions are in the chain's events.
pub(crate) const HISTORY: &str = "preset-history";

/// Reads the history of a key: `raw` is what the contract says of its blocks, `json` has the versions, none where the key
/// was never written.
pub(crate) async fn read_history(
    settings: &Settings,
    host: &dyn Imports,
    call: &ContractCall,
    options: &CallOptions,
) -> Result<Output, Error> {
    if options.at.is_some() || options.amount.is_some() {
        return Err(Error::unsupported("a history as of a block, or for an amount"));
    }
    let [Value::Text(key)] = call.arguments.as_slice() else {
        return Err(invalid("a history is of one key"));
    };
    let contract = abi::address(&call.contract, "the preset contract")?;
    let places_of = ContractCall { function: PLACES.into(), ..call.clone() };
    let message =
        rpc::Message { from: None, to: Some(contract), value: U256::ZERO, data: call_data(&places_of)? };
    let node = Node::lent(host)?;
    let mut answers = node.ask(vec![rpc::chain_id(), rpc::call(&message, rpc::BlockId::Latest)]).await;
    answers.next_chain(settings)?;
    let raw: Bytes = answers.next()?;
    let (contract, blocks) = places(&raw)?;
    let versions = history(host, key, contract, &blocks).await?;
    let json = serde_json::to_string(&versions)
        .map_err(|error| Error::new(ErrorCode::Internal, format!("the history was not encoded: {error}")))?;
    Ok(Output { raw: raw.to_vec(), json: Some(json) })
}

/// The function of the contract that tells where versions are.
const PLACES: &str = "history(string)(address,uint64[])";

/// What the outcome of the operation's call means.
pub(crate) fn from_outcome(
    operation: &StoreOperation,
    outcome: Result<Output, Error>,
) -> Result<StoreAnswer, Error> {
    // The contract's own errors have the standard's codes already.
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

fn no_store() -> Error {
    invalid("the contract's answer is not that of a preset store")
}

fn decoded(types: &[DynSolType], raw: &[u8]) -> Result<Vec<DynSolValue>, Error> {
    match DynSolType::Tuple(types.to_vec()).abi_decode_params(raw) {
        Ok(DynSolValue::Tuple(values)) => Ok(values),
        _ => Err(no_store()),
    }
}

/// Which contract, and the blocks of its versions, ascending.
fn places(raw: &[u8]) -> Result<(Address, Vec<u64>), Error> {
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

/// The versions, from the events of those blocks.
async fn history(
    host: &dyn Imports,
    key: &str,
    contract: Address,
    blocks: &[u64],
) -> Result<Vec<StoreVersion>, Error> {
    const METHOD: &str = "eth_getLogs";
    let topics = vec![keccak256(WRITTEN), keccak256(key)];
    let filter = LogFilter { address: Some(contract), topics: topics.clone() };
    let node = Node::lent(host)?;
    let mut versions = Vec::with_capacity(blocks.len());
    for blocks in blocks.chunks(SIDE_BY_SIDE) {
        let asked = blocks.iter().map(|block| rpc::logs_between(&filter, *block, *block)).collect();
        let mut answers = node.ask(asked).await;
        for block in blocks {
            let logs: Vec<Log> = answers.next()?;
            if logs.is_empty() {
                return Err(Error::retryable(
                    ErrorCode::Conflict,
                    format!("block {} changed while the history was read", U64::from(*block)),
                ));
            }
            for log in &logs {
                versions.push(version(METHOD, log, contract, &topics, key, *block)?);
            }
        }
    }
    Ok(versions)
}

fn version(
    method: &str,
    log: &Log,
    contract: Address,
    topics: &[B256],
    key: &str,
    block: u64,
) -> Result<StoreVersion, Error> {
    let place = log.place(method)?;
    if log.address != contract || log.topics != topics || place.number != block {
        return Err(corrupt(method, "a log that was not asked for"));
    }
    let values = decoded(&[Type::String, Type::Bytes, Type::Bool], &log.data)?;
    let [DynSolValue::String(written), DynSolValue::Bytes(value), DynSolValue::Bool(deleted)] =
        values.as_slice()
    else {
        return Err(no_store());
    };
    if written != key {
        return Err(corrupt(method, "a log of another key"));
    }
    Ok(StoreVersion {
        value: (!deleted).then(|| value.clone()),
        transaction: place.transaction.to_string(),
        block: BlockRef { number: place.number, hash: place.block.to_vec() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::parse(r#"{"chain_id": 1}"#).unwrap()
    }

    const CONTRACT: &str = "0x00000000000000000000000000000000000000aa";

    #[test]
    fn the_plan_for_the_preset_is_one_deployment_that_can_be_made() {
        let plan = plan(&settings(), Goal::Preset).unwrap();
        let [PlannedCall { call: Call::Deploy(deployment), .. }] = plan.as_slice() else {
            panic!("{plan:?}")
        };
        assert!(deployment.code.len() > 1000);
        assert!(abi::creation_data(&deployment.code, deployment.abi.as_deref(), &[]).is_ok());
        let there =
            Settings::parse(&format!(r#"{{"chain_id": 1, "preset_contract": "{CONTRACT}"}}"#)).unwrap();
        assert!(super::plan(&there, Goal::Preset).unwrap().is_empty());
        assert!(to_call(&there, "", StoreOperation::Get("k".into())).is_ok());
    }

    #[test]
    fn keys_and_values_have_their_limits() {
        let insert = |key: usize, value: usize| {
            let entry = StoreEntry { key: "k".repeat(key), value: vec![0; value] };
            to_call(&settings(), CONTRACT, StoreOperation::Insert(entry))
        };
        assert!(insert(MAX_KEY, MAX_VALUE).is_ok());
        assert!(insert(1, 0).is_ok());
        assert_eq!(insert(0, 1).unwrap_err().code, ErrorCode::InvalidArgument);
        assert_eq!(insert(MAX_KEY + 1, 1).unwrap_err().code, ErrorCode::TooLarge);
        assert_eq!(insert(1, MAX_VALUE + 1).unwrap_err().code, ErrorCode::TooLarge);
    }

    #[test]
    fn the_events_signature_is_the_contracts() {
        let compiled: Compiled = serde_json::from_str(COMPILED).unwrap();
        let events = abi::events(&compiled.abi.to_string()).unwrap();
        assert_eq!(events.iter().map(|event| event.selector()).collect::<Vec<_>>(), [keccak256(WRITTEN)]);
    }

    proptest::proptest! {
        #[test]
        fn any_answer_of_a_contract_decodes_or_is_an_error(raw: Vec<u8>) {
            let _ = places(&raw);
            let _ = decoded(&[Type::Bytes], &raw);
        }
    }
}
