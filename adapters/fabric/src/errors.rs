//! What the refusals of peers and orderers mean.
//!
//! A gateway answers a gRPC status, and in its details an `ErrorDetail` of each peer or orderer that failed
//! (`internal/pkg/gateway/apiutils.go`). The words are Fabric's own; what is in no table becomes `rejected` for a
//! submission and `unavailable` for a read.

use adapter_sdk::types::{
    Effect, Error, ErrorCode, SendFailure,
    transport::{GrpcFailure, GrpcStatus},
};
use prost::Message as _;

use crate::proto::{
    gateway::ErrorDetail,
    google::{Any, Status},
};

/// The most bytes of the node's own words that are given on.
const MOST_NATIVE: usize = 1024;
/// The most bytes of a contract's reason that are given on.
const MOST_REASON: usize = 2048;

/// The caller's input does not fit.
pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

/// What a peer answered does not decode or does not hold.
pub(crate) fn corrupt(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::CorruptResponse, message)
}

/// Words of Fabric's messages, in lower case, with what they mean wherever they come. The first that fits counts.
const WORDS: &[(&str, ErrorCode, bool)] = &[
    ("duplicate transaction found", ErrorCode::AlreadyExists, false),
    ("proposalresponsepayloads do not match", ErrorCode::Rejected, true),
    ("certificate has expired", ErrorCode::Expired, false),
    ("identity expired", ErrorCode::Expired, false),
    ("identity has expired", ErrorCode::Expired, false),
    ("no metadata was found for chaincode", ErrorCode::NotFound, false),
    ("failed constructing descriptor for chaincode", ErrorCode::NotFound, false),
    ("no peers available to evaluate chaincode", ErrorCode::NotFound, false),
    ("no peers available to invoke chaincode", ErrorCode::NotFound, false),
    ("incorrect timestamp", ErrorCode::Expired, false),
    ("invalid chain id", ErrorCode::NotFound, false),
    ("could not get last config for channel", ErrorCode::NotFound, false),
    ("channel does not exist", ErrorCode::NotFound, false),
    ("chaincode definition not found", ErrorCode::NotFound, false),
    ("is not defined", ErrorCode::NotFound, false),
    ("access denied", ErrorCode::PermissionDenied, false),
    ("creator org unknown", ErrorCode::PermissionDenied, false),
    ("creator is malformed", ErrorCode::PermissionDenied, false),
    ("policy evaluation failed", ErrorCode::PermissionDenied, false),
    ("failed evaluating policy", ErrorCode::PermissionDenied, false),
    ("signature set did not satisfy policy", ErrorCode::PermissionDenied, false),
    ("is not valid: ", ErrorCode::PermissionDenied, false),
    ("payload size is", ErrorCode::TooLarge, false),
    ("request_entity_too_large", ErrorCode::TooLarge, false),
    ("timeout expired while", ErrorCode::Timeout, true),
    ("service_unavailable", ErrorCode::Unavailable, true),
    ("too many requests", ErrorCode::QuotaExceeded, true),
];

/// Codes that contracts of this project put before their reason, as `not-found: …`.
const REASONS: &[ErrorCode] = &[
    ErrorCode::InvalidArgument,
    ErrorCode::NotFound,
    ErrorCode::AlreadyExists,
    ErrorCode::PermissionDenied,
    ErrorCode::TooLarge,
];

/// What was asked of the node, and whether its words may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// A submission, and not a read.
    pub(crate) submission: bool,
    /// The request had private arguments, which a node's words may quote.
    pub(crate) private: bool,
}

/// A read without private arguments.
pub(crate) const READ: Asked = Asked { submission: false, private: false };

/// The error of a gRPC call that has no message.
pub(crate) fn of_failure(failure: GrpcFailure, asked: Asked) -> Error {
    match failure {
        GrpcFailure::Transport(failure) => failure.into(),
        GrpcFailure::Status(status) => of_status(&status, asked),
    }
}

/// The failure of a submission.
pub(crate) fn of_submission(failure: GrpcFailure, private: bool) -> SendFailure {
    let asked = Asked { submission: true, private };
    match failure {
        GrpcFailure::Transport(failure) => failure.into(),
        GrpcFailure::Status(status) => {
            let error = of_status(&status, asked);
            SendFailure { effect: effect(&status, &error), error }
        }
    }
}

