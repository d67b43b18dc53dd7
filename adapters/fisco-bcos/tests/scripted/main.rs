//! The adapter against a node that a script plays, with answers recorded from a real node of 2.9.1: what real nodes do rarely.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod node;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use adapter_spec::types::{
    transport::{Failure, JsonRpcFailure},
    *,
};
use berth_crypto::SigningKey;
use node::*;
use serde_json::{Value as Json, json};

#[tokio::test]
async fn a_call_goes_from_begin_to_send_on_both_generations_and_cryptographies() {
    for (settings, script) in [(two(), Script::two()), (three_sm(), Script::three())] {
        let ledger = script.ledger(settings.clone()).await;
        let key = user(scheme_of(&settings));
        let envelope = envelope(&*ledger, &key).await;
        let head = if settings["generation"] == 2 { 5 } else { 7 };
        assert_eq!(envelope.valid_until, Validity::Block(head + 500));
        let id = json!(envelope.transaction);
        script.says("sendRawTransaction", ok(id.clone()));
        script.says("sendTransaction", ok(json!({"transactionHash": id, "status": 0, "blockNumber": 8})));
        ledger.send(envelope.clone()).await.unwrap();
        ledger.send(envelope.clone()).await.unwrap();
        let sent = script.sent.lock().unwrap();
        assert_eq!(sent[0], sent[1]);
        assert!(sent[0].contains(&alloy_primitives::hex::encode(&envelope.bytes)));
    }
}

#[tokio::test]
async fn the_same_salt_is_the_same_transaction_and_another_is_another() {
    let script = Script::two();
    let ledger = script.ledger(two()).await;
    let key = user(SignatureScheme::EcdsaSecp256k1Keccak256);
    let first = begin(&*ledger, &key, b"one").await.unwrap();
    assert_eq!(begin(&*ledger, &key, b"one").await.unwrap(), first);
    assert_ne!(begin(&*ledger, &key, b"two").await.unwrap().items, first.items);
}

#[tokio::test]
async fn a_send_says_truly_whether_it_can_still_take_effect() {
    let transport = |failure| Err(JsonRpcFailure::Transport(failure));
    for (answer, code, effect) in [
        (transport(Failure::Timeout), ErrorCode::Timeout, Effect::Unknown),
        (transport(Failure::Interrupted("cut".into())), ErrorCode::Unavailable, Effect::Unknown),
        (transport(Failure::Unreachable("down".into())), ErrorCode::Unavailable, Effect::Never),
        (ok(json!("nonsense")), ErrorCode::CorruptResponse, Effect::Unknown),
        (refusal("InvalidChainId"), ErrorCode::InvalidArgument, Effect::Never),
        (refusal("InvalidGroupId"), ErrorCode::InvalidArgument, Effect::Never),
        (refusal("GroupID does not exist"), ErrorCode::InvalidArgument, Effect::Never),
        (refusal("Field:signature"), ErrorCode::Rejected, Effect::Never),
        (refusal("TransactionNonceCheckFail"), ErrorCode::Conflict, Effect::Never),
        (refused(-32603, "nobody has seen this"), ErrorCode::Unavailable, Effect::Unknown),
    ] {
        let script = Script::two();
        let ledger = script.ledger(two()).await;
        let envelope = envelope(&*ledger, &user(SignatureScheme::EcdsaSecp256k1Keccak256)).await;
        script.says("sendRawTransaction", answer.clone());
        let failed = ledger.send(envelope).await.unwrap_err();
        let failed = failed.answered().unwrap();
        assert_eq!((failed.error.code, failed.effect), (code, effect), "{answer:?}");
    }
}

