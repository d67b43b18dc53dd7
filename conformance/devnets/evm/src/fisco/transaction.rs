//! A transaction as the chain sees it, whatever its encoding.

use alloy_primitives::{Address, B256, Bytes, U256};

use super::{Refusal, v2, v3};

/// A transaction whose signature was verified.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Its hash.
    pub hash: B256,
    /// Who signed it.
    pub from: Address,
    /// The contract, or none for a creation.
    pub to: Option<Address>,
    /// Input, or the code that creates.
    pub input: Bytes,
    /// What must not come twice within the window: a random number's bytes or a text's.
    pub nonce: Vec<u8>,
    /// The last block that may take it.
    pub block_limit: U256,
    /// As it was sent.
    pub raw: Bytes,
    /// What its generation has beyond that.
    pub fields: Fields,
}

/// What one generation's transactions have of their own.
#[derive(Clone, Debug)]
pub enum Fields {
    /// 2.x.
    V2(Box<v2::transaction::Fields>),
    /// 3.x.
    V3(Box<v3::transaction::Fields>),
}

impl Transaction {
    /// Whether it is of this chain and this group.
    pub(super) fn belongs_to(&self, chain: &str, group: &str) -> Result<(), Refusal> {
        match &self.fields {
            Fields::V2(fields) if chain.parse() != Ok(fields.chain_id) => Err(Refusal::OtherChain),
            Fields::V2(fields) if group.parse() != Ok(fields.group_id) => Err(Refusal::OtherGroup),
            Fields::V3(fields) if group != fields.group_id => Err(Refusal::OtherGroup),
            Fields::V3(fields) if chain != fields.chain_id => Err(Refusal::OtherChain),
            Fields::V2(_) | Fields::V3(_) => Ok(()),
        }
    }
}
