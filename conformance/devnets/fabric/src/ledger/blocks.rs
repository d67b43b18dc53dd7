//! The chain of blocks, what each made of its transactions, and the state.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::{
    state::State,
    validation::{Set, Validated, is_current},
};
use crate::proto::{
    common::{Block, BlockHeader, BlockMetadata, Metadata},
    ledger::{KvRwSet, TxPvtReadWriteSet, Version},
    peer::{ChaincodeEvent, TxValidationCode as Code},
};

/// Where metadata has the validity filter.
const FILTER: usize = 2;

/// Where metadata has the hash of the commit.
const COMMIT_HASH: usize = 4;

/// A block with what became of it.
#[derive(Debug)]
pub struct BlockEntry {
    /// The block.
    pub block: Block,
    /// Its number.
    pub number: u64,
    /// Its header's hash.
    pub hash: Vec<u8>,
    /// Its transactions.
    pub transactions: Vec<TransactionEntry>,
    /// Private data by the transaction's place.
    pub private: BTreeMap<u64, TxPvtReadWriteSet>,
}

/// A transaction of a block.
#[derive(Debug)]
pub struct TransactionEntry {
    /// Its id; empty where it did not decode.
    pub id: String,
    /// Its header's type.
    pub kind: i32,
    /// Its validation code.
    pub code: Code,
    /// Its event.
    pub event: Option<ChaincodeEvent>,
}

/// Where a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The block.
    pub block: u64,
    /// Its place there, from 0.
    pub place: usize,
    /// What it was found to be.
    pub code: Code,
}

/// A block's hash: SHA-256 of the DER sequence of number, previous hash and data hash.
#[must_use]
pub fn header_hash(header: &BlockHeader) -> Vec<u8> {
    Sha256::digest(header_bytes(header)).to_vec()
}

/// The DER sequence that is hashed and signed.
#[must_use]
pub fn header_bytes(header: &BlockHeader) -> Vec<u8> {
    let mut number: Vec<u8> = header.number.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    // An integer's first bit is its sign.
    if number.first().is_none_or(|first| *first >= 0x80) {
        number.insert(0, 0);
    }
    let mut content = Vec::new();
    for (tag, value) in [(2, &number), (4, &header.previous_hash), (4, &header.data_hash)] {
        element(&mut content, tag, value);
    }
    let mut sequence = Vec::new();
    element(&mut sequence, 0x30, &content);
    sequence
}

/// A DER element. None here has more than 255 bytes.
fn element(into: &mut Vec<u8>, tag: u8, value: &[u8]) {
    let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
    into.push(tag);
    if length >= 0x80 {
        into.push(0x81);
    }
    into.push(length);
    into.extend_from_slice(value);
}

/// A channel's ledger.
#[derive(Default)]
pub struct Ledger {
    entries: Vec<Arc<BlockEntry>>,
    first: u64,
    by_hash: HashMap<Vec<u8>, u64>,
    by_transaction: HashMap<String, Found>,
    state: State,
    commit_hash: Vec<u8>,
}

impl Ledger {
    /// How many blocks there were.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The first block that is still served.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Serves no block before this one.
    pub fn forget_before(&mut self, block: u64) {
        self.first = block.min(self.height().saturating_sub(1));
    }

    /// The newest block; none before the first.
    #[must_use]
    pub fn newest(&self) -> Option<&Arc<BlockEntry>> {
        self.entries.last()
    }

    /// A block that is served.
    #[must_use]
    pub fn block(&self, number: u64) -> Option<&Arc<BlockEntry>> {
        if number < self.first {
            return None;
        }
        self.entries.get(usize::try_from(number).ok()?)
    }

    /// The first block, served or not: the configuration.
    #[must_use]
    pub fn genesis(&self) -> Option<&Arc<BlockEntry>> {
        self.entries.first()
    }

    /// The number of the block with this hash.
    #[must_use]
    pub fn by_hash(&self, hash: &[u8]) -> Option<u64> {
        self.by_hash.get(hash).copied()
    }