/// Whether a refused submission was a repetition: the orderers of SmartBFT say of what they have, or had, in a block that they have
/// it. All who answered must say so, since a few may lie.
pub(crate) fn is_repetition(status: &GrpcStatus) -> bool {
    let details = Status::decode(status.details.as_slice()).unwrap_or_default().details;
    let said = |any: &Any| {
        ErrorDetail::decode(any.value.as_slice()).is_ok_and(|detail| {
            ["request already processed", "request already exists"]
                .iter()
                .any(|known| detail.message.contains(known))
        })
    };
    !details.is_empty() && details.iter().all(said)
}

/// The words of a status: its details' where it has some, and its own.
pub(crate) fn words(status: &GrpcStatus) -> String {
    let details = Status::decode(status.details.as_slice()).unwrap_or_default().details;
    let details = details.iter().filter_map(|any| ErrorDetail::decode(any.value.as_slice()).ok());
    let mut words = status.message.clone();
    for detail in details {
        let from = if detail.msp_id.is_empty() { detail.address } else { detail.msp_id };
        words.push_str(&format!("; {from}: {}", detail.message));
    }
    words
}

/// What a chaincode said, where it is a chaincode that failed: behind `chaincode response 500, `.
pub(crate) fn chaincode_reason(status: &GrpcStatus) -> Option<String> {
    let details = Status::decode(status.details.as_slice()).unwrap_or_default().details;
    let details = details.iter().filter_map(|any| ErrorDetail::decode(any.value.as_slice()).ok());
    let said = details.map(|detail| detail.message).chain(std::iter::once(status.message.clone()));
    said.filter_map(|words| {
        let (_, rest) = words.split_once("chaincode response ")?;
        let (code, reason) = rest.split_once(", ")?;
        code.bytes().all(|digit| digit.is_ascii_digit()).then(|| reason.to_owned())
    })
    .next()
}

/// What a contract's failure is: its own reason, typed where the contract says so.
pub(crate) fn of_contract(reason: &str, private: bool) -> Error {
    let typed = REASONS.iter().find_map(|code| {
        let reason = reason.strip_prefix(code.name())?.strip_prefix(": ")?;
        Some((*code, reason))
    });
    let (code, reason) = typed.unwrap_or((ErrorCode::Reverted, reason));
    if private {
        return Error::new(
            code,
            "the chaincode refused; what it says is not shown: the call has private arguments",
        );
    }
    Error::new(code, format!("the chaincode refused: {}", cut(reason, MOST_REASON)))
}

fn of_status(status: &GrpcStatus, asked: Asked) -> Error {
    let said = words(status);
    let native = format!("{} {said}", status.code);
    let native = if asked.private { status.code.to_string() } else { cut(&native, MOST_NATIVE) };
    if let Some(reason) = chaincode_reason(status) {
        return of_contract(&reason, asked.private).with_native(native);
    }
    let lower = said.to_lowercase();
    let known = WORDS.iter().find(|(words, ..)| lower.contains(words));
    let (code, retryable) = match known {
        Some((_, code, retryable)) => (*code, *retryable),
        None => of_code(status.code, asked.submission),
    };
    let message = match code {
        ErrorCode::AlreadyExists => "a transaction with this id is on the channel already",
        ErrorCode::PermissionDenied => "the peer does not let this identity do that",
        ErrorCode::Expired => {
            "the certificate has expired, or the request is older than peers take; begin again or enrol anew"
        }
        ErrorCode::NotFound => "there is no such channel or chaincode, or no peer has it",
        ErrorCode::TooLarge => "the transaction is larger than the orderers take",
        ErrorCode::Timeout => "the peers or orderers did not answer in time",
        ErrorCode::QuotaExceeded => "the peer has too many requests; ask again later",
        ErrorCode::Rejected if retryable => {
            "the endorsements differ: a peer lags behind, or the chaincode does not always do the same"
        }
        ErrorCode::Rejected => "the node refused the transaction",
        ErrorCode::InvalidArgument => "the node does not take the request",
        _ => "the node does not serve this now",
    };
    Error { retryable, ..Error::new(code, message).with_native(native) }
}

/// What a status code means by itself (`google/rpc/code.proto`).
fn of_code(code: u32, submission: bool) -> (ErrorCode, bool) {
    match code {
        4 => (ErrorCode::Timeout, true),
        7 | 16 => (ErrorCode::PermissionDenied, false),
        8 => (ErrorCode::QuotaExceeded, true),
        1 | 14 => (ErrorCode::Unavailable, true),
        5 if !submission => (ErrorCode::NotFound, false),
        3 if !submission => (ErrorCode::InvalidArgument, false),
        9 if !submission => (ErrorCode::Unavailable, true),
        10 if !submission => (ErrorCode::Rejected, true),
        _ if submission => (ErrorCode::Rejected, false),
        _ => (ErrorCode::Unavailable, false),
    }
}

