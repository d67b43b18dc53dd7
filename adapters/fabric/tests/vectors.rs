//! Blocks of a real network decode to what they are known to hold.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

use adapter_fabric::proto::common::Block;
use base64::{Engine, prelude::BASE64_STANDARD};
use prost::Message;
use serde_json::Value;

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/fabric-3.1.5-raft-blocks.json")).unwrap()
}

fn bytes(vector: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(vector["block"].as_str().unwrap()).unwrap()
}

#[test]
fn every_recorded_block_is_encoded_again_to_the_same_bytes() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 10);
    for vector in &vectors {
        let bytes = bytes(vector);
        let block = Block::decode(bytes.as_slice()).unwrap();
        assert_eq!(block.encode_to_vec(), bytes, "block {}", vector["number"]);
    }
}
