//! The adapter against a node that a script plays: what real nodes do rarely, or never twice.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

/// How the adapter runs in this test program.
const AS_COMPONENT: bool = false;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use adapter_spec::{
    Ledger,
    types::{
        transport::{Failure, JsonRpcFailure},
        *,
    },
};
use alloy_primitives::{B256, hex, keccak256};
use serde_json::{Value as Json, json};
use support::{TestHost, User, answered, anvil::open, options, refused};

type Answered = Result<String, JsonRpcFailure>;

/// A node that knows only what it is told.
#[derive(Default)]
struct Script {
    answers: Mutex<BTreeMap<String, Answered>>,
    sent: Mutex<Vec<String>>,
}

fn ok(value: Json) -> Answered {
    Ok(value.to_string())
}

fn hash(n: u64) -> String {
    B256::left_padding_from(&n.to_be_bytes()).to_string()
}

fn block(number: u64, fork: u64) -> Json {
    json!({"number": format!("{number:#x}"), "hash": hash(fork * 1000 + number), "gasLimit": "0x1c9c380",
        "baseFeePerGas": "0x7"})
}

impl Script {
    fn new() -> Arc<Self> {
        let script = Script::default();
        for (method, answer) in [
            ("eth_chainId", json!("0x1")),
            ("eth_getTransactionCount", json!("0x0")),
            ("eth_getBlockByNumber", block(10, 0)),
            ("eth_maxPriorityFeePerGas", json!("0x1")),
            ("eth_estimateGas", json!("0x10000")),
            ("eth_getTransactionByHash", Json::Null),
            ("eth_getTransactionReceipt", Json::Null),
        ] {
            script.says(method, ok(answer));
        }
        Arc::new(script)
    }

    /// From now on, to every call of `method`, or to one with these very parameters.
    fn says(&self, what: &str, answer: Answered) {
        self.answers.lock().unwrap().insert(what.into(), answer);
    }

    fn answer(&self, method: &str, params: &str) -> Answered {
        if method == "eth_sendRawTransaction" {
            self.sent.lock().unwrap().push(params.into());
        }
        let answers = self.answers.lock().unwrap();
        let exact = answers.get(&format!("{method} {params}")).or_else(|| answers.get(method));
        exact.cloned().unwrap_or_else(|| refused(-32601, "the method does not exist"))
    }

    async fn ledger(self: &Arc<Self>) -> (Arc<TestHost>, Arc<dyn Ledger>) {
        let script = Arc::clone(self);
        let lent = TestHost::new(Arc::new(move |method: &str, params: &str| script.answer(method, params)));
        let ledger = open(&lent, json!({"chain_id": 1})).await;
        (lent, ledger)
    }
}

fn call() -> Call {
    Call::Invoke(ContractCall {
        contract: "0x00000000000000000000000000000000000000aa".into(),
        function: "f(uint256)".into(),
        arguments: vec![Value::Integer("1".into())],
        abi: None,
        private_arguments: Vec::new(),
    })
}

async fn envelope(ledger: &dyn Ledger, salt: &[u8]) -> Envelope {
    let user = User::number(1);
    let step = answered(ledger.begin(call(), user.party(), options(salt)).await).unwrap();
    user.finish(ledger, step).await.unwrap()
}

async fn failure(ledger: &dyn Ledger, envelope: &Envelope) -> SendFailure {
    ledger.send(envelope.clone()).await.unwrap_err().answered().unwrap().clone()
}

