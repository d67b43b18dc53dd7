//! The peer's gateway: `gateway/gateway.proto`. Its services' methods are `/gateway.Gateway/Evaluate` and so on.

use super::{
    common::Envelope,
    orderer::SeekPosition,
    peer::{ChaincodeEvent, Response, SignedProposal, TxValidationCode},
};

/// Asks for endorsements.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct EndorseRequest {
    #[prost(string, tag = "1")]
    pub transaction_id: String,
    #[prost(string, tag = "2")]
    pub channel_id: String,
    #[prost(message, optional, tag = "3")]
    pub proposed_transaction: Option<SignedProposal>,
    #[prost(string, repeated, tag = "4")]
    pub endorsing_organizations: Vec<String>,
}

/// The transaction without its creator's signature.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct EndorseResponse {
    #[prost(message, optional, tag = "1")]
    pub prepared_transaction: Option<Envelope>,
}

/// Asks for ordering.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SubmitRequest {
    #[prost(string, tag = "1")]
    pub transaction_id: String,
    #[prost(string, tag = "2")]
    pub channel_id: String,
    #[prost(message, optional, tag = "3")]
    pub prepared_transaction: Option<Envelope>,
}

/// An orderer took it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct SubmitResponse {}

/// A [`CommitStatusRequest`], encoded, with its signature.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SignedCommitStatusRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub request: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// Asks what became of a transaction; the answer waits for the commit.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct CommitStatusRequest {
    #[prost(string, tag = "1")]
    pub transaction_id: String,
    #[prost(string, tag = "2")]
    pub channel_id: String,
    #[prost(bytes = "vec", tag = "3")]
    pub identity: Vec<u8>,
}

/// Validation code and block.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct CommitStatusResponse {
    #[prost(enumeration = "TxValidationCode", tag = "1")]
    pub result: i32,
    #[prost(uint64, tag = "2")]
    pub block_number: u64,
}

/// Asks one peer to simulate.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct EvaluateRequest {
    #[prost(string, tag = "1")]
    pub transaction_id: String,
    #[prost(string, tag = "2")]
    pub channel_id: String,
    #[prost(message, optional, tag = "3")]
    pub proposed_transaction: Option<SignedProposal>,
    #[prost(string, repeated, tag = "4")]
    pub target_organizations: Vec<String>,
}

/// What the chaincode answered.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct EvaluateResponse {
    #[prost(message, optional, tag = "1")]
    pub result: Option<Response>,
}

/// A [`ChaincodeEventsRequest`], encoded, with its signature.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct SignedChaincodeEventsRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub request: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// Asks for the events of a chaincode from a position, behind a transaction of its block where one is named.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeEventsRequest {
    #[prost(string, tag = "1")]
    pub channel_id: String,
    #[prost(string, tag = "2")]
    pub chaincode_id: String,
    #[prost(bytes = "vec", tag = "3")]
    pub identity: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    pub start_position: Option<SeekPosition>,
    #[prost(string, tag = "5")]
    pub after_transaction_id: String,
}

/// The events of one block.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ChaincodeEventsResponse {
    #[prost(message, repeated, tag = "1")]
    pub events: Vec<ChaincodeEvent>,
    #[prost(uint64, tag = "2")]
    pub block_number: u64,
}

/// Which peer or orderer failed, in `google.rpc.Status.details` under
/// [`ERROR_DETAIL_TYPE`].
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct ErrorDetail {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(string, tag = "2")]
    pub msp_id: String,
    #[prost(string, tag = "3")]
    pub message: String,
}

/// The address of [`ErrorDetail`] in `google.protobuf.Any`.
pub const ERROR_DETAIL_TYPE: &str = "type.googleapis.com/gateway.ErrorDetail";
