//! What became of a transaction.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode, Inclusion, Receipt},
};
use prost::Message as _;

use crate::{
    block::Block,
    continuation::Tracking,
    errors::{corrupt, invalid},
    hex, memory,
    peers::{self, COMMIT_STATUS, Client, EVALUATE, Peers, QSCC},
    proto::{
        gateway::{CommitStatusRequest, SignedCommitStatusRequest},
        peer::SignedProposal,
    },
    settings::Settings,
    transaction, validation,
};

/// How long one look waits for a commit, milliseconds: shorter than orderers take to cut a block, since whoever waits
/// looks again.
const WAIT_MILLIS: u32 = 200;

/// What became of it.
pub(crate) async fn receipt(
    settings: &Settings,
    host: &dyn Imports,
    id: &str,
    tracking: &[u8],
) -> Result<Receipt, Error> {
    if !hex::is_transaction(id) {
        return Err(invalid("a transaction's id is 64 hexadecimal digits in lower case"));
    }
    let peers = Peers::lent(host)?;
    let found = if tracking.is_empty() {
        let client = Client::lent(settings, host).await?;
        found(client.query(&peers, QSCC, client.of_channel("GetBlockByTxID", &[id.as_bytes()])).await)?
    } else {
        let tracking = Tracking::decode(host, tracking)?;
        if tracking.transaction != id {
            return Err(invalid("the tracking is of another transaction"));
        }
        // First, since a look at what is not there yet costs peers as much as one that finds.
        wait(settings, &peers, &tracking).await?;
        look(settings, &peers, &tracking).await?
    };
    match found {
        Some(block) => {
            let receipt = of_block(host, &Block::decode(host, &block)?.with_codes()?, id)?;
            memory::remember_final(host, id).await;
            Ok(receipt)
        }
        None if memory::was_final(host, id).await => Err(Error::retryable(
            ErrorCode::Unavailable,
            "the peer is behind: it has not yet the block of a transaction that was final; ask again later",
        )),
        None => Ok(unknown(id)),
    }
}

/// What was found; none where the channel has no such transaction.
fn found(answer: Result<Vec<u8>, Error>) -> Result<Option<Vec<u8>>, Error> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        // It is the question that a peer takes for no more than 15 minutes, and not the transaction.
        Err(error) if error.code == ErrorCode::Expired => {
            let message = "peers no longer take what asks for the receipt: lend a service key as \"client\", or set the clock right";
            Err(Error { code: ErrorCode::PermissionDenied, message: message.into(), ..error })
        }
        Err(error) => Err(error),
    }
}

/// The block of the transaction: asked for by the service key where one is lent, and otherwise by what its creator signed for
/// this, which peers take for 15 minutes.
async fn look(settings: &Settings, peers: &Peers<'_>, tracking: &Tracking) -> Result<Option<Vec<u8>>, Error> {
    if let Ok(client) = Client::lent(settings, peers.host).await {
        let arguments = client.of_channel("GetBlockByTxID", &[tracking.transaction.as_bytes()]);
        return found(client.query(peers, QSCC, arguments).await);
    }
    let signed = SignedProposal {
        proposal_bytes: tracking.proposal.clone(),
        signature: tracking.proposal_signature.clone(),
    };
    let request = peers::evaluation(&tracking.query, &settings.channel, signed);
    found(peers::answered(peers.read(EVALUATE, &request, false).await, QSCC))
}

/// Waits a little for the commit. `CommitStatus` answers when the transaction is in a block, so it is read as a stream that is
/// let go when nothing has come. What it says is left for the block to say: the peer may be slow or down, or the creator's
/// certificate over, and another peer have the block all the same.
async fn wait(settings: &Settings, peers: &Peers<'_>, tracking: &Tracking) -> Result<(), Error> {
    let asked = CommitStatusRequest::decode(tracking.status.as_slice())
        .map_err(|_| invalid("the tracking does not decode"))?;
    if asked.transaction_id != tracking.transaction || asked.channel_id != settings.channel {
        return Err(invalid("the tracking is of another transaction"));
    }
    let request = SignedCommitStatusRequest {
        request: tracking.status.clone(),
        signature: tracking.status_signature.clone(),
    };
    let Some(peer) = peers.lent.first() else { return Ok(()) };
    if let Ok(mut stream) = peers.host.grpc_stream(Peers::request(peer, COMMIT_STATUS, &request, false)).await
    {
        drop(stream.next(WAIT_MILLIS).await);
    }
    Ok(())
}

fn unknown(id: &str) -> Receipt {
    Receipt {
        transaction: id.into(),
        inclusion: Inclusion::Unknown,
        block: None,
        index: None,
        outcome: None,
        created: None,
        events: Vec::new(),
        fee: None,
        extensions: Vec::new(),
    }
}

/// The receipt of a transaction in a block, which is final as soon as it is in one.
fn of_block(host: &dyn Imports, block: &Block, id: &str) -> Result<Receipt, Error> {
    let place = block.place(id).ok_or_else(|| corrupt("the block is not that of the transaction"))?;
    let entry = block.entries.get(place).ok_or_else(|| corrupt("the block has no such place"))?;
    if let Some(headers) = &entry.headers
        && transaction::id(host, &headers.signature.nonce, &headers.signature.creator) != id
    {
        return Err(corrupt("the transaction's id is not the hash of its nonce and creator"));
    }
    let code = block.code(place).ok_or_else(|| corrupt("the block says nothing of the transaction"))?;
    let outcome = validation::outcome(code.into()).map(|()| entry.output());
    let events = block.events().into_iter().filter(|(of, _)| *of == place).map(|(_, event)| event);
    Ok(Receipt {
        inclusion: Inclusion::Final,
        block: Some(block.reference.clone()),
        index: u32::try_from(place).ok(),
        outcome: Some(outcome),
        events: events.collect(),
        ..unknown(id)
    })
}
