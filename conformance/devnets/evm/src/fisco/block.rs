//! Blocks, headers and receipts, whatever their encoding.

use std::sync::{Arc, OnceLock};

use alloy_primitives::{Address, B256, Bytes, Log};

use super::{Generation, Status, Transaction, v2, v3};
use crate::suite::{Sealer, Suite};

/// What a block's hash is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Its height; the first block is 0.
    pub number: u64,
    /// The hash of the block before.
    pub parent_hash: B256,
    /// The root of the state. Its making is this node's own: the frameworks' depends on their databases.
    pub state_root: B256,
    /// The root over the transactions.
    pub transactions_root: B256,
    /// The root over the receipts.
    pub receipts_root: B256,
    /// The hash of what the block changed; 2.x.
    pub db_hash: B256,
    /// Gas of its transactions; 3.x. A 2.x node leaves it zero.
    pub gas_used: u64,
    /// Milliseconds since 1970.
    pub timestamp: u64,
    /// Which of the sealers proposed it.
    pub sealer: u64,
    /// The sealers' node ids, 64 bytes each.
    pub sealers: Vec<Vec<u8>>,
    /// What the proposer adds.
    pub extra_data: Vec<u8>,
}

impl Header {
    /// The block's hash.
    #[must_use]
    pub fn hash(&self, generation: Generation, suite: Suite) -> B256 {
        match generation {
            Generation::Two => v2::header::hash(self, suite),
            Generation::Three => v3::hashes::header(self, suite),
        }
    }
}

/// What came of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// How it ended.
    pub status: Status,
    /// Gas that it used.
    pub gas_used: u64,
    /// What it returned; of a creation, nothing.
    pub output: Bytes,
    /// The contract that it created.
    pub contract: Option<Address>,
    /// Its events.
    pub logs: Vec<Log>,
    /// The state root of its block.
    pub state_root: B256,
}

/// A sealed block.
#[derive(Debug)]
pub struct Block {
    /// What its hash is made of.
    pub header: Header,
    /// Its hash.
    pub hash: B256,
    /// Its transactions.
    pub transactions: Vec<Arc<Transaction>>,
    /// What came of them, in their order.
    pub receipts: Vec<Receipt>,
    /// Every node of the group, with its key.
    pub(super) nodes: Arc<Vec<Sealer>>,
    pub(super) signed: OnceLock<Vec<(u64, Vec<u8>)>>,
}

impl Block {
    /// Signatures of the hash by a quorum of the sealers, the proposer's among them, with the sealers' places in the list. They
    /// are made when they are first looked at: the same key and hash always give the same signature.
    #[must_use]
    pub fn signatures(&self) -> &[(u64, Vec<u8>)] {
        self.signed.get_or_init(|| self.sign())
    }

    fn sign(&self) -> Vec<(u64, Vec<u8>)> {
        if self.header.number == 0 {
            // Nobody signs the first block.
            return Vec::new();
        }
        let count = self.header.sealers.len();
        let faulty = count.saturating_sub(1) / 3;
        let first = usize::try_from(self.header.sealer).unwrap_or_default();
        let mut signers: Vec<usize> = (first..first.saturating_add(count.saturating_sub(faulty)))
            .map(|number| number.checked_rem(count).unwrap_or_default())
            .collect();
        signers.sort_unstable();
        let sign = |number: usize| {
            let id = self.header.sealers.get(number)?;
            let sealer = self.nodes.iter().find(|node| node.id() == *id)?;
            Some((number as u64, sealer.sign(&self.hash).ok()?))
        };
        signers.into_iter().filter_map(sign).collect()
    }
}
