//! The adapter as a native plug-in against a network of real Fabric programs: `cargo xtask test --real fabric`. Without them
//! this says that it did not run.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "real/application.rs"]
mod application;

use adapter_spec::types::*;
use application::{Application, call, network};
use fabric_network::{CHANNELS, Network};

const CHANNEL: &str = CHANNELS[0];

fn entry(key: &str, value: &[u8]) -> StoreEntry {
    StoreEntry { key: key.into(), value: value.to_vec() }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_do_on_real_fabric_what_the_standard_says() {
    let Some(network) = network() else { return };
    let one = Application::open(&network, CHANNEL, 0).await;
    store(&one).await;
    a_conflict_is_told_and_a_second_try_succeeds(&one).await;
    the_same_envelope_twice_is_one_transaction(&one).await;
    events_resume_behind_a_cursor(&one).await;
    blocks_link(&one).await;
    proofs(&one, &network).await;
    private_data_is_nowhere_in_the_open(&one).await;
    refusals(&one, &network).await;
}

async fn store(one: &Application) {
    one.store(StoreOperation::Insert(entry("colour", b"blue"))).await.unwrap();
    let twice = one.store(StoreOperation::Insert(entry("colour", b"red"))).await.unwrap_err();
    assert_eq!(twice.code, ErrorCode::AlreadyExists);
    one.store(StoreOperation::Update(entry("colour", b""))).await.unwrap();
    let value = one.store(StoreOperation::Get("colour".into())).await.unwrap();
    assert_eq!(value, StoreAnswer::Value(Vec::new()));
    one.store(StoreOperation::Delete("colour".into())).await.unwrap();
    let gone = one.store(StoreOperation::Get("colour".into())).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::NotFound);
    let history = one.store(StoreOperation::History("colour".into())).await.unwrap();
    let StoreAnswer::History(history) = history else { panic!("{history:?}") };
    let values: Vec<_> = history.iter().map(|version| version.value.as_deref()).collect();
    assert_eq!(values, [Some(&b"blue"[..]), Some(b""), None]);
}

/// Two updates of one key, endorsed on the same version: Fabric takes the first and marks the second.
async fn a_conflict_is_told_and_a_second_try_succeeds(one: &Application) {
    one.store(StoreOperation::Insert(entry("contested", b"0"))).await.unwrap();
    let update = |value: &[u8]| one.to_call(StoreOperation::Update(entry("contested", value)));
    let (first, second) =
        (one.sign(update(b"1").await).await.unwrap(), one.sign(update(b"2").await).await.unwrap());
    for envelope in [&first, &second] {
        one.ledger.send(envelope.clone()).await.unwrap();
    }
    let outcomes = [one.receipt(&first).await.outcome.unwrap(), one.receipt(&second).await.outcome.unwrap()];
    let lost: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(lost.len(), 1, "{outcomes:?}");
    assert_eq!((lost[0].code, lost[0].retryable), (ErrorCode::Conflict, true), "{lost:?}");
    one.store(StoreOperation::Update(entry("contested", b"3"))).await.unwrap();
}

async fn the_same_envelope_twice_is_one_transaction(one: &Application) {
    let before = one.count().await;
    let envelope = one.sign(call("probe", "add", vec![Value::Integer("5".into())])).await.unwrap();
    for _ in 0..2 {
        one.ledger.send(envelope.clone()).await.unwrap();
    }
    let receipt = one.receipt(&envelope).await;
    assert!(matches!(receipt.outcome, Some(Ok(_))), "{receipt:?}");
    // When it is in a block, sending it again makes a second entry in a later block, which has no effect.
    one.ledger.send(envelope.clone()).await.unwrap();
    one.run(call("probe", "put", vec![Value::Text("later".into())])).await.unwrap();
    assert_eq!(one.receipt(&envelope).await, receipt);
    assert_eq!(one.count().await, before + 5);
}

