//! Blocks, the preset store, events, and what was used.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Method};
use berth_gateway::{AdapterCall, Gateway, verify_usage};
use berth_identity::Authority;
use berth_journal::{MemoryStore, Store as _};
use berth_model::MAIN_SPACE;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use support::{Participant, World, gateway_on, insert, order, request};
use tower::ServiceExt as _;

const APP: &str = "/v1/applications/shop";

async fn shop() -> (World, Participant) {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    (world, alice)
}

#[tokio::test]
async fn blocks_are_found_by_height_hash_and_confidence() {
    let (world, alice) = shop().await;
    let latest = world.get(&alice, &format!("{APP}/blocks/latest")).await;
    assert_eq!(latest.status, 200, "{latest:?}");
    let (number, hash) = (&latest.body["reference"]["number"], &latest.body["reference"]["hash"]);
    let by_number = world.get(&alice, &format!("{APP}/blocks/{number}")).await;
    let by_hash = world.get(&alice, &format!("{APP}/blocks/{}", hash.as_str().unwrap())).await;
    assert_eq!((&by_number.body, &by_hash.body), (&latest.body, &latest.body));
    for (wrong, code) in
        [("newest", "invalid-argument"), ("99999999", "out-of-range"), ("0xzz", "invalid-argument")]
    {
        let answer = world.get(&alice, &format!("{APP}/blocks/{wrong}")).await;
        assert_eq!(answer.body["code"], code, "{wrong}: {answer:?}");
    }
}

#[tokio::test]
async fn the_preset_store_inserts_reads_and_refuses_alike() {
    let (world, alice) = shop().await;
    let path = format!("{APP}/store?until=included");
    let put = |kind: &str, value: &str| json!({"operation": {kind: {"key": "k", "value": format!("0x{}", hex::encode(value))}}});
    let inserted = world.post(&alice, &path, Some("1"), put("insert", "v")).await;
    assert_eq!(inserted.body["answer"], "done", "{inserted:?}");
    let read = world.post(&alice, &path, None, json!({"operation": {"get": "k"}})).await;
    assert_eq!(read.body["answer"], json!({ "value": format!("0x{}", hex::encode("v")) }), "{read:?}");
    let missing = world.post(&alice, &path, None, json!({"operation": {"get": "nothing"}})).await;
    assert_eq!((missing.status.as_u16(), missing.body["code"].as_str()), (404, Some("not-found")));
    let keyless = world.post(&alice, &path, None, put("update", "w")).await;
    assert_eq!(keyless.body["code"], "idempotency-key");
    let twice = world.post(&alice, &path, Some("2"), put("insert", "w")).await;
    assert_eq!(twice.body["code"], "already-exists", "{twice:?}");
}