#[tokio::test]
async fn a_time_out_keeps_the_effect_unknown_whatever_a_later_send_says() {
    let script = Script::two();
    let ledger = script.ledger(two()).await;
    let envelope = envelope(&*ledger, &user(SignatureScheme::EcdsaSecp256k1Keccak256)).await;
    let unreachable = || Err(JsonRpcFailure::Transport(Failure::Unreachable("down".into())));
    let effect = async || ledger.send(envelope.clone()).await.unwrap_err().answered().unwrap().effect;
    script.says("sendRawTransaction", unreachable());
    assert_eq!(effect().await, Effect::Never);
    script.says("sendRawTransaction", Err(JsonRpcFailure::Transport(Failure::Timeout)));
    assert_eq!(effect().await, Effect::Unknown);
    for later in [unreachable(), refusal("InvalidChainId"), refusal("BlockLimitCheckFailed")] {
        script.says("sendRawTransaction", later);
        assert_eq!(effect().await, Effect::Unknown);
    }
    // After a loss of the state nothing is known of it either.
    script.state.lock().unwrap().clear();
    script.says("sendRawTransaction", unreachable());
    assert_eq!(effect().await, Effect::Unknown);
}

/// What sm-crypto says of these. None, and a line that says so, where `cargo xtask test` did not install it.
fn sm_crypto(key: &[u8], message: &[u8], signature: &[u8], envelope: &[u8]) -> Option<Json> {
    let Some(packages) = std::env::var_os("BERTH_EVM_CLIENTS") else {
        println!("NOT RUN: BERTH_EVM_CLIENTS does not name the packages; `cargo xtask test` installs them");
        return None;
    };
    let told = std::process::Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/sm.cjs"))
        .args([key, message, signature, envelope].map(alloy_primitives::hex::encode))
        .env("NODE_PATH", Path::new(&packages).join("node_modules"))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Some(serde_json::from_slice(&told.stdout).unwrap())
}

