//! What a real FISCO BCOS 2.9.1 node answered (`vectors/fisco-bcos-2.9.1-exchanges.json`: one PBFT node, secp256k1, group
//! 1), and what this node answers to the same requests in the same order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

use alloy_primitives::{Address, B256, Bytes, U256};
use berth_devnet_evm::{
    encoding::{parse_address, parse_data, parse_hash, parse_number},
    evm::{
        Ending, Message, execute,
        state::{State, View},
    },
    fisco::{
        FiscoConfig, FiscoNode, Generation, Header, Receipt, Status, rules,
        v2::{self, transaction::Fields},
    },
    rpc::answer_text,
    suite::Suite,
};
use serde_json::{Value, json};

const SUITE: Suite = Suite::Standard;

fn exchanges() -> Vec<Value> {
    serde_json::from_str(include_str!("vectors/fisco-bcos-2.9.1-exchanges.json")).unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is no text in {value}"))
}

fn number(value: &Value, field: &str) -> U256 {
    parse_number(text(value, field)).unwrap()
}

fn hash(value: &Value, field: &str) -> B256 {
    parse_hash(text(value, field)).unwrap()
}

/// The header of a recorded block.
fn header(block: &Value) -> Header {
    let sealers = block["sealerList"].as_array().unwrap();
    Header {
        number: number(block, "number").to(),
        parent_hash: hash(block, "parentHash"),
        state_root: hash(block, "stateRoot"),
        transactions_root: hash(block, "transactionsRoot"),
        receipts_root: hash(block, "receiptsRoot"),
        db_hash: hash(block, "dbHash"),
        gas_used: 0,
        timestamp: number(block, "timestamp").to(),
        sealer: number(block, "sealer").to(),
        sealers: sealers.iter().map(|id| hex::decode(id.as_str().unwrap()).unwrap()).collect(),
        extra_data: Vec::new(),
    }
}

/// A transaction of a recorded block, as it was sent.
fn raw(transaction: &Value) -> Vec<u8> {
    let signature = &transaction["signature"];
    let to = parse_address(text(transaction, "to")).unwrap();
    let fields = Fields {
        random_id: number(transaction, "nonce"),
        gas_price: number(transaction, "gasPrice"),
        gas: number(transaction, "gas"),
        value: number(transaction, "value"),
        chain_id: number(transaction, "chainId"),
        group_id: number(transaction, "groupId"),
        extra_data: parse_data(text(transaction, "extraData")).unwrap(),
        r: number(signature, "r"),
        s: number(signature, "s"),
        v: vec![number(signature, "v").to()],
    };
    let input = parse_data(text(transaction, "input")).unwrap();
    v2::transaction::signed(
        &fields,
        number(transaction, "blockLimit"),
        (to != Address::ZERO).then_some(to),
        &input,
    )
}

/// The recorded answer to `getBlockByNumber(1, whole)`.
fn first_block() -> Value {
    let found = exchanges().into_iter().find(|exchange| {
        exchange["request"]["method"] == "getBlockByNumber" && exchange["request"]["params"][2] == true
    });
    found.unwrap()["response"]["result"].clone()
}

