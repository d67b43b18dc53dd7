//! A call goes on with its signatures: to its answer, to its endorsements, to its envelope.

use adapter_sdk::{
    Imports,
    types::{Envelope, Error, ErrorCode, Output, Signature, SigningInput, Step, Validity},
};
use prost::Message as _;

use crate::{
    begin,
    continuation::{self, Continuation, Tracking, WINDOW_MILLIS, Wait},
    endorsed,
    errors::{self, Asked, corrupt, cut, invalid},
    identity::Identity,
    memory,
    peers::{self, ENDORSE, EVALUATE, Peers, QSCC},
    proposal::{self, Invocation, Parts},
    proto::{
        common,
        gateway::{CommitStatusRequest, EndorseRequest, EndorseResponse},
        peer::SignedProposal,
    },
    settings::Settings,
    signature, store,
};

/// Goes on.
pub(crate) async fn resume(
    settings: &Settings,
    host: &dyn Imports,
    bytes: &[u8],
    signatures: &[Signature],
) -> Result<Step, Error> {
    let continuation = Continuation::decode(host, bytes).await?;
    let expired = |why: &str| Error::new(ErrorCode::Expired, format!("{why}; begin the call again"));
    if host.now_millis() > continuation.until {
        return Err(expired("the signatures came too late"));
    }
    if memory::is_abandoned(host, bytes).await {
        return Err(expired("the call was given up"));
    }
    let identity = continuation.identity()?;
    let signed = verified(host, &identity, &continuation, signatures)?;
    let ([first, ..], [item, ..]) = (signed.as_slice(), continuation.items.as_slice()) else {
        return Err(invalid("the continuation waits for nothing"));
    };
    if continuation.wait == Wait::Transaction as i32 {
        return envelope(host, &continuation, &signed).map(Step::Send);
    }
    let parts = proposal::parts(item).ok_or_else(|| invalid("the continuation has no proposal"))?;
    if parts.channel.channel_id != settings.channel {
        return Err(invalid("the continuation is of another channel"));
    }
    let proposed = SignedProposal { proposal_bytes: item.clone(), signature: first.clone() };
    match Wait::try_from(continuation.wait) {
        Ok(Wait::Endorsement) => endorse(settings, host, &continuation, &identity, &parts, proposed).await,
        Ok(Wait::Evaluation) => {
            let raw = evaluate(settings, host, &continuation, &parts, proposed).await?;
            Ok(Step::Answer(Output { raw, json: None }))
        }
        Ok(Wait::History) => {
            let raw = evaluate(settings, host, &continuation, &parts, proposed).await?;
            store::history(settings, host, raw).await.map(Step::Answer)
        }
        Ok(Wait::Nothing | Wait::Transaction) | Err(_) => Err(invalid("the continuation does not decode")),
    }
}

/// Gives a call up.
pub(crate) async fn abandon(host: &dyn Imports, bytes: &[u8]) -> Result<(), Error> {
    let until = continuation::is_one(host, bytes)?;
    memory::abandon(host, bytes, until).await;
    Ok(())
}

/// The signatures in Fabric's form, each verified against what it is over.
fn verified(
    host: &dyn Imports,
    identity: &Identity,
    continuation: &Continuation,
    signatures: &[Signature],
) -> Result<Vec<Vec<u8>>, Error> {
    let (wanted, came) = (continuation.items.len(), signatures.len());
    if wanted != came {
        return Err(invalid(format!("{wanted} signatures are needed, and {came} came")));
    }
    let one = |(item, signature): (&Vec<u8>, &Signature)| {
        let holds = host.verify(&identity.certificate.key, &SigningInput::Message(item.clone()), signature);
        signature::to_der(signature)
            .filter(|_| holds && signature.recovery_id.is_none())
            .ok_or_else(|| invalid("a signature does not verify, or is not r and s with s in the lower half"))
    };
    continuation.items.iter().zip(signatures).map(one).collect()
}

