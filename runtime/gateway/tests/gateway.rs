//! What a participant reaches through the gateway, on the model ledger.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use axum::http::Method;
use berth_identity::Authority;
use berth_journal::MemoryStore;
use berth_lending::{MemoryState, StateStore as _};
use berth_model::{MAIN_SPACE, ModelNode};
use jiff::Timestamp;
use serde_json::json;
use std::sync::Arc;
use support::{World, gateway_keeping, gateway_on, insert, order, read, request};

const INVOKE: &str = "/v1/applications/shop/invoke";

#[tokio::test]
async fn a_write_is_in_the_ledger_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let account = world.fund("shop", &alice).await;
    let before = world.ledger.transactions(MAIN_SPACE, &account);

    let first = world.post(&alice, INVOKE, Some("order-17"), insert("k", "v")).await;
    assert_eq!(first.status, 200, "{first:?}");
    let again = world.post(&alice, INVOKE, Some("order-17"), insert("k", "v")).await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!(first.body["transaction"], again.body["transaction"]);
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), before + 1);

    let other = world.post(&alice, INVOKE, Some("order-17"), insert("k", "w")).await;
    assert_eq!((other.status.as_u16(), other.body["code"].as_str()), (409, Some("conflict")));
    assert_eq!(other.body["title"], "The idempotency key was used for another request");
    assert_eq!(other.headers["content-type"], "application/problem+json");
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), before + 1);

    let read = world.post(&alice, "/v1/applications/shop/evaluate", None, read("k")).await;
    assert_eq!(read.status, 200, "{read:?}");

    world.ledger.mine(MAIN_SPACE, 5);
    let settled = world.get(&alice, "/v1/applications/shop/calls/order-17?until=settled").await;
    assert_eq!(settled.body["state"], "settled", "{settled:?}");
    assert_eq!(settled.body["settlement"], json!({"final": {"succeeded": true}}));
    let later = world.get(&alice, "/v1/applications/shop/calls/order-17").await;
    assert_eq!(later.body["receipt"]["inclusion"], "final", "{later:?}");
}

#[tokio::test]
async fn without_an_idempotency_key_nothing_is_written() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let too_long = "k".repeat(129);
    for key in [None, Some(" "), Some(too_long.as_str())] {
        let answer = world.post(&alice, INVOKE, key, insert("k", "v")).await;
        assert_eq!(answer.body["code"], "idempotency-key", "{answer:?}");
    }
    assert_eq!(world.ledger.submissions(), 1, "the contract's deployment alone");
}

#[tokio::test]
async fn a_missing_idempotency_key_is_told_before_anything_else_of_the_application() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    let mut own = order("own", &world.url, "alice");
    own.key_mode = berth_gateway::KeyMode::Upload;
    world.gateway.create(own).await.unwrap();
    let invoke = "/v1/applications/own/invoke";
    assert_eq!(world.post(&alice, invoke, None, insert("k", "v")).await.body["code"], "idempotency-key");
    assert_eq!(world.post(&alice, invoke, Some("1"), insert("k", "v")).await.body["code"], "key-mode");
}

#[tokio::test]
async fn an_idempotency_key_that_is_none_is_refused_with_a_read_too() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let get = || serde_json::json!({"operation": {"get": "k"}});
    let store = "/v1/applications/shop/store";
    assert_eq!(world.post(&alice, store, Some("two words"), get()).await.body["code"], "idempotency-key");
    assert_eq!(world.post(&alice, store, Some("one"), get()).await.body["code"], "not-found");
}

#[tokio::test]
async fn what_is_no_name_of_a_participant_is_no_member_to_be_removed() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let members = "/v1/applications/shop/members";
    let wrong = world.send(Some(&alice), Method::DELETE, &format!("{members}/a%2Cb"), &[], None).await;
    assert_eq!(wrong.body["code"], "invalid-argument", "{wrong:?}");
    let nobody = world.send(Some(&alice), Method::DELETE, &format!("{members}/bob"), &[], None).await;
    assert_eq!(nobody.status, 200, "who is no member stays none: {nobody:?}");
}

