//! The preset store, and plans.

use adapter_sdk::{
    Imports,
    types::{
        BlockRef, Call, ContractCall, Deployment, Error, ErrorCode, Goal, NativeCall, Output, PlannedCall,
        StoreAnswer, StoreEntry, StoreOperation, StoreVersion, Value,
    },
};
use serde::Deserialize;
use serde_json::json;

use super::{
    begin,
    call::{self, MAX_PAYLOAD},
    errors::{corrupt, invalid},
    rpc::{Ask, Nodes},
    settings::{Settings, is_name},
};
use crate::wire::{Action, History, Wire as _, deployment_digest, value};

/// The longest key, bytes.
const MAX_KEY: usize = 255;
/// The longest value, bytes.
const MAX_VALUE: usize = 16 * 1024;
/// The preset contract's functions.
const ABI: &str = r#"{"functions": ["insert(text,bytes)", "update(text,bytes)", "delete(text)", "get(text)", "history(text)"]}"#;

fn checked_key(key: &str) -> Result<(), Error> {
    match key.len() {
        0 => Err(invalid("a key has at least one byte")),
        1..=MAX_KEY => Ok(()),
        _ => Err(Error::new(ErrorCode::TooLarge, format!("a key has at most {MAX_KEY} bytes"))),
    }
}

fn entry(entry: StoreEntry) -> Result<Vec<Value>, Error> {
    checked_key(&entry.key)?;
    if entry.value.len() > MAX_VALUE {
        return Err(Error::new(ErrorCode::TooLarge, format!("a value has at most {MAX_VALUE} bytes")));
    }
    Ok(vec![Value::Text(entry.key), Value::Bytes(entry.value)])
}

fn key(key: String) -> Result<Vec<Value>, Error> {
    checked_key(&key)?;
    Ok(vec![Value::Text(key)])
}

/// The call that carries the operation out. Without a contract's address, on the one in the settings.
pub(super) fn to_call(settings: &Settings, contract: &str, operation: StoreOperation) -> Result<Call, Error> {
    let contract = if contract.is_empty() { &settings.preset_contract } else { contract };
    let call = |function: &str, arguments| ContractCall {
        contract: contract.to_owned(),
        function: function.into(),
        arguments,
        abi: None,
        private_arguments: Vec::new(),
    };
    Ok(match operation {
        StoreOperation::Insert(inserted) => Call::Invoke(call("insert(text,bytes)", entry(inserted)?)),
        StoreOperation::Update(updated) => Call::Invoke(call("update(text,bytes)", entry(updated)?)),
        StoreOperation::Delete(deleted) => Call::Invoke(call("delete(text)", key(deleted)?)),
        StoreOperation::Get(wanted) => Call::Evaluate(call("get(text)", key(wanted)?)),
        StoreOperation::History(wanted) => Call::Evaluate(call("history(text)", key(wanted)?)),
    })
}

/// What the outcome of that call means. The contract's errors have the standard's codes already.
pub(super) fn from_outcome(
    operation: &StoreOperation,
    outcome: Result<Output, Error>,
) -> Result<StoreAnswer, Error> {
    let output = outcome?;
    if let StoreOperation::Insert(_) | StoreOperation::Update(_) | StoreOperation::Delete(_) = operation {
        return Ok(StoreAnswer::Done);
    }
    let Ok(Value::Bytes(content)) = value::decode(&output.raw) else {
        return Err(invalid("the contract's answer is not that of a preset contract"));
    };
    if let StoreOperation::Get(_) = operation {
        return Ok(StoreAnswer::Value(content));
    }
    let history = History::decode(&content)
        .map_err(|_| invalid("the contract's answer is not the history of a preset contract"))?;
    let versions = history.0.into_iter().map(|version| StoreVersion {
        value: version.value,
        transaction: hex::encode(version.transaction),
        block: BlockRef { number: version.number, hash: version.block.to_vec() },
    });
    Ok(StoreAnswer::History(versions.collect()))
}

/// The calls that reach a goal; none where it is reached.
pub(super) async fn plan(
    settings: &Settings,
    host: &dyn Imports,
    goal: Goal,
) -> Result<Vec<PlannedCall>, Error> {
    let planned = |call, role: &str| vec![PlannedCall { call, role: role.into(), endpoint: None }];
    let by_anybody = "any admitted account that can pay the fee";
    let by_administrator = "an administrator of the space";
    let native = |name: &str, json: serde_json::Value| {
        Call::Native(NativeCall { name: name.into(), json: json.to_string() })
    };
    let (there, call, role) = match goal {
        Goal::Deploy(deployment) => {
            let call = Call::Deploy(deployment.clone());
            if call.payload() > u64::from(MAX_PAYLOAD) {
                return Err(Error::new(
                    ErrorCode::TooLarge,
                    format!("a call has at most {MAX_PAYLOAD} bytes"),
                ));
            }
            (is_deployed(settings, host, deployment).await?, call, by_anybody)
        }
        Goal::Preset => {
            let preset = Deployment {
                name: "preset-store".into(),
                version: "1".into(),
                code: b"preset".to_vec(),
                abi: Some(ABI.into()),
                arguments: Vec::new(),
            };
            let nodes = Nodes::lent(host)?;
            let found = begin::contract_abi(settings, &nodes, &settings.preset_contract).await;
            (is_there(found)?, Call::Deploy(preset), by_anybody)
        }
        Goal::Account(named) => {
            let account = call::account(named)?;
            let found: begin::Account =
                Nodes::lent(host)?.one(begin::ask_account(settings, &account)).await?;
            (found.admitted, native("admit", json!({"account": account})), by_administrator)
        }
        Goal::Space(space) if !is_name(&space) => {
            return Err(invalid("a space is 1 to 64 lower-case letters, digits and hyphens"));
        }
        Goal::Space(space) => {
            #[derive(Deserialize)]
            struct There {
                there: bool,
            }
            let ask = Ask::new(settings, "ledger_space", json!({"name": space}));
            let found: There = Nodes::lent(host)?.one(ask).await?;
            (
                found.there || space == settings.space,
                native("open-space", json!({"space": space})),
                by_administrator,
            )
        }
    };
    Ok(if there { Vec::new() } else { planned(call, role) })
}

async fn is_deployed(settings: &Settings, host: &dyn Imports, deployment: Deployment) -> Result<bool, Error> {
    let Action::Deploy { name, version, code, abi, arguments } = call::deploy(deployment)? else {
        return Err(Error::new(ErrorCode::Internal, "a deployment became another action"));
    };
    let digest = deployment_digest(&name, &version, &code, abi.as_deref(), &arguments);
    #[derive(Deserialize)]
    struct Found {
        name: String,
        version: String,
    }
    let ask = Ask::new(settings, "ledger_contract", json!({"deployment": hex::encode(digest)}));
    let found = Nodes::lent(host)?.one::<Found>(ask).await;
    let fits = found.as_ref().map_or(true, |found| found.name == name && found.version == version);
    if fits { is_there(found) } else { Err(corrupt("it is another contract")) }
}

fn is_there<T>(found: Result<T, Error>) -> Result<bool, Error> {
    match found {
        Ok(_) => Ok(true),
        Err(error) if error.code == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
