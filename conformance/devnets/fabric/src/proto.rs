//! Fabric's messages: those that the adapter has too, and what only a node makes.
//!
//! Names and field numbers are those of the public definitions (`hyperledger/fabric-protos`).

pub use adapter_fabric::proto::{common, configuration, gateway, google, lifecycle, msp, orderer, peer};

/// Read and write sets, with those of private data: `ledger/rwset/*.proto`.
pub mod ledger {
    pub use adapter_fabric::proto::ledger::*;

    /// What a transaction read and wrote in a private collection, by hashes.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct HashedRwSet {
        /// What it read.
        #[prost(message, repeated, tag = "1")]
        pub hashed_reads: Vec<KvReadHash>,
        /// What it wrote.
        #[prost(message, repeated, tag = "2")]
        pub hashed_writes: Vec<KvWriteHash>,
    }

    /// A key of a private collection that was read.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct KvReadHash {
        /// SHA-256 of the key.
        #[prost(bytes = "vec", tag = "1")]
        pub key_hash: Vec<u8>,
        /// The version that was found; none where there was nothing.
        #[prost(message, optional, tag = "2")]
        pub version: Option<Version>,
    }

    /// A key of a private collection that was written.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct KvWriteHash {
        /// SHA-256 of the key.
        #[prost(bytes = "vec", tag = "1")]
        pub key_hash: Vec<u8>,
        /// Whether it was deleted.
        #[prost(bool, tag = "2")]
        pub is_delete: bool,
        /// SHA-256 of the value; empty where it was deleted.
        #[prost(bytes = "vec", tag = "3")]
        pub value_hash: Vec<u8>,
    }

    /// The private data of one transaction.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct TxPvtReadWriteSet {
        /// 0, key and value.
        #[prost(int32, tag = "1")]
        pub data_model: i32,
        /// By chaincode.
        #[prost(message, repeated, tag = "2")]
        pub ns_pvt_rwset: Vec<NsPvtReadWriteSet>,
    }

    /// The private data of one chaincode.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct NsPvtReadWriteSet {
        /// The chaincode.
        #[prost(string, tag = "1")]
        pub namespace: String,
        /// By collection.
        #[prost(message, repeated, tag = "2")]
        pub collection_pvt_rwset: Vec<CollectionPvtReadWriteSet>,
    }

    /// The private data of one collection.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct CollectionPvtReadWriteSet {
        /// The collection.
        #[prost(string, tag = "1")]
        pub collection_name: String,
        /// An encoded `KVRWSet` with the writes.
        #[prost(bytes = "vec", tag = "2")]
        pub rwset: Vec<u8>,
    }
}

/// What the lifecycle keeps in its namespace: `peer/lifecycle/{chaincode_definition,db}.proto`.
pub mod definition {
    /// How a chaincode is endorsed.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ChaincodeEndorsementInfo {
        /// The chaincode's version.
        #[prost(string, tag = "1")]
        pub version: String,
        /// Whether it must be initialised first.
        #[prost(bool, tag = "2")]
        pub init_required: bool,
        /// The plugin, `escc`.
        #[prost(string, tag = "3")]
        pub endorsement_plugin: String,
    }

    /// How a chaincode's transactions are validated.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct ChaincodeValidationInfo {
        /// The plugin, `vscc`.
        #[prost(string, tag = "1")]
        pub validation_plugin: String,
        /// An encoded `ApplicationPolicy`.
        #[prost(bytes = "vec", tag = "2")]
        pub validation_parameter: Vec<u8>,
    }

    /// Which fields an entry of the lifecycle has.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StateMetadata {
        /// The structure's name.
        #[prost(string, tag = "1")]
        pub datatype: String,
        /// Its fields' names.
        #[prost(string, repeated, tag = "2")]
        pub fields: Vec<String>,
    }

    /// A field's value.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StateData {
        /// The value.
        #[prost(oneof = "StateValue", tags = "1, 2, 3")]
        pub value: Option<StateValue>,
    }

    /// A value by its kind.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum StateValue {
        /// A number.
        #[prost(int64, tag = "1")]
        Int64(i64),
        /// Bytes.
        #[prost(bytes, tag = "2")]
        Bytes(Vec<u8>),
        /// Text.
        #[prost(string, tag = "3")]
        String(String),
    }
}

/// Private collections: `peer/collection.proto`.
pub mod collection {
    use super::common::SignaturePolicyEnvelope;

    /// A chaincode's collections.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct CollectionConfigPackage {
        /// Each.
        #[prost(message, repeated, tag = "1")]
        pub config: Vec<CollectionConfig>,
    }

    /// One collection.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct CollectionConfig {
        /// The only kind there is.
        #[prost(message, optional, tag = "1")]
        pub static_collection_config: Option<StaticCollectionConfig>,
    }

    /// A collection's rules.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct StaticCollectionConfig {
        /// Its name.
        #[prost(string, tag = "1")]
        pub name: String,
        /// Whose peers keep it.
        #[prost(message, optional, tag = "2")]
        pub member_orgs_policy: Option<CollectionPolicyConfig>,
        /// To how many peers it must have gone before it is endorsed.
        #[prost(int32, tag = "3")]
        pub required_peer_count: i32,
        /// To how many peers it goes at most.
        #[prost(int32, tag = "4")]
        pub maximum_peer_count: i32,
        /// After how many blocks it is forgotten; 0 is never.
        #[prost(uint64, tag = "5")]
        pub block_to_live: u64,
        /// Whether only its members' clients may read it.
        #[prost(bool, tag = "6")]
        pub member_only_read: bool,
        /// Whether only its members' clients may write it.
        #[prost(bool, tag = "7")]
        pub member_only_write: bool,
    }

    /// A collection's members.
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct CollectionPolicyConfig {
        /// As a policy over organisations.
        #[prost(message, optional, tag = "1")]
        pub signature_policy: Option<SignaturePolicyEnvelope>,
    }
}
