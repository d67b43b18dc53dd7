//! Headers of every kind hash to their well-known hashes, and changed ones do not.

use alloy_primitives::keccak256;
use serde_json::Value;

use super::*;

const VECTORS: &str = include_str!("../tests/vectors/headers.json");

fn vectors() -> Vec<(String, Value)> {
    let mut vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let headers = vectors["headers"].take();
    let one = |vector: &Value| (vector["fork"].as_str().unwrap().to_owned(), vector["block"].clone());
    headers.as_array().unwrap().iter().map(one).collect()
}

#[test]
fn real_headers_of_every_fork_hash_to_their_blocks_hash() {
    for (fork, block) in vectors() {
        let header: Header = serde_json::from_value(block).unwrap();
        assert_eq!(keccak256(header.encoded()), header.hash, "{fork}");
    }
}

#[test]
fn a_header_with_one_field_changed_does_not_hash_to_it() {
    for (fork, block) in vectors() {
        for (name, value) in block.as_object().unwrap() {
            let text = value.as_str().unwrap_or_default();
            if name == "hash" || text.len() < 3 {
                continue;
            }
            let last = if text.ends_with('1') { "2" } else { "1" };
            let mut changed = block.clone();
            changed[name] = format!("{}{last}", &text[..text.len() - 1]).into();
            let header: Header = serde_json::from_value(changed).unwrap();
            assert_ne!(keccak256(header.encoded()), header.hash, "{fork} {name}");
        }
    }
}