    /// Where a transaction was first.
    #[must_use]
    pub fn transaction(&self, id: &str) -> Option<Found> {
        self.by_transaction.get(id).copied()
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Judges the transactions of a block, carries out what is valid, writes the filter and the commit's hash into its metadata, and
    /// appends it. `private` has the private sets of each transaction that this node knows.
    pub(crate) fn commit(
        &mut self,
        mut block: Block,
        transactions: Vec<Validated>,
        private: impl Fn(&str) -> Option<TxPvtReadWriteSet>,
    ) -> Arc<BlockEntry> {
        let number = self.height();
        let mut seen = BTreeSet::new();
        let (mut entries, mut kept) = (Vec::new(), BTreeMap::new());
        let mut updates = Sha256::new();
        for (place, transaction) in (0_u64..).zip(transactions) {
            let code = self.judge(&transaction, &mut seen);
            if code == Code::Valid {
                let version = Version { block_num: number, tx_num: place };
                self.carry_out(&transaction, version, &mut updates);
                if !transaction.private.is_empty()
                    && let Some(secret) =
                        private(&transaction.id).and_then(|data| belonging(&transaction, data))
                {
                    self.carry_out_private(&secret);
                    kept.insert(place, secret);
                }
            }
            let Validated { id, kind, event, .. } = transaction;
            entries.push(TransactionEntry { id, kind, code, event });
        }
        let filter: Vec<u8> = entries.iter().map(|entry| entry.code as u8).collect();
        // Over what this node has; nobody but a peer of the same kind recomputes it.
        let hash = Sha256::new()
            .chain_update((filter.len() as u64).to_be_bytes())
            .chain_update(&filter)
            .chain_update(updates.finalize())
            .chain_update(&self.commit_hash);
        self.commit_hash = hash.finalize().to_vec();
        let metadata = &mut block.metadata.get_or_insert_with(BlockMetadata::default).metadata;
        metadata.resize(COMMIT_HASH + 1, Vec::new());
        if let Some(slot) = metadata.get_mut(FILTER) {
            *slot = filter;
        }
        // The genesis block has none.
        if let Some(slot) = metadata.get_mut(COMMIT_HASH).filter(|_| number > 0) {
            *slot = Metadata { value: self.commit_hash.clone(), signatures: Vec::new() }.encode_to_vec();
        }
        self.append(BlockEntry {
            hash: block.header.as_ref().map(header_hash).unwrap_or_default(),
            block,
            number,
            transactions: entries,
            private: kept,
        })
    }

    /// Takes back a block that was committed before, with its filter as it is.
    pub(crate) fn restore(
        &mut self,
        block: Block,
        transactions: Vec<Validated>,
        private: BTreeMap<u64, TxPvtReadWriteSet>,
    ) {
        let number = self.height();
        let metadata = block.metadata.clone().unwrap_or_default().metadata;
        let filter = metadata.get(FILTER).cloned().unwrap_or_default();
        let mut updates = Sha256::new();
        let mut entries = Vec::new();
        for (place, transaction) in (0_u64..).zip(transactions) {
            let code = usize::try_from(place).ok().and_then(|place| filter.get(place).copied());
            let code =
                code.and_then(|code| Code::try_from(i32::from(code)).ok()).unwrap_or(Code::NotValidated);
            if code == Code::Valid {
                let version = Version { block_num: number, tx_num: place };
                self.carry_out(&transaction, version, &mut updates);
                if let Some(secret) = private.get(&place) {
                    self.carry_out_private(secret);
                }
            }
            let Validated { id, kind, event, .. } = transaction;
            entries.push(TransactionEntry { id, kind, code, event });
        }
        let kept = metadata.get(COMMIT_HASH).and_then(|bytes| Metadata::decode(bytes.as_slice()).ok());
        self.commit_hash = kept.unwrap_or_default().value;
        let hash = block.header.as_ref().map(header_hash).unwrap_or_default();
        self.append(BlockEntry { hash, block, number, transactions: entries, private });
    }

    fn append(&mut self, entry: BlockEntry) -> Arc<BlockEntry> {
        let entry = Arc::new(entry);
        self.by_hash.insert(entry.hash.clone(), entry.number);
        for (place, transaction) in
            entry.transactions.iter().enumerate().filter(|(_, found)| !found.id.is_empty())
        {
            let found = Found { block: entry.number, place, code: transaction.code };
            self.by_transaction.entry(transaction.id.clone()).or_insert(found);
        }
        self.entries.push(entry.clone());
        entry
    }

    /// The order of the checks is a peer's: form, the id against the ledger, endorsements, the id within the block, versions.
    fn judge(&self, transaction: &Validated, seen: &mut BTreeSet<String>) -> Code {
        if transaction.form != Code::Valid {
            return transaction.form;
        }
        if self.by_transaction.contains_key(&transaction.id) {
            return Code::DuplicateTxid;
        }
        if transaction.endorsed != Code::Valid {
            return transaction.endorsed;
        }
        if !seen.insert(transaction.id.clone()) {
            return Code::DuplicateTxid;
        }
        is_current(&self.state, &transaction.sets)
    }

    fn carry_out(&mut self, transaction: &Validated, version: Version, updates: &mut Sha256) {
        for Set { namespace, public, collections } in &transaction.sets {
            for write in &public.writes {
                updates.update(namespace);
                updates.update(write.encode_length_delimited_to_vec());
                let value = (!write.is_delete).then(|| write.value.clone());
                self.state.write(namespace, &write.key, value, version, &transaction.id);
            }
            for (collection, hashed) in collections {
                for write in &hashed.hashed_writes {
                    updates.update(collection);
                    updates.update(write.encode_length_delimited_to_vec());
                    let value = (!write.is_delete).then(|| write.value_hash.clone());
                    self.state.write_hashed(namespace, collection, &write.key_hash, value, version);
                }
            }
        }
    }

    fn carry_out_private(&mut self, data: &TxPvtReadWriteSet) {
        for namespace in &data.ns_pvt_rwset {
            for collection in &namespace.collection_pvt_rwset {
                let Ok(set) = KvRwSet::decode(collection.rwset.as_slice()) else { continue };
                for write in set.writes {
                    let value = (!write.is_delete).then_some(write.value);
                    let name = &collection.collection_name;
                    self.state.write_private(&namespace.namespace, name, &write.key, value);
                }
            }
        }
    }
}

/// The private data, where it is what the transaction has the hashes of.
fn belonging(transaction: &Validated, data: TxPvtReadWriteSet) -> Option<TxPvtReadWriteSet> {
    let matches = data.ns_pvt_rwset.iter().all(|namespace| {
        namespace.collection_pvt_rwset.iter().all(|collection| {
            let place = (namespace.namespace.clone(), collection.collection_name.clone());
            transaction.private.get(&place) == Some(&Sha256::digest(&collection.rwset).to_vec())
        })
    });
    matches.then_some(data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::Simulation,
        proto::{
            common::HeaderType,
            ledger::{HashedRwSet, NsReadWriteSet, TxReadWriteSet},
        },
    };

    /// A transaction of what a contract did with the state as it is.
    fn transaction(ledger: &Ledger, id: &str, run: impl FnOnce(&mut Simulation<'_>)) -> Validated {
        let mut simulation = Simulation::new(ledger.state());
        run(&mut simulation);
        let results = TxReadWriteSet::decode(simulation.finish().results.as_slice()).unwrap();
        let set = |set: NsReadWriteSet| Set {
            public: KvRwSet::decode(set.rwset.as_slice()).unwrap(),
            collections: set
                .collection_hashed_rwset
                .into_iter()
                .map(|one| (one.collection_name, HashedRwSet::decode(one.hashed_rwset.as_slice()).unwrap()))
                .collect(),
            namespace: set.namespace,
        };
        Validated {
            id: id.into(),
            kind: HeaderType::EndorserTransaction as i32,
            form: Code::Valid,
            endorsed: Code::Valid,
            event: None,
            sets: results.ns_rwset.into_iter().map(set).collect(),
            private: BTreeMap::new(),
        }
    }

    fn codes(ledger: &mut Ledger, transactions: Vec<Validated>) -> Vec<Code> {
        let entry = ledger.commit(Block::default(), transactions, |_| None);
        entry.transactions.iter().map(|found| found.code).collect()
    }

    #[test]
    fn a_read_of_a_version_that_is_gone_is_a_conflict_in_the_same_block_and_in_a_later_one() {
        let mut ledger = Ledger::default();
        let add = |simulation: &mut Simulation<'_>| {
            simulation.get("cc", "key");
            simulation.put("cc", "key", Some(vec![1]));
        };
        let (one, two, late) =
            (transaction(&ledger, "1", add), transaction(&ledger, "2", add), transaction(&ledger, "3", add));
        assert_eq!(codes(&mut ledger, vec![one, two]), [Code::Valid, Code::MvccReadConflict]);
        assert_eq!(codes(&mut ledger, vec![late]), [Code::MvccReadConflict]);
        let fresh = transaction(&ledger, "4", add);
        assert_eq!(codes(&mut ledger, vec![fresh]), [Code::Valid]);
    }

    #[test]
    fn a_key_that_appears_in_a_range_is_a_phantom() {
        let mut ledger = Ledger::default();
        let look = |simulation: &mut Simulation<'_>| {
            simulation.range("cc", "a", "m");
            simulation.put("cc", "seen", Some(vec![1]));
        };
        let (before, after) = (transaction(&ledger, "1", look), transaction(&ledger, "2", look));
        let inside = transaction(&ledger, "3", |simulation| simulation.put("cc", "b", Some(vec![1])));
        let beyond = transaction(&ledger, "4", |simulation| simulation.put("cc", "m", Some(vec![1])));
        let found = codes(&mut ledger, vec![beyond, before, inside, after]);
        assert_eq!(found, [Code::Valid, Code::Valid, Code::Valid, Code::PhantomReadConflict]);
    }

