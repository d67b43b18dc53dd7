//! `gateway.Gateway/ChaincodeEvents`: the events of one chaincode, block by block, from a place on.

use std::sync::Arc;

use prost::Message as _;
use tokio::sync::mpsc;
use tonic::Status;

use super::gateway::{no_reader, reader};
use crate::{
    channel::Channel,
    node::Node,
    proto::{
        gateway::{ChaincodeEventsRequest, ChaincodeEventsResponse, SignedChaincodeEventsRequest},
        orderer::seek_position::Type as Seek,
        peer::{ChaincodeEvent, TxValidationCode},
    },
    system::unserved,
};

/// How many blocks wait for a slow client.
const AHEAD: usize = 64;

/// A stream of blocks with events.
pub type Events = mpsc::Receiver<Result<ChaincodeEventsResponse, Status>>;

/// Starts a stream.
pub fn chaincode_events(node: &Node, signed: &SignedChaincodeEventsRequest) -> Result<Events, Status> {
    if signed.request.is_empty() {
        return Err(Status::invalid_argument("a chaincode events request is required"));
    }
    let request = ChaincodeEventsRequest::decode(signed.request.as_slice())
        .map_err(|error| Status::invalid_argument(format!("invalid chaincode events request: {error}")))?;
    let channel = node.channel(&request.channel_id).cloned().ok_or_else(|| no_reader(&request.channel_id))?;
    reader(node, &request.channel_id, &request.identity, &signed.request, &signed.signature)
        .map_err(Status::permission_denied)?;
    let start = start(&channel, &request)?;
    let (sender, events) = mpsc::channel(AHEAD);
    tokio::spawn(send(channel, request, start, sender));
    Ok(events)
}

/// The block of the transaction to start after, where the ledger has it; else where the request says.
fn start(channel: &Channel, request: &ChaincodeEventsRequest) -> Result<u64, Status> {
    let ledger = channel.ledger();
    if let Some(found) = ledger.transaction(&request.after_transaction_id) {
        return Ok(found.block);
    }
    match request.start_position.and_then(|position| position.r#type) {
        None | Some(Seek::NextCommit(_)) => Ok(ledger.height()),
        Some(Seek::Specified(position)) => Ok(position.number),
        Some(_) => Err(Status::invalid_argument("invalid start position type")),
    }
}

async fn send(
    channel: Arc<Channel>,
    request: ChaincodeEventsRequest,
    start: u64,
    sender: mpsc::Sender<Result<ChaincodeEventsResponse, Status>>,
) {
    let mut heights = channel.heights();
    let mut passed = request.after_transaction_id.is_empty();
    let mut number = start;
    loop {
        while number >= *heights.borrow_and_update() {
            tokio::select! {
                changed = heights.changed() => if changed.is_err() { return },
                () = sender.closed() => return,
            }
        }
        let Some(entry) = channel.block(number) else {
            let why = unserved(&channel.ledger(), number);
            sender.send(Err(Status::aborted(why))).await.ok();
            return;
        };
        let mut events: Vec<ChaincodeEvent> = Vec::new();
        for transaction in entry.transactions.iter().filter(|found| found.code == TxValidationCode::Valid) {
            let Some(event) = &transaction.event else { continue };
            if !passed {
                passed = event.tx_id == request.after_transaction_id;
            } else if event.chaincode_id == request.chaincode_id {
                events.push(event.clone());
            }
        }
        if !events.is_empty() {
            let response = ChaincodeEventsResponse { events, block_number: number };
            if sender.send(Ok(response)).await.is_err() {
                return;
            }
        }
        number += 1;
    }
}