async fn evaluate(
    settings: &Settings,
    host: &dyn Imports,
    continuation: &Continuation,
    parts: &Parts,
    proposed: SignedProposal,
) -> Result<Vec<u8>, Error> {
    let request = peers::evaluation(&continuation.transaction, &settings.channel, proposed);
    let answer = Peers::lent(host)?.read(EVALUATE, &request, parts.private).await;
    let asked = Asked { submission: false, private: parts.private };
    peers::payload(&answer.map_err(|failure| errors::of_failure(failure, asked))?, parts.private)
}

async fn endorse(
    settings: &Settings,
    host: &dyn Imports,
    continuation: &Continuation,
    identity: &Identity,
    parts: &Parts,
    proposed: SignedProposal,
) -> Result<Step, Error> {
    let id = &continuation.transaction;
    let request = EndorseRequest {
        transaction_id: id.clone(),
        channel_id: settings.channel.clone(),
        proposed_transaction: Some(proposed),
        endorsing_organizations: settings.endorsing_organisations.clone(),
    };
    let peers = Peers::lent(host)?;
    let asked = Asked { submission: false, private: parts.private };
    let ask = async || {
        let answer = peers.read(ENDORSE, &request, parts.private).await;
        answer.map_err(|failure| errors::of_failure(failure, asked))
    };
    let answer = match ask().await {
        // A block came between one peer's run and the other's. To be endorsed again changes nothing anywhere.
        Err(error) if error.code == ErrorCode::Rejected && error.retryable => ask().await?,
        answer => answer?,
    };
    let answer = EndorseResponse::decode(answer.as_slice())
        .map_err(|error| corrupt(format!("the answer to Endorse does not decode: {error}")))?;
    let prepared = answer.prepared_transaction.unwrap_or_default().payload;
    endorsed::check(host, parts, &settings.endorsing_organisations, &prepared)?;

    let status = CommitStatusRequest {
        transaction_id: id.clone(),
        channel_id: settings.channel.clone(),
        identity: identity.serialized.clone(),
    };
    let lookup = Invocation {
        channel: &settings.channel,
        chaincode: QSCC,
        arguments: [b"GetBlockByTxID", settings.channel.as_bytes(), id.as_bytes()].map(<[u8]>::to_vec).into(),
        transient: Default::default(),
    };
    let nonce = begin::nonce(host, "receipt", &continuation.salt);
    let lookup = proposal::propose(host, identity, nonce, &lookup);
    let function = parts.arguments.first().map(|name| String::from_utf8_lossy(name).into_owned());
    let summary = format!(
        "the endorsed transaction {id}: {:?} of chaincode {:?} on channel {}, as {}; and two requests that ask for its receipt",
        cut(&function.unwrap_or_default(), 128),
        parts.chaincode,
        settings.channel,
        identity.msp,
    );
    let next = Continuation {
        wait: Wait::Transaction as i32,
        until: host.now_millis().saturating_add(WINDOW_MILLIS),
        items: vec![prepared, status.encode_to_vec(), lookup.bytes],
        seal: Vec::new(),
        query: lookup.id,
        ..continuation.clone()
    };
    next.ask(host, identity, false, &summary).await
}

fn envelope(host: &dyn Imports, continuation: &Continuation, signed: &[Vec<u8>]) -> Result<Envelope, Error> {
    let ([payload, status, query], [on_payload, on_status, on_query]) =
        (continuation.items.as_slice(), signed)
    else {
        return Err(invalid("the continuation does not decode"));
    };
    let envelope = common::Envelope { payload: payload.clone(), signature: on_payload.clone() };
    let tracking = Tracking {
        transaction: continuation.transaction.clone(),
        status: status.clone(),
        status_signature: on_status.clone(),
        query: continuation.query.clone(),
        proposal: query.clone(),
        proposal_signature: on_query.clone(),
    };
    Ok(Envelope {
        transaction: continuation.transaction.clone(),
        bytes: envelope.encode_to_vec(),
        // Orderers and peers take a transaction as long as its creator's certificate holds.
        valid_until: Validity::Millis(continuation.identity()?.certificate.not_after()),
        tracking: tracking.encode(host),
    })
}
