//! Proposals, endorsements, transactions and what peers answer: `peer/*.proto`.

use std::collections::BTreeMap;

use super::{
    common::{Block, Envelope, HeaderType, SignaturePolicyEnvelope, Status},
    google::Timestamp,
};

/// A proposal with its creator's signature.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SignedProposal {
    #[prost(bytes = "vec", tag = "1")]
    pub proposal_bytes: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// What peers are asked to simulate.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Proposal {
    #[prost(bytes = "vec", tag = "1")]
    pub header: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub payload: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub extension: Vec<u8>,
}

/// Extension of a channel header of type `ENDORSER_TRANSACTION`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeHeaderExtension {
    #[prost(message, optional, tag = "2")]
    pub chaincode_id: Option<ChaincodeId>,
}

/// A call of a chaincode; `transient_map` never enters a transaction.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ChaincodeProposalPayload {
    #[prost(bytes = "vec", tag = "1")]
    pub input: Vec<u8>,
    #[prost(btree_map = "string, bytes", tag = "2")]
    pub transient_map: BTreeMap<String, Vec<u8>>,
}

/// What a simulation came to; `results` is a `TxReadWriteSet`, `events` a [`ChaincodeEvent`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeAction {
    #[prost(bytes = "vec", tag = "1")]
    pub results: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub events: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    pub response: Option<Response>,
    #[prost(message, optional, tag = "4")]
    pub chaincode_id: Option<ChaincodeId>,
}

/// A peer's answer to a proposal.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ProposalResponse {
    #[prost(int32, tag = "1")]
    pub version: i32,
    #[prost(message, optional, tag = "2")]
    pub timestamp: Option<Timestamp>,
    #[prost(message, optional, tag = "4")]
    pub response: Option<Response>,
    #[prost(bytes = "vec", tag = "5")]
    pub payload: Vec<u8>,
    #[prost(message, optional, tag = "6")]
    pub endorsement: Option<Endorsement>,
}

/// A chaincode's answer: status (200 is success, 400 and more failure), message, payload.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Response {
    #[prost(int32, tag = "1")]
    pub status: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(bytes = "vec", tag = "3")]
    pub payload: Vec<u8>,
}

/// What endorsers sign, with their identity behind it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ProposalResponsePayload {
    #[prost(bytes = "vec", tag = "1")]
    pub proposal_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub extension: Vec<u8>,
}

/// One endorser and its signature.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Endorsement {
    #[prost(bytes = "vec", tag = "1")]
    pub endorser: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// Answer of qscc `GetTransactionByID`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ProcessedTransaction {
    #[prost(message, optional, tag = "1")]
    pub transaction_envelope: Option<Envelope>,
    #[prost(int32, tag = "2")]
    pub validation_code: i32,
}

/// The data of a payload of type `ENDORSER_TRANSACTION`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Transaction {
    #[prost(message, repeated, tag = "1")]
    pub actions: Vec<TransactionAction>,
}

/// A signature header and a [`ChaincodeActionPayload`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct TransactionAction {
    #[prost(bytes = "vec", tag = "1")]
    pub header: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub payload: Vec<u8>,
}

/// What was proposed (without transient data) and what was endorsed.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeActionPayload {
    #[prost(bytes = "vec", tag = "1")]
    pub chaincode_proposal_payload: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    pub action: Option<ChaincodeEndorsedAction>,
}

/// The endorsed bytes, with each endorsement.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeEndorsedAction {
    #[prost(bytes = "vec", tag = "1")]
    pub proposal_response_payload: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    pub endorsements: Vec<Endorsement>,
}

/// Why a transaction in a block has effect or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum TxValidationCode {
    Valid = 0,
    NilEnvelope = 1,
    BadPayload = 2,
    BadCommonHeader = 3,
    BadCreatorSignature = 4,
    InvalidEndorserTransaction = 5,
    InvalidConfigTransaction = 6,
    UnsupportedTxPayload = 7,
    BadProposalTxid = 8,
    DuplicateTxid = 9,
    EndorsementPolicyFailure = 10,
    MvccReadConflict = 11,
    PhantomReadConflict = 12,
    UnknownTxType = 13,
    TargetChainNotFound = 14,
    MarshalTxError = 15,
    NilTxaction = 16,
    ExpiredChaincode = 17,
    ChaincodeVersionConflict = 18,
    BadHeaderExtension = 19,
    BadChannelHeader = 20,
    BadResponsePayload = 21,
    BadRwset = 22,
    IllegalWriteset = 23,
    InvalidWriteset = 24,
    InvalidChaincode = 25,
    NotValidated = 254,
    InvalidOtherReason = 255,
}

/// A chaincode's name; path and version where somebody sets them.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeId {
    #[prost(string, tag = "1")]
    pub path: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(string, tag = "3")]
    pub version: String,
}

/// The function's name, then its arguments.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ChaincodeInput {
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub args: Vec<Vec<u8>>,
    #[prost(btree_map = "string, bytes", tag = "2")]
    pub decorations: BTreeMap<String, Vec<u8>>,
    #[prost(bool, tag = "3")]
    pub is_init: bool,
}

/// What a chaincode is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ChaincodeType {
    Undefined = 0,
    Golang = 1,
    Node = 2,
    Car = 3,
    Java = 4,
}