#[tokio::test]
async fn what_a_contract_refuses_is_a_problem_with_the_standards_code_and_nothing_is_sent() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let missing = world.post(&alice, "/v1/applications/shop/evaluate", None, read("nothing")).await;
    assert_eq!(
        (missing.status.as_u16(), missing.body["code"].as_str()),
        (404, Some("not-found")),
        "{missing:?}"
    );
    assert_eq!(missing.body["type"], "urn:berth:problem:not-found");
    let mut wrong = insert("k", "v");
    wrong["function"] = json!("no such function");
    let wrong = world.post(&alice, INVOKE, Some("1"), wrong).await;
    assert!(wrong.status.is_client_error(), "{wrong:?}");
    let mut unknown = insert("k", "v");
    unknown["colour"] = json!("red");
    let unknown = world.post(&alice, INVOKE, Some("2"), unknown).await;
    assert_eq!((unknown.status.as_u16(), unknown.body["code"].as_str()), (400, Some("invalid-argument")));
    assert!(unknown.body["detail"].as_str().unwrap().contains("colour"), "{unknown:?}");
    assert_eq!(world.ledger.submissions(), 1, "the contract's deployment alone");
}

#[tokio::test]
async fn who_is_not_enrolled_or_changes_a_request_gets_nothing() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let unsigned =
        world.send(None, Method::POST, INVOKE, &[("idempotency-key", "1")], Some(insert("k", "v"))).await;
    assert_eq!((unsigned.status.as_u16(), unsigned.body["code"].as_str()), (401, Some("unauthenticated")));

    // Enrolled at another node.
    let stranger = World::new().await.enrol("alice").await;
    let foreign = world.post(&stranger, INVOKE, Some("1"), insert("k", "v")).await;
    // Known, and signed by another key.
    let mut forged =
        request(Some(&alice), Method::POST, INVOKE, &[("idempotency-key", "1")], Some(insert("k", "v")));
    let other =
        request(Some(&alice), Method::POST, INVOKE, &[("idempotency-key", "1")], Some(insert("k", "w")));
    forged.headers_mut().insert("signature", other.headers()["signature"].clone());
    let forged = world.raw(forged).await;
    assert_eq!(foreign.body, unsigned.body, "who is not known and who signs wrongly are not told apart");
    assert_eq!(forged.body, unsigned.body);

    let body = insert("k", "v");
    let make =
        || request(Some(&alice), Method::POST, INVOKE, &[("idempotency-key", "1")], Some(body.clone()));
    let mut changed = make();
    *changed.body_mut() = insert("k", "x").to_string().into();
    assert_eq!(world.raw(changed).await.body["code"], "digest");

    let first = make();
    let (parts, _) = make().into_parts();
    let mut copy = axum::http::Request::new(axum::body::Body::from(body.to_string()));
    *copy.method_mut() = first.method().clone();
    *copy.uri_mut() = first.uri().clone();
    *copy.headers_mut() = first.headers().clone();
    drop(parts);
    assert_eq!(world.ledger.submissions(), 1, "the contract's deployment alone");
    assert_eq!(world.raw(first).await.status, 200);
    assert_eq!(world.raw(copy).await.body["code"], "replay");
    assert_eq!(world.ledger.submissions(), 2);
}

