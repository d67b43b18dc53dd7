//! Envelopes and blocks: `common/common.proto`, `common/ledger.proto`, `common/policies.proto`.

use super::{google::Timestamp, msp::MspPrincipal};

/// Status of deliver and broadcast, after HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Status {
    Unknown = 0,
    Success = 200,
    BadRequest = 400,
    Forbidden = 403,
    NotFound = 404,
    RequestEntityTooLarge = 413,
    InternalServerError = 500,
    NotImplemented = 501,
    ServiceUnavailable = 503,
}

/// What an envelope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum HeaderType {
    Message = 0,
    Config = 1,
    ConfigUpdate = 2,
    EndorserTransaction = 3,
    OrdererTransaction = 4,
    DeliverSeekInfo = 5,
    ChaincodePackage = 6,
}

/// Places in a block's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BlockMetadataIndex {
    Signatures = 0,
    LastConfig = 1,
    TransactionsFilter = 2,
    Orderer = 3,
    CommitHash = 4,
}

/// The number of the newest configuration block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct LastConfig {
    #[prost(uint64, tag = "1")]
    pub index: u64,
}

/// A metadata slot that carries signatures.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Metadata {
    #[prost(bytes = "vec", tag = "1")]
    pub value: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    pub signatures: Vec<MetadataSignature>,
}

/// One orderer's signature; with SmartBFT `signature_header` is empty and `identifier_header` names the consenter.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct MetadataSignature {
    #[prost(bytes = "vec", tag = "1")]
    pub signature_header: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub identifier_header: Vec<u8>,
}

/// Names a consenter by its number in the channel's configuration.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct IdentifierHeader {
    #[prost(uint32, tag = "1")]
    pub identifier: u32,
    #[prost(bytes = "vec", tag = "2")]
    pub nonce: Vec<u8>,
}

/// The two headers of a payload, encoded.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Header {
    #[prost(bytes = "vec", tag = "1")]
    pub channel_header: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature_header: Vec<u8>,
}

/// What, when and on which channel.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChannelHeader {
    #[prost(int32, tag = "1")]
    pub r#type: i32,
    #[prost(int32, tag = "2")]
    pub version: i32,
    #[prost(message, optional, tag = "3")]
    pub timestamp: Option<Timestamp>,
    #[prost(string, tag = "4")]
    pub channel_id: String,
    #[prost(string, tag = "5")]
    pub tx_id: String,
    #[prost(uint64, tag = "6")]
    pub epoch: u64,
    #[prost(bytes = "vec", tag = "7")]
    pub extension: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub tls_cert_hash: Vec<u8>,
}

/// Who.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SignatureHeader {
    #[prost(bytes = "vec", tag = "1")]
    pub creator: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub nonce: Vec<u8>,
}

/// What an envelope signs.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Payload {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(bytes = "vec", tag = "2")]
    pub data: Vec<u8>,
}

/// A signed payload: what blocks hold.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Envelope {
    #[prost(bytes = "vec", tag = "1")]
    pub payload: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// A block.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Block {
    #[prost(message, optional, tag = "1")]
    pub header: Option<BlockHeader>,
    #[prost(message, optional, tag = "2")]
    pub data: Option<BlockData>,
    #[prost(message, optional, tag = "3")]
    pub metadata: Option<BlockMetadata>,
}

/// What a block's hash is made of.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct BlockHeader {
    #[prost(uint64, tag = "1")]
    pub number: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub previous_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub data_hash: Vec<u8>,
}

/// Envelopes, encoded.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct BlockData {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub data: Vec<Vec<u8>>,
}

/// Slots by [`BlockMetadataIndex`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct BlockMetadata {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub metadata: Vec<Vec<u8>>,
}

/// The value that orderers sign along with the header.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct OrdererBlockMetadata {
    #[prost(message, optional, tag = "1")]
    pub last_config: Option<LastConfig>,
    #[prost(bytes = "vec", tag = "2")]
    pub consenter_metadata: Vec<u8>,
}

/// Answer of qscc `GetChainInfo`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct BlockchainInfo {
    #[prost(uint64, tag = "1")]
    pub height: u64,
    #[prost(bytes = "vec", tag = "2")]
    pub current_block_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub previous_block_hash: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    pub bootstrapping_snapshot_info: Option<BootstrappingSnapshotInfo>,
}

/// A ledger that began with a snapshot has no blocks up to this one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct BootstrappingSnapshotInfo {
    #[prost(uint64, tag = "1")]
    pub last_block_in_snapshot: u64,
}

/// A policy of one of [`PolicyType`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Policy {
    #[prost(int32, tag = "1")]
    pub r#type: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// What a policy's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum PolicyType {
    Unknown = 0,
    Signature = 1,
    Msp = 2,
    ImplicitMeta = 3,
}

/// A policy over signatures of principals.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SignaturePolicyEnvelope {
    #[prost(int32, tag = "1")]
    pub version: i32,
    #[prost(message, optional, tag = "2")]
    pub rule: Option<SignaturePolicy>,
    #[prost(message, repeated, tag = "3")]
    pub identities: Vec<MspPrincipal>,
}

/// A rule: signed by a principal, or so many of other rules.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SignaturePolicy {
    #[prost(oneof = "signature_policy::Type", tags = "1, 2")]
    pub r#type: Option<signature_policy::Type>,
}

/// Parts of [`SignaturePolicy`].
pub mod signature_policy {
    /// So many of these.
    #[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
    pub struct NOutOf {
        #[prost(int32, tag = "1")]
        pub n: i32,
        #[prost(message, repeated, tag = "2")]
        pub rules: Vec<super::SignaturePolicy>,
    }

    /// The rule's kind; a number names a principal of the envelope.
    #[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
    pub enum Type {
        #[prost(int32, tag = "1")]
        SignedBy(i32),
        #[prost(message, tag = "2")]
        NOutOf(NOutOf),
    }
}

/// A policy over the policies of a group's subgroups.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ImplicitMetaPolicy {
    #[prost(string, tag = "1")]
    pub sub_policy: String,
    #[prost(enumeration = "ImplicitMetaRule", tag = "2")]
    pub rule: i32,
}

/// How many of the subgroups must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ImplicitMetaRule {
    Any = 0,
    All = 1,
    Majority = 2,
}
