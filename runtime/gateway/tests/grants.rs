//! What applications grant each other, and what one reads of another, on the model ledger.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::time::Duration;

use axum::http::Method;
use berth_gateway::UpgradeTerms;
use berth_model::{MAIN_SPACE, ModelNode};
use jiff::Timestamp;
use serde_json::{Value, json};
use support::{Answer, Participant, World, insert, order};

const SHOP: &str = "/v1/applications/shop";
const BANK: &str = "/v1/applications/bank";

/// Alice's shop, which has a final value under `k`, and Bob's bank.
async fn two() -> (World, Participant, Participant) {
    let world = World::new().await;
    let (alice, bob) = (world.enrol("alice").await, world.enrol("bob").await);
    world.application("shop", &alice).await;
    let written = world.post(&alice, &format!("{SHOP}/invoke"), Some("1"), insert("k", "v")).await;
    assert_eq!(written.status, 200, "{written:?}");
    world.ledger.mine(MAIN_SPACE, 5);
    world.gateway.create(order("bank", &world.url, "bob")).await.unwrap();
    (world, alice, bob)
}

fn anchor(ledger: &ModelNode) -> Value {
    json!({ "anchor": format!("0x{}", hex::encode(ledger.anchor(MAIN_SPACE, "preset"))) })
}

fn function(name: &str) -> Value {
    json!({"function": {"contract": "preset", "function": name, "arguments": [{"text": "k"}], "abi": null, "private_arguments": []}})
}

async fn propose(world: &World, by: &Participant, expires: Timestamp) -> String {
    let body = json!({
        "to": "bank",
        "keys": ["k"],
        "functions": [{"contract": "preset", "function": "get(text)"}],
        "expires": expires,
    });
    let proposed = world.post(by, &format!("{SHOP}/grants"), None, body).await;
    assert_eq!(proposed.status, 200, "{proposed:?}");
    proposed.body["id"].as_str().unwrap().to_owned()
}

async fn read(world: &World, by: &Participant, id: &str, what: Value) -> Answer {
    world.post(by, &format!("{BANK}/grants/{id}/read"), None, what).await
}

fn later() -> Timestamp {
    Timestamp::now() + Duration::from_secs(600)
}

#[tokio::test]
async fn what_both_owners_granted_is_read_with_its_proof_and_written_down_on_both_sides() {
    let (world, alice, bob) = two().await;
    let id = propose(&world, &alice, later()).await;
    let early = read(&world, &bob, &id, json!({"key": "k"})).await;
    assert_eq!(
        (early.status.as_u16(), early.body["code"].as_str()),
        (403, Some("not-granted")),
        "one owner is not enough"
    );

    let accept = format!("{BANK}/grants/{id}/accept");
    let without = world.post(&bob, &accept, None, json!({})).await;
    assert_eq!(without.body["code"], "invalid-argument", "values are proved here: {without:?}");
    let own = world.post(&alice, &format!("{SHOP}/grants/{id}/accept"), None, anchor(&world.ledger)).await;
    assert_eq!(own.body["code"], "not-granted", "who gives does not accept: {own:?}");
    let accepted = world.post(&bob, &accept, None, anchor(&world.ledger)).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");

    let value = read(&world, &bob, &id, json!({"key": "k"})).await;
    assert_eq!(value.status, 200, "{value:?}");
    assert_eq!(value.body["value"]["answer"], json!({ "value": format!("0x{}", hex::encode("v")) }));
    assert_eq!(value.body["value"]["proof"]["claim"]["preset-value"]["key"], "k");
    let output = read(&world, &bob, &id, function("get(text)")).await;
    assert_eq!(output.status, 200, "{output:?}");

    for other in [json!({"key": "other"}), function("history(text)")] {
        let refused = read(&world, &bob, &id, other).await;
        assert_eq!(refused.body["code"], "not-granted", "{refused:?}");
    }
    let (given, taken) = (
        world.get(&alice, &format!("{SHOP}/grants/calls")).await,
        world.get(&bob, &format!("{BANK}/grants/calls")).await,
    );
    assert_eq!(given.body["calls"], taken.body["calls"]);
    let calls = given.body["calls"].as_array().unwrap();
    assert_eq!(
        calls.iter().map(|call| call["what"].as_str().unwrap()).collect::<Vec<_>>(),
        ["k", "preset get(text)"]
    );
    assert_eq!(calls[0]["participant"], "bob");
}

#[tokio::test]
async fn a_proof_that_does_not_verify_is_not_handed_over() {
    let (world, alice, bob) = two().await;
    let id = propose(&world, &alice, later()).await;
    let foreign = anchor(&ModelNode::new("another"));
    world.post(&bob, &format!("{BANK}/grants/{id}/accept"), None, foreign).await;
    let answer = read(&world, &bob, &id, json!({"key": "k"})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["code"].as_str()),
        (502, Some("not-proved")),
        "{answer:?}"
    );
    assert_eq!(answer.body.get("value"), None, "the value stays here");
}

