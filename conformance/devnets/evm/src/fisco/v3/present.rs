//! Blocks, transactions and receipts as JSON (`bcos-rpc/jsonrpc/JsonRpcImpl_2_0.cpp`).

use alloy_primitives::Address;
use serde_json::{Value, json};

use super::{
    hashes::{self, WEIGHT, address_text},
    transaction::Fields,
};
use crate::{
    encoding::data,
    fisco::{self, Block, Generation, Receipt, Transaction},
    suite::Suite,
};

/// A header.
pub(super) fn header(block: &Block) -> Value {
    let header = &block.header;
    let parents: Vec<Value> = header
        .number
        .checked_sub(1)
        .map(|number| json!({"blockNumber": number, "blockHash": data(header.parent_hash)}))
        .into_iter()
        .collect();
    let signature =
        |(index, signature): &(u64, Vec<u8>)| json!({"sealerIndex": index, "signature": data(signature)});
    json!({
        "hash": data(block.hash),
        "version": hashes::VERSION,
        "txsRoot": data(header.transactions_root),
        "receiptsRoot": data(header.receipts_root),
        "stateRoot": data(header.state_root),
        "number": header.number,
        "gasUsed": header.gas_used.to_string(),
        "timestamp": header.timestamp,
        "sealer": header.sealer,
        "extraData": data(&header.extra_data),
        "consensusWeights": vec![WEIGHT; header.sealers.len()],
        "sealerList": header.sealers.iter().map(data).collect::<Vec<_>>(),
        "parentInfo": parents,
        "signatureList": block.signatures().iter().map(signature).collect::<Vec<_>>(),
    })
}

/// A block: its header, with its transactions or their hashes.
pub(super) fn block(block: &Block, only_header: bool, only_hashes: bool) -> Value {
    let mut value = header(block);
    if let (false, Some(fields)) = (only_header, value.as_object_mut()) {
        let one = |one: &std::sync::Arc<Transaction>| {
            if only_hashes { data(one.hash).into() } else { transaction(one) }
        };
        fields.insert("transactions".into(), block.transactions.iter().map(one).collect());
    }
    value
}

/// What 3.x has of a transaction beyond 2.x's.
pub(super) fn fields(transaction: &Transaction) -> Option<&Fields> {
    match &transaction.fields {
        fisco::Fields::V3(fields) => Some(fields),
        fisco::Fields::V2(_) => None,
    }
}

/// A transaction. Its nonce is shown as the hexadecimal of its text.
pub(super) fn transaction(transaction: &Transaction) -> Value {
    let Some(fields) = fields(transaction) else { return Value::Null };
    let mut value = json!({
        "version": fields.version,
        "hash": data(transaction.hash),
        "nonce": hex::encode(&fields.nonce),
        "blockLimit": fields.block_limit,
        "to": fields.to,
        "input": data(&fields.input),
        "from": data(transaction.from),
        "importTime": fields.import_time,
        "chainID": fields.chain_id,
        "groupID": fields.group_id,
        "abi": fields.abi,
        "signature": data(&fields.signature),
        "extraData": fields.extra_data,
    });
    if let (1.., Some(value)) = (fields.version, value.as_object_mut()) {
        value.insert("value".into(), fields.value.clone().into());
        value.insert("gasPrice".into(), fields.gas_price.clone().into());
        value.insert("gasLimit".into(), fields.gas_limit.into());
        value.insert("maxFeePerGas".into(), fields.max_fee_per_gas.clone().into());
        value.insert("maxPriorityFeePerGas".into(), fields.max_priority_fee_per_gas.clone().into());
        if fields.version >= 2 {
            value.insert("extension".into(), fields.extension.clone().into());
        }
    }
    value
}

/// The receipt of the transaction at this place, without what the transaction adds to it.
pub(super) fn receipt(block: &Block, index: usize, suite: Suite) -> Option<Value> {
    let (transaction, receipt) = (block.transactions.get(index)?, block.receipts.get(index)?);
    let (plain, checked) = match receipt.contract {
        Some(contract) => (data(contract), checksummed(contract, suite)),
        None => (String::new(), String::new()),
    };
    Some(json!({
        "version": 0,
        "contractAddress": plain,
        "checksumContractAddress": checked,
        "gasUsed": receipt.gas_used.to_string(),
        "status": receipt.status.code(Generation::Three),
        "blockNumber": block.header.number,
        "output": data(&receipt.output),
        "message": message(receipt),
        "transactionHash": data(transaction.hash),
        "hash": data(hashes::receipt(receipt, block.header.number, suite)),
        "logEntries": logs(receipt),
    }))
}

/// What the executor says of a failure.
fn message(receipt: &Receipt) -> &'static str {
    match receipt.status {
        fisco::Status::Good | fisco::Status::Reverted => "",
        fisco::Status::NoCode => "Call address error",
        other => other.word(),
    }
}

/// An address with the checksum of EIP-55, made with the chain's hash.
fn checksummed(address: Address, suite: Suite) -> String {
    let digits = hex::encode(address);
    let hash = hex::encode(suite.hash(digits.as_bytes()));
    let large = |(digit, check): (char, char)| {
        if check >= '8' { digit.to_ascii_uppercase() } else { digit }
    };
    let digits: String = digits.chars().zip(hash.chars()).map(large).collect();
    format!("0x{digits}")
}

fn logs(receipt: &Receipt) -> Vec<Value> {
    let one = |log: &alloy_primitives::Log| {
        json!({
            "address": address_text(Some(log.address)),
            "topics": log.topics().iter().map(data).collect::<Vec<_>>(),
            "data": data(&log.data.data),
        })
    };
    receipt.logs.iter().map(one).collect()
}

/// A proof.
pub(super) fn proof(steps: &[Vec<u8>]) -> Value {
    steps.iter().map(hex::encode).collect()
}
