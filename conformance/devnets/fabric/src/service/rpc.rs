//! gRPC statuses as a gateway answers them.

use prost::Message as _;
use tonic::{Code, Status};

use crate::{
    members::Member,
    proto::{
        gateway::{ERROR_DETAIL_TYPE, ErrorDetail},
        google,
        peer::ProposalResponse,
    },
};

/// What went wrong at one peer or orderer.
pub fn detail(member: &Member, message: impl Into<String>) -> ErrorDetail {
    ErrorDetail { address: member.address(), msp_id: member.msp_id.clone(), message: message.into() }
}

/// A status with details in its trailers, as `google.rpc.Status`.
pub fn status(code: Code, message: &str, details: &[ErrorDetail]) -> Status {
    let any = |detail: &ErrorDetail| google::Any {
        type_url: ERROR_DETAIL_TYPE.into(),
        value: detail.encode_to_vec(),
    };
    let details = google::Status {
        code: code as i32,
        message: message.to_owned(),
        details: details.iter().map(any).collect(),
    };
    Status::with_details(code, message, details.encode_to_vec().into())
}

/// Whether a peer's answer is a success; otherwise the code and message that a gateway makes of it.
pub fn judge(response: &ProposalResponse) -> Result<(), (Code, String)> {
    let Some(answer) = &response.response else {
        return Err((Code::Aborted, "the peer answered without a response".into()));
    };
    if (200..400).contains(&answer.status) {
        return Ok(());
    }
    if response.payload.is_empty() && answer.status == 500 {
        // The peer's own failure, not the chaincode's.
        return Err((Code::Aborted, answer.message.clone()));
    }
    Err((Code::Unknown, format!("chaincode response {}, {}", answer.status, answer.message)))
}
