//! The preset store: a contract of this adapter's own (`contracts/PresetStore.sol`), and how its history is read here.

use adapter_evm_abi::preset::{self, PLACES, WRITTEN};
use adapter_sdk::{
    Imports,
    types::{
        BlockRef, Call, CallOptions, ContractCall, Error, ErrorCode, Goal, Output, PlannedCall, StoreAnswer,
        StoreOperation, StoreVersion, Value,
    },
};
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};

use crate::{
    abi,
    begin::call_data,
    errors::{corrupt, invalid},
    rpc::{self, Log, LogFilter, Node},
    settings::Settings,
};

/// The compiled contract.
const COMPILED: &str = include_str!("../contracts/out/PresetStore.json");
/// The most requests in one list.
const SIDE_BY_SIDE: usize = 64;

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
        Goal::Preset => Ok(vec![call(preset::deployment(COMPILED)?)]),
        // An account is there as soon as it has a key.
        Goal::Account(account) => abi::address(&account, "the account").map(|_| Vec::new()),
        Goal::Space(_) => Err(Error::unsupported("ledger spaces: the chain is one")),
    }
}

/// The call that carries the operation out. Without a contract's address, on the one in the settings.
pub(crate) fn to_call(settings: &Settings, contract: &str, operation: StoreOperation) -> Result<Call, Error> {
    let contract = match settings.preset_contract {
        Some(preset) if contract.is_empty() => preset,
        _ => abi::address(contract, "the preset contract")?,
    };
    preset::call(&contract.to_checksum(None), operation)
}

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
    let (contract, blocks) = preset::places(&raw)?;
    let versions = history(host, key, contract, &blocks).await?;
    let json = serde_json::to_string(&versions)
        .map_err(|error| Error::new(ErrorCode::Internal, format!("the history was not encoded: {error}")))?;
    Ok(Output { raw: raw.to_vec(), json: Some(json) })
}

/// What the outcome of the operation's call means.
pub(crate) fn from_outcome(
    operation: &StoreOperation,
    outcome: Result<Output, Error>,
) -> Result<StoreAnswer, Error> {
    preset::answer(operation, outcome)
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
    let (written, value) = preset::version(&log.data)?;
    if written != key {
        return Err(corrupt(method, "a log of another key"));
    }
    Ok(StoreVersion {
        value,
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
    fn the_events_signature_is_the_contracts() {
        let events = abi::events(preset::deployment(COMPILED).unwrap().abi.as_deref().unwrap()).unwrap();
        assert_eq!(events.iter().map(|event| event.selector()).collect::<Vec<_>>(), [keccak256(WRITTEN)]);
    }
}
