//! Blocks whose header bytes hash to their id, for every fork's header.

use adapter_sdk::{
    Imports,
    types::{Block, BlockEntry, BlockRef, BlockSelector, Error, ErrorCode, HashAlgorithm, HeaderPreimage},
};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U64, U256};
use alloy_rlp::{Encodable, Header as RlpHeader};
use serde::Deserialize;

use crate::{
    errors::corrupt,
    evaluate::block_hash,
    finality,
    rpc::{self, BlockId, Node},
    settings::Settings,
};

/// The longest extra data that a header may have: 32 bytes on Ethereum, more on proof-of-authority chains.
const MAX_EXTRA: usize = 1 << 16;

/// A header as the node gives it. The fields that forks added come one after the other: London's base fee, Shanghai's
/// withdrawals, Cancun's three, Prague's requests, then EIP-7928's access list and EIP-7843's slot.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    hash: B256,
    parent_hash: B256,
    sha3_uncles: B256,
    miner: Address,
    state_root: B256,
    transactions_root: B256,
    receipts_root: B256,
    logs_bloom: Bloom,
    difficulty: U256,
    number: U64,
    gas_limit: U64,
    gas_used: U64,
    timestamp: U64,
    extra_data: Bytes,
    mix_hash: B256,
    nonce: B64,
    base_fee_per_gas: Option<U256>,
    withdrawals_root: Option<B256>,
    blob_gas_used: Option<U64>,
    excess_blob_gas: Option<U64>,
    parent_beacon_block_root: Option<B256>,
    requests_hash: Option<B256>,
    block_access_list_hash: Option<B256>,
    slot_number: Option<U64>,
    #[serde(default)]
    transactions: Vec<B256>,
}

impl Header {
    /// The bytes whose Keccak-256 hash is the block's (Yellow Paper, section 4.4, and the forks' EIPs).
    fn encoded(&self) -> Vec<u8> {
        let mut fields = Vec::with_capacity(700);
        let fixed: [&dyn Encodable; 15] = [
            &self.parent_hash,
            &self.sha3_uncles,
            &self.miner,
            &self.state_root,
            &self.transactions_root,
            &self.receipts_root,
            &self.logs_bloom,
            &self.difficulty,
            &self.number,
            &self.gas_limit,
            &self.gas_used,
            &self.timestamp,
            &self.extra_data,
            &self.mix_hash,
            &self.nonce,
        ];
        for field in fixed {
            field.encode(&mut fields);
        }
        let added: [Option<&dyn Encodable>; 8] = [
            self.base_fee_per_gas.as_ref().map(|field| field as _),
            self.withdrawals_root.as_ref().map(|field| field as _),
            self.blob_gas_used.as_ref().map(|field| field as _),
            self.excess_blob_gas.as_ref().map(|field| field as _),
            self.parent_beacon_block_root.as_ref().map(|field| field as _),
            self.requests_hash.as_ref().map(|field| field as _),
            self.block_access_list_hash.as_ref().map(|field| field as _),
            self.slot_number.as_ref().map(|field| field as _),
        ];
        for field in added.into_iter().flatten() {
            field.encode(&mut fields);
        }
        let mut out = Vec::with_capacity(fields.len() + 4);
        RlpHeader { list: true, payload_length: fields.len() }.encode(&mut out);
        out.extend(fields);
        out
    }
}

/// A block, checked: its header hashes to its hash, and it is the one that was asked for.
pub(crate) async fn block(
    settings: &Settings,
    host: &dyn Imports,
    selector: &BlockSelector,
) -> Result<Block, Error> {
    let node = Node::lent(host)?;
    let mut asks = vec![rpc::chain_id()];
    let direct = match selector {
        BlockSelector::At(_) => None,
        BlockSelector::Number(number) => Some(BlockId::Number(*number)),
        BlockSelector::Hash(hash) => Some(BlockId::Hash(block_hash(hash)?)),
    };
    asks.extend(direct.map(rpc::block));
    asks.extend(finality::asks(settings));
    let mut answers = node.ask(asks).await;
    answers.next_chain(settings)?;
    let (id, found) = match (direct, selector) {
        (Some(id), _) => {
            let found: Option<Header> = answers.next_known()?;
            let heights = finality::answered(settings, &mut answers)?;
            if let BlockId::Number(number) = id {
                heights.check(number)?;
            }
            (id, found)
        }
        (None, BlockSelector::At(confidence)) => {
            let heights = finality::answered(settings, &mut answers)?;
            let id = BlockId::Number(heights.at(*confidence));
            (id, node.ask(vec![rpc::block(id)]).await.next_known()?)
        }
        (None, _) => return Err(Error::new(ErrorCode::Internal, "a selector without a block")),
    };
    let method = match id {
        BlockId::Hash(_) => "eth_getBlockByHash",
        _ => "eth_getBlockByNumber",
    };
    let header = found.ok_or_else(|| Error::new(ErrorCode::NotFound, "the node has no such block"))?;
    match id {
        BlockId::Number(number) if header.number != U64::from(number) => {
            return Err(corrupt(method, "a block of another height"));
        }
        BlockId::Hash(hash) if header.hash != hash => return Err(corrupt(method, "another block")),
        _ => {}
    }
    checked(host, method, header)
}

/// The block in the standard's form, if its header hashes to its hash.
fn checked(host: &dyn Imports, method: &str, header: Header) -> Result<Block, Error> {
    if header.extra_data.len() > MAX_EXTRA {
        return Err(corrupt(method, "a header with too much extra data"));
    }
    let bytes = header.encoded();
    if host.hash(HashAlgorithm::Keccak256, &bytes) != header.hash.as_slice() {
        return Err(corrupt(
            method,
            format!(
                "the header does not hash to {}; the node's fork may have fields that are not known here",
                header.hash
            ),
        ));
    }
    let entry = |hash: &B256| BlockEntry { transaction: hash.to_string(), failed: None };
    Ok(Block {
        reference: BlockRef { number: header.number.to(), hash: header.hash.to_vec() },
        parent: header.parent_hash.to_vec(),
        timestamp_millis: header.timestamp.to::<u64>().checked_mul(1000),
        header: Some(HeaderPreimage { bytes, hash: HashAlgorithm::Keccak256, number_prefix: false }),
        transactions: header.transactions.iter().map(entry).collect(),
        extensions: Vec::new(),
    })
}

#[cfg(test)]
#[path = "blocks_tests.rs"]
mod tests;
