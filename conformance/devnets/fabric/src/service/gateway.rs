//! `gateway.Gateway`: evaluate, endorse, submit, commit status.

use prost::Message as _;
use tonic::{Code, Status};

use super::{
    broadcast::{ALREADY_PROCESSED, receive},
    rpc::{detail, judge, status},
};
use crate::{
    identity::{Identity, Role},
    members::Member,
    node::{Accepted, Node, Refused},
    proposal::Unpacked,
    proto::{
        common::{Envelope, Header, Payload, Status as BlockStatus},
        gateway::{
            CommitStatusRequest, CommitStatusResponse, EndorseRequest, EndorseResponse, EvaluateRequest,
            EvaluateResponse, SignedCommitStatusRequest, SubmitRequest, SubmitResponse,
        },
        peer::{
            ChaincodeAction, ChaincodeActionPayload, ChaincodeEndorsedAction, Endorsement, ProposalResponse,
            ProposalResponsePayload, SignedProposal, Transaction, TransactionAction,
        },
    },
    system,
};

/// Runs a proposal on one peer and answers what the contract said.
pub fn evaluate(node: &Node, local: &Member, request: EvaluateRequest) -> Result<EvaluateResponse, Status> {
    let signed = request.proposed_transaction.unwrap_or_default();
    let unpacked = Unpacked::decode(&signed)
        .map_err(|why| Status::invalid_argument(format!("failed to unpack transaction proposal: {why}")))?;
    let (channel, chaincode) = (&unpacked.channel, &unpacked.chaincode);
    if channel.is_empty() {
        return Err(Status::invalid_argument(
            "failed to unpack transaction proposal: no channel id provided",
        ));
    }
    if node.channel(channel).is_none() {
        return Err(Status::unavailable(no_config(channel)));
    }
    let targets = &request.target_organizations;
    let peer = match targets.as_slice() {
        [] => Some(local),
        targets if targets.contains(&local.msp_id) => Some(local),
        targets => targets.iter().find_map(|msp_id| node.members.peer(msp_id)),
    };
    let peer = peer.filter(|_| node.has_chaincode(channel, chaincode)).ok_or_else(|| {
        Status::failed_precondition(format!(
            "no peers available to evaluate chaincode {chaincode} in channel {channel}"
        ))
    })?;
    let answered = |code, message: String| {
        let text = format!("evaluate call to endorser returned error: {message}");
        status(code, &text, &[detail(peer, message)])
    };
    let accepted = match node.accept(&signed) {
        Ok(accepted) => accepted,
        Err(Refused::Invalid(message)) => return Err(answered(Code::FailedPrecondition, message)),
        Err(Refused::Channel(message)) => return Err(failed_everywhere(peer, message)),
    };
    let response = node.endorse(peer, &accepted);
    match judge(&response) {
        Ok(()) => {}
        Err((Code::Aborted, message)) => return Err(failed_everywhere(peer, message)),
        Err((code, message)) => return Err(answered(code, message)),
    }
    let mut result = response.response.unwrap_or_default();
    if let Some(payload) = answered_payload(&response.payload) {
        result.payload = payload;
    }
    Ok(EvaluateResponse { result: Some(result) })
}

fn failed_everywhere(peer: &Member, message: String) -> Status {
    let text = "failed to evaluate transaction, see attached details for more info";
    status(Code::Aborted, text, &[detail(peer, message)])
}

/// What the contract answered, out of a peer's signed payload.
fn answered_payload(payload: &[u8]) -> Option<Vec<u8>> {
    let payload = ProposalResponsePayload::decode(payload).ok()?;
    let action = ChaincodeAction::decode(payload.extension.as_slice()).ok()?;
    Some(action.response?.payload)
}

