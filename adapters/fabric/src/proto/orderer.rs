//! Orderers: `orderer/ab.proto`, `orderer/configuration.proto`, `orderer/etcdraft/*.proto`,
//! `orderer/smartbft/configuration.proto`.

use super::common::{Block, Status};

/// Answer to a broadcast.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct BroadcastResponse {
    #[prost(enumeration = "Status", tag = "1")]
    pub status: i32,
    #[prost(string, tag = "2")]
    pub info: String,
}

/// The newest block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct SeekNewest {}

/// The oldest block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct SeekOldest {}

/// This block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct SeekSpecified {
    #[prost(uint64, tag = "1")]
    pub number: u64,
}

/// The next block that is committed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct SeekNextCommit {}

/// A place in the chain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct SeekPosition {
    #[prost(oneof = "seek_position::Type", tags = "1, 2, 3, 4")]
    pub r#type: Option<seek_position::Type>,
}

/// Parts of [`SeekPosition`].
pub mod seek_position {
    /// Which place.
    #[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Oneof)]
    pub enum Type {
        #[prost(message, tag = "1")]
        Newest(super::SeekNewest),
        #[prost(message, tag = "2")]
        Oldest(super::SeekOldest),
        #[prost(message, tag = "3")]
        Specified(super::SeekSpecified),
        #[prost(message, tag = "4")]
        NextCommit(super::SeekNextCommit),
    }
}

/// What a deliver request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct SeekInfo {
    #[prost(message, optional, tag = "1")]
    pub start: Option<SeekPosition>,
    #[prost(message, optional, tag = "2")]
    pub stop: Option<SeekPosition>,
    #[prost(enumeration = "SeekBehavior", tag = "3")]
    pub behavior: i32,
    #[prost(enumeration = "SeekErrorResponse", tag = "4")]
    pub error_response: i32,
    #[prost(enumeration = "SeekContentType", tag = "5")]
    pub content_type: i32,
}

/// Whether to wait for blocks that are not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum SeekBehavior {
    BlockUntilReady = 0,
    FailIfNotReady = 1,
}

/// What an orderer does when its consensus fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum SeekErrorResponse {
    Strict = 0,
    BestEffort = 1,
}

/// Whole blocks, or headers with signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum SeekContentType {
    Block = 0,
    HeaderWithSig = 1,
}

/// One answer of an orderer's deliver stream.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct DeliverResponse {
    #[prost(oneof = "deliver_response::Type", tags = "1, 2")]
    pub r#type: Option<deliver_response::Type>,
}

/// Parts of [`DeliverResponse`].
pub mod deliver_response {
    use super::{Block, Status};

    /// A block, or the end.
    #[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
    pub enum Type {
        #[prost(enumeration = "Status", tag = "1")]
        Status(i32),
        #[prost(message, tag = "2")]
        Block(Block),
    }
}

/// Value `ConsensusType` of the group `Orderer`: `etcdraft` with a [`RaftMetadata`], or `BFT` with [`BftOptions`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ConsensusType {
    #[prost(string, tag = "1")]
    pub r#type: String,
    #[prost(bytes = "vec", tag = "2")]
    pub metadata: Vec<u8>,
    #[prost(enumeration = "ConsensusState", tag = "3")]
    pub state: i32,
}

/// Normal, or under maintenance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ConsensusState {
    Normal = 0,
    Maintenance = 1,
}

/// Value `BatchSize` of the group `Orderer`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct BatchSize {
    #[prost(uint32, tag = "1")]
    pub max_message_count: u32,
    #[prost(uint32, tag = "2")]
    pub absolute_max_bytes: u32,
    #[prost(uint32, tag = "3")]
    pub preferred_max_bytes: u32,
}

/// Value `BatchTimeout` of the group `Orderer`: a Go duration, such as `2s`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct BatchTimeout {
    #[prost(string, tag = "1")]
    pub timeout: String,
}

/// Value `ChannelRestrictions` of the group `Orderer`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct ChannelRestrictions {
    #[prost(uint64, tag = "1")]
    pub max_count: u64,
}

/// `etcdraft.ConfigMetadata`: metadata of a Raft [`ConsensusType`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RaftMetadata {
    #[prost(message, repeated, tag = "1")]
    pub consenters: Vec<RaftConsenter>,
    #[prost(message, optional, tag = "2")]
    pub options: Option<RaftOptions>,
}

/// `etcdraft.Consenter`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RaftConsenter {
    #[prost(string, tag = "1")]
    pub host: String,
    #[prost(uint32, tag = "2")]
    pub port: u32,
    #[prost(bytes = "vec", tag = "3")]
    pub client_tls_cert: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub server_tls_cert: Vec<u8>,
}

/// `etcdraft.Options`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RaftOptions {
    #[prost(string, tag = "1")]
    pub tick_interval: String,
    #[prost(uint32, tag = "2")]
    pub election_tick: u32,
    #[prost(uint32, tag = "3")]
    pub heartbeat_tick: u32,
    #[prost(uint32, tag = "4")]
    pub max_inflight_blocks: u32,
    #[prost(uint32, tag = "5")]
    pub snapshot_interval_size: u32,
}

/// `etcdraft.BlockMetadata`: what a Raft orderer puts into a block's `consenter_metadata`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct RaftBlockMetadata {
    #[prost(uint64, repeated, tag = "1")]
    pub consenter_ids: Vec<u64>,
    #[prost(uint64, tag = "2")]
    pub next_consenter_id: u64,
    #[prost(uint64, tag = "3")]
    pub raft_index: u64,
}

/// `smartbft.Options`, as far as anybody here sets them: metadata of a BFT [`ConsensusType`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct BftOptions {
    #[prost(uint64, tag = "1")]
    pub request_batch_max_count: u64,
    #[prost(uint64, tag = "2")]
    pub request_batch_max_bytes: u64,
    #[prost(string, tag = "3")]
    pub request_batch_max_interval: String,
}