#[tokio::test]
async fn an_application_is_not_there_for_those_without_a_role_and_roles_are_held_to() {
    let world = World::new().await;
    let (alice, bob) = (world.enrol("alice").await, world.enrol("bob").await);
    world.application("shop", &alice).await;
    let missing = world.get(&bob, "/v1/applications/nowhere").await;
    let theirs = world.get(&bob, "/v1/applications/shop").await;
    assert_eq!((missing.status, &missing.body), (theirs.status, &theirs.body));
    assert_eq!(theirs.status, 404);

    let members = "/v1/applications/shop/members/bob";
    let invited = world.send(Some(&alice), Method::PUT, members, &[], Some(json!({"roles": ["read"]}))).await;
    assert_eq!(invited.status, 200, "{invited:?}");
    assert_eq!(world.get(&bob, "/v1/applications/shop/status").await.status, 200);
    let write = world.post(&bob, INVOKE, Some("1"), insert("k", "v")).await;
    assert_eq!((write.status.as_u16(), write.body["code"].as_str()), (403, Some("forbidden")));
    let promote =
        world.send(Some(&bob), Method::PUT, members, &[], Some(json!({"roles": ["administer"]}))).await;
    assert_eq!(promote.status, 403);
    let owner =
        world.send(Some(&alice), Method::DELETE, "/v1/applications/shop/members/alice", &[], None).await;
    assert_eq!(owner.status, 400, "an owner cannot lock themselves out: {owner:?}");

    world.send(Some(&alice), Method::DELETE, members, &[], None).await;
    assert_eq!(world.get(&bob, "/v1/applications/shop/status").await.status, 404);

    // Keys of one participant are not another's, not even the same idempotency key.
    world.send(Some(&alice), Method::PUT, members, &[], Some(json!({"roles": ["read", "write"]}))).await;
    world.fund("shop", &bob).await;
    let first = world.post(&alice, INVOKE, Some("same"), insert("a", "v")).await;
    let second = world.post(&bob, INVOKE, Some("same"), insert("b", "v")).await;
    assert_eq!((first.status, second.status), (second.status, first.status));
    assert_ne!(first.body["transaction"], second.body["transaction"]);
}

#[tokio::test]
async fn a_revoked_participant_is_refused_from_the_next_request_on() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    assert_eq!(world.get(&alice, "/v1/applications").await.status, 200);
    world.gateway.revoke("alice", "the key was lost").await.unwrap();
    assert_eq!(world.get(&alice, "/v1/applications").await.status, 401);
    let again = world.enrol("alice").await;
    assert_eq!(world.get(&again, "/v1/applications").await.status, 200);
    assert_eq!(world.get(&alice, "/v1/applications").await.status, 401, "the old certificate stays refused");
}

#[tokio::test]
async fn too_long_a_body_is_refused_and_too_many_writes_wait() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let long = world.post(&alice, INVOKE, Some("1"), json!({"contract": "x".repeat(4 << 20)})).await;
    assert_eq!(long.status, 413, "{:?}", long.status);

    let mut few = order("few", &world.url, "alice");
    few.quotas.transactions_per_second = 2;
    world.gateway.create(few).await.unwrap();
    world.fund("few", &alice).await;
    let mut refused = 0;
    for number in 0..5 {
        let key = number.to_string();
        let answer = world.post(&alice, "/v1/applications/few/invoke", Some(&key), insert(&key, "v")).await;
        if answer.body["code"] == "quota-exceeded" {
            assert_eq!(answer.status, 429);
            refused += 1;
        }
    }
    assert!(refused >= 1);
}

#[tokio::test]
async fn a_suspended_application_refuses_and_a_removed_one_leaves_nothing_to_the_next() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let key = world.get(&alice, "/v1/applications/shop/account").await.body["key"].clone();
    world.gateway.suspend("shop", Some("unpaid".into())).await.unwrap();
    let answer = world.post(&alice, INVOKE, Some("1"), insert("k", "v")).await;
    assert_eq!(answer.body["code"], "suspended");
    assert!(answer.body["detail"].as_str().unwrap().contains("unpaid"));
    world.gateway.suspend("shop", None).await.unwrap();
    assert_eq!(world.post(&alice, INVOKE, Some("1"), insert("k", "v")).await.status, 200);
    // It is in a block that can still disappear.
    assert_eq!(world.gateway.remove("shop").await.unwrap_err().code, "under-way");
    world.gateway.suspend("shop", None).await.unwrap();
    world.ledger.mine(MAIN_SPACE, 5);
    let settled = world.get(&alice, "/v1/applications/shop/calls/1?until=settled").await;
    assert_eq!(settled.body["state"], "settled");
    world.gateway.remove("shop").await.unwrap();
    assert_eq!(world.get(&alice, "/v1/applications/shop").await.status, 404);

    world.gateway.create(order("shop", &world.url, "alice")).await.unwrap();
    assert_eq!(world.get(&alice, "/v1/applications/shop/calls/1").await.status, 404);
    assert_ne!(world.get(&alice, "/v1/applications/shop/account").await.body["key"], key);
}