    #[test]
    fn a_private_read_of_a_version_that_is_gone_is_a_conflict() {
        let mut ledger = Ledger::default();
        let write = |simulation: &mut Simulation<'_>| {
            simulation.get_private("cc", "secrets", "key");
            simulation.put_private("cc", "secrets", "key", Some(vec![1]));
        };
        let (one, two) = (transaction(&ledger, "1", write), transaction(&ledger, "2", write));
        assert_eq!(codes(&mut ledger, vec![one, two]), [Code::Valid, Code::MvccReadConflict]);
    }

    #[test]
    fn an_id_counts_once_in_a_block_and_in_all_later_ones() {
        let mut ledger = Ledger::default();
        let put = |simulation: &mut Simulation<'_>| simulation.put("cc", "key", Some(vec![1]));
        let (one, two, late) =
            (transaction(&ledger, "1", put), transaction(&ledger, "1", put), transaction(&ledger, "1", put));
        assert_eq!(codes(&mut ledger, vec![one, two]), [Code::Valid, Code::DuplicateTxid]);
        assert_eq!(codes(&mut ledger, vec![late]), [Code::DuplicateTxid]);
        assert_eq!(ledger.transaction("1").unwrap(), Found { block: 0, place: 0, code: Code::Valid });
    }

    #[test]
    fn a_value_without_bytes_is_a_deletion() {
        let mut ledger = Ledger::default();
        for (id, value) in [("1", Some(vec![1])), ("2", Some(Vec::new()))] {
            let put = transaction(&ledger, id, |simulation| simulation.put("cc", "key", value.clone()));
            codes(&mut ledger, vec![put]);
        }
        assert!(ledger.state().get("cc", "key").is_none());
        assert_eq!(ledger.state().history("cc", "key").len(), 2);
    }

    #[test]
    fn a_headers_number_is_a_der_integer() {
        for (number, expected) in [(0, "020100"), (5, "020105"), (128, "02020080"), (256, "02020100")] {
            let header = BlockHeader { number, previous_hash: vec![0; 32], data_hash: vec![0; 32] };
            let bytes = hex::encode(header_bytes(&header));
            assert_eq!(bytes.get(4..4 + expected.len()), Some(expected));
        }
    }
}
