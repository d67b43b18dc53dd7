//! Sends a transaction to the orderers, by way of a peer's gateway.

use adapter_sdk::{
    Imports,
    types::{Effect, Envelope, Error, SendFailure, transport::GrpcFailure},
};
use prost::Message as _;

use crate::{
    errors::{self, invalid},
    memory,
    peers::{Peers, SUBMIT},
    proto::{
        common::{self, HeaderType},
        gateway::{SubmitRequest, SubmitResponse},
    },
    settings::Settings,
    transaction::{self, Headers},
};

/// Sends it. Peers tell a repetition by its id: of the same transaction sent twice the second is in a block without effect, and
/// orderers of SmartBFT take it no second time.
pub(crate) async fn send(
    settings: &Settings,
    host: &dyn Imports,
    envelope: &Envelope,
) -> Result<(), SendFailure> {
    let never = |error: Error| SendFailure { error, effect: Effect::Never };
    let prepared = checked(settings, host, envelope).map_err(never)?;
    let peers = Peers::lent(host).map_err(never)?;
    let request = SubmitRequest {
        transaction_id: envelope.transaction.clone(),
        channel_id: settings.channel.clone(),
        prepared_transaction: Some(prepared),
    };
    // What was sent before may have arrived, whatever this attempt comes to.
    let again = memory::remember_sent(host, &envelope.transaction).await;
    let honest = |failure: SendFailure| match again {
        true => SendFailure { effect: Effect::Unknown, ..failure },
        false => failure,
    };
    let mut last = None;
    for peer in &peers.lent {
        let answer = host.grpc(vec![Peers::request(peer, SUBMIT, &request, false)]).await.pop();
        let failure = match answer {
            Some(Ok(answer)) => {
                return SubmitResponse::decode(answer.as_slice()).map(|_| ()).map_err(|error| SendFailure {
                    error: errors::corrupt(format!("the answer to Submit does not decode: {error}")),
                    effect: Effect::Unknown,
                });
            }
            Some(Err(GrpcFailure::Status(status))) if errors::is_repetition(&status) => return Ok(()),
            Some(Err(failure)) => failure,
            None => continue,
        };
        // Another peer is tried only where nothing has left for this one.
        let never_left =
            matches!(&failure, GrpcFailure::Transport(failure) if failure.effect() == Effect::Never);
        let failure = honest(errors::of_submission(failure, false));
        if !never_left {
            return Err(failure);
        }
        last.get_or_insert(failure);
    }
    Err(last.unwrap_or_else(|| SendFailure {
        error: errors::corrupt("the host gave no answer"),
        effect: Effect::Unknown,
    }))
}

/// The envelope, where it is this transaction of this channel.
fn checked(settings: &Settings, host: &dyn Imports, envelope: &Envelope) -> Result<common::Envelope, Error> {
    let broken = || invalid("the envelope is no signed Fabric transaction");
    let decoded = common::Envelope::decode(envelope.bytes.as_slice()).map_err(|_| broken())?;
    let headers = Headers::of_payload(&decoded.payload).ok_or_else(broken)?;
    if decoded.signature.is_empty() || headers.channel.r#type != HeaderType::EndorserTransaction as i32 {
        return Err(broken());
    }
    if headers.channel.channel_id != settings.channel {
        return Err(invalid("the envelope is of another channel"));
    }
    let id = transaction::id(host, &headers.signature.nonce, &headers.signature.creator);
    if id != envelope.transaction || headers.channel.tx_id != id {
        return Err(invalid("the envelope is of another transaction"));
    }
    Ok(decoded)
}