/// What comes from a stream, until `enough`.
async fn listen(
    world: &World,
    by: &Participant,
    path: &str,
    last: Option<&str>,
    enough: impl Fn(&[(String, Option<String>, Value)]) -> bool,
) -> Vec<(String, Option<String>, Value)> {
    let headers: Vec<_> = last.map(|last| ("last-event-id", last)).into_iter().collect();
    let response =
        world.router.clone().oneshot(request(Some(by), Method::GET, path, &headers, None)).await.unwrap();
    let status = response.status();
    let mut body: Body = response.into_body();
    let (mut text, mut heard) = (String::new(), Vec::new());
    let reading = async {
        while let Some(frame) = body.frame().await {
            text.push_str(std::str::from_utf8(frame.unwrap().data_ref().unwrap()).unwrap());
            while let Some(end) = text.find("\n\n") {
                let one: String = text.drain(..end + 2).collect();
                let field = |name: &str| {
                    one.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
                };
                if let (Some(kind), Some(data)) = (field("event:"), field("data:")) {
                    heard.push((kind, field("id:"), serde_json::from_str(&data).unwrap()));
                }
            }
            if enough(&heard) {
                return;
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), reading).await;
    assert!(ended.is_ok(), "{status}: not enough came: {heard:?} {text}");
    heard
}

fn events(heard: &[(String, Option<String>, Value)]) -> Vec<Value> {
    heard.iter().filter(|(kind, ..)| kind == "event").map(|(_, _, event)| event.clone()).collect()
}

#[tokio::test]
async fn a_subscription_goes_on_where_it_was_also_after_a_break() {
    let (world, alice) = shop().await;
    for number in 0..3 {
        let key = number.to_string();
        let written = world.post(&alice, &format!("{APP}/invoke"), Some(&key), insert(&key, "v")).await;
        assert_eq!(written.status, 200, "{written:?}");
    }
    world.ledger.mine(MAIN_SPACE, 5);
    let path = format!("{APP}/events?subscription=mine&from=0");
    let first = listen(&world, &alice, &path, None, |heard| events(heard).len() >= 3).await;
    let ids: Vec<_> = events(&first).iter().map(|event| event["id"].clone()).collect();
    let position = first.iter().rev().find_map(|(_, id, _)| id.clone()).expect("a page ends with a position");

    let key = "after";
    world.post(&alice, &format!("{APP}/invoke"), Some(key), insert(key, "v")).await;
    world.ledger.mine(MAIN_SPACE, 5);
    // By the listener's own position, and by the one that the node keeps, of which at most a page is repeated.
    let second = listen(&world, &alice, &path, Some(&position), |heard| !events(heard).is_empty()).await;
    assert!(events(&second).iter().all(|event| !ids.contains(&event["id"])), "{second:?}");
    let new = events(&second)[0]["id"].clone();
    let kept =
        listen(&world, &alice, &path, None, |heard| events(heard).iter().any(|event| event["id"] == new))
            .await;
    assert!(events(&kept).iter().any(|event| event["id"] == new));

    // The position is written down as the next page is asked for.
    tokio::join!(
        listen(&world, &alice, &path, None, |heard| heard.iter().any(|(kind, ..)| kind == "scanned")),
        async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_millis(200)).await;
                world.ledger.mine(MAIN_SPACE, 5);
            }
        }
    );
    let other = world.get(&alice, &format!("{APP}/events?subscription=mine&contract=other")).await;
    assert_eq!(other.body["code"], "invalid-argument", "{other:?}");
}

#[tokio::test]
async fn a_subscription_begins_when_it_is_made_also_where_nobody_reads_it_then() {
    let (world, alice) = shop().await;
    let path = format!("{APP}/events?subscription=early");
    let response =
        world.router.clone().oneshot(request(Some(&alice), Method::GET, &path, &[], None)).await.unwrap();
    assert_eq!(response.status(), 200);
    drop(response);
    let written = world.post(&alice, &format!("{APP}/invoke"), Some("1"), insert("k", "v")).await;
    assert_eq!(written.status, 200, "{written:?}");
    world.ledger.mine(MAIN_SPACE, 5);
    let heard = listen(&world, &alice, &path, None, |heard| !events(heard).is_empty()).await;
    assert_eq!(events(&heard).len(), 1);
    let quiet = listen(&world, &alice, "/v1/applications/shop/events", None, |heard| !heard.is_empty());
    let (heard, ()) = tokio::join!(quiet, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.ledger.mine(MAIN_SPACE, 1);
    });
    assert!(heard[0].0 == "scanned" && heard[0].1.is_some(), "nothing so far is a position too: {heard:?}");
}

#[tokio::test]
async fn streams_end_before_the_gateway_stops_and_say_so() {
    let (world, alice) = shop().await;
    let (heard, ()) = tokio::join!(
        listen(&world, &alice, "/v1/applications/shop/events", None, |heard| {
            heard.iter().any(|(kind, ..)| kind == "problem")
        }),
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            world.gateway.close_streams();
        }
    );
    assert_eq!(heard.last().unwrap().2["code"], "node-trouble");
    let written = world.post(&alice, &format!("{APP}/invoke"), Some("1"), insert("k", "v")).await;
    assert_eq!(written.status, 200, "everything else goes on: {written:?}");
}

