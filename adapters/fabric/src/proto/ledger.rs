//! Read and write sets: `ledger/rwset/rwset.proto`, `ledger/rwset/kvrwset/kv_rwset.proto`.

/// What a transaction read and wrote, by namespace (chaincode).
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TxReadWriteSet {
    #[prost(enumeration = "DataModel", tag = "1")]
    pub data_model: i32,
    #[prost(message, repeated, tag = "2")]
    pub ns_rwset: Vec<NsReadWriteSet>,
}

/// Key and value is the only model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum DataModel {
    Kv = 0,
}

/// One namespace; `rwset` is a [`KvRwSet`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct NsReadWriteSet {
    #[prost(string, tag = "1")]
    pub namespace: String,
    #[prost(bytes = "vec", tag = "2")]
    pub rwset: Vec<u8>,
    #[prost(message, repeated, tag = "3")]
    pub collection_hashed_rwset: Vec<CollectionHashedReadWriteSet>,
}

/// Hashes of what was done in a private collection.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct CollectionHashedReadWriteSet {
    #[prost(string, tag = "1")]
    pub collection_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub hashed_rwset: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub pvt_rwset_hash: Vec<u8>,
}

/// Reads and writes of one namespace.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct KvRwSet {
    #[prost(message, repeated, tag = "1")]
    pub reads: Vec<KvRead>,
    #[prost(message, repeated, tag = "2")]
    pub range_queries_info: Vec<RangeQueryInfo>,
    #[prost(message, repeated, tag = "3")]
    pub writes: Vec<KvWrite>,
    #[prost(message, repeated, tag = "4")]
    pub metadata_writes: Vec<KvMetadataWrite>,
}

/// A key and the version that was read; none: it was not there.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct KvRead {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, optional, tag = "2")]
    pub version: Option<Version>,
}

/// A key and what is written.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct KvWrite {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(bool, tag = "2")]
    pub is_delete: bool,
    #[prost(bytes = "vec", tag = "3")]
    pub value: Vec<u8>,
}

/// Metadata of a key, such as its endorsement policy.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct KvMetadataWrite {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, repeated, tag = "2")]
    pub entries: Vec<KvMetadataEntry>,
}

/// One entry of a key's metadata.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct KvMetadataEntry {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// Where a value was written: block, and place in it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Version {
    #[prost(uint64, tag = "1")]
    pub block_num: u64,
    #[prost(uint64, tag = "2")]
    pub tx_num: u64,
}

/// A range that was read, so that phantoms are found.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RangeQueryInfo {
    #[prost(string, tag = "1")]
    pub start_key: String,
    #[prost(string, tag = "2")]
    pub end_key: String,
    #[prost(bool, tag = "3")]
    pub itr_exhausted: bool,
    #[prost(oneof = "ReadsInfo", tags = "4, 5")]
    pub reads_info: Option<ReadsInfo>,
}

/// What was read of a range: itself, or its Merkle summary.
#[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
pub enum ReadsInfo {
    #[prost(message, tag = "4")]
    RawReads(QueryReads),
    #[prost(message, tag = "5")]
    ReadsMerkleHashes(QueryReadsMerkleSummary),
}

/// Reads of a range, one by one.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct QueryReads {
    #[prost(message, repeated, tag = "1")]
    pub kv_reads: Vec<KvRead>,
}

/// Reads of a range, hashed.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct QueryReadsMerkleSummary {
    #[prost(uint32, tag = "1")]
    pub max_degree: u32,
    #[prost(uint32, tag = "2")]
    pub max_level: u32,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub max_level_hashes: Vec<Vec<u8>>,
}