async fn events_resume_behind_a_cursor(one: &Application) {
    let start = one.ledger.status().await.unwrap().head.number;
    for number in ["1", "2", "3"] {
        one.run(call("probe", "add", vec![Value::Integer(number.into())])).await.unwrap();
    }
    let filter = || EventFilter {
        contract: Some("probe".into()),
        name: Some("Added".into()),
        abi: None,
        confidence: Confidence::Final,
    };
    let mut from = EventStart::Block(start + 1);
    let mut seen = Vec::new();
    for _ in 0..10 {
        let page = one.ledger.events(filter(), from, 1, 1 << 16).await.unwrap();
        seen.extend(page.events.into_iter().map(|event| String::from_utf8(event.payload).unwrap()));
        from = EventStart::Cursor(page.cursor);
    }
    assert_eq!(seen, ["1", "2", "3"], "each once, in order, over pages of one");
}

async fn blocks_link(one: &Application) {
    let head = one.ledger.status().await.unwrap().head;
    let mut child = one.ledger.block(BlockSelector::Hash(head.hash.clone())).await.unwrap();
    for _ in 0..5 {
        let parent = one.ledger.block(BlockSelector::Number(child.reference.number - 1)).await.unwrap();
        assert_eq!(parent.reference.hash, child.parent);
        child = parent;
    }
    let first = one.ledger.block(BlockSelector::Number(0)).await.unwrap();
    assert_eq!(first.reference.number, 0);
}

async fn proofs(one: &Application, network: &Network) {
    let receipt = one.run(call("probe", "add", vec![Value::Integer("1".into())])).await.unwrap();
    let anchor = network.genesis(CHANNEL).unwrap();
    let elsewhere = network.genesis(CHANNELS[1]).unwrap();
    for claim in [Claim::Included(receipt.transaction.clone()), Claim::Succeeded(receipt.transaction.clone())]
    {
        let proof = one.ledger.prove(claim.clone()).await.unwrap();
        one.verify(&anchor, proof.clone()).await.unwrap();
        assert!(one.verify(&elsewhere, proof.clone()).await.is_err(), "{claim:?} by another channel");
        let mut changed = proof.clone();
        let middle = changed.bytes.len() / 2;
        changed.bytes[middle] ^= 1;
        assert!(one.verify(&anchor, changed).await.is_err(), "{claim:?}, changed");
    }
}

async fn private_data_is_nowhere_in_the_open(one: &Application) {
    let secret = b"a private word";
    let ContractCall { contract, function, arguments, .. } =
        match call("probe", "private", vec![Value::Text("name".into())]) {
            Call::Invoke(call) => call,
            other => panic!("{other:?}"),
        };
    let private_arguments = vec![("secret".to_owned(), secret.to_vec())];
    let keep = ContractCall { contract, function, arguments, abi: None, private_arguments };
    let envelope = one.sign(Call::Invoke(keep)).await.unwrap();
    let open = format!("{envelope:?}");
    assert!(
        !envelope.bytes.windows(secret.len()).any(|part| part == secret)
            && !open.contains(&hex::encode(secret))
    );
    one.ledger.send(envelope.clone()).await.unwrap();
    let receipt = one.receipt(&envelope).await;
    assert!(matches!(receipt.outcome, Some(Ok(_))), "{receipt:?}");
    let revealed = one.evaluate("probe", "reveal", vec![Value::Text("name".into())]).await.unwrap();
    assert_eq!(revealed.raw, secret);
}

async fn refusals(one: &Application, network: &Network) {
    let codes = [
        (call("probe", "fail", vec![Value::Text("a reason".into())]), ErrorCode::Reverted),
        (call("probe", "owned", vec![]), ErrorCode::PermissionDenied),
        (call("probe", "add", vec![Value::Integer("-1".into())]), ErrorCode::InvalidArgument),
        (call("nobody", "add", vec![]), ErrorCode::NotFound),
        (call("probe", "nothing", vec![]), ErrorCode::NotFound),
    ];
    for (wrong, code) in codes {
        let error = one.sign(wrong.clone()).await.unwrap_err();
        assert_eq!(error.answered().unwrap().code, code, "{wrong:?}: {error}");
    }
    let nowhere = Application::open(network, "nowhere", 0).await;
    let error = nowhere.ledger.status().await.unwrap_err();
    assert_eq!(error.answered().unwrap().code, ErrorCode::NotFound, "{error}");
    let stranger = Application::open_as(network, CHANNEL, 0, "Org2MSP").await;
    let error = stranger.sign(call("probe", "put", vec![Value::Text("x".into())])).await.unwrap_err();
    assert_eq!(error.answered().unwrap().code, ErrorCode::PermissionDenied, "{error}");
}
