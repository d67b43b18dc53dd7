//! `protos.Deliver` of peers and `orderer.AtomicBroadcast/Deliver` of orderers: blocks from a place on.

use std::{collections::BTreeMap, sync::Arc};

use prost::Message as _;
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::gateway::reader;
use crate::{
    channel::Channel,
    identity::Identity,
    ledger::BlockEntry,
    node::Node,
    proposal::WINDOW_SECONDS,
    proto::{
        common::{ChannelHeader, Envelope, HeaderType, Payload, SignatureHeader, Status as BlockStatus},
        ledger::TxPvtReadWriteSet,
        orderer::{SeekBehavior, SeekInfo, SeekPosition, seek_position::Type as Seek},
        peer::{
            BlockAndPrivateData, ChaincodeEvent, DeliverResponse, FilteredBlock, FilteredChaincodeAction,
            FilteredTransaction, FilteredTransactionActions, deliver_response::Type,
            filtered_transaction::Data,
        },
    },
};

/// How many blocks wait for a slow client.
const AHEAD: usize = 64;

/// What of a block is sent.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// All.
    Block,
    /// Ids, validation codes and events without payloads.
    Filtered,
    /// All, with the private data that the client's organisation has.
    Private,
}

/// A stream of blocks.
pub type Blocks = mpsc::Receiver<Result<DeliverResponse, Status>>;

/// Serves the requests of a stream, one after another.
pub fn deliver(node: Arc<Node>, mut requests: Streaming<Envelope>, form: Form) -> Blocks {
    let (sender, blocks) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        while let Ok(Some(request)) = requests.message().await {
            let status = serve(&node, &request, form, &sender).await;
            let response = DeliverResponse { r#type: Some(Type::Status(status as i32)) };
            if sender.send(Ok(response)).await.is_err() {
                return;
            }
        }
    });
    blocks
}

struct Wanted {
    channel: Arc<Channel>,
    reader: Arc<Identity>,
    start: u64,
    stop: u64,
    waits: bool,
}

/// Sends the blocks that a request asks for, and says how it ended.
async fn serve(
    node: &Node,
    request: &Envelope,
    form: Form,
    sender: &mpsc::Sender<Result<DeliverResponse, Status>>,
) -> BlockStatus {
    let Wanted { channel, reader, start, stop, waits } = match read(node, request) {
        Ok(wanted) => wanted,
        Err(status) => return status,
    };
    let mut heights = channel.heights();
    for number in start..=stop {
        while number >= *heights.borrow_and_update() {
            if !waits {
                return BlockStatus::NotFound;
            }
            tokio::select! {
                changed = heights.changed() => if changed.is_err() { return BlockStatus::ServiceUnavailable },
                () = sender.closed() => return BlockStatus::InternalServerError,
            }
        }
        let Some(entry) = channel.block(number) else { return BlockStatus::NotFound };
        let response = match form {
            Form::Block => Type::Block(entry.block.clone()),
            Form::Filtered => Type::FilteredBlock(filtered(&channel.name, &entry)),
            Form::Private => Type::BlockAndPrivateData(with_private(&channel, &reader, &entry)),
        };
        if sender.send(Ok(DeliverResponse { r#type: Some(response) })).await.is_err() {
            return BlockStatus::InternalServerError;
        }
    }
    BlockStatus::Success
}

fn read(node: &Node, request: &Envelope) -> Result<Wanted, BlockStatus> {
    let bad = BlockStatus::BadRequest;
    let payload = Payload::decode(request.payload.as_slice()).map_err(|_| bad)?;
    let header = payload.header.ok_or(bad)?;
    let channel_header = ChannelHeader::decode(header.channel_header.as_slice()).map_err(|_| bad)?;
    let signer = SignatureHeader::decode(header.signature_header.as_slice()).map_err(|_| bad)?;
    if channel_header.r#type != HeaderType::DeliverSeekInfo as i32 {
        return Err(bad);
    }
    let sent = channel_header.timestamp.and_then(|time| u64::try_from(time.seconds).ok()).ok_or(bad)?;
    if sent.abs_diff(node.clock().seconds()) > WINDOW_SECONDS {
        return Err(bad);
    }
    let channel = node.channel(&channel_header.channel_id).cloned().ok_or(BlockStatus::NotFound)?;
    let reader =
        reader(node, &channel_header.channel_id, &signer.creator, &request.payload, &request.signature);
    let reader = reader.map_err(|_| BlockStatus::Forbidden)?;
    let seek = SeekInfo::decode(payload.data.as_slice()).map_err(|_| bad)?;
    let (Some(first), Some(last)) = (seek.start, seek.stop) else { return Err(bad) };
    let height = channel.ledger().height();
    let start = match first.r#type.ok_or(bad)? {
        // A peer whose first blocks are gone finds nothing there.
        Seek::Oldest(_) => 0,
        Seek::Newest(_) => height.saturating_sub(1),
        Seek::NextCommit(_) => height,
        Seek::Specified(position) if position.number > height => return Err(BlockStatus::NotFound),
        Seek::Specified(position) => position.number,
    };
    let stop = stop(last, start, height).ok_or(bad)?;
    if stop < start {
        return Err(bad);
    }
    let waits = seek.behavior == SeekBehavior::BlockUntilReady as i32;
    Ok(Wanted { channel, reader, start, stop, waits })
}

fn stop(position: SeekPosition, start: u64, height: u64) -> Option<u64> {
    match position.r#type? {
        Seek::Oldest(_) => Some(start),
        Seek::Newest(_) => Some(height.saturating_sub(1)),
        Seek::Specified(position) => Some(position.number),
        // A peer refuses it as the place to stop.
        Seek::NextCommit(_) => None,
    }
}

/// A block without payloads.
fn filtered(channel: &str, entry: &BlockEntry) -> FilteredBlock {
    let transaction = |found: &crate::ledger::TransactionEntry| {
        let event = found.event.as_ref().map(|event| FilteredChaincodeAction {
            chaincode_event: Some(ChaincodeEvent { payload: Vec::new(), ..event.clone() }),
        });
        let actions = FilteredTransactionActions { chaincode_actions: event.into_iter().collect() };
        let is_call = found.kind == HeaderType::EndorserTransaction as i32;
        FilteredTransaction {
            txid: found.id.clone(),
            r#type: found.kind,
            tx_validation_code: found.code as i32,
            data: is_call.then_some(Data::TransactionActions(actions)),
        }
    };
    FilteredBlock {
        channel_id: channel.to_owned(),
        number: entry.number,
        filtered_transactions: entry.transactions.iter().map(transaction).collect(),
    }
}

/// A block with the private data of collections that the reader's organisation is a member of.
fn with_private(channel: &Channel, reader: &Identity, entry: &BlockEntry) -> BlockAndPrivateData {
    let is_member = |namespace: &str| {
        channel
            .definitions
            .get(namespace)
            .is_some_and(|(definition, _)| definition.policy.organisations.contains(&reader.msp_id))
    };
    let visible = |data: &TxPvtReadWriteSet| {
        let mut data = data.clone();
        data.ns_pvt_rwset.retain(|namespace| is_member(&namespace.namespace));
        data
    };
    let private: BTreeMap<_, _> = entry
        .private
        .iter()
        .map(|(place, data)| (*place, visible(data)))
        .filter(|(_, data)| !data.ns_pvt_rwset.is_empty())
        .map(|(place, data)| (place, data.encode_to_vec()))
        .collect();
    BlockAndPrivateData { block: Some(entry.block.clone()), private_data_map: private }
}
