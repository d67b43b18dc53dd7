//! Receipts (`libethcore/TransactionReceipt.cpp`, 2.9 and later).

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};
use alloy_rlp::Encodable as _;

use super::merkle::{list, string};
use crate::{
    fisco::{Generation, Receipt},
    suite::Suite,
};

/// The receipt's RLP: state root, gas used, contract, bloom, status, output, the account's remaining gas (0), events.
#[must_use]
pub fn encode(receipt: &Receipt, suite: Suite) -> Vec<u8> {
    let mut items = Vec::new();
    receipt.state_root.encode(&mut items);
    receipt.gas_used.encode(&mut items);
    receipt.contract.unwrap_or(Address::ZERO).encode(&mut items);
    bloom(&receipt.logs, suite).encode(&mut items);
    receipt.status.code(Generation::Two).encode(&mut items);
    string(&receipt.output, &mut items);
    0_u64.encode(&mut items);
    let mut logs = Vec::new();
    for log in &receipt.logs {
        let mut fields = Vec::new();
        log.address.encode(&mut fields);
        let mut topics = Vec::new();
        for topic in log.topics() {
            topic.encode(&mut topics);
        }
        fields.extend(list(&topics));
        string(&log.data.data, &mut fields);
        logs.extend(list(&fields));
    }
    items.extend(list(&logs));
    list(&items)
}

/// The receipt's hash: that of its RLP.
#[must_use]
pub fn hash(receipt: &Receipt, suite: Suite) -> B256 {
    suite.hash(&encode(receipt, suite))
}

/// The bloom filter over addresses and topics, made with the chain's hash.
#[must_use]
pub fn bloom(logs: &[Log], suite: Suite) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue(BloomInput::Hash(suite.hash(log.address.as_slice())));
        for topic in log.topics() {
            bloom.accrue(BloomInput::Hash(suite.hash(topic.as_slice())));
        }
    }
    bloom
}
