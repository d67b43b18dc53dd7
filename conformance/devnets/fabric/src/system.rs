//! The system chaincodes that answer questions about the ledger: `qscc` and `cscc`. Errors are worded as a peer's.

use prost::Message as _;

use crate::{
    channel::Channel,
    contract::{ERROR, OK},
    ledger::Ledger,
    node::Node,
    proto::{
        common::{BlockchainInfo, BootstrappingSnapshotInfo, Envelope},
        configuration::ConfigEnvelope,
        peer::{ChannelInfo, ChannelQueryResponse, ProcessedTransaction, Response},
    },
};

/// Whether a chaincode is one of these.
#[must_use]
pub fn is_system(chaincode: &str) -> bool {
    matches!(chaincode, "qscc" | "cscc")
}

/// Answers a call of a system chaincode.
pub fn query(node: &Node, chaincode: &str, arguments: &[Vec<u8>]) -> Response {
    let answer = match (chaincode, arguments) {
        (_, []) => Err("Incorrect number of arguments, 0".to_owned()),
        ("cscc", [function, rest @ ..]) => configuration(node, &String::from_utf8_lossy(function), rest),
        (_, [_]) => Err("Incorrect number of arguments, 1".to_owned()),
        (_, [function, channel, rest @ ..]) => {
            let channel = String::from_utf8_lossy(channel);
            let found = node.channel(&channel).ok_or_else(|| format!("Invalid chain ID, {channel}"));
            found.and_then(|found| ledger(found, &String::from_utf8_lossy(function), rest))
        }
    };
    match answer {
        Ok(payload) => Response { status: OK, message: String::new(), payload },
        Err(message) => Response { status: ERROR, message, payload: Vec::new() },
    }
}

fn ledger(channel: &Channel, function: &str, arguments: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    let ledger = channel.ledger();
    if function == "GetChainInfo" {
        return Ok(chain_info(&ledger).encode_to_vec());
    }
    let argument = arguments.first().ok_or_else(|| format!("missing 3rd argument for {function}"))?;
    let text = String::from_utf8_lossy(argument);
    match function {
        "GetBlockByNumber" => {
            let number: u64 = text
                .parse()
                .map_err(|_| format!("Failed to parse block number with error strconv.ParseUint: parsing {text:?}: invalid syntax"))?;
            // A peer takes the greatest number for the newest block.
            let wanted = if number == u64::MAX { ledger.height().saturating_sub(1) } else { number };
            block(&ledger, wanted).map_err(|why| format!("Failed to get block number {number}, error {why}"))
        }
        "GetBlockByHash" => {
            let found = ledger.by_hash(argument);
            // A peer quotes the hash as it is, and then cannot send its own words.
            if found.is_none() && std::str::from_utf8(argument).is_err() {
                return Err(
                    "error in simulation: transaction returned with failure: failed to marshal response: \
                            string field contains invalid UTF-8"
                        .into(),
                );
            }
            found
                .ok_or_else(|| format!("no such block hash [{}] in index", hex::encode(argument)))
                .and_then(|number| block(&ledger, number))
                .map_err(|why| format!("Failed to get block hash {text}, error {why}"))
        }
        "GetBlockByTxID" => transaction(&ledger, &text)
            .and_then(|found| block(&ledger, found.block))
            .map_err(|why| format!("Failed to get block for txID {text}, error {why}")),
        "GetTransactionByID" => transaction(&ledger, &text)
            .and_then(|found| {
                let entry = ledger.block(found.block).ok_or_else(|| forgotten(&ledger, &text))?;
                let data = entry.block.data.as_ref().and_then(|data| data.data.get(found.place));
                let envelope = data.and_then(|data| Envelope::decode(data.as_slice()).ok());
                let validation_code = found.code as i32;
                Ok(ProcessedTransaction { transaction_envelope: envelope, validation_code }.encode_to_vec())
            })
            .map_err(|why| format!("Failed to get transaction with id {text}, error {why}")),
        _ => Err(format!("Requested function {function} not found.")),
    }
}

fn chain_info(ledger: &Ledger) -> BlockchainInfo {
    let newest = ledger.newest();
    let previous =
        newest.and_then(|entry| entry.block.header.as_ref()).map(|header| header.previous_hash.clone());
    let snapshot = ledger.first().checked_sub(1);
    BlockchainInfo {
        height: ledger.height(),
        current_block_hash: newest.map(|entry| entry.hash.clone()).unwrap_or_default(),
        previous_block_hash: previous.unwrap_or_default(),
        bootstrapping_snapshot_info: snapshot
            .map(|last_block_in_snapshot| BootstrappingSnapshotInfo { last_block_in_snapshot }),
    }
}

fn block(ledger: &Ledger, number: u64) -> Result<Vec<u8>, String> {
    if number < ledger.first() {
        return Err(unserved(ledger, number));
    }
    let entry = ledger.block(number).ok_or_else(|| format!("no such block number [{number}] in index"))?;
    Ok(entry.block.encode_to_vec())
}

fn transaction(ledger: &Ledger, id: &str) -> Result<crate::ledger::Found, String> {
    let found = ledger.transaction(id).ok_or_else(|| format!("no such transaction ID [{id}] in index"))?;
    if found.block < ledger.first() { Err(forgotten(ledger, id)) } else { Ok(found) }
}

/// A peer's words for a block before its first.
#[must_use]
pub fn unserved(ledger: &Ledger, number: u64) -> String {
    format!(
        "cannot serve block [{number}]. The ledger is bootstrapped from a snapshot. First available block = [{}]",
        ledger.first()
    )
}

fn forgotten(ledger: &Ledger, id: &str) -> String {
    format!(
        "details for the TXID [{id}] not available. Ledger bootstrapped from a snapshot. First available block = [{}]",
        ledger.first()
    )
}

fn configuration(node: &Node, function: &str, arguments: &[Vec<u8>]) -> Result<Vec<u8>, String> {
    if function == "GetChannels" {
        let channels = node.channels().map(|channel| ChannelInfo { channel_id: channel.name.clone() });
        return Ok(ChannelQueryResponse { channels: channels.collect() }.encode_to_vec());
    }
    let name = arguments.first().ok_or("Incorrect number of arguments, 1")?;
    let name = String::from_utf8_lossy(name);
    // A peer asks the channel's policy first who may ask.
    let channel = node.channel(&name).ok_or_else(|| {
        format!("access denied for [{function}][{name}]: Failed to get policy manager for channel [{name}]")
    });
    let genesis = || -> Result<_, String> {
        channel?.ledger().genesis().cloned().ok_or_else(|| format!("Unknown channel ID, {name}"))
    };
    match function {
        "GetConfigBlock" => Ok(genesis()?.block.encode_to_vec()),
        "GetChannelConfig" => {
            let genesis = genesis()?;
            let data = genesis.block.data.as_ref().and_then(|data| data.data.first());
            let envelope = data.and_then(|data| Envelope::decode(data.as_slice()).ok());
            let payload = envelope
                .and_then(|envelope| crate::proto::common::Payload::decode(envelope.payload.as_slice()).ok());
            let config = payload.and_then(|payload| ConfigEnvelope::decode(payload.data.as_slice()).ok());
            let config =
                config.and_then(|config| config.config).ok_or("the configuration does not decode")?;
            Ok(config.encode_to_vec())
        }
        _ => Err(format!("Requested function {function} not found.")),
    }
}