/// Which chaincode, with what input.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ChaincodeSpec {
    #[prost(enumeration = "ChaincodeType", tag = "1")]
    pub r#type: i32,
    #[prost(message, optional, tag = "2")]
    pub chaincode_id: Option<ChaincodeId>,
    #[prost(message, optional, tag = "3")]
    pub input: Option<ChaincodeInput>,
    #[prost(int32, tag = "4")]
    pub timeout: i32,
}

/// `input` of a [`ChaincodeProposalPayload`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ChaincodeInvocationSpec {
    #[prost(message, optional, tag = "1")]
    pub chaincode_spec: Option<ChaincodeSpec>,
}

/// The one event that a transaction can have.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeEvent {
    #[prost(string, tag = "1")]
    pub chaincode_id: String,
    #[prost(string, tag = "2")]
    pub tx_id: String,
    #[prost(string, tag = "3")]
    pub event_name: String,
    #[prost(bytes = "vec", tag = "4")]
    pub payload: Vec<u8>,
}

/// Value `AnchorPeers` of an application organisation.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct AnchorPeers {
    #[prost(message, repeated, tag = "1")]
    pub anchor_peers: Vec<AnchorPeer>,
}

/// Where other organisations find a peer.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct AnchorPeer {
    #[prost(string, tag = "1")]
    pub host: String,
    #[prost(int32, tag = "2")]
    pub port: i32,
}

/// A resource's policy.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ApiResource {
    #[prost(string, tag = "1")]
    pub policy_ref: String,
}

/// Value `ACLs` of the group `Application`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Acls {
    #[prost(btree_map = "string, message", tag = "1")]
    pub acls: BTreeMap<String, ApiResource>,
}

/// Answer of cscc `GetChannels`.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChannelQueryResponse {
    #[prost(message, repeated, tag = "1")]
    pub channels: Vec<ChannelInfo>,
}

/// One channel.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChannelInfo {
    #[prost(string, tag = "1")]
    pub channel_id: String,
}

/// A block without what transactions hold.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FilteredBlock {
    #[prost(string, tag = "1")]
    pub channel_id: String,
    #[prost(uint64, tag = "2")]
    pub number: u64,
    #[prost(message, repeated, tag = "4")]
    pub filtered_transactions: Vec<FilteredTransaction>,
}

/// A transaction's id, type, code and events without payload.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FilteredTransaction {
    #[prost(string, tag = "1")]
    pub txid: String,
    #[prost(enumeration = "HeaderType", tag = "2")]
    pub r#type: i32,
    #[prost(enumeration = "TxValidationCode", tag = "3")]
    pub tx_validation_code: i32,
    #[prost(oneof = "filtered_transaction::Data", tags = "4")]
    pub data: Option<filtered_transaction::Data>,
}

/// Parts of [`FilteredTransaction`].
pub mod filtered_transaction {
    /// What a transaction did.
    #[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
    pub enum Data {
        #[prost(message, tag = "4")]
        TransactionActions(super::FilteredTransactionActions),
    }
}

/// The actions of a filtered transaction.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FilteredTransactionActions {
    #[prost(message, repeated, tag = "1")]
    pub chaincode_actions: Vec<FilteredChaincodeAction>,
}

/// The event of an action, without payload.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FilteredChaincodeAction {
    #[prost(message, optional, tag = "1")]
    pub chaincode_event: Option<ChaincodeEvent>,
}

/// A block with private data, `TxPvtReadWriteSet` by place in the block, encoded here as it comes.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct BlockAndPrivateData {
    #[prost(message, optional, tag = "1")]
    pub block: Option<Block>,
    #[prost(btree_map = "uint64, bytes", tag = "2")]
    pub private_data_map: BTreeMap<u64, Vec<u8>>,
}

/// One answer of a peer's deliver stream.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DeliverResponse {
    #[prost(oneof = "deliver_response::Type", tags = "1, 2, 3, 4")]
    pub r#type: Option<deliver_response::Type>,
}

/// Parts of [`DeliverResponse`].
pub mod deliver_response {
    use super::{Block, BlockAndPrivateData, FilteredBlock, Status};

    /// A block in one of its forms, or the end.
    #[derive(Clone, PartialEq, Eq, prost::Oneof)]
    pub enum Type {
        #[prost(enumeration = "Status", tag = "1")]
        Status(i32),
        #[prost(message, tag = "2")]
        Block(Block),
        #[prost(message, tag = "3")]
        FilteredBlock(FilteredBlock),
        #[prost(message, tag = "4")]
        BlockAndPrivateData(BlockAndPrivateData),
    }
}

/// A chaincode's endorsement policy, as its definition's `validation_parameter` holds it.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ApplicationPolicy {
    #[prost(oneof = "application_policy::Type", tags = "1, 2")]
    pub r#type: Option<application_policy::Type>,
}

/// Parts of [`ApplicationPolicy`].
pub mod application_policy {
    /// A policy of its own, or a reference to one of the channel's.
    #[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
    pub enum Type {
        #[prost(message, tag = "1")]
        SignaturePolicy(super::SignaturePolicyEnvelope),
        #[prost(string, tag = "2")]
        ChannelConfigPolicyReference(String),
    }
}
