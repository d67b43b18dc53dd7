//! Blocks of a real network, and the same with one byte changed.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use berth_crypto::NothingLent;
use prost::Message as _;
use serde_json::Value;

use super::Block;
use crate::{blocks, channel::Channel, hex, proto::common::Block as Encoded, transaction};

/// The recorded blocks, as they came and as they must be read.
pub(crate) fn recorded() -> Vec<(Vec<u8>, Value)> {
    let all: Vec<Value> =
        serde_json::from_str(include_str!("../tests/vectors/fabric-3.1.5-raft-blocks.json")).unwrap();
    all.into_iter()
        .map(|told| (BASE64_STANDARD.decode(told["block"].as_str().unwrap()).unwrap(), told))
        .collect()
}

/// The channel's configuration: its first block.
pub(crate) fn channel() -> Channel {
    blocks::configuration(&Block::decode(&NothingLent, &recorded()[0].0).unwrap()).unwrap()
}

#[test]
fn every_recorded_block_decodes_to_what_it_is_known_to_hold() {
    let channel = channel();
    assert_eq!(channel.name, "mychannel");
    assert_eq!(channel.application.keys().collect::<Vec<_>>(), ["Org1MSP", "Org2MSP"]);
    let mut parent = String::new();
    for (bytes, told) in recorded() {
        let block = Block::decode(&NothingLent, &bytes).unwrap().with_codes().unwrap();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        assert_eq!(block.reference.number, told["number"].as_u64().unwrap());
        assert_eq!(hex::encode(&block.reference.hash), text("headerHash"));
        assert_eq!(hex::encode(&block.header_der), text("headerDer"));
        assert_eq!(hex::encode(&block.header.data_hash), text("dataHash"));
        assert_eq!(hex::encode(&block.header.previous_hash), text("prev"));
        assert_eq!(text("prev"), parent);
        parent = text("headerHash");
        let codes: Vec<u8> = (0..block.data.len()).map(|place| block.code(place).unwrap()).collect();
        assert_eq!(hex::encode(&codes), text("filter"));
        let transactions = told["txs"].as_array().unwrap();
        assert_eq!(transactions.len(), block.entries.len());
        for (entry, told) in block.entries.iter().zip(transactions) {
            let headers = entry.headers.as_ref().unwrap();
            assert_eq!(entry.id, told["txId"].as_str().unwrap());
            assert_eq!(i64::from(headers.channel.r#type), told["type"].as_i64().unwrap());
            assert_eq!(hex::encode(&headers.signature.nonce), told["nonce"].as_str().unwrap());
            let id = transaction::id(&NothingLent, &headers.signature.nonce, &headers.signature.creator);
            assert_eq!(id, entry.id);
        }
        if block.reference.number > 0 {
            block.is_ordered(&NothingLent, &channel).unwrap();
        }
    }
}

#[test]
fn a_transaction_that_is_there_twice_is_valid_where_it_came_first() {
    let blocks: Vec<_> =
        recorded().iter().map(|(bytes, _)| Block::decode(&NothingLent, bytes).unwrap()).collect();
    assert_eq!(blocks[5].entries[0].id, blocks[6].entries[0].id);
    assert!(blocks[5].is_valid(0) && !blocks[6].is_valid(0));
}

#[test]
fn one_changed_byte_in_a_header_in_the_data_or_in_what_orderers_signed_is_caught() {
    let channel = channel();
    for (number, (bytes, _)) in recorded().into_iter().enumerate().skip(1) {
        let whole = Block::decode(&NothingLent, &bytes).unwrap();
        // Every byte of two blocks, some of the others: each is a few thousand signatures to verify.
        let step = if number == 1 || number == 6 { 1 } else { 31 };
        let mut caught = 0;
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            let Ok(encoded) = Encoded::decode(changed.as_slice()) else { continue };
            // Codes, commit hashes and the like are the peer's own, and no orderer signs them.
            let Ok(block) = Block::of(&NothingLent, encoded) else {
                caught += 1;
                continue;
            };
            let is_unsigned = block.reference == whole.reference
                && block.data == whole.data
                && block.metadata.first() == whole.metadata.first();
            if is_unsigned {
                continue;
            }
            let goes_through =
                block.reference == whole.reference && block.is_ordered(&NothingLent, &channel).is_ok();
            assert!(!goes_through, "block {number} with byte {at} changed");
            caught += 1;
        }
        assert!(caught > 10);
    }
}

#[test]
fn a_block_that_is_signed_by_nobody_or_by_others_is_not_ordered() {
    let channel = channel();
    let (bytes, _) = recorded().remove(3);
    let mut unsigned = Encoded::decode(bytes.as_slice()).unwrap();
    unsigned.metadata.as_mut().unwrap().metadata[0].clear();
    assert!(Block::of(&NothingLent, unsigned).unwrap().is_ordered(&NothingLent, &channel).is_err());
    let mut strangers = channel;
    strangers.orderers.clear();
    assert!(Block::decode(&NothingLent, &bytes).unwrap().is_ordered(&NothingLent, &strangers).is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_a_block_or_an_error(bytes: Vec<u8>) {
        let _ = Block::decode(&NothingLent, &bytes);
        let _ = Channel::of_envelope(&bytes);
    }
}