#[tokio::test]
async fn a_removed_applications_adapter_leaves_no_state_and_others_keep_theirs() {
    let (state, store) = (Arc::new(MemoryState::default()), Arc::new(MemoryStore::new()));
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let gateway = gateway_keeping(store, state.clone(), &"0f".repeat(32), authority).await.unwrap();
    let (url, _served) = ModelNode::new(support::CHAIN).serve().await.unwrap();
    support::enrol(&gateway, "alice").await;
    let mut ids = Vec::new();
    for name in ["shop", "other"] {
        let id = gateway.create(order(name, &url, "alice")).await.unwrap().id.clone();
        assert!(state.swap(&id, "k", None, Some(b"v")).await.unwrap());
        ids.push(id);
    }
    gateway.remove("shop").await.unwrap();
    assert_eq!(state.get(&ids[0], "k").await.unwrap(), None);
    assert_eq!(state.get(&ids[1], "k").await.unwrap(), Some(b"v".to_vec()));
}

#[tokio::test]
async fn wrong_orders_are_refused_with_what_is_wrong() {
    let world = World::new().await;
    world.enrol("alice").await;
    let good = || order("shop", &world.url, "alice");
    let mut cases = vec![
        ("owner", good()),
        ("adapter", good()),
        ("name", good()),
        ("chain", good()),
        ("endpoint", good()),
    ];
    cases[0].1.owner = "nobody".into();
    cases[1].1.adapter = "none".into();
    cases[2].1.name = "Shop!".into();
    cases[3].1.settings = json!({});
    cases[4].1.endpoints.clear();
    for (named, order) in cases {
        let problem = world.gateway.create(order).await.unwrap_err();
        assert_eq!(problem.status, 400, "{problem:?}");
        assert!(problem.detail.contains(named), "{named}: {problem:?}");
    }
    world.gateway.create(good()).await.unwrap();
    assert_eq!(world.gateway.create(good()).await.unwrap_err().code, "already-exists");
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_and_what_was_under_way_is_followed() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let written = world.post(&alice, INVOKE, Some("1"), insert("k", "v")).await;
    assert_eq!(written.body["state"], "under-way", "{written:?}");
    let authority = berth_identity::Authority::create("node", jiff::Timestamp::now()).unwrap();
    world.gateway.stop();
    let again = gateway_on(world.store.clone(), &"0f".repeat(32), authority).await;
    world.ledger.mine(MAIN_SPACE, 5);
    let key = berth_journal::EntryKey::new(again.applications()[0].id.clone(), "alice/1").unwrap();
    let journal = berth_journal::Journal::new(world.store.clone());
    let settled = async {
        loop {
            let under_way = again.application("shop").unwrap().1.under_way;
            let entry = journal.entry(&key).await.unwrap().unwrap();
            if under_way == 0 && matches!(entry.state, berth_journal::State::Settled(_)) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), settled).await.expect("somebody takes it up");
    assert_eq!(world.ledger.submissions(), 2);
}

#[tokio::test]
async fn keys_in_trust_are_sealed_in_the_store() {
    let store = Arc::new(MemoryStore::new());
    let world = World::on(store).await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let page = world.store.scan(b"node/key/", b"", 100).await.unwrap();
    assert_eq!(page.entries.len(), 1);
    let text = String::from_utf8(page.entries[0].1.clone()).unwrap();
    // Under another master key it does not open, and the answer says nothing of the key.
    let authority = berth_identity::Authority::create("node", jiff::Timestamp::now()).unwrap();
    let other = gateway_on(world.store.clone(), &"0e".repeat(32), authority).await;
    assert!(other.applications().len() == 1 && text.contains("sealed"));
}