/// Collects endorsements, and assembles the envelope for the client to sign.
pub fn endorse(node: &Node, local: &Member, request: EndorseRequest) -> Result<EndorseResponse, Status> {
    let signed = request.proposed_transaction.unwrap_or_default();
    if signed.proposal_bytes.is_empty() {
        return Err(Status::invalid_argument("the proposed transaction must contain a signed proposal"));
    }
    let unpacked = Unpacked::decode(&signed).map_err(Status::invalid_argument)?;
    let peers = endorsers(node, local, &unpacked, &request.endorsing_organizations)?;
    let given = !request.endorsing_organizations.is_empty();
    // With organisations given, all are asked at once; else the first is asked alone.
    let first = if given { FEW } else { FIRST };
    let accepted = node.accept(&signed).map_err(|refused| {
        let (Refused::Invalid(message) | Refused::Channel(message)) = refused;
        let details: Vec<_> = peers
            .iter()
            .take(if given { peers.len() } else { 1 })
            .map(|peer| detail(peer, &message))
            .collect();
        status(Code::Aborted, first, &details)
    })?;
    let mut responses = Vec::new();
    let mut details = Vec::new();
    for peer in &peers {
        let response = node.endorse(peer, &accepted);
        if let Err((_, message)) = judge(&response) {
            details.push(detail(peer, message));
            if responses.is_empty() && !given {
                return Err(status(Code::Aborted, FIRST, &details));
            }
        } else {
            responses.push((*peer, response));
        }
    }
    let agreed = responses.first().map(|(_, response)| response.payload.clone());
    for (peer, response) in &responses {
        if Some(&response.payload) != agreed.as_ref() {
            details.push(detail(peer, "ProposalResponsePayloads do not match"));
        }
    }
    if !details.is_empty() {
        return Err(status(Code::Aborted, FEW, &details));
    }
    let responses = responses.into_iter().map(|(_, response)| response).collect();
    let prepared = assemble(&accepted, responses);
    Ok(EndorseResponse { prepared_transaction: Some(prepared) })
}

/// The message where the first peer does not endorse.
const FIRST: &str = "failed to endorse transaction, see attached details for more info";

/// The message where too few peers endorse the same.
const FEW: &str = "failed to collect enough transaction endorsements, see attached details for more info";

/// Which peers must endorse.
fn endorsers<'a>(
    node: &'a Node,
    local: &'a Member,
    unpacked: &Unpacked,
    given: &[String],
) -> Result<Vec<&'a Member>, Status> {
    let (channel, chaincode) = (&unpacked.channel, &unpacked.chaincode);
    let is_there = node.has_chaincode(channel, chaincode);
    if !given.is_empty() {
        let missing: Vec<&str> = given
            .iter()
            .filter(|msp_id| !is_there || node.members.peer(msp_id).is_none())
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(Status::unavailable(format!(
                "failed to find any endorsing peers for org(s): {missing}"
            )));
        }
        return Ok(given.iter().filter_map(|msp_id| node.members.peer(msp_id)).collect());
    }
    if system::is_system(chaincode) || !is_there {
        // Discovery knows no policy for these, and a gateway that is told no organisations asks discovery.
        return Err(Status::failed_precondition(format!(
            "no combination of peers can be derived which satisfy the endorsement policy: No metadata was found for \
             chaincode {chaincode} in channel {channel}"
        )));
    }
    let policy = node.channel(channel).and_then(|channel| channel.policies.get(chaincode));
    let required = policy.map_or(1, |policy| policy.required.max(1));
    let others = node.members.peers.iter().filter(|peer| peer.msp_id != local.msp_id);
    Ok(std::iter::once(local).chain(others).take(required).collect())
}

/// The transaction that the client signs.
pub(crate) fn assemble(accepted: &Accepted, responses: Vec<ProposalResponse>) -> Envelope {
    let Unpacked { header, payload, .. } = &accepted.unpacked;
    let proposal_response_payload =
        responses.first().map(|response| response.payload.clone()).unwrap_or_default();
    let endorsements: Vec<Endorsement> =
        responses.into_iter().filter_map(|response| response.endorsement).collect();
    let action = ChaincodeActionPayload {
        chaincode_proposal_payload: payload.clone(),
        action: Some(ChaincodeEndorsedAction { proposal_response_payload, endorsements }),
    };
    let action =
        TransactionAction { header: header.signature_header.clone(), payload: action.encode_to_vec() };
    let data = Transaction { actions: vec![action] }.encode_to_vec();
    let header: Header = header.clone();
    Envelope { payload: Payload { header: Some(header), data }.encode_to_vec(), signature: Vec::new() }
}

