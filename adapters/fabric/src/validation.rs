//! Why a transaction in a block has no effect: Fabric's validation codes (`peer/transaction.proto`).

use adapter_sdk::types::{Error, ErrorCode};

use crate::proto::peer::TxValidationCode as Code;

/// Each code that is no success: the standard's code, whether the same call may succeed later, and what it says.
const TABLE: &[(Code, &str, ErrorCode, bool, &str)] = {
    use ErrorCode::{AlreadyExists, Conflict, Internal, NotFound, PermissionDenied, Rejected, Unavailable};
    &[
        (Code::NilEnvelope, "NIL_ENVELOPE", Rejected, false, "the envelope is empty"),
        (Code::BadPayload, "BAD_PAYLOAD", Rejected, false, "the payload does not decode"),
        (Code::BadCommonHeader, "BAD_COMMON_HEADER", Rejected, false, "the header does not decode"),
        (
            Code::BadCreatorSignature,
            "BAD_CREATOR_SIGNATURE",
            PermissionDenied,
            false,
            "the creator's signature or certificate is not valid",
        ),
        (
            Code::InvalidEndorserTransaction,
            "INVALID_ENDORSER_TRANSACTION",
            Rejected,
            false,
            "the transaction does not decode",
        ),
        (
            Code::InvalidConfigTransaction,
            "INVALID_CONFIG_TRANSACTION",
            Rejected,
            false,
            "the configuration does not hold",
        ),
        (
            Code::UnsupportedTxPayload,
            "UNSUPPORTED_TX_PAYLOAD",
            Rejected,
            false,
            "the channel does not take this kind of transaction",
        ),
        (
            Code::BadProposalTxid,
            "BAD_PROPOSAL_TXID",
            Rejected,
            false,
            "the id is not the hash of nonce and creator",
        ),
        (
            Code::DuplicateTxid,
            "DUPLICATE_TXID",
            AlreadyExists,
            false,
            "a transaction with this id is on the channel already",
        ),
        (
            Code::EndorsementPolicyFailure,
            "ENDORSEMENT_POLICY_FAILURE",
            PermissionDenied,
            false,
            "its endorsements do not satisfy the chaincode's policy",
        ),
        (
            Code::MvccReadConflict,
            "MVCC_READ_CONFLICT",
            Conflict,
            true,
            "a value that it read was written by another transaction; begin again",
        ),
        (
            Code::PhantomReadConflict,
            "PHANTOM_READ_CONFLICT",
            Conflict,
            true,
            "a range that it read was written by another transaction; begin again",
        ),
        (Code::UnknownTxType, "UNKNOWN_TX_TYPE", Rejected, false, "the kind of transaction is unknown"),
        (Code::TargetChainNotFound, "TARGET_CHAIN_NOT_FOUND", NotFound, false, "there is no such channel"),
        (
            Code::MarshalTxError,
            "MARSHAL_TX_ERROR",
            Rejected,
            false,
            "the transaction cannot be encoded again",
        ),
        (Code::NilTxaction, "NIL_TXACTION", Rejected, false, "the transaction has no action"),
        (
            Code::ExpiredChaincode,
            "EXPIRED_CHAINCODE",
            Conflict,
            true,
            "the chaincode was replaced; begin again",
        ),
        (
            Code::ChaincodeVersionConflict,
            "CHAINCODE_VERSION_CONFLICT",
            Conflict,
            true,
            "the chaincode was upgraded in between; begin again",
        ),
        (
            Code::BadHeaderExtension,
            "BAD_HEADER_EXTENSION",
            Rejected,
            false,
            "the header's extension is wrong",
        ),
        (Code::BadChannelHeader, "BAD_CHANNEL_HEADER", Rejected, false, "the channel header is wrong"),
        (Code::BadResponsePayload, "BAD_RESPONSE_PAYLOAD", Rejected, false, "the endorsed payload is wrong"),
        (Code::BadRwset, "BAD_RWSET", Rejected, false, "the reads and writes do not decode"),
        (
            Code::IllegalWriteset,
            "ILLEGAL_WRITESET",
            PermissionDenied,
            false,
            "it writes where the chaincode may not",
        ),
        (Code::InvalidWriteset, "INVALID_WRITESET", Rejected, false, "its writes are not valid"),
        (Code::InvalidChaincode, "INVALID_CHAINCODE", NotFound, false, "there is no such chaincode"),
        (Code::NotValidated, "NOT_VALIDATED", Unavailable, true, "the peer has not judged it yet"),
        (
            Code::InvalidOtherReason,
            "INVALID_OTHER_REASON",
            Rejected,
            false,
            "for a reason that peers do not tell",
        ),
        (Code::Valid, "VALID", Internal, false, "it had effect"),
    ]
};

/// The outcome that a code stands for; a code that is in no table is a refusal.
pub(crate) fn outcome(code: i32) -> Result<(), Error> {
    if code == Code::Valid as i32 {
        return Ok(());
    }
    let known = TABLE.iter().find(|(of, ..)| *of as i32 == code);
    let (name, code, retryable, says) = match known {
        Some((_, name, code, retryable, says)) => ((*name).to_owned(), *code, *retryable, *says),
        None => (code.to_string(), ErrorCode::Rejected, false, "with a code that this adapter does not know"),
    };
    let message = format!("the peers found the transaction invalid: {says}");
    Err(Error { retryable, ..Error::new(code, message).with_native(name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_fabric_has_a_meaning_and_only_lost_races_may_be_tried_again() {
        let codes = (0..=255).filter(|code| Code::try_from(*code).is_ok());
        assert_eq!(codes.clone().count(), TABLE.len());
        for code in codes {
            assert!(TABLE.iter().any(|(of, ..)| *of as i32 == code), "{code}");
        }
        let conflicts: Vec<i32> = (0..=255)
            .filter(|code| {
                outcome(*code).is_err_and(|error| error.code == ErrorCode::Conflict && error.retryable)
            })
            .collect();
        assert_eq!(conflicts, [11, 12, 17, 18]);
        assert_eq!(outcome(9).unwrap_err().code, ErrorCode::AlreadyExists);
        assert_eq!(outcome(200).unwrap_err().code, ErrorCode::Rejected);
        assert!(outcome(0).is_ok());
    }
}