#[test]
fn recorded_transactions_decode_and_verify() {
    let mut seen = 0;
    for exchange in exchanges() {
        if exchange["request"]["method"] != "sendRawTransaction" {
            continue;
        }
        let raw = parse_data(exchange["request"]["params"][1].as_str().unwrap()).unwrap();
        let decoded = v2::transaction::decode(&raw, SUITE);
        if let Some(hash) = exchange["response"]["result"].as_str() {
            assert_eq!(decoded.unwrap().hash, parse_hash(hash).unwrap());
            seen += 1;
        } else if exchange["response"]["error"]["message"].as_str().unwrap().contains("InvalidSignature") {
            assert_eq!(decoded.unwrap_err(), v2::transaction::DecodeError::Signature);
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} transactions were recorded");
}

#[test]
fn recorded_blocks_hash_to_their_hash_and_the_sealer_signed_it() {
    let mut signed = 0;
    for exchange in exchanges() {
        let block = &exchange["response"]["result"];
        if exchange["request"]["method"] != "getBlockByNumber" {
            continue;
        }
        let header = header(block);
        let computed = header.hash(Generation::Two, SUITE);
        assert_eq!(computed, hash(block, "hash"), "block {}", header.number);
        for signature in block["signatureList"].as_array().into_iter().flatten() {
            let bytes = parse_data(text(signature, "signature")).unwrap();
            let key = SUITE.recover(&computed, &bytes.as_ref().try_into().unwrap()).unwrap();
            let place: usize = number(signature, "index").to();
            assert_eq!(key.to_vec(), header.sealers[place]);
            signed += 1;
        }
    }
    assert!(signed > 0, "no signature was recorded");
}

#[test]
fn a_recorded_transaction_lies_under_its_blocks_root() {
    let block = first_block();
    let transactions: Vec<B256> =
        block["transactions"].as_array().unwrap().iter().map(|one| hash(one, "hash")).collect();
    let leaves = v2::merkle::leaves(transactions.into_iter());
    assert_eq!(v2::merkle::root(SUITE, leaves), hash(&block, "transactionsRoot"));
}

#[test]
fn executing_a_recorded_creation_gives_the_recorded_receipts_root() {
    // The receipt has gas used, the contract's address and the status in it: all must be the node's to the last bit.
    let block = first_block();
    let transaction = v2::transaction::decode(&raw(&block["transactions"][0]), SUITE).unwrap();
    let state = State::default();
    let message = Message {
        from: transaction.from,
        to: transaction.to,
        input: transaction.input.clone(),
        gas_limit: 300_000_000,
        number: 1,
        timestamp: header(&block).timestamp,
        place: 0,
    };
    let rules = rules(&FiscoConfig::new(Generation::Two, SUITE), Vec::new());
    let outcome = execute(&rules, View::newest(&state, &[]), &message).unwrap();
    assert_eq!(outcome.ending, Ending::Returned);
    let receipt = Receipt {
        status: Status::Good,
        gas_used: outcome.gas_used,
        output: Bytes::new(),
        contract: outcome.created,
        logs: outcome.logs,
        state_root: hash(&block, "stateRoot"),
    };
    let leaves = v2::receipt_leaves(SUITE, &[receipt]);
    assert_eq!(v2::merkle::root(SUITE, leaves), hash(&block, "receiptsRoot"));
}

/// Fields whose value is this chain's own, by the recorded exchange's place (or any) and the field's name. Their kind must
/// still be the recorded one.
const OWN: &[(Option<usize>, &str, &str)] = &[
    (None, "blockHash", "blocks hash their sealers' ids, which are other keys"),
    (None, "hash of a block", "the same"),
    (None, "highestblockHash", "the same"),
    (None, "latestHash", "the same"),
    (None, "knownLatestHash", "the same"),
    (None, "genesisHash", "the same"),
    (None, "parentHash", "the same"),
    (None, "nodeId", "node ids are public keys"),
    (None, "sealer.0", "the same"),
    (None, "sealerList", "the same"),
    (None, "signature of a sealer", "the same"),
    (None, "stateRoot", "how a state becomes a root depends on the node's database"),
    (None, "dbHash", "the same"),
    (Some(3), "root", "the same"),
    (None, "receiptsRoot", "receipts have the state root in them"),
    (None, "timestamp", "another time"),
    (Some(29), "result", "node ids are public keys"),
    (Some(30), "result", "the same"),
    (Some(19), "result", "a block's hash"),
    (Some(24), "txSum", "blocks 2 to 5 were made by transactions that were not recorded"),
    (Some(39), "transactions", "the same"),
    (Some(39), "transactionsRoot", "the same"),
    (Some(38), "Build Time", "another program"),
    (Some(38), "Build Type", "another program"),
    (Some(38), "Git Branch", "another program"),
    (Some(38), "Git Commit Hash", "another program"),
];

fn differences(
    exchange: usize,
    path: &str,
    field: &str,
    recorded: &Value,
    ours: &Value,
    found: &mut Vec<String>,
) {
    let own =
        OWN.iter().any(|(place, name, _)| *name == field && place.is_none_or(|place| place == exchange));
    match (recorded, ours) {
        (Value::Object(recorded), Value::Object(ours)) => {
            let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
            if names(recorded) != names(ours) {
                found.push(format!("{path}: fields {:?}, recorded {:?}", names(ours), names(recorded)));
            }
            for (name, value) in recorded {
                // A block's own hash and signatures are its sealers'; a transaction's are its signer's.
                let name = match name.as_str() {
                    "hash" if recorded.contains_key("sealerList") => "hash of a block",
                    "signature" if recorded.contains_key("index") => "signature of a sealer",
                    name => name,
                };
                let key = if name.contains(" of a ") { name.split(' ').next().unwrap() } else { name };
                let other = ours.get(key).unwrap_or(&Value::Null);
                differences(exchange, &format!("{path}.{key}"), name, value, other, found);
            }
        }
        (Value::Array(recorded), Value::Array(ours)) if !own => {
            if recorded.len() != ours.len() {
                found.push(format!("{path}: {} items, recorded {}", ours.len(), recorded.len()));
            }
            for (index, (recorded, ours)) in recorded.iter().zip(ours).enumerate() {
                differences(exchange, &format!("{path}[{index}]"), field, recorded, ours, found);
            }
        }
        _ if own && std::mem::discriminant(recorded) != std::mem::discriminant(ours) => {
            found.push(format!("{path}: {ours} is of another kind than {recorded}"));
        }
        _ if own => {}
        _ if recorded != ours => found.push(format!("{path}: {ours}, recorded {recorded}")),
        _ => {}
    }
}

#[tokio::test]
async fn every_recorded_exchange_is_answered_alike() {
    let mut config = FiscoConfig::new(Generation::Two, SUITE);
    config.sealers = 1;
    let node = FiscoNode::new(config).unwrap();
    let first = raw(&first_block()["transactions"][0]);
    let send = json!({"jsonrpc": "2.0", "id": 1, "method": "sendRawTransaction",
        "params": [1, format!("0x{}", hex::encode(first))]});
    let sent = answer_text(&node, send.to_string().as_bytes()).await;
    assert!(sent.contains("result"), "{sent}");
    node.group("1").unwrap().advance(4);
    // The recorded sender had created two contracts in blocks that were not recorded.
    let sender = alloy_primitives::address!("64fa644d2a694681bd6addd6c5e36cccd8dcdde3");
    node.group("1").unwrap().set_creations(sender, 2);
    // The node sealed after the second of two equal transactions.
    node.group("1").unwrap().hold();

    let mut found = Vec::new();
    for (index, exchange) in exchanges().iter().enumerate() {
        let request = &exchange["request"];
        let answer: Value =
            serde_json::from_str(&answer_text(&node, request.to_string().as_bytes()).await).unwrap();
        if index == 2 {
            node.group("1").unwrap().release();
        }
        let mut these = Vec::new();
        differences(index, "", "", &exchange["response"], &answer, &mut these);
        found.extend(these.into_iter().map(|text| format!("{index} {}: {text}", request["method"])));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