#[tokio::test]
async fn a_send_says_truly_whether_it_can_still_take_effect() {
    let transport = |failure| Err(JsonRpcFailure::Transport(failure));
    for (answer, code, effect, retryable) in [
        (transport(Failure::Timeout), ErrorCode::Timeout, Effect::Unknown, true),
        (transport(Failure::Interrupted("cut".into())), ErrorCode::Unavailable, Effect::Unknown, true),
        (transport(Failure::Unreachable("down".into())), ErrorCode::Unavailable, Effect::Never, true),
        (transport(Failure::TooLarge(1)), ErrorCode::TooLarge, Effect::Unknown, false),
        (ok(json!("nonsense")), ErrorCode::CorruptResponse, Effect::Unknown, true),
        (ok(json!(hash(1))), ErrorCode::CorruptResponse, Effect::Unknown, true),
        (refused(-32000, "nonce too low"), ErrorCode::Conflict, Effect::Never, true),
        (refused(-32000, "txpool is full"), ErrorCode::QuotaExceeded, Effect::Never, true),
        (refused(-32000, "transaction underpriced"), ErrorCode::Underpriced, Effect::Never, false),
        (refused(-32000, "nobody has seen this"), ErrorCode::Rejected, Effect::Never, false),
    ] {
        let script = Script::new();
        let (_, ledger) = script.ledger().await;
        let envelope = envelope(&*ledger, b"s").await;
        assert!(script.sent.lock().unwrap().is_empty(), "only send sends");
        script.says("eth_sendRawTransaction", answer.clone());
        let failed = failure(&*ledger, &envelope).await;
        assert_eq!((failed.error.code, failed.effect), (code, effect), "{answer:?}");
        assert_eq!(failed.error.retryable, retryable, "{answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_what_the_node_has_is_success() {
    for words in ["already known", "Tx: [0x1] already Imported", "AlreadyKnown", "Known transaction"] {
        let script = Script::new();
        let (_, ledger) = script.ledger().await;
        let envelope = envelope(&*ledger, b"s").await;
        script.says("eth_sendRawTransaction", refused(-32000, words));
        ledger.send(envelope).await.unwrap();
    }
    // The nonce is used, by this very transaction.
    let script = Script::new();
    let (_, ledger) = script.ledger().await;
    let envelope = envelope(&*ledger, b"s").await;
    script.says("eth_sendRawTransaction", refused(-32000, "nonce too low"));
    script.says(
        "eth_getTransactionByHash",
        ok(json!({"hash": envelope.transaction, "from": User::number(1).address(), "to": null, "value": "0x0",
            "input": "0x", "gas": "0x1", "blockHash": hash(3)})),
    );
    ledger.send(envelope).await.unwrap();
}

#[tokio::test]
async fn a_time_out_keeps_the_effect_unknown_whatever_a_later_send_says() {
    let script = Script::new();
    let (_, ledger) = script.ledger().await;
    let envelope = envelope(&*ledger, b"s").await;
    script.says("eth_sendRawTransaction", Err(JsonRpcFailure::Transport(Failure::Timeout)));
    assert_eq!(failure(&*ledger, &envelope).await.effect, Effect::Unknown);
    script
        .says("eth_sendRawTransaction", Err(JsonRpcFailure::Transport(Failure::Unreachable("down".into()))));
    assert_eq!(failure(&*ledger, &envelope).await.effect, Effect::Unknown);
    script.says("eth_sendRawTransaction", refused(-32000, "insufficient funds for gas * price + value"));
    assert_eq!(failure(&*ledger, &envelope).await.effect, Effect::Unknown);
}

#[tokio::test]
async fn nonsense_from_the_node_is_a_typed_error_everywhere() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for nonsense in [
        "",
        "{",
        "\"0x\"",
        "-1",
        "[]",
        "{}",
        "\"0xzz\"",
        "1e999",
        "true",
        &deep,
        "\"0x10000000000000000000000000000000000000000000000000000000000000000000\"",
    ] {
        for method in [
            "eth_chainId",
            "eth_getTransactionCount",
            "eth_getBlockByNumber",
            "eth_maxPriorityFeePerGas",
            "eth_estimateGas",
            "eth_getTransactionReceipt",
            "eth_getTransactionByHash",
            "eth_syncing",
            "eth_getLogs",
            "eth_getBlockByHash",
        ] {
            let script = Script::new();
            script.says("eth_syncing", ok(json!(false)));
            script.says("eth_getLogs", ok(json!([])));
            script.says(method, Ok(nonsense.into()));
            let (_, ledger) = script.ledger().await;
            let user = User::number(1);
            let mut codes = Vec::new();
            codes.push(answered(ledger.begin(call(), user.party(), options(b"n")).await).err());
            codes.push(answered(ledger.status().await).err());
            codes.push(answered(ledger.receipt(&hash(5), Vec::new()).await).err());
            codes.push(answered(ledger.block(BlockSelector::Hash(vec![1; 32])).await).err());
            let filter =
                EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest };
            codes.push(answered(ledger.events(filter, EventStart::Block(9), 5, 1000).await).err());
            assert!(codes.iter().flatten().all(|error| error.code != ErrorCode::Internal), "{codes:?}");
        }
    }
}

#[tokio::test]
async fn the_same_salt_begins_with_the_same_nonce_and_calls_ask_the_node_once() {
    let script = Script::new();
    let (lent, ledger) = script.ledger().await;
    let user = User::number(1);
    let begin =
        async |salt: &'static [u8]| match answered(ledger.begin(call(), user.party(), options(salt)).await) {
            Ok(Step::Sign(request)) => request.items[0].input.clone(),
            other => panic!("{other:?}"),
        };
    let first = begin(b"one").await;
    assert_eq!(lent.asked.lock().unwrap().len(), 6);
    let second = begin(b"two").await;
    assert_ne!(first, second);
    assert_eq!(begin(b"one").await, first);
    assert_eq!(begin(b"two").await, second);
}

