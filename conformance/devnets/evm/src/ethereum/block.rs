//! Blocks with the header of the Prague fork, and receipts.

use std::sync::Arc;

use alloy_primitives::{Address, B64, B256, Bloom, Bytes, Log, U256, b256, keccak256};
use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header as RlpHeader};
use alloy_trie::root::ordered_trie_root_with_encoder;
use serde_json::{Value, json};

use super::transaction::Transaction;
use crate::{
    encoding::{data, quantity},
    evm::state::{State, Undo},
};

/// The hash of an empty list of uncles.
const NO_UNCLES: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
/// The root of an empty trie.
const EMPTY_ROOT: B256 = b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
/// The hash of no requests (EIP-7685): SHA-256 of nothing.
const NO_REQUESTS: B256 = b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

/// What came of a transaction.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Whether it did what it should.
    pub good: bool,
    /// Gas that it used.
    pub gas_used: u64,
    /// Gas that it and those before it in the block used.
    pub cumulative: u64,
    /// The contract that it created.
    pub contract: Option<Address>,
    /// Its events.
    pub logs: Vec<Log>,
}

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its hash.
    pub hash: B256,
    /// Its height.
    pub number: u64,
    /// The hash of the block before.
    pub parent_hash: B256,
    /// The root of accounts.
    pub state_root: B256,
    /// The root of transactions.
    pub transactions_root: B256,
    /// The root of receipts.
    pub receipts_root: B256,
    /// The filter over all events.
    pub bloom: Bloom,
    /// Gas that a block may use.
    pub gas_limit: u64,
    /// Gas that it used.
    pub gas_used: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// What makes blocks of the same content differ.
    pub mix: B256,
    /// The fee that is burnt.
    pub base_fee: u64,
    /// Its transactions.
    pub transactions: Vec<Arc<Transaction>>,
    /// What came of them, in their order.
    pub receipts: Vec<Receipt>,
    pub(super) undo: Undo,
}

impl Block {
    /// The bytes that hash to the block's hash.
    #[must_use]
    pub fn header(&self) -> Vec<u8> {
        let fields: [&dyn Encodable; 21] = [
            &self.parent_hash,
            &NO_UNCLES,
            &Address::ZERO,
            &self.state_root,
            &self.transactions_root,
            &self.receipts_root,
            &self.bloom,
            &0_u64,
            &self.number,
            &self.gas_limit,
            &self.gas_used,
            &self.timestamp,
            &Bytes::new(),
            &self.mix,
            &B64::ZERO,
            &self.base_fee,
            &EMPTY_ROOT,
            &0_u64,
            &0_u64,
            &B256::ZERO,
            &NO_REQUESTS,
        ];
        let mut items = Vec::new();
        for field in fields {
            field.encode(&mut items);
        }
        let mut bytes = Vec::new();
        RlpHeader { list: true, payload_length: items.len() }.encode(&mut bytes);
        bytes.extend(items);
        bytes
    }

    /// Sets the roots and the hash to what the rest of the block says.
    pub(super) fn seal(&mut self, state: &State) {
        self.bloom = Bloom::ZERO;
        for log in self.receipts.iter().flat_map(|receipt| &receipt.logs) {
            self.bloom.accrue_log(log);
        }
        self.gas_used = self.receipts.last().map(|receipt| receipt.cumulative).unwrap_or_default();
        self.transactions_root =
            ordered_trie_root_with_encoder(&self.transactions, |one, out| out.extend_from_slice(&one.raw));
        let receipts: Vec<_> = self.receipts.iter().zip(&self.transactions).collect();
        self.receipts_root = ordered_trie_root_with_encoder(&receipts, |(receipt, transaction), out| {
            out.extend(receipt.encode(transaction.kind));
        });
        self.state_root = state_root(state);
        self.hash = keccak256(self.header());
    }

    /// As JSON, with the transactions whole or by hash.
    #[must_use]
    pub fn json(&self, whole: bool) -> Value {
        let transactions: Vec<Value> = self
            .transactions
            .iter()
            .enumerate()
            .map(|(index, one)| if whole { one.json(Some(self.place(index))) } else { data(one.hash).into() })
            .collect();
        json!({
            "hash": data(self.hash),
            "parentHash": data(self.parent_hash),
            "sha3Uncles": data(NO_UNCLES),
            "miner": data(Address::ZERO),
            "stateRoot": data(self.state_root),
            "transactionsRoot": data(self.transactions_root),
            "receiptsRoot": data(self.receipts_root),
            "logsBloom": data(self.bloom),
            "difficulty": "0x0",
            "number": quantity(self.number),
            "gasLimit": quantity(self.gas_limit),
            "gasUsed": quantity(self.gas_used),
            "timestamp": quantity(self.timestamp),
            "extraData": "0x",
            "mixHash": data(self.mix),
            "nonce": data(B64::ZERO),
            "baseFeePerGas": quantity(self.base_fee),
            "withdrawalsRoot": data(EMPTY_ROOT),
            "blobGasUsed": "0x0",
            "excessBlobGas": "0x0",
            "parentBeaconBlockRoot": data(B256::ZERO),
            "requestsHash": data(NO_REQUESTS),
            "size": quantity(self.header().len() as u64),
            "uncles": [],
            "transactions": transactions,
            "withdrawals": [],
        })
    }

