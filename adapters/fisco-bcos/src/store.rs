//! The preset store, and how its history is read here. It is the same contract as on other chains with an EVM, compiled for old ones, or
//! one of the same interface whose values are in a key-value table of the node's.

use adapter_evm_abi::preset::{self, PLACES, WRITTEN};
use adapter_sdk::{
    Imports,
    types::{
        BlockRef, Call, ContractCall, Deployment, Error, ErrorCode, Goal, Output, PlannedCall,
        StoreOperation, StoreVersion, Value,
    },
};
use alloy_primitives::B256;

use crate::{
    begin::{NOBODY, call_data},
    crypto::Crypto,
    errors::{corrupt, invalid},
    evaluate::failure,
    events::facts_of,
    executed::same_address,
    names, quorum,
    rpc::{BlockId, Called, Node},
    settings::{Generation, Settings},
    transaction::shown,
};

/// The compiled contract, with selectors and topics by Keccak-256.
const STANDARD: &str = include_str!("../contracts/out/PresetStore.json");
/// The same with selectors and topics by SM3.
const SM: &str = include_str!("../contracts/out/PresetStore.sm.json");
/// The contract whose values are in a table of 2.x, and of 3.x, both by Keccak-256 and by SM3.
const TABLE_TWO: &str = include_str!("../contracts/out/TableStore2.json");
const TABLE_TWO_SM: &str = include_str!("../contracts/out/TableStore2.sm.json");
const TABLE_THREE: &str = include_str!("../contracts/out/TableStore3.json");
const TABLE_THREE_SM: &str = include_str!("../contracts/out/TableStore3.sm.json");
/// The most requests for receipts in one history; a call makes at most 256 (LIM-8).
const MAX_RECEIPTS: usize = 160;
/// The most requests in one list.
const SIDE_BY_SIDE: usize = 64;

/// The calls that reach a goal.
pub(crate) fn plan(settings: &Settings, goal: Goal) -> Result<Vec<PlannedCall>, Error> {
    let call = |deployment| PlannedCall {
        call: Call::Deploy(deployment),
        role: "any account that may deploy in the group".into(),
        endpoint: None,
    };
    match goal {
        Goal::Deploy(deployment) => Ok(vec![call(deployment)]),
        // It is there, by the operator's word.
        Goal::Preset if settings.preset_contract.is_some() => Ok(Vec::new()),
        Goal::Preset => Ok(vec![call(deployment(settings)?)]),
        // An account is there as soon as it has a key.
        Goal::Account(account) => adapter_evm_abi::address(&account, "the account").map(|_| Vec::new()),
        Goal::Space(_) => Err(Error::unsupported("making groups: that is the operators' business")),
    }
}

/// The contract, on a table where the settings name one.
fn deployment(settings: &Settings) -> Result<Deployment, Error> {
    let Some(table) = &settings.preset_table else {
        return preset::deployment(match settings.crypto {
            Crypto::Standard => STANDARD,
            Crypto::Sm => SM,
        });
    };
    let compiled = match (settings.generation, settings.crypto) {
        (Generation::Two, Crypto::Standard) => TABLE_TWO,
        (Generation::Two, Crypto::Sm) => TABLE_TWO_SM,
        (Generation::Three, Crypto::Standard) => TABLE_THREE,
        (Generation::Three, Crypto::Sm) => TABLE_THREE_SM,
    };
    Ok(Deployment { arguments: vec![Value::Text(table.clone())], ..preset::deployment(compiled)? })
}

/// The call that carries the operation out. Without a contract's address, on the one in the settings.
pub(crate) fn to_call(settings: &Settings, contract: &str, operation: StoreOperation) -> Result<Call, Error> {
    match settings.preset_contract {
        Some(preset) if contract.is_empty() => preset::call(&shown(preset), operation),
        _ if contract.is_empty() => Err(invalid("no preset contract is named, and the settings have none")),
        _ => preset::call(contract, operation),
    }
}

/// Reads the history of a key: `raw` is what the contract says of its blocks, `json` has the versions, none where the key
/// was never written.
pub(crate) async fn read_history(
    settings: &Settings,
    host: &dyn Imports,
    call: &ContractCall,
) -> Result<Output, Error> {
    let [Value::Text(key)] = call.arguments.as_slice() else {
        return Err(invalid("a history is of one key"));
    };
    let places_of = ContractCall { function: PLACES.into(), ..call.clone() };
    let data = call_data(settings, host, &places_of)?;
    let node = Node::lent(host, settings)?;
    let contract = names::contract(&node, &call.contract).await?;
    let mut answers = node.ask(vec![node.chain(), node.call(NOBODY, contract, &data)]).await;
    answers.next_chain(settings)?;
    let called: Called = answers.next()?;
    if called.status != 0 {
        return Err(failure(settings, host, called.status, &called.output));
    }
    let (store, blocks) = preset::places(&called.output)?;
    let topics = [settings.crypto.hash(host, WRITTEN.as_bytes()), settings.crypto.hash(host, key.as_bytes())];
    let versions = history(&node, key, &shown(store), &topics, &blocks).await?;
    let json = serde_json::to_string(&versions)
        .map_err(|error| Error::new(ErrorCode::Internal, format!("the history was not encoded: {error}")))?;
    Ok(Output { raw: called.output.to_vec(), json: Some(json) })
}

/// The versions, from the receipts of those blocks.
async fn history(
    node: &Node<'_>,
    key: &str,
    store: &str,
    topics: &[B256],
    blocks: &[u64],
) -> Result<Vec<StoreVersion>, Error> {
    let mut versions = Vec::with_capacity(blocks.len());
    let mut left = MAX_RECEIPTS;
    // Two questions for a block at most.
    for numbers in blocks.chunks(SIDE_BY_SIDE / 2) {
        let asks = numbers.iter().flat_map(|number| node.block(BlockId::Number(*number))).collect();
        let mut answers = node.ask(asks).await;
        for number in numbers {
            let block = answers.next_block(node, BlockId::Number(*number))?;
            let block =
                block.ok_or_else(|| corrupt("getBlockByNumber", "no block where the contract has one"))?;
            quorum::check(
                node.host,
                node.settings.crypto,
                &node.settings.sealers,
                &block.header,
                "getBlockHeader",
            )?;
            let found = versions.len();
            for (place, ids) in block.transactions.chunks(SIDE_BY_SIDE).enumerate() {
                left = left.checked_sub(ids.len()).ok_or_else(|| {
                    Error::new(
                        ErrorCode::TooLarge,
                        "the history is in blocks with too many transactions to read them all",
                    )
                })?;
                for (id, facts) in facts_of(node, &block, place * SIDE_BY_SIDE, ids).await? {
                    for log in &facts.logs {
                        if !same_address(&log.contract, store) || log.topics != topics {
                            continue;
                        }
                        let (written, value) = preset::version(&log.data)?;
                        if written != key {
                            return Err(corrupt("getTransactionReceipt", "a log of another key"));
                        }
                        let reference = block.header.reference();
                        let block = BlockRef { number: reference.number, hash: reference.hash };
                        versions.push(StoreVersion { value, transaction: id.to_string(), block });
                    }
                }
            }
            if versions.len() == found {
                return Err(corrupt(
                    "getTransactionReceipt",
                    "no version in a block where the contract has one",
                ));
            }
        }
    }
    Ok(versions)
}