/// Gives a signed envelope to the ordering service.
pub fn submit(node: &Node, request: SubmitRequest) -> Result<SubmitResponse, Status> {
    let prepared = request
        .prepared_transaction
        .ok_or_else(|| Status::invalid_argument("a prepared transaction is required"))?;
    if prepared.signature.is_empty() {
        return Err(Status::invalid_argument("prepared transaction must be signed"));
    }
    let channel = &request.channel_id;
    if node.channel(channel).is_none() {
        return Err(Status::failed_precondition(no_config(channel)));
    }
    match receive(node, prepared) {
        Ok(()) => Ok(SubmitResponse {}),
        Err((BlockStatus::ServiceUnavailable, info)) => {
            let (text, info) = if info == ALREADY_PROCESSED {
                let text = "insufficient number of orderers could successfully process transaction to satisfy quorum requirement";
                let info = format!(
                    "received unsuccessful response from orderer: status=SERVICE_UNAVAILABLE, info={info}"
                );
                (text, info)
            } else {
                ("no orderers could successfully process transaction", info)
            };
            let details: Vec<_> =
                node.members.orderers.iter().map(|orderer| detail(orderer, &info)).collect();
            Err(status(Code::Unavailable, text, &details))
        }
        Err((named, info)) => {
            let named = match named {
                BlockStatus::Forbidden => "FORBIDDEN",
                BlockStatus::NotFound => "NOT_FOUND",
                _ => "BAD_REQUEST",
            };
            let text = format!("received unsuccessful response from orderer: status={named}, info={info}");
            Err(Status::aborted(text))
        }
    }
}

/// Waits until a transaction is in a block.
pub async fn commit_status(
    node: &Node,
    signed: SignedCommitStatusRequest,
) -> Result<CommitStatusResponse, Status> {
    if signed.request.is_empty() {
        return Err(Status::invalid_argument("a commit status request is required"));
    }
    let request = CommitStatusRequest::decode(signed.request.as_slice())
        .map_err(|error| Status::invalid_argument(format!("invalid status request: {error}")))?;
    let missing = match &request {
        request if request.identity.is_empty() => Some("no identity provided"),
        request if request.channel_id.is_empty() => Some("no channel ID provided"),
        request if request.transaction_id.is_empty() => Some("transaction ID should not be empty"),
        _ => None,
    };
    if let Some(missing) = missing {
        return Err(Status::invalid_argument(missing));
    }
    let channel = node.channel(&request.channel_id).cloned().ok_or_else(|| no_reader(&request.channel_id))?;
    reader(node, &request.channel_id, &request.identity, &signed.request, &signed.signature)
        .map_err(Status::permission_denied)?;
    let found = channel.committed(&request.transaction_id).await;
    let found = found.map_err(|_| Status::aborted("unexpected close of commit notification channel"))?;
    Ok(CommitStatusResponse { result: found.code as i32, block_number: found.block })
}

/// What a gateway says of a channel that its peer is not in.
fn no_config(channel: &str) -> String {
    format!("failed to get config for channel [{channel}]: could not get last config for channel {channel}")
}

/// What it says to who asks for such a channel's commits and events: nobody may.
pub fn no_reader(channel: &str) -> Status {
    Status::permission_denied(format!("Failed to get policy manager for channel [{channel}]"))
}

/// Whether somebody may read a channel, and signed what he asks.
pub fn reader(
    node: &Node,
    channel: &str,
    identity: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<std::sync::Arc<Identity>, String> {
    let may =
        |identity: &Identity| [Role::Client, Role::Admin, Role::Peer].iter().any(|role| identity.is(*role));
    let identity = node.members.identities.identify(identity).ok();
    let identity = identity.filter(|identity| may(identity) && identity.verify(message, signature).is_ok());
    identity.ok_or_else(|| {
        format!(
            "Failed evaluating policy on signed data during check policy on channel [{channel}] with policy \
             [/Channel/Application/Readers]: [implicit policy evaluation failed - 0 sub-policies were satisfied, but this \
             policy requires 1 of the 'Readers' sub-policies to be satisfied]"
        )
    })
}

/// `protos.Endorser/ProcessProposal`: one peer's answer.
pub fn process_proposal(
    node: &Node,
    local: &Member,
    signed: &SignedProposal,
) -> Result<ProposalResponse, Status> {
    match node.accept(signed) {
        Ok(accepted) => Ok(node.endorse(local, &accepted)),
        Err(Refused::Invalid(message)) => Err(Status::unknown(message)),
        Err(Refused::Channel(message)) => Ok(ProposalResponse {
            response: Some(crate::proto::peer::Response { status: 500, message, payload: Vec::new() }),
            ..ProposalResponse::default()
        }),
    }
}