/// Whether a submission that was refused can have had an effect. Never only where the gateway or every orderer refused
/// these very bytes.
fn effect(status: &GrpcStatus, error: &Error) -> Effect {
    let said = words(status).to_lowercase();
    let by_orderers = ["bad_request", "forbidden", "request_entity_too_large"];
    let refused = matches!(status.code, 3 | 7 | 12 | 16)
        || (status.code == 10
            && by_orderers.iter().any(|answer| said.contains(answer))
            && !said.contains("service_unavailable"))
        || matches!(error.code, ErrorCode::Expired | ErrorCode::TooLarge);
    if refused { Effect::Never } else { Effect::Unknown }
}

/// At most that many bytes, cut at a character.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::gateway::ERROR_DETAIL_TYPE;

    fn status(code: u32, message: &str, details: &[&str]) -> GrpcStatus {
        let detail = |message: &&str| Any {
            type_url: ERROR_DETAIL_TYPE.into(),
            value: ErrorDetail {
                address: "peer0:7051".into(),
                msp_id: "Org1MSP".into(),
                message: (*message).into(),
            }
            .encode_to_vec(),
        };
        let details =
            Status { code: 0, message: String::new(), details: details.iter().map(detail).collect() };
        GrpcStatus { code, message: message.into(), details: details.encode_to_vec() }
    }

    fn read(code: u32, message: &str, details: &[&str]) -> Error {
        of_status(&status(code, message, details), READ)
    }

    #[test]
    fn a_contracts_reason_is_told_and_typed_where_the_contract_says_so() {
        let error = read(10, "failed to endorse transaction", &["chaincode response 500, out of stock"]);
        assert_eq!(error.code, ErrorCode::Reverted);
        assert!(error.message.contains("out of stock"));
        let error =
            read(2, "evaluate call to endorser returned error: chaincode response 500, not-found: k", &[]);
        assert_eq!(error.code, ErrorCode::NotFound);
        let private = Asked { submission: false, private: true };
        let error = of_status(&status(10, "failed", &["chaincode response 500, got 's3cret'"]), private);
        assert!(!error.to_string().contains("s3cret"));
    }

    #[test]
    fn words_of_fabric_have_meanings_and_others_are_told_verbatim() {
        for (code, message, expected, retryable) in [
            (
                9,
                "no combination: no metadata was found for chaincode x in channel y",
                ErrorCode::NotFound,
                false,
            ),
            (10, "failed: ProposalResponsePayloads do not match", ErrorCode::Rejected, true),
            (14, "no peers", ErrorCode::Unavailable, true),
            (4, "late", ErrorCode::Timeout, true),
            (7, "no", ErrorCode::PermissionDenied, false),
            (2, "words that nobody knows", ErrorCode::Unavailable, false),
        ] {
            let error = read(code, message, &[]);
            assert_eq!((error.code, error.retryable), (expected, retryable), "{message}");
            assert!(error.native.unwrap().contains(message));
        }
    }

    #[test]
    fn a_repetition_is_what_every_orderer_that_answered_calls_one() {
        let known = "status=SERVICE_UNAVAILABLE, info=failed to submit request: request already processed";
        assert!(is_repetition(&status(14, "insufficient number of orderers", &[known, known])));
        assert!(!is_repetition(&status(14, "insufficient number of orderers", &[known, "no Raft leader"])));
        assert!(!is_repetition(&status(14, known, &[])));
    }

    #[test]
    fn a_submission_has_no_effect_only_where_it_was_refused_for_good() {
        let effect_of = |code, words: &str| {
            of_submission(GrpcFailure::Status(status(code, "no", &[words])), false).effect
        };
        assert_eq!(effect_of(10, "received unsuccessful response from orderer: FORBIDDEN"), Effect::Never);
        assert_eq!(effect_of(10, "received unsuccessful response: SERVICE_UNAVAILABLE"), Effect::Unknown);
        assert_eq!(effect_of(3, "no payload"), Effect::Never);
        assert_eq!(effect_of(14, "no orderer"), Effect::Unknown);
        assert_eq!(effect_of(2, "what"), Effect::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn any_status_has_a_meaning(code: u32, message: String, details: Vec<u8>) {
            let status = GrpcStatus { code, message, details };
            let error = of_status(&status, READ);
            proptest::prop_assert!(error.native.unwrap().len() <= MOST_NATIVE);
            proptest::prop_assert!(error.message.len() <= 4096);
        }
    }
}
