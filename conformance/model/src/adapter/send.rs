//! Sending, and the truth about what a refused send can still do.

use adapter_sdk::{
    Imports,
    types::{
        Effect, Envelope, Error, ErrorCode, SendFailure,
        transport::{Failure, JsonRpcFailure},
    },
};
use serde::Deserialize;
use serde_json::json;

use super::{
    blocks,
    errors::{self, Asked, corrupt, invalid},
    leases::{self, Counts},
    receipt::{self, Known},
    records,
    resume::of_this_space,
    rpc::{self, Ask, Nodes, SUBMIT, SubmitFailure},
    settings::Settings,
};
use crate::wire::{Body, Hash, Parcel, Wire as _, codes};

/// Codes with which a node refuses these very bytes, and keeps nothing of them.
const REFUSALS: [i64; 11] = [
    codes::NONCE_USED,
    codes::REPLACEMENT_UNDERPRICED,
    codes::UNDERPRICED,
    codes::INSUFFICIENT_FUNDS,
    codes::TOO_LARGE,
    codes::MALFORMED,
    codes::BAD_SIGNATURE,
    codes::OTHER_CHAIN,
    codes::NOT_ADMITTED,
    codes::WINDOW_PASSED,
    codes::UNKNOWN_SPACE,
];

fn never(error: Error) -> SendFailure {
    SendFailure { error, effect: Effect::Never }
}

fn unknown(error: Error) -> SendFailure {
    SendFailure { error, effect: Effect::Unknown }
}

/// How one endpoint took it.
enum Attempt {
    Taken,
    /// It never left.
    NotSent(Error),
    /// The node refused these bytes.
    Refused(Error),
    Unknown(Error),
}

/// Sends a transaction. The same one again is success.
pub(super) async fn send(
    settings: &Settings,
    host: &dyn Imports,
    envelope: &Envelope,
) -> Result<(), SendFailure> {
    let prepare = || {
        let parcel =
            Parcel::decode(&envelope.bytes).map_err(|_| invalid("the envelope is not this adapter's"))?;
        let body = parcel.transaction.body;
        of_this_space(settings, &body)?;
        if envelope.transaction != hex::encode(body.id()) {
            return Err(invalid("the envelope's bytes are not those of its transaction"));
        }
        Ok((body, Nodes::lent(host)?, !parcel.private.is_empty()))
    };
    let (body, nodes, sensitive) = prepare().map_err(never)?;
    let id = body.id();
    // Whether it was sent before is not known when the book cannot be read.
    let first = claim(settings, host, &body, id).await.map_err(unknown)?;
    let ask =
        Ask::new(settings, SUBMIT, json!({"parcel": hex::encode(&envelope.bytes)})).sensitive(sensitive);

    let (mut may_be_there, mut refused, mut told) = (!first, false, None);
    for place in 0..nodes.count() {
        match attempt(&nodes, place, &ask, id).await {
            Attempt::Taken => return Ok(()),
            Attempt::NotSent(error) => told = told.or(Some(error)),
            Attempt::Refused(error) => {
                (told, refused) = (Some(error), true);
                break;
            }
            Attempt::Unknown(error) => {
                may_be_there = true;
                // It says more than that another endpoint was down.
                told = Some(error);
            }
        }
    }
    let error = told.unwrap_or_else(|| Error::new(ErrorCode::Unavailable, "no endpoint is lent"));
    if may_be_there {
        let passed = error.code == ErrorCode::Expired && has_passed(settings, &nodes, &body, id).await;
        return Err(if passed { never(error) } else { unknown(error) });
    }
    let account = body.sender();
    let forgotten = leases::update(settings, host, &account, |book| {
        book.not_sent(id, refused);
        Ok(())
    });
    forgotten.await.map_err(never)?;
    Err(never(error))
}

/// Marks the envelope as sent, before it is. True: it was never sent before.
async fn claim(settings: &Settings, host: &dyn Imports, body: &Body, id: Hash) -> Result<bool, Error> {
    let now = host.now_millis();
    let envelope = leases::Envelope {
        owner: records::owner(&id),
        nonce: body.nonce,
        id,
        until: now.saturating_add(settings.lease_millis),
        last_block: body.last_block,
        replaces: false,
    };
    // Nothing is asked before sending, so nothing is tidied by height.
    let counts = Counts { pending: 0, head: 0, now };
    leases::update(settings, host, &body.sender(), |book| Ok(book.begin_sending(envelope, counts))).await
}

async fn attempt(nodes: &Nodes<'_>, place: usize, ask: &Ask, id: Hash) -> Attempt {
    #[derive(Deserialize)]
    struct Taken {
        id: String,
    }
    let failure = match nodes.submit(place, ask).await {
        Ok(answer) => match rpc::decode::<Taken>(answer) {
            Ok(taken) if taken.id == hex::encode(id) => return Attempt::Taken,
            Ok(_) => return Attempt::Unknown(corrupt("it is another transaction's id")),
            Err(error) => return Attempt::Unknown(error),
        },
        Err(SubmitFailure::Corrupt(error)) => return Attempt::Unknown(error),
        Err(SubmitFailure::Failed(failure)) => failure,
    };
    let error = errors::from_failure(Asked::Submission, &failure);
    match failure {
        JsonRpcFailure::Error(native) if native.code == codes::KNOWN => Attempt::Taken,
        JsonRpcFailure::Error(native) if REFUSALS.contains(&native.code) => Attempt::Refused(error),
        JsonRpcFailure::Transport(Failure::Refused(_) | Failure::Unreachable(_)) => Attempt::NotSent(error),
        _ => Attempt::Unknown(error),
    }
}

/// Whether all blocks that could carry it are final and none does.
async fn has_passed(settings: &Settings, nodes: &Nodes<'_>, body: &Body, id: Hash) -> bool {
    let Ok(status) = blocks::chain_status(settings, nodes).await else { return false };
    let known = receipt::look(settings, nodes, &id).await;
    status.last_final() >= body.last_block && matches!(known, Ok(Known::Nowhere))
}
