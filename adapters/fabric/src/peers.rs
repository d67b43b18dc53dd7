//! The lent peers, and what the operator's own key may ask them.

use adapter_sdk::{
    Imports,
    types::{
        Error, ErrorCode, SigningInput,
        transport::{Failure, GrpcFailure, GrpcRequest, GrpcStatus, Lent},
    },
};
use prost::Message;

use crate::{
    errors::{self, READ, corrupt},
    identity::{self, Identity},
    proposal::{self, Invocation, Proposed},
    proto::{
        gateway::{EvaluateRequest, EvaluateResponse},
        peer::SignedProposal,
    },
    settings::Settings,
    signature,
};

/// The descriptor's name of the endpoints.
pub(crate) const NEED: &str = "peer";
/// The descriptor's name of the service key.
pub(crate) const CLIENT: &str = "client";

pub(crate) const EVALUATE: &str = "/gateway.Gateway/Evaluate";
pub(crate) const ENDORSE: &str = "/gateway.Gateway/Endorse";
pub(crate) const SUBMIT: &str = "/gateway.Gateway/Submit";
pub(crate) const COMMIT_STATUS: &str = "/gateway.Gateway/CommitStatus";
pub(crate) const DELIVER: &str = "/protos.Deliver/Deliver";
pub(crate) const PROCESS_PROPOSAL: &str = "/protos.Endorser/ProcessProposal";

/// What changes nothing. An endorsement is a simulation; only what is ordered changes the ledger.
pub(crate) const READS: [&str; 5] = [EVALUATE, ENDORSE, COMMIT_STATUS, DELIVER, PROCESS_PROPOSAL];

/// The query system chaincode (`core/scc/qscc`).
pub(crate) const QSCC: &str = "qscc";

/// The lent peers, in the operator's order.
pub(crate) struct Peers<'a> {
    pub(crate) host: &'a dyn Imports,
    pub(crate) lent: Vec<Lent>,
}

impl<'a> Peers<'a> {
    /// Fails where none is lent.
    pub(crate) fn lent(host: &'a dyn Imports) -> Result<Self, Error> {
        let lent = host.lent_as(NEED);
        if lent.is_empty() {
            return Err(Error::new(ErrorCode::Unavailable, format!("no endpoint is lent as {NEED:?}")));
        }
        Ok(Peers { host, lent })
    }

    /// A request to one of them.
    pub(crate) fn request(peer: &Lent, method: &str, message: &impl Message, sensitive: bool) -> GrpcRequest {
        GrpcRequest {
            endpoint: peer.endpoint.clone(),
            method: method.into(),
            message: message.encode_to_vec(),
            sensitive,
        }
    }

    /// Asks the first peer, and the next one where a peer cannot be reached or does not serve; a read.
    pub(crate) async fn read(
        &self,
        method: &str,
        message: &impl Message,
        sensitive: bool,
    ) -> Result<Vec<u8>, GrpcFailure> {
        let mut answers = self.read_all(method, &[message.encode_to_vec()], sensitive).await;
        answers.pop().unwrap_or_else(|| Err(no_answer()))
    }

    /// The same for several requests, each asked side by side of one peer after the other.
    pub(crate) async fn read_all(
        &self,
        method: &str,
        messages: &[Vec<u8>],
        sensitive: bool,
    ) -> Vec<Result<Vec<u8>, GrpcFailure>> {
        let mut answers: Vec<Result<Vec<u8>, GrpcFailure>> =
            messages.iter().map(|_| Err(no_answer())).collect();
        let mut open: Vec<usize> = (0..messages.len()).collect();
        for (number, peer) in self.lent.iter().enumerate() {
            let requests = open.iter().filter_map(|place| {
                let message = messages.get(*place)?.clone();
                Some(GrpcRequest {
                    endpoint: peer.endpoint.clone(),
                    method: method.into(),
                    message,
                    sensitive,
                })
            });
            let came = self.host.grpc(requests.collect()).await;
            let mut failed = Vec::new();
            for (place, answer) in open.iter().zip(came) {
                if answer.as_ref().is_err_and(another_may_help) {
                    failed.push(*place);
                    // What the first peer said is the better word, unless it said nothing.
                    if number > 0 && matches!(answer, Err(GrpcFailure::Transport(_))) {
                        continue;
                    }
                }
                if let Some(kept) = answers.get_mut(*place) {
                    *kept = answer;
                }
            }
            if failed.is_empty() {
                break;
            }
            open = failed;
        }
        answers
    }
}

fn no_answer() -> GrpcFailure {
    GrpcFailure::Transport(Failure::Interrupted("the host gave no answer".into()))
}

/// Whether another peer may answer what this one did not.
fn another_may_help(failure: &GrpcFailure) -> bool {
    match failure {
        GrpcFailure::Transport(failure) => !matches!(failure, Failure::Exhausted),
        GrpcFailure::Status(GrpcStatus { code, .. }) => matches!(code, 1 | 4 | 8 | 12 | 13 | 14),
    }
}

/// The operator's identity, which signs reads.
pub(crate) struct Client<'a> {
    pub(crate) host: &'a dyn Imports,
    settings: &'a Settings,
    pub(crate) identity: Identity,
}

