//! The ledger by itself: what it takes in, and what its node answers to anything.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml covers test functions only"
)]

use berth_model::{
    ModelNode,
    wire::{Anchor, Body, Entry, Header, History, Parcel, Record, Signed, Validators, Wire},
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn decodes_to_what_encodes_the_same<T: Wire>(bytes: &[u8]) {
    for bytes in [bytes.to_vec(), [&T::KIND, bytes].concat()] {
        if let Ok(value) = T::decode(&bytes) {
            assert_eq!(value.encode(), bytes);
        }
    }
}

/// JSON as hostile clients send it.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,20}".prop_map(Value::from),
        "([0-9a-f]{2}){0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(parameter(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

fn parameter() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "space",
        "number",
        "hash",
        "account",
        "nonce",
        "id",
        "contract",
        "function",
        "arguments",
        "caller",
        "body",
        "parcel",
        "area",
        "key",
        "name",
        "auditor",
        "signature",
        "deployment",
        "blocks",
        "depth",
        "on",
        "amount",
    ])
    .prop_map(str::to_owned)
}

const METHODS: [&str; 18] = [
    "ledger_status",
    "ledger_header",
    "ledger_block",
    "ledger_account",
    "ledger_nonce",
    "ledger_transaction",
    "ledger_contract",
    "ledger_space",
    "ledger_call",
    "ledger_try",
    "ledger_private",
    "ledger_validators",
    "ledger_attestation",
    "ledger_entry",
    "ledger_submit",
    "model_fund",
    "model_prune",
    "nonsense",
];

proptest! {
    #[test]
    fn any_bytes_decode_to_what_encodes_the_same_or_are_an_error(bytes: Vec<u8>) {
        decodes_to_what_encodes_the_same::<Anchor>(&bytes);
        decodes_to_what_encodes_the_same::<Body>(&bytes);
        decodes_to_what_encodes_the_same::<Entry>(&bytes);
        decodes_to_what_encodes_the_same::<Header>(&bytes);
        decodes_to_what_encodes_the_same::<History>(&bytes);
        decodes_to_what_encodes_the_same::<Parcel>(&bytes);
        decodes_to_what_encodes_the_same::<Record>(&bytes);
        decodes_to_what_encodes_the_same::<Signed>(&bytes);
        decodes_to_what_encodes_the_same::<Validators>(&bytes);
    }

    #[test]
    fn the_node_answers_anything(method in prop::sample::select(METHODS.to_vec()), params in any_json()) {
        let node = ModelNode::default();
        let mut params = params;
        let _ = node.answer(method, &params);
        // Nearly all of it lacks a space; with one, it gets further in.
        if let Some(params) = params.as_object_mut() {
            params.insert("space".into(), json!("main"));
        }
        let _ = node.answer(method, &params);
        let still = node.answer("ledger_status", &json!({"space": "main"}));
        prop_assert!(still.is_ok());
    }

    #[test]
    fn any_request_has_an_answer(request: Vec<u8>) {
        let answer: Value = serde_json::from_str(&ModelNode::default().answer_text(&request)).unwrap();
        let version = &answer["jsonrpc"];
        prop_assert_eq!(version, "2.0");
    }
}
