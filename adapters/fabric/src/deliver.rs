//! Blocks one after the other, from a peer's Deliver service: one request, and a stream of answers.

use adapter_sdk::{
    GrpcStream,
    types::{Error, ErrorCode},
};
use prost::Message as _;

use crate::{
    block::Block,
    errors::{self, READ, corrupt},
    peers::{Client, DELIVER, Peers},
    proposal::timestamp,
    proto::{
        common::{ChannelHeader, Envelope, Header, HeaderType, Payload, SignatureHeader, Status},
        orderer::{SeekBehavior, SeekInfo, SeekPosition, SeekSpecified, seek_position},
        peer::{DeliverResponse, deliver_response},
    },
};

/// How long one block is waited for, milliseconds: it is there already.
const WAIT_MILLIS: u32 = 10_000;

/// An open stream.
pub(crate) struct Blocks {
    stream: Box<dyn GrpcStream>,
    next: u64,
    last: u64,
    parent: Option<Vec<u8>>,
}

impl Blocks {
    /// Opens a stream of the blocks from `first` to `last`, both of which are there.
    pub(crate) async fn open(
        client: &Client<'_>,
        peers: &Peers<'_>,
        channel: &str,
        first: u64,
        last: u64,
    ) -> Result<Self, Error> {
        let mut refused = None;
        for peer in &peers.lent {
            let tls_cert_hash = peer.client_certificate_sha256.clone().unwrap_or_default();
            let request = seek(client, channel, tls_cert_hash, first, last).await?;
            match client.host.grpc_stream(Peers::request(peer, DELIVER, &request, false)).await {
                Ok(stream) => return Ok(Blocks { stream, next: first, last, parent: None }),
                Err(failure) => {
                    refused.get_or_insert(failure);
                }
            }
        }
        match refused {
            Some(failure) => Err(errors::of_failure(failure, READ)),
            None => Err(Error::new(ErrorCode::Unavailable, "no peer is lent")),
        }
    }

    /// The next block, which is the child of the one before; none at the end.
    pub(crate) async fn next(&mut self, client: &Client<'_>) -> Result<Option<Block>, Error> {
        if self.next > self.last {
            return Ok(None);
        }
        let message =
            self.stream.next(WAIT_MILLIS).await.map_err(|failure| errors::of_failure(failure, READ))?;
        let message = message.ok_or_else(|| {
            Error::retryable(ErrorCode::Unavailable, "the peer ended the stream of blocks too early")
        })?;
        let answer = DeliverResponse::decode(message.as_slice())
            .map_err(|error| corrupt(format!("an answer of Deliver does not decode: {error}")))?;
        let block = match answer.r#type {
            Some(deliver_response::Type::Block(block)) => Block::of(client.host, block)?.with_codes()?,
            Some(deliver_response::Type::Status(status)) => return Err(ended(status)),
            _ => return Err(corrupt("Deliver answers no block")),
        };
        if block.header.number != self.next {
            return Err(corrupt(format!("block {} came where {} was due", block.header.number, self.next)));
        }
        if self.parent.as_ref().is_some_and(|parent| *parent != block.header.previous_hash) {
            return Err(corrupt(format!("block {} is not the child of the one before", self.next)));
        }
        self.parent = Some(block.reference.hash.clone());
        self.next += 1;
        Ok(Some(block))
    }
}

/// What a stream that ends before its blocks came to its end means.
fn ended(status: i32) -> Error {
    let (code, retryable, says) = match Status::try_from(status) {
        Ok(Status::NotFound) => (ErrorCode::OutOfRange, true, "the peer does not have the block yet"),
        Ok(Status::Forbidden) => {
            (ErrorCode::PermissionDenied, false, "the peer does not let the service key read blocks")
        }
        Ok(Status::ServiceUnavailable | Status::InternalServerError) => {
            (ErrorCode::Unavailable, true, "the peer does not serve blocks now")
        }
        _ => (ErrorCode::Unavailable, false, "the peer ended the stream of blocks"),
    };
    Error { retryable, ..Error::new(code, says).with_native(status.to_string()) }
}

/// The signed request.
async fn seek(
    client: &Client<'_>,
    channel: &str,
    tls_cert_hash: Vec<u8>,
    first: u64,
    last: u64,
) -> Result<Envelope, Error> {
    let at = |number| {
        Some(SeekPosition { r#type: Some(seek_position::Type::Specified(SeekSpecified { number })) })
    };
    let seek = SeekInfo {
        start: at(first),
        stop: at(last),
        behavior: SeekBehavior::FailIfNotReady as i32,
        ..Default::default()
    };
    let channel_header = ChannelHeader {
        r#type: HeaderType::DeliverSeekInfo as i32,
        timestamp: Some(timestamp(client.host.now_millis())),
        channel_id: channel.into(),
        tls_cert_hash,
        ..Default::default()
    };
    let signature_header =
        SignatureHeader { creator: client.identity.serialized.clone(), nonce: client.host.random(24) };
    let header = Header {
        channel_header: channel_header.encode_to_vec(),
        signature_header: signature_header.encode_to_vec(),
    };
    let payload = Payload { header: Some(header), data: seek.encode_to_vec() }.encode_to_vec();
    Ok(Envelope { signature: client.sign(&payload).await?, payload })
}
