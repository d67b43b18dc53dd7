//! Blocks, transactions and receipts as JSON (`librpc/Rpc.cpp`).

use alloy_primitives::{Address, Bloom};
use serde_json::{Value, json};

use super::{merkle::Step, receipt::bloom};
use crate::{
    encoding::{data, quantity},
    fisco::{Block, Fields, Generation, Transaction},
    suite::Suite,
};

/// A header; its number is hexadecimal text in blocks, and a number where only the header was asked for.
pub(super) fn header(block: &Block, number: Value) -> Value {
    let header = &block.header;
    let extra: Vec<String> =
        if header.extra_data.is_empty() { Vec::new() } else { vec![data(&header.extra_data)] };
    json!({
        "number": number,
        "hash": data(block.hash),
        "parentHash": data(header.parent_hash),
        "logsBloom": data(Bloom::ZERO),
        "transactionsRoot": data(header.transactions_root),
        "receiptsRoot": data(header.receipts_root),
        "dbHash": data(header.db_hash),
        "stateRoot": data(header.state_root),
        "sealer": quantity(header.sealer),
        "sealerList": header.sealers.iter().map(hex::encode).collect::<Vec<_>>(),
        "extraData": extra,
        "gasLimit": "0x0",
        "gasUsed": "0x0",
        "timestamp": quantity(header.timestamp),
    })
}

/// The sealers' signatures.
pub(super) fn signatures(block: &Block) -> Value {
    let one = |(index, signature): &(u64, Vec<u8>)| json!({"index": quantity(*index), "signature": data(signature)});
    block.signatures().iter().map(one).collect()
}

/// A block with its transactions whole or by hash; whole blocks have the signatures too.
pub(super) fn block(block: &Block, whole: bool) -> Value {
    let mut value = header(block, quantity(block.header.number).into());
    let transactions: Vec<Value> = block
        .transactions
        .iter()
        .enumerate()
        .map(
            |(index, one)| if whole { transaction(one, Some((block, index))) } else { data(one.hash).into() },
        )
        .collect();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("transactions".into(), transactions.into());
        if whole {
            fields.insert("signatureList".into(), signatures(block));
        }
    }
    value
}

/// A transaction; with its block and place, where it is in one.
pub(super) fn transaction(transaction: &Transaction, place: Option<(&Block, usize)>) -> Value {
    let Fields::V2(fields) = &transaction.fields else { return Value::Null };
    let mut signature = fields.r.to_be_bytes::<32>().to_vec();
    signature.extend_from_slice(&fields.s.to_be_bytes::<32>());
    signature.extend_from_slice(&fields.v);
    let v = match fields.v.as_slice() {
        [id] => quantity(u64::from(*id)),
        key => data(key),
    };
    let mut value = json!({
        "nonce": quantity(fields.random_id),
        "gasPrice": quantity(fields.gas_price),
        "gas": quantity(fields.gas),
        "blockLimit": quantity(transaction.block_limit),
        "to": data(transaction.to.unwrap_or(Address::ZERO)),
        "value": quantity(fields.value),
        "input": data(&transaction.input),
        "chainId": quantity(fields.chain_id),
        "groupId": quantity(fields.group_id),
        "extraData": data(&fields.extra_data),
        "from": data(transaction.from),
        "hash": data(transaction.hash),
        "signature": {
            "r": data(fields.r.to_be_bytes::<32>()),
            "s": data(fields.s.to_be_bytes::<32>()),
            "v": v,
            "signature": data(signature),
        },
    });
    if let (Some((block, index)), Some(value)) = (place, value.as_object_mut()) {
        value.insert("blockHash".into(), data(block.hash).into());
        value.insert("blockNumber".into(), quantity(block.header.number).into());
        value.insert("transactionIndex".into(), quantity(index as u64).into());
    }
    value
}

/// The receipt of the transaction at this place.
pub(super) fn receipt(block: &Block, index: usize, suite: Suite) -> Option<Value> {
    let (transaction, receipt) = (block.transactions.get(index)?, block.receipts.get(index)?);
    Some(json!({
        "root": data(receipt.state_root),
        "gasUsed": quantity(receipt.gas_used),
        "remainGas": "0x0",
        "contractAddress": data(receipt.contract.unwrap_or(Address::ZERO)),
        "logsBloom": data(bloom(&receipt.logs, suite)),
        "status": quantity(u64::from(receipt.status.code(Generation::Two))),
        "statusMsg": receipt.status.word(),
        "output": data(&receipt.output),
        "logs": logs(block, index),
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index as u64),
        "blockNumber": quantity(block.header.number),
        "blockHash": data(block.hash),
        "from": data(transaction.from),
        "to": data(transaction.to.unwrap_or(Address::ZERO)),
        "input": data(&transaction.input),
    }))
}

fn logs(block: &Block, index: usize) -> Vec<Value> {
    let logs = block.receipts.get(index).map(|receipt| receipt.logs.as_slice()).unwrap_or_default();
    logs.iter()
        .map(|log| {
            json!({
                "address": data(log.address),
                "topics": log.topics().iter().map(data).collect::<Vec<_>>(),
                "data": data(&log.data.data),
            })
        })
        .collect()
}

/// The shorter receipts of a whole block.
pub(super) fn short_receipt(block: &Block, index: usize) -> Option<Value> {
    let (transaction, receipt) = (block.transactions.get(index)?, block.receipts.get(index)?);
    Some(json!({
        "transactionHash": data(transaction.hash),
        "transactionIndex": quantity(index as u64),
        "from": data(transaction.from),
        "to": data(transaction.to.unwrap_or(Address::ZERO)),
        "gasUsed": quantity(receipt.gas_used),
        "contractAddress": data(receipt.contract.unwrap_or(Address::ZERO)),
        "logs": logs(block, index),
        "status": quantity(u64::from(receipt.status.code(Generation::Two))),
        "output": data(&receipt.output),
    }))
}

/// A proof.
pub(super) fn proof(steps: &[Step]) -> Value {
    let texts = |nodes: &[Vec<u8>]| nodes.iter().map(hex::encode).collect::<Vec<_>>();
    steps.iter().map(|step| json!({"left": texts(&step.left), "right": texts(&step.right)})).collect()
}