#[tokio::test]
async fn a_stream_ends_when_its_listener_loses_the_role() {
    let (world, alice) = shop().await;
    let bob = world.enrol("bob").await;
    let members = format!("{APP}/members/bob");
    world.send(Some(&alice), Method::PUT, &members, &[], Some(json!({"roles": ["read"]}))).await;
    let heard = tokio::join!(
        listen(&world, &bob, "/v1/applications/shop/events", None, |heard| {
            heard.iter().any(|(kind, ..)| kind == "problem")
        }),
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            world.send(Some(&alice), Method::DELETE, &members, &[], None).await;
        }
    );
    assert_eq!(heard.0.last().unwrap().2["code"], "forbidden");
}

#[tokio::test]
async fn a_stream_ends_when_its_listeners_certificate_is_revoked_or_the_quotas_are_used_up() {
    let (world, alice) = shop().await;
    let bob = world.enrol("bob").await;
    let members = format!("{APP}/members/bob");
    world.send(Some(&alice), Method::PUT, &members, &[], Some(json!({"roles": ["read"]}))).await;
    let ends = |by| {
        listen(&world, by, "/v1/applications/shop/events", None, |heard| {
            heard.iter().any(|(kind, ..)| kind == "problem")
        })
    };
    let heard = tokio::join!(ends(&bob), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.gateway.revoke("bob", "lost").await.unwrap();
    });
    assert_eq!(heard.0.last().unwrap().2["code"], "unauthenticated");

    let mut limited = order("limited", &world.url, "alice");
    limited.quotas.instance_millis = 1_000;
    let limited = world.gateway.create(limited).await.unwrap();
    let heard = tokio::join!(
        listen(&world, &alice, "/v1/applications/limited/events", None, |heard| {
            heard.iter().any(|(kind, ..)| kind == "problem")
        }),
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let call = AdapterCall { wall_time: Duration::from_secs(1), ..AdapterCall::default() };
            world.gateway.adapter_call(&limited.id, &call);
        }
    );
    assert_eq!(heard.0.last().unwrap().2["code"], "quota-exceeded");
}

#[tokio::test]
async fn what_was_used_is_counted_exactly_signed_and_shown() {
    let (world, alice) = shop().await;
    let (record, standing) = world.gateway.application("shop").unwrap();
    let before = standing.usage;
    let body = insert("k", "v");
    let written = world.post(&alice, &format!("{APP}/invoke"), Some("1"), body.clone()).await;
    assert_eq!(written.status, 200);
    let call = AdapterCall {
        wall_time: Duration::from_micros(70),
        compute_time: Duration::from_micros(20),
        bytes_in: 5,
        bytes_out: 6,
    };
    world.gateway.adapter_call(&record.id, &call);
    let after = world.gateway.application("shop").unwrap().1.usage;
    assert_eq!(after.transactions, before.transactions + 1);
    assert_eq!(after.requests, before.requests + 1);
    assert_eq!(after.bytes_in, before.bytes_in + body.to_string().len() as u64);
    assert_eq!(after.stored_bytes, before.stored_bytes + 2);
    assert_eq!(
        (after.instance_micros, after.compute_micros),
        (before.instance_micros + 70, before.compute_micros + 20)
    );

    let (key, records) = world.gateway.usage("shop").await.unwrap();
    let last = verify_usage(&key, &records).unwrap().unwrap();
    assert_eq!((last.place.application, last.total), (record.id.clone(), after));
    let metrics = world.gateway.metrics();
    assert!(metrics.contains("berth_transactions_total{application=\"shop\"} 2"), "{metrics}");
}