#[tokio::test]
async fn a_grant_ends_when_it_expires_and_when_either_owner_revokes_it() {
    let (world, alice, bob) = two().await;
    let soon = propose(&world, &alice, Timestamp::now() + Duration::from_secs(5)).await;
    let long = propose(&world, &alice, later()).await;
    for id in [&soon, &long] {
        let accepted =
            world.post(&bob, &format!("{BANK}/grants/{id}/accept"), None, anchor(&world.ledger)).await;
        assert_eq!(accepted.status, 200, "{accepted:?}");
    }
    assert_eq!(read(&world, &bob, &long, json!({"key": "k"})).await.status, 200);
    let revoked = world.send(Some(&alice), Method::DELETE, &format!("{SHOP}/grants/{long}"), &[], None).await;
    assert_eq!(revoked.body["revoked"], "shop", "{revoked:?}");
    assert_eq!(read(&world, &bob, &long, json!({"key": "k"})).await.body["code"], "not-granted");
    let again = world.post(&bob, &format!("{BANK}/grants/{long}/accept"), None, anchor(&world.ledger)).await;
    assert_eq!(again.body["code"], "not-granted", "what is revoked stays so: {again:?}");
    tokio::time::timeout(Duration::from_secs(20), async {
        while read(&world, &bob, &soon, json!({"key": "k"})).await.status == 200 {}
    })
    .await
    .expect("it expires");
    assert_eq!(read(&world, &bob, &soon, json!({"key": "k"})).await.body["code"], "not-granted");
}

#[tokio::test]
async fn who_is_no_owner_gives_and_takes_nothing_and_strangers_see_no_grant() {
    let (world, alice, bob) = two().await;
    let members = format!("{SHOP}/members/bob");
    let roles = json!({"roles": ["read", "write", "deploy", "administer"]});
    world.send(Some(&alice), Method::PUT, &members, &[], Some(roles)).await;
    let body = json!({"to": "bank", "keys": ["k"], "expires": later()});
    let proposed = world.post(&bob, &format!("{SHOP}/grants"), None, body).await;
    assert_eq!(proposed.body["code"], "not-owner", "{proposed:?}");

    let id = propose(&world, &alice, later()).await;
    let carol = world.enrol("carol").await;
    world.gateway.create(order("third", &world.url, "carol")).await.unwrap();
    for (method, path) in [(Method::POST, "accept"), (Method::POST, "read")] {
        let path = format!("/v1/applications/third/grants/{id}/{path}");
        let body = if path.ends_with("read") { json!({"key": "k"}) } else { anchor(&world.ledger) };
        let answer = world.send(Some(&carol), method, &path, &[], Some(body)).await;
        assert_eq!(answer.body["code"], "not-granted", "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_proposal_does_not_tell_which_applications_there_are() {
    let (world, alice, _) = two().await;
    let mut answers = Vec::new();
    for to in ["bank", "nowhere"] {
        let body = json!({"to": to, "keys": ["k"], "expires": "2100-01-01T00:00:00Z"});
        let mut proposed = world.post(&alice, &format!("{SHOP}/grants"), None, body).await;
        // Random digits, and the name that was given, are all that may differ.
        let id = proposed.body["id"].as_str().unwrap().len();
        let other = proposed.body["to_id"].as_str().unwrap().replace(to, "").len();
        for own in ["id", "to", "to_id"] {
            proposed.body.as_object_mut().unwrap().remove(own);
        }
        answers.push((proposed.status, proposed.body, id, other));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_grant_has_at_most_a_hundred_names_of_a_thousand_bytes() {
    let (world, alice, _) = two().await;
    let keys = |count: usize, bytes: usize| -> Vec<String> {
        (0..count).map(|number| format!("{number:0bytes$}")).collect()
    };
    for (keys, is_taken) in [(keys(100, 1_024), true), (keys(101, 8), false), (keys(1, 1_025), false)] {
        let body = json!({"to": "bank", "keys": keys, "expires": later()});
        let proposed = world.post(&alice, &format!("{SHOP}/grants"), None, body).await;
        assert_eq!(proposed.status == 200, is_taken, "{proposed:?}");
    }
}

#[tokio::test]
async fn a_grant_has_no_more_bytes_than_is_bounded_whatever_it_names() {
    let (world, alice, _) = two().await;
    let functions = |count: usize| -> Vec<_> {
        let abi = "x".repeat(16_384);
        (0..count)
            .map(|number| json!({"contract": "c", "function": format!("f{number}"), "abi": abi}))
            .collect()
    };
    for (count, is_taken) in [(7, true), (8, false)] {
        let body = json!({"to": "bank", "functions": functions(count), "expires": later()});
        let proposed = world.post(&alice, &format!("{SHOP}/grants"), None, body).await;
        assert_eq!(proposed.status == 200, is_taken, "{count}: {}", proposed.status);
    }
}

#[tokio::test]
async fn where_proofs_are_agreed_on_a_version_that_gives_none_hands_nothing_over() {
    let (world, alice, bob) = two().await;
    let id = propose(&world, &alice, later()).await;
    world.post(&bob, &format!("{BANK}/grants/{id}/accept"), None, anchor(&world.ledger)).await;
    assert_eq!(read(&world, &bob, &id, json!({"key": "k"})).await.status, 200);
    let mut without = support::model().await;
    without.descriptor.version = "99.0.0".into();
    without.descriptor.capabilities.clear();
    let terms = UpgradeTerms { trial: Duration::from_secs(600), new_major: true };
    world.gateway.upgrade(without, terms).await.unwrap();
    let answer = read(&world, &bob, &id, json!({"key": "k"})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body["code"].as_str()),
        (502, Some("not-proved")),
        "{answer:?}"
    );
    assert_eq!(answer.body.get("value"), None, "the value stays here");
}

#[tokio::test]
async fn an_application_proposes_at_most_a_thousand_grants() {
    let (world, alice, _) = two().await;
    for _ in 0..1_000 {
        propose(&world, &alice, later()).await;
    }
    let body = json!({"to": "bank", "keys": ["k"], "expires": later()});
    let refused = world.post(&alice, &format!("{SHOP}/grants"), None, body).await;
    assert_eq!(refused.body["code"], "quota-exceeded", "{refused:?}");
}
