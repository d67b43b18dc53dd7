//! The preset store, and its history.

use adapter_sdk::{
    Imports,
    types::{
        Call, ContractCall, Error, ErrorCode, Output, StoreAnswer, StoreEntry, StoreOperation, StoreVersion,
        Value,
    },
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;

use crate::{
    block::Block,
    errors::{corrupt, invalid},
    hex,
    peers::{Client, Peers, QSCC},
    settings::Settings,
};

/// The most bytes of a key.
const MAX_KEY: usize = 255;
/// The most bytes of a value.
const MAX_VALUE: usize = 16 << 10;
/// The most versions that a history is read with: each needs its block, and a call has 256 requests.
const MAX_VERSIONS: usize = 192;
/// Requests in one list.
const SIDE_BY_SIDE: usize = 64;

/// The function by which a history is read: the chaincode's `history`, whose versions are then looked up in their blocks.
pub(crate) const HISTORY: &str = "preset-history";

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

/// The call that carries the operation out. Without a chaincode, on the one in the settings.
pub(crate) fn to_call(settings: &Settings, contract: &str, operation: StoreOperation) -> Result<Call, Error> {
    let contract = match &settings.preset_chaincode {
        Some(preset) if contract.is_empty() => preset,
        _ => contract,
    };
    if !crate::settings::is_chaincode(contract) {
        return Err(invalid("the preset store's chaincode is not named"));
    }
    let call = |function: &str, arguments| ContractCall {
        contract: contract.into(),
        function: function.into(),
        arguments,
        abi: None,
        private_arguments: Vec::new(),
    };
    Ok(match operation {
        StoreOperation::Insert(entry) => Call::Invoke(call("insert", checked_entry(entry)?)),
        StoreOperation::Update(entry) => Call::Invoke(call("update", checked_entry(entry)?)),
        StoreOperation::Delete(key) => Call::Invoke(call("delete", vec![checked_key(&key)?])),
        StoreOperation::Get(key) => Call::Evaluate(call("get", vec![checked_key(&key)?])),
        StoreOperation::History(key) => Call::Evaluate(call(HISTORY, vec![checked_key(&key)?])),
    })
}

/// What the outcome of the operation's call means.
pub(crate) fn from_outcome(
    operation: &StoreOperation,
    outcome: Result<Output, Error>,
) -> Result<StoreAnswer, Error> {
    // The chaincode's own errors have the standard's codes already.
    let output = outcome?;
    match operation {
        StoreOperation::Insert(_) | StoreOperation::Update(_) | StoreOperation::Delete(_) => {
            Ok(StoreAnswer::Done)
        }
        StoreOperation::Get(_) => Ok(StoreAnswer::Value(output.raw)),
        StoreOperation::History(_) => {
            let versions: Option<Vec<StoreVersion>> =
                output.json.as_deref().and_then(|json| serde_json::from_str(json).ok());
            match versions {
                Some(versions) if versions.is_empty() => {
                    Err(Error::new(ErrorCode::NotFound, "the store has never had this key"))
                }
                Some(versions) => Ok(StoreAnswer::History(versions)),
                None => Err(invalid("the outcome is not that of a history of a preset store")),
            }
        }
    }
}

/// A version as the chaincode tells it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    tx_id: String,
    value: Option<String>,
    is_delete: bool,
}

/// The history that the chaincode told, each version with its block.
pub(crate) async fn history(settings: &Settings, host: &dyn Imports, raw: Vec<u8>) -> Result<Output, Error> {
    let no_store = || corrupt("the chaincode's answer is not that of a preset store");
    let told: Vec<Told> = serde_json::from_slice(&raw).map_err(|_| no_store())?;
    if told.len() > MAX_VERSIONS {
        let message = format!("the history has {} versions, more than {MAX_VERSIONS}", told.len());
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    let (peers, client) = (Peers::lent(host)?, Client::lent(settings, host).await?);
    let mut versions = Vec::with_capacity(told.len());
    for told in told.chunks(SIDE_BY_SIDE) {
        if !told.iter().all(|version| hex::is_transaction(&version.tx_id)) {
            return Err(no_store());
        }
        let asked =
            told.iter().map(|version| client.of_channel("GetBlockByTxID", &[version.tx_id.as_bytes()]));
        let answers = client.queries(&peers, QSCC, asked.collect()).await?;
        for (version, answer) in told.iter().zip(answers) {
            let block = Block::decode(host, &answer?)?;
            let place = block.place(&version.tx_id).filter(|place| block.is_valid(*place));
            if place.is_none() {
                return Err(corrupt("a version's transaction is not in the block that should have it"));
            }
            let value = match (&version.value, version.is_delete) {
                (Some(value), false) => Some(BASE64_STANDARD.decode(value).map_err(|_| no_store())?),
                (None, true) => None,
                _ => return Err(no_store()),
            };
            versions.push(StoreVersion { value, transaction: version.tx_id.clone(), block: block.reference });
        }
    }
    let json = serde_json::to_string(&versions)
        .map_err(|error| Error::new(ErrorCode::Internal, format!("the history was not encoded: {error}")))?;
    Ok(Output { raw, json: Some(json) })
}