#[tokio::test]
async fn a_crash_takes_no_usage_that_was_noted_and_the_chain_goes_on() {
    let store = Arc::new(MemoryStore::new());
    let world = World::on(store.clone()).await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let used = |gateway: &Gateway| gateway.application("shop").unwrap().1.usage;
    world.gateway.account().await;
    let recorded = used(&world.gateway);
    assert_eq!(world.post(&alice, &format!("{APP}/invoke"), Some("1"), insert("k", "v")).await.status, 200);
    let noted = used(&world.gateway);
    assert_eq!(noted.transactions, recorded.transactions + 1);
    world.gateway.note_usage().await;
    // No last record, as after a crash.
    world.gateway.stop();
    let again = async || {
        let authority = Authority::create("node", Timestamp::now()).unwrap();
        gateway_on(store.clone(), &"0f".repeat(32), authority).await
    };
    let second = again().await;
    assert_eq!(used(&second), noted);
    let (key, records) = second.usage("shop").await.unwrap();
    assert_eq!(verify_usage(&key, &records).unwrap().unwrap().total, noted);
    // A record that is later than the note goes before it.
    let call = AdapterCall { bytes_in: 5, ..AdapterCall::default() };
    second.adapter_call(&second.application("shop").unwrap().0.id, &call);
    second.account().await;
    let later = used(&second);
    assert_eq!(later.node_bytes_in, noted.node_bytes_in + 5);
    second.stop();
    let third = again().await;
    assert_eq!(used(&third), later);
    let notes = async || store.scan(b"node/usage-so-far/", b"", 10).await.unwrap().entries.len();
    let other = third.create(order("other", &world.url, "alice")).await.unwrap();
    third.adapter_call(&other.id, &call);
    third.note_usage().await;
    assert_eq!(notes().await, 2);
    third.remove("other").await.unwrap();
    assert_eq!(notes().await, 1, "removed with the application");
}

#[tokio::test]
async fn health_and_readiness_need_no_identity_and_say_nothing_else() {
    let (world, _) = shop().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(world.send(None, Method::GET, path, &[], None).await.status, 200, "{path}");
    }
    world.gateway.stop();
    assert_eq!(world.send(None, Method::GET, "/readyz", &[], None).await.status, 503);
    assert_eq!(world.send(None, Method::GET, "/healthz", &[], None).await.status, 200);
    let nothing = world.send(None, Method::GET, "/nothing", &[], None).await;
    assert_eq!(nothing.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_path_that_is_no_text_is_answered_to_the_operator_with_a_problem() {
    let (world, _) = shop().await;
    let request = axum::http::Request::get("/applications/%FF").body(Body::empty()).unwrap();
    let answer = berth_gateway::http::operator_router(&world.gateway).oneshot(request).await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn the_operators_page_shows_numbers_and_answers_no_foreign_name() {
    let (world, _) = shop().await;
    let router = berth_gateway::http::page_router(
        &world.gateway,
        Arc::new(|| vec![json!({"time": "2026-01-01T00:00:00Z", "event": {"kind": "torn", "bytes": 3}})]),
    );
    let get = |path: &str, host: &'static str| {
        let request = axum::http::Request::get(path).header("host", host).body(Body::empty()).unwrap();
        let router = router.clone();
        async move {
            let answer = router.oneshot(request).await.unwrap();
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }
    };
    let (status, page) = get("/", "127.0.0.1:9464").await;
    assert!(status == 200 && page.contains("Berth node"));
    let loads_from_elsewhere = ["http://", "https://", "src="].iter().any(|text| page.contains(text));
    assert!(!loads_from_elsewhere, "the page loads nothing from elsewhere");
    let (_, overview) = get("/overview.json", "localhost:9464").await;
    let overview: Value = serde_json::from_str(&overview).unwrap();
    assert_eq!(overview["applications"][0]["name"], "shop");
    assert_eq!(overview["audit"][0]["event"]["bytes"], 3);
    assert!(get("/metrics", "[::1]:9464").await.1.contains("berth_applications 1"));
    for host in ["evil.example", "evil.example:9464", ""] {
        assert_eq!(get("/overview.json", host).await.0, 421, "{host}");
    }
}