impl<'a> Client<'a> {
    /// The lent service key.
    pub(crate) async fn lent(settings: &'a Settings, host: &'a dyn Imports) -> Result<Self, Error> {
        let key = host.service_public_key(CLIENT).await.map_err(|error| {
            let message = format!(
                "Fabric's peers answer signed requests only, and no service key is lent as {CLIENT:?}: {}",
                error.message
            );
            Error::new(ErrorCode::PermissionDenied, message)
        })?;
        let certificate = identity::certificate_of(&key)?;
        Ok(Client { host, settings, identity: Identity::new(settings.service_msp(), certificate)? })
    }

    /// The channel of the settings.
    pub(crate) fn channel(&self) -> &str {
        &self.settings.channel
    }

    /// DER of a signature by it.
    pub(crate) async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.host.service_sign(CLIENT, SigningInput::Message(message.to_vec())).await?;
        signature::to_der(&signature).ok_or_else(|| {
            Error::new(ErrorCode::Internal, "the service key's signature is not as it must be")
        })
    }

    /// A signed proposal of its own.
    pub(crate) async fn propose(
        &self,
        chaincode: &str,
        arguments: Vec<Vec<u8>>,
    ) -> Result<(Proposed, SignedProposal), Error> {
        let invocation = Invocation {
            channel: &self.settings.channel,
            chaincode,
            arguments,
            transient: Default::default(),
        };
        let nonce = self.host.random(24);
        let proposed = proposal::propose(self.host, &self.identity, nonce, &invocation);
        let signature = self.sign(&proposed.bytes).await?;
        let signed = SignedProposal { proposal_bytes: proposed.bytes.clone(), signature };
        Ok((proposed, signed))
    }

    /// What a chaincode answers to each of several lists of arguments, the function's name first. At most 64.
    pub(crate) async fn queries(
        &self,
        peers: &Peers<'_>,
        chaincode: &str,
        all: Vec<Vec<Vec<u8>>>,
    ) -> Result<Vec<Result<Vec<u8>, Error>>, Error> {
        let mut requests = Vec::with_capacity(all.len());
        for arguments in all {
            let (proposed, signed) = self.propose(chaincode, arguments).await?;
            requests.push(evaluation(&proposed.id, &self.settings.channel, signed).encode_to_vec());
        }
        let answers = peers.read_all(EVALUATE, &requests, false).await;
        Ok(answers.into_iter().map(|answer| answered(answer, chaincode)).collect())
    }

    /// What a chaincode answers.
    pub(crate) async fn query(
        &self,
        peers: &Peers<'_>,
        chaincode: &str,
        arguments: Vec<Vec<u8>>,
    ) -> Result<Vec<u8>, Error> {
        let answers = self.queries(peers, chaincode, vec![arguments]).await?;
        answers.into_iter().next().unwrap_or_else(|| Err(corrupt("no answer to a query")))
    }

    /// Arguments of qscc: a function of the channel.
    pub(crate) fn of_channel(&self, function: &str, more: &[&[u8]]) -> Vec<Vec<u8>> {
        let first = [function.as_bytes(), self.settings.channel.as_bytes()];
        first.iter().chain(more).map(|argument| argument.to_vec()).collect()
    }
}

/// A request that a gateway evaluates.
pub(crate) fn evaluation(id: &str, channel: &str, signed: SignedProposal) -> EvaluateRequest {
    EvaluateRequest {
        transaction_id: id.into(),
        channel_id: channel.into(),
        proposed_transaction: Some(signed),
        target_organizations: Vec::new(),
    }
}

/// The payload of an evaluation's answer.
pub(crate) fn payload(answer: &[u8], private: bool) -> Result<Vec<u8>, Error> {
    let answer = EvaluateResponse::decode(answer)
        .map_err(|error| corrupt(format!("the answer to Evaluate does not decode: {error}")))?;
    let response = answer.result.ok_or_else(|| corrupt("the answer to Evaluate has no result"))?;
    match response.status {
        200..400 => Ok(response.payload),
        400.. => Err(errors::of_contract(&response.message, private)),
        status => Err(corrupt(format!("a chaincode's status is {status}"))),
    }
}

/// The answer of a system chaincode: what is not on the channel is `not-found`.
pub(crate) fn answered(answer: Result<Vec<u8>, GrpcFailure>, chaincode: &str) -> Result<Vec<u8>, Error> {
    if let Err(GrpcFailure::Status(status)) = &answer {
        let said = errors::words(status).to_lowercase();
        let missing = ["no such transaction id", "no such block", "not found in index", "is not defined"];
        if chaincode != QSCC || errors::chaincode_reason(status).is_some() || status.code == 2 {
            if missing.iter().any(|words| said.contains(words)) {
                let native = errors::cut(&errors::words(status), 1024);
                return Err(
                    Error::new(ErrorCode::NotFound, "the channel has no such thing").with_native(native)
                );
            }
            if errors::chaincode_reason(status).is_some() {
                let native = errors::cut(&errors::words(status), 1024);
                let message = format!("the peer's {chaincode} does not answer");
                return Err(Error::new(ErrorCode::Unavailable, message).with_native(native));
            }
        }
    }
    payload(&answer.map_err(|failure| errors::of_failure(failure, READ))?, false)
}