#[tokio::test]
async fn sm_crypto_signs_what_is_asked_for_and_verifies_and_hashes_alike() {
    let sm_two = json!({"generation": 2, "chain": "1", "group": "1", "crypto": "sm"});
    for (settings, script) in [(sm_two, Script::two()), (three_sm(), Script::three())] {
        // The recorded node has the other cryptography, and the published block is of another chain than the call.
        script.says("getClientVersion", ok(json!({"FISCO-BCOS Version": "2.9.1 gm", "Chain Id": "1"})));
        let ledger = script.ledger(settings.clone()).await;
        let key = user(SignatureScheme::Sm2Sm3);
        let request = begin(&*ledger, &key, b"salt").await.unwrap();
        let SigningInput::Sm2(asked) = &request.items[0].input else { panic!("{:?}", request.items) };
        let ours = key.sign(&request.items[0].input).unwrap();
        let resume = async |signature: Signature| match answered(
            ledger.resume(request.continuation.clone(), vec![signature]).await,
        )
        .unwrap()
        {
            Step::Send(envelope) => envelope,
            other => panic!("{other:?}"),
        };
        let envelope = resume(ours.clone()).await;
        let Some(told) = sm_crypto(&[0x11; 32], &asked.data, &ours.bytes, &envelope.bytes) else { return };
        assert_eq!(told["verifies"], true);
        assert_eq!(told["point"], alloy_primitives::hex::encode(key.public_key().point));
        if settings["generation"] == 2 {
            assert_eq!(envelope.transaction, format!("0x{}", told["hash"].as_str().unwrap()));
        } else {
            // The id of 3.x is the hash that is signed.
            assert_eq!(envelope.transaction, alloy_primitives::hex::encode_prefixed(&asked.data));
        }
        let theirs = alloy_primitives::hex::decode(told["signature"].as_str().unwrap()).unwrap();
        let theirs = resume(Signature { bytes: theirs, recovery_id: None }).await;
        assert!(!theirs.bytes.is_empty());
        script.state.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn what_was_sent_leaves_nothing_in_the_state() {
    let script = Script::two();
    let ledger = script.ledger(two()).await;
    let envelope = envelope(&*ledger, &user(SignatureScheme::EcdsaSecp256k1Keccak256)).await;
    assert_eq!(script.state.lock().unwrap().len(), 1, "it is noted until it is sent");
    script.says("sendRawTransaction", ok(json!(envelope.transaction)));
    ledger.send(envelope).await.unwrap();
    assert_eq!(*script.state.lock().unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn calls_that_were_given_up_are_forgotten_when_they_are_over() {
    let script = Script::two();
    let ledger = script.ledger(two()).await;
    let key = user(SignatureScheme::EcdsaSecp256k1Keccak256);
    let mut sizes = Vec::new();
    for number in 0u64..60 {
        script.says("getBlockNumber", ok(json!(format!("{:#x}", 100 + number * 50))));
        let request = begin(&*ledger, &key, &number.to_be_bytes()).await.unwrap();
        let signature = key.sign(&request.items[0].input).unwrap();
        ledger.abandon(request.continuation.clone()).await.unwrap();
        sizes.push(script.state.lock().unwrap().values().map(Vec::len).sum::<usize>());
        let late = answered(ledger.resume(request.continuation, vec![signature]).await);
        assert_eq!(late.unwrap_err().code, ErrorCode::Expired);
    }
    assert_eq!(sizes[20], sizes[59], "{sizes:?}");
}

#[tokio::test]
async fn a_node_below_what_was_final_is_behind() {
    let script = Script::three();
    let ledger = script.ledger(three_sm()).await;
    let published: Json = serde_json::from_str(include_str!("../vectors/fisco-bcos-3.json")).unwrap();
    let receipt = &published["sm"]["receipt"];
    let id = receipt["transactionHash"].as_str().unwrap();
    let number = receipt["blockNumber"].as_u64().unwrap();
    answered(ledger.receipt(id, Vec::new()).await).unwrap();
    script.says("getBlockNumber", ok(json!(number - 1)));
    let blocks = ledger.block(BlockSelector::Number(number)).await;
    let error = answered(blocks).unwrap_err();
    assert_eq!((error.code, error.retryable), (ErrorCode::Unavailable, true), "{error}");
}

#[tokio::test]
async fn a_height_below_that_of_the_call_gives_no_envelope() {
    let script = Script::three();
    script.says("getBlockNumber", ok(json!(417)));
    let ledger = script.ledger(three_sm()).await;
    let key = user(SignatureScheme::Sm2Sm3);
    let request = begin(&*ledger, &key, b"a").await.unwrap();
    let signature = key.sign(&request.items[0].input).unwrap();
    // What is left of the answer when its end is cut off.
    script.says("getBlockNumber", ok(json!(41)));
    let refused = ledger.resume(request.continuation.clone(), vec![signature.clone()]).await;
    let error = answered(refused).unwrap_err();
    assert_eq!((error.code, error.retryable), (ErrorCode::Unavailable, true), "{error}");
    script.says("getBlockNumber", ok(json!(418)));
    assert!(ledger.resume(request.continuation, vec![signature]).await.is_ok());
}

#[tokio::test]
async fn what_the_node_has_already_is_success() {
    let script = Script::two();
    let ledger = script.ledger(two()).await;
    let envelope = envelope(&*ledger, &user(SignatureScheme::EcdsaSecp256k1Keccak256)).await;
    script.says("sendRawTransaction", refusal("TransactionAlreadyKown"));
    ledger.send(envelope).await.unwrap();
}

#[tokio::test]
async fn a_window_that_has_passed_is_expired_for_good_and_a_node_far_behind_is_not() {
    let script = Script::two();
    let ledger = script.ledger(two()).await;
    let envelope = envelope(&*ledger, &user(SignatureScheme::EcdsaSecp256k1Keccak256)).await;
    script.says("sendRawTransaction", refusal("BlockLimitCheckFailed"));
    let failed = ledger.send(envelope.clone()).await.unwrap_err();
    let failed = failed.answered().unwrap().clone();
    assert_eq!(
        (failed.error.code, failed.effect, failed.error.retryable),
        (ErrorCode::Unavailable, Effect::Never, true)
    );
    let receipt =
        async || answered(ledger.receipt(&envelope.transaction, envelope.tracking.clone()).await).unwrap();
    assert_eq!(receipt().await.inclusion, Inclusion::Unknown);
    script.says("getBlockNumber", ok(json!("0x1f9")));
    let failed = ledger.send(envelope.clone()).await.unwrap_err();
    let failed = failed.answered().unwrap().clone();
    assert_eq!((failed.error.code, failed.effect), (ErrorCode::Expired, Effect::Never));
    assert_eq!(receipt().await.inclusion, Inclusion::Expired);
}

#[tokio::test]
async fn settings_that_are_not_the_nodes_are_named() {
    let key = user(SignatureScheme::EcdsaSecp256k1Keccak256);
    let sm = user(SignatureScheme::Sm2Sm3);
    let script = Script::two();
    let mut wrong = Vec::new();
    for (name, value) in [("chain", json!("2")), ("crypto", json!("sm"))] {
        let mut settings = two();
        settings[name] = value;
        let key = if name == "crypto" { &sm } else { &key };
        let ledger = script.ledger(settings).await;
        wrong.push((name, begin(&*ledger, key, b"").await.unwrap_err()));
        wrong.push((name, answered(ledger.status().await).unwrap_err()));
    }
    // The other generation's node has other methods.
    let ledger = script.ledger(json!({"generation": 3, "chain": "1", "group": "1"})).await;
    wrong.push(("generation", answered(ledger.status().await).unwrap_err()));
    // A key of the other kind.
    let ledger = script.ledger(two()).await;
    wrong.push(("crypto", begin(&*ledger, &sm, b"").await.unwrap_err()));
    script.says("getBlockNumber", refusal("GroupID does not exist"));
    wrong.push(("group", begin(&*ledger, &key, b"").await.unwrap_err()));
    let script = Script::three();
    for (name, value) in
        [("chain", json!("chain1")), ("group", json!("group1")), ("crypto", json!("standard"))]
    {
        let mut settings = three_sm();
        settings[name] = value;
        let ledger = script.ledger(settings).await;
        wrong.push((name, answered(ledger.status().await).unwrap_err()));
    }
    for (name, error) in wrong {
        assert!(error.message.contains(&format!("`{name}`")), "{name}: {error}");
        assert!(matches!(error.code, ErrorCode::InvalidArgument | ErrorCode::Unsupported), "{error}");
    }
}

#[tokio::test]
async fn a_published_receipt_of_three_is_final_and_a_made_up_one_is_corrupt() {
    let script = Script::three();
    let ledger = script.ledger(three_sm()).await;
    let id = "0xdce357d4a81bfe2c9b9cc83fde7576a8ae8dede910b70cdf9abed71a32ed10bf";
    let receipt = answered(ledger.receipt(id, Vec::new()).await).unwrap();
    assert_eq!((receipt.inclusion, receipt.index), (Inclusion::Final, Some(0)));
    assert_eq!(receipt.created.as_deref(), Some("0x82a3c3289a9f234a38aceed3016d1ff0e0f922b3"));
    assert_eq!(receipt.outcome.unwrap().unwrap().raw, Vec::<u8>::new());

    let published: Json = serde_json::from_str(include_str!("../vectors/fisco-bcos-3.json")).unwrap();
    for (name, value) in [("status", json!(16)), ("gasUsed", json!("24364")), ("output", json!("0x01"))] {
        let mut forged = published["sm"]["receipt"].clone();
        forged[name] = value;
        script.says("getTransactionReceipt", ok(forged));
        let error = answered(ledger.receipt(id, Vec::new()).await).unwrap_err();
        assert_eq!(error.code, ErrorCode::CorruptResponse, "{name}: {error}");
    }
    // A node that is behind does not take back what was final.
    script.says("getTransactionReceipt", refused(3008, "GetTransactionReceiptByHash"));
    script.says("getBlockNumber", ok(json!(1)));
    let error = answered(ledger.receipt(id, Vec::new()).await).unwrap_err();
    assert_eq!((error.code, error.retryable), (ErrorCode::Unavailable, true));
}

#[tokio::test]
async fn a_published_block_of_three_is_read_with_its_quorum() {
    let script = Script::three();
    let ledger = script.ledger(three_sm()).await;
    let block = answered(ledger.block(BlockSelector::Number(2)).await).unwrap();
    let header = block.header.unwrap();
    assert_eq!(berth_crypto::hash(header.hash, &header.bytes).to_vec(), block.reference.hash);
    let mut unsigned = published_block();
    unsigned["signatureList"].as_array_mut().unwrap().pop();
    script.says("getBlockByNumber", ok(unsigned));
    let error = answered(ledger.block(BlockSelector::Number(2)).await).unwrap_err();
    assert_eq!(error.code, ErrorCode::CorruptResponse);
    assert!(error.message.contains("two thirds"), "{error}");
}

#[tokio::test]
async fn a_late_or_foreign_signature_gives_no_envelope() {
    let script = Script::two();
    let ledger = script.ledger(two()).await;
    let key = user(SignatureScheme::EcdsaSecp256k1Keccak256);
    let request = begin(&*ledger, &key, b"a").await.unwrap();
    let signature = key.sign(&request.items[0].input).unwrap();
    let resume = async |signature: Signature| {
        answered(ledger.resume(request.continuation.clone(), vec![signature]).await)
    };
    let stranger = SigningKey::from_bytes(SignatureScheme::EcdsaSecp256k1Keccak256, &[0x22; 32]).unwrap();
    let foreign = stranger.sign(&request.items[0].input).unwrap();
    assert_eq!(resume(foreign).await.unwrap_err().code, ErrorCode::InvalidArgument);
    let mut damaged = signature.clone();
    damaged.bytes[3] ^= 1;
    assert_eq!(resume(damaged).await.unwrap_err().code, ErrorCode::InvalidArgument);
    assert!(resume(Signature { recovery_id: None, ..signature.clone() }).await.is_ok());
    script.says("getBlockNumber", ok(json!("0x1f9")));
    assert_eq!(resume(signature.clone()).await.unwrap_err().code, ErrorCode::Expired);
    script.says("getBlockNumber", ok(json!("0x5")));
    ledger.abandon(request.continuation.clone()).await.unwrap();
    assert_eq!(resume(signature).await.unwrap_err().code, ErrorCode::Expired);
}

#[tokio::test]
async fn nonsense_from_the_node_is_a_typed_error_everywhere() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for nonsense in ["", "{", "\"0x\"", "-1", "[]", "{}", "\"0xzz\"", "1e999", "true", "null", &deep] {
        for (settings, scripted) in [(two(), Script::two as fn() -> _), (three_sm(), Script::three)] {
            for method in [
                "getClientVersion",
                "getGroupInfo",
                "getBlockNumber",
                "getSyncStatus",
                "call",
                "getCode",
                "getBlockByNumber",
                "getBlockHeaderByNumber",
                "getBlockByHash",
                "getBlockHeaderByHash",
                "getTransactionReceipt",
                "getTransactionReceiptByHashWithProof",
            ] {
                let script: Arc<Script> = scripted();
                script.says(method, Ok(nonsense.into()));
                let ledger = script.ledger(settings.clone()).await;
                let id = "0xdce357d4a81bfe2c9b9cc83fde7576a8ae8dede910b70cdf9abed71a32ed10bf";
                let filter =
                    EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest };
                let codes = [
                    begin(&*ledger, &user(scheme_of(&settings)), b"n").await.err(),
                    answered(ledger.status().await).err(),
                    answered(ledger.receipt(id, Vec::new()).await).err(),
                    answered(ledger.block(BlockSelector::Hash(vec![1; 32])).await).err(),
                    answered(ledger.block(BlockSelector::Number(2)).await).err(),
                    answered(ledger.events(filter, EventStart::Block(2), 5, 1000).await).err(),
                ];
                assert!(codes.iter().flatten().all(|error| error.code != ErrorCode::Internal), "{codes:?}");
            }
        }
    }
}