    /// Where a transaction of this block is.
    #[must_use]
    pub fn place(&self, index: usize) -> (B256, u64, u64, usize) {
        (self.hash, self.number, self.base_fee, index)
    }

    /// The receipt of the transaction at this place.
    #[must_use]
    pub fn receipt(&self, index: usize) -> Option<Value> {
        let (transaction, receipt) = (self.transactions.get(index)?, self.receipts.get(index)?);
        let mut bloom = Bloom::ZERO;
        for log in &receipt.logs {
            bloom.accrue_log(log);
        }
        Some(json!({
            "type": quantity(transaction.kind),
            "status": quantity(u64::from(receipt.good)),
            "cumulativeGasUsed": quantity(receipt.cumulative),
            "logs": self.logs(index),
            "logsBloom": data(bloom),
            "transactionHash": data(transaction.hash),
            "transactionIndex": quantity(index as u64),
            "blockHash": data(self.hash),
            "blockNumber": quantity(self.number),
            "gasUsed": quantity(receipt.gas_used),
            "effectiveGasPrice": quantity(transaction.price(self.base_fee)),
            "from": data(transaction.from),
            "to": transaction.to.map(data),
            "contractAddress": receipt.contract.map(data),
        }))
    }

    /// The events of the transaction at this place.
    #[must_use]
    pub fn logs(&self, index: usize) -> Vec<Value> {
        let before: usize = self.receipts.iter().take(index).map(|receipt| receipt.logs.len()).sum();
        let hash = self.transactions.get(index).map(|transaction| transaction.hash).unwrap_or_default();
        let logs = self.receipts.get(index).map(|receipt| receipt.logs.as_slice()).unwrap_or_default();
        logs.iter()
            .enumerate()
            .map(|(place, log)| {
                json!({
                    "address": data(log.address),
                    "topics": log.topics().iter().map(data).collect::<Vec<_>>(),
                    "data": data(&log.data.data),
                    "blockHash": data(self.hash),
                    "blockNumber": quantity(self.number),
                    "blockTimestamp": quantity(self.timestamp),
                    "transactionHash": data(hash),
                    "transactionIndex": quantity(index as u64),
                    "logIndex": quantity(before.saturating_add(place) as u64),
                    "removed": false,
                })
            })
            .collect()
    }
}

impl Receipt {
    /// The consensus encoding (EIP-2718).
    fn encode(&self, kind: u8) -> Vec<u8> {
        let mut bloom = Bloom::ZERO;
        let mut logs = Vec::new();
        for log in &self.logs {
            bloom.accrue_log(log);
            log.encode(&mut logs);
        }
        let mut items = Vec::new();
        self.good.encode(&mut items);
        self.cumulative.encode(&mut items);
        bloom.encode(&mut items);
        RlpHeader { list: true, payload_length: logs.len() }.encode(&mut items);
        items.extend(logs);
        let mut bytes = if kind == 0 { Vec::new() } else { vec![kind] };
        RlpHeader { list: true, payload_length: items.len() }.encode(&mut bytes);
        bytes.extend(items);
        bytes
    }
}

/// The root over all accounts (Yellow Paper, appendix D).
fn state_root(state: &State) -> B256 {
    let mut accounts: Vec<(B256, Vec<u8>)> = state
        .accounts()
        .into_iter()
        .map(|(address, info)| {
            let mut items = Vec::new();
            info.nonce.encode(&mut items);
            info.balance.encode(&mut items);
            storage_root(state, address).encode(&mut items);
            info.code_hash.encode(&mut items);
            let mut bytes = Vec::new();
            RlpHeader { list: true, payload_length: items.len() }.encode(&mut bytes);
            bytes.extend(items);
            (keccak256(address), bytes)
        })
        .collect();
    root(&mut accounts)
}

fn storage_root(state: &State, address: Address) -> B256 {
    let mut slots: Vec<(B256, Vec<u8>)> = state
        .storage(address)
        .into_iter()
        .map(|(slot, value): (U256, U256)| (keccak256(slot.to_be_bytes::<32>()), alloy_rlp::encode(value)))
        .collect();
    root(&mut slots)
}

fn root(leaves: &mut [(B256, Vec<u8>)]) -> B256 {
    leaves.sort_unstable();
    let mut builder = alloy_trie::HashBuilder::default();
    for (key, value) in leaves.iter() {
        builder.add_leaf(alloy_trie::Nibbles::unpack(key), value);
    }
    if leaves.is_empty() { keccak256([EMPTY_STRING_CODE]) } else { builder.root() }
}
