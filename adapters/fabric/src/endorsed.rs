//! Whether what was endorsed is what was asked for: looked at before anybody signs it.

use std::collections::BTreeSet;

use adapter_sdk::{Imports, types::Error};
use prost::Message as _;

use crate::{
    errors::corrupt,
    identity::Identity,
    proposal::Parts,
    proto::{
        common::{Header, Payload},
        peer::{
            ChaincodeAction, ChaincodeActionPayload, ChaincodeEndorsedAction, Endorsement,
            ProposalResponsePayload, Transaction, TransactionAction,
        },
    },
};

/// The one who endorsed, where the signature is its own over the endorsed bytes and its identity.
pub(crate) fn endorser(host: &dyn Imports, payload: &[u8], endorsement: &Endorsement) -> Option<Identity> {
    let identity = Identity::decode(&endorsement.endorser)?;
    let message = [payload, &endorsement.endorser].concat();
    identity.certificate.signed(host, &message, &endorsement.signature).then_some(identity)
}

/// Fails unless the payload of the prepared transaction is the endorsed proposal and nothing else: the same headers, the same
/// call, the proposal's hash, and endorsements that verify, by each organisation that was asked for.
pub(crate) fn check(
    host: &dyn Imports,
    proposal: &Parts,
    organisations: &[String],
    payload: &[u8],
) -> Result<(), Error> {
    let differs =
        |what: &str| corrupt(format!("the gateway endorsed something else than was asked for: {what}"));
    let broken = || corrupt("the prepared transaction does not decode");
    let decoded = Payload::decode(payload).map_err(|_| broken())?;
    let header = decoded.header.as_ref().ok_or_else(broken)?;
    if header.channel_header != proposal.header.channel_header {
        return Err(differs("another channel header"));
    }
    if header.signature_header != proposal.header.signature_header {
        return Err(differs("another creator or nonce"));
    }
    let transaction = Transaction::decode(decoded.data.as_slice()).map_err(|_| broken())?;
    let [action] = transaction.actions.as_slice() else { return Err(differs("not one action")) };
    if action.header != proposal.header.signature_header {
        return Err(differs("another creator of the action"));
    }
    let called = ChaincodeActionPayload::decode(action.payload.as_slice()).map_err(|_| broken())?;
    if called.chaincode_proposal_payload != proposal.public_payload {
        return Err(differs("other arguments"));
    }
    let endorsed = called.action.as_ref().ok_or_else(broken)?;
    result(host, proposal, &endorsed.proposal_response_payload)?;
    endorsements(host, organisations, endorsed)?;
    // Nothing may stand beside what was looked at.
    if written_again(header, &proposal.public_payload, endorsed, action) != payload {
        return Err(differs("it has more than a transaction has"));
    }
    Ok(())
}

fn result(host: &dyn Imports, proposal: &Parts, payload: &[u8]) -> Result<(), Error> {
    let broken = || corrupt("what was endorsed does not decode");
    let response = ProposalResponsePayload::decode(payload).map_err(|_| broken())?;
    if response.proposal_hash != proposal.hash(host) {
        return Err(corrupt("the endorsements are of another proposal: its hash differs"));
    }
    let action = ChaincodeAction::decode(response.extension.as_slice()).map_err(|_| broken())?;
    let name = action.chaincode_id.map(|id| id.name).unwrap_or_default();
    if name != proposal.chaincode {
        return Err(corrupt("the endorsements are of another chaincode"));
    }
    match action.response.map(|response| response.status) {
        Some(200..400) => Ok(()),
        _ => Err(corrupt("the endorsements are of a call that failed")),
    }
}

fn endorsements(
    host: &dyn Imports,
    organisations: &[String],
    endorsed: &ChaincodeEndorsedAction,
) -> Result<(), Error> {
    let mut who = BTreeSet::new();
    for endorsement in &endorsed.endorsements {
        let endorser = endorser(host, &endorsed.proposal_response_payload, endorsement)
            .ok_or_else(|| corrupt("an endorsement's signature does not verify"))?;
        who.insert(endorser.msp);
    }
    if who.is_empty() {
        return Err(corrupt("the prepared transaction has no endorsement"));
    }
    match organisations.iter().find(|organisation| !who.contains(*organisation)) {
        Some(missing) => Err(corrupt(format!("{missing} did not endorse, and was asked to"))),
        None => Ok(()),
    }
}

fn written_again(
    header: &Header,
    called: &[u8],
    endorsed: &ChaincodeEndorsedAction,
    action: &TransactionAction,
) -> Vec<u8> {
    let action = TransactionAction {
        header: action.header.clone(),
        payload: ChaincodeActionPayload {
            chaincode_proposal_payload: called.to_vec(),
            action: Some(endorsed.clone()),
        }
        .encode_to_vec(),
    };
    let data = Transaction { actions: vec![action] }.encode_to_vec();
    Payload { header: Some(header.clone()), data }.encode_to_vec()
}