#[tokio::test]
async fn a_receipt_whose_block_is_not_the_chains_is_not_included() {
    let script = Script::new();
    let (_, ledger) = script.ledger().await;
    let envelope = envelope(&*ledger, b"s").await;
    let receipt = |fork: u64| {
        ok(
            json!({"transactionHash": envelope.transaction, "transactionIndex": "0x0", "blockHash": hash(fork * 1000 + 9),
            "blockNumber": "0x9", "status": "0x1", "gasUsed": "0x5", "effectiveGasPrice": "0x2", "logs": []}),
        )
    };
    script.says("eth_getBlockByNumber [\"0x9\",false]", ok(block(9, 0)));
    script.says("eth_getBlockByNumber [\"safe\",false]", refused(-39001, "unknown block"));
    script.says("eth_getBlockByNumber [\"finalized\",false]", ok(Json::Null));
    let inclusion = async || {
        let found = answered(ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await).unwrap();
        (found.inclusion, found.outcome.is_some(), found.fee)
    };
    assert_eq!(inclusion().await, (Inclusion::Unknown, false, None));
    script.says("eth_getTransactionReceipt", receipt(0));
    assert_eq!(inclusion().await, (Inclusion::Included(2), true, Some("10".into())));
    script.says("eth_getTransactionReceipt", receipt(1));
    assert_eq!(inclusion().await, (Inclusion::Unknown, false, None));
    // Another transaction used its nonce.
    script.says("eth_getTransactionReceipt", ok(Json::Null));
    script.says("eth_getTransactionCount", ok(json!("0x1")));
    assert_eq!(inclusion().await.0, Inclusion::Superseded(String::new()));
}

#[tokio::test]
async fn a_stale_replica_retracts_nothing_and_forgotten_blocks_are_taken_back_from_the_cursor() {
    let script = Script::new();
    let (_, ledger) = script.ledger().await;
    let filter = EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest };
    let read = async |start| answered(ledger.events(filter.clone(), start, 10, 1000).await);
    let at = |number: u64, fork: u64| {
        script.says(&format!("eth_getBlockByNumber [\"{number:#x}\",false]"), ok(block(number, fork)));
    };
    for number in 0..=12 {
        at(number, 0);
    }
    script.says("eth_getBlockByNumber [\"safe\",false]", ok(Json::Null));
    script.says("eth_getBlockByNumber [\"finalized\",false]", ok(Json::Null));
    script.says(
        "eth_getLogs",
        ok(json!([{"address": User::number(2).address(), "topics": [keccak256("E()")], "data": "0x07",
            "blockNumber": "0xa", "blockHash": hash(10), "transactionHash": hash(77), "logIndex": "0x3"}])),
    );
    let page = read(EventStart::Block(5)).await.unwrap();
    let delivered = page.events[0].clone();
    assert_eq!((page.scanned, delivered.index, delivered.payload.as_slice()), (10, 3, [7].as_slice()));

    // Another node answers that has not come so far.
    script.says("eth_getBlockByNumber [\"latest\",false]", ok(block(8, 0)));
    let behind = read(EventStart::Cursor(page.cursor.clone())).await.unwrap_err();
    assert_eq!((behind.code, behind.retryable), (ErrorCode::OutOfRange, true));

    // The block leaves the chain, and the node forgets its logs.
    script.says("eth_getBlockByNumber [\"latest\",false]", ok(block(11, 1)));
    at(10, 1);
    at(11, 1);
    script.says("eth_getLogs", refused(-32000, "unknown block"));
    let back = read(EventStart::Cursor(page.cursor.clone())).await.unwrap();
    assert_eq!(back.events.len(), 1);
    assert!(back.events[0].retracted);
    assert_eq!((&back.events[0].id, &back.events[0].contract), (&delivered.id, &delivered.contract));
    script.says("eth_getLogs", ok(json!([])));
    let rest = read(EventStart::Cursor(back.cursor)).await.unwrap();
    assert_eq!((rest.events.len(), rest.scanned), (0, 11));

    // A cursor that is not one.
    let broken = read(EventStart::Cursor(hex!("6501c0").to_vec())).await.unwrap_err();
    assert_eq!(broken.code, ErrorCode::InvalidArgument);
}
