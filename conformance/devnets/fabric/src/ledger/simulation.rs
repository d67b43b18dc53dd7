//! One run of a contract over the state: what it read, with versions, and what it would write.

use std::collections::BTreeMap;

use prost::Message as _;

use super::state::{State, sha256};
use crate::{
    contract::Change,
    proto::ledger::{
        CollectionHashedReadWriteSet, CollectionPvtReadWriteSet, HashedRwSet, KvRead, KvReadHash, KvRwSet,
        KvWrite, KvWriteHash, NsPvtReadWriteSet, NsReadWriteSet, QueryReads, RangeQueryInfo, ReadsInfo,
        TxPvtReadWriteSet, TxReadWriteSet, Version,
    },
};

/// A run over a state that does not change meanwhile.
pub struct Simulation<'a> {
    state: &'a State,
    namespaces: BTreeMap<String, Namespace>,
}

#[derive(Default)]
struct Namespace {
    reads: BTreeMap<String, Option<Version>>,
    ranges: Vec<RangeQueryInfo>,
    writes: BTreeMap<String, Option<Vec<u8>>>,
    collections: BTreeMap<String, Collection>,
}

#[derive(Default)]
struct Collection {
    reads: BTreeMap<Vec<u8>, Option<Version>>,
    writes: BTreeMap<String, Option<Vec<u8>>>,
}

/// What a run comes to.
pub struct Simulated {
    /// The encoded `TxReadWriteSet`.
    pub results: Vec<u8>,
    /// Private data that it would write; none where there is none.
    pub private: Option<TxPvtReadWriteSet>,
}

impl<'a> Simulation<'a> {
    pub fn new(state: &'a State) -> Self {
        Simulation { state, namespaces: BTreeMap::new() }
    }

    fn namespace(&mut self, name: &str) -> &mut Namespace {
        self.namespaces.entry(name.to_owned()).or_default()
    }

    fn collection(&mut self, namespace: &str, name: &str) -> &mut Collection {
        self.namespace(namespace).collections.entry(name.to_owned()).or_default()
    }

    pub fn get(&mut self, namespace: &str, key: &str) -> Option<Vec<u8>> {
        let found = self.state.get(namespace, key);
        let version = found.map(|found| found.version);
        self.namespace(namespace).reads.entry(key.to_owned()).or_insert(version);
        found.map(|found| found.value.clone())
    }

    pub fn put(&mut self, namespace: &str, key: &str, value: Option<Vec<u8>>) {
        self.namespace(namespace).writes.insert(key.to_owned(), value);
    }

    pub fn range(&mut self, namespace: &str, start: &str, end: &str) -> Vec<(String, Vec<u8>)> {
        let found: Vec<_> = self.state.range(namespace, start, end).collect();
        let reads =
            found.iter().map(|(key, found)| KvRead { key: (*key).clone(), version: Some(found.version) });
        let query = RangeQueryInfo {
            start_key: start.to_owned(),
            end_key: end.to_owned(),
            itr_exhausted: true,
            reads_info: Some(ReadsInfo::RawReads(QueryReads { kv_reads: reads.collect() })),
        };
        let values = found.into_iter().map(|(key, found)| (key.clone(), found.value.clone())).collect();
        self.namespace(namespace).ranges.push(query);
        values
    }

    pub fn history(&self, namespace: &str, key: &str) -> Vec<Change> {
        self.state.history(namespace, key).to_vec()
    }

    pub fn get_private(&mut self, namespace: &str, collection: &str, key: &str) -> Option<Vec<u8>> {
        let hash = sha256(key.as_bytes());
        let version = self.state.hashed(namespace, collection, &hash).map(|found| found.version);
        self.collection(namespace, collection).reads.entry(hash).or_insert(version);
        self.state.private(namespace, collection, key).cloned()
    }

    pub fn put_private(&mut self, namespace: &str, collection: &str, key: &str, value: Option<Vec<u8>>) {
        self.collection(namespace, collection).writes.insert(key.to_owned(), value);
    }

    /// The read and write set.
    pub fn finish(self) -> Simulated {
        let mut public = Vec::new();
        let mut private = Vec::new();
        for (name, namespace) in self.namespaces {
            let mut hashed = Vec::new();
            let mut secrets = Vec::new();
            for (collection_name, collection) in namespace.collections {
                let (hashes, secret) = collection.finish();
                let pvt_rwset_hash = secret.as_deref().map(sha256).unwrap_or_default();
                if let Some(rwset) = secret {
                    secrets
                        .push(CollectionPvtReadWriteSet { collection_name: collection_name.clone(), rwset });
                }
                let hashed_rwset = hashes.encode_to_vec();
                hashed.push(CollectionHashedReadWriteSet { collection_name, hashed_rwset, pvt_rwset_hash });
            }
            let rwset = KvRwSet {
                reads: namespace.reads.into_iter().map(|(key, version)| KvRead { key, version }).collect(),
                range_queries_info: namespace.ranges,
                writes: writes(namespace.writes),
                metadata_writes: Vec::new(),
            };
            let rwset = rwset.encode_to_vec();
            public.push(NsReadWriteSet { namespace: name.clone(), rwset, collection_hashed_rwset: hashed });
            if !secrets.is_empty() {
                private.push(NsPvtReadWriteSet { namespace: name, collection_pvt_rwset: secrets });
            }
        }
        let results = TxReadWriteSet { data_model: 0, ns_rwset: public }.encode_to_vec();
        let private = TxPvtReadWriteSet { data_model: 0, ns_pvt_rwset: private };
        Simulated { results, private: Some(private).filter(|private| !private.ns_pvt_rwset.is_empty()) }
    }
}

impl Collection {
    /// The hashes that all may see, and the writes that only members may.
    fn finish(self) -> (HashedRwSet, Option<Vec<u8>>) {
        let hashed_writes = self.writes.iter().map(|(key, value)| KvWriteHash {
            key_hash: sha256(key.as_bytes()),
            is_delete: value.is_none(),
            value_hash: value.as_deref().map(sha256).unwrap_or_default(),
        });
        let reads = self.reads.into_iter().map(|(key_hash, version)| KvReadHash { key_hash, version });
        let hashes = HashedRwSet { hashed_writes: hashed_writes.collect(), hashed_reads: reads.collect() };
        let secret = (!self.writes.is_empty())
            .then(|| KvRwSet { writes: writes(self.writes), ..KvRwSet::default() }.encode_to_vec());
        (hashes, secret)
    }
}

fn writes(writes: BTreeMap<String, Option<Vec<u8>>>) -> Vec<KvWrite> {
    let write = |(key, value): (String, Option<Vec<u8>>)| KvWrite {
        key,
        is_delete: value.is_none(),
        value: value.unwrap_or_default(),
    };
    writes.into_iter().map(write).collect()
}
