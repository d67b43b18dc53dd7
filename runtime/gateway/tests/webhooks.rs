//! Events that are delivered to a participant's address.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use axum::{
    body::Body,
    http::{Method, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use berth_gateway::MAX_WEBHOOKS;
use berth_model::MAIN_SPACE;
use serde_json::{Value, json};
use support::{Participant, World, gateway_on, insert, order, receiver::Receiver};

const APP: &str = "/v1/applications/shop";
const HOOKS: &str = "/v1/applications/shop/webhooks";

async fn shop() -> (World, Participant, Receiver) {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    (world, alice, Receiver::new().await)
}

/// Makes a webhook; what the node says of it.
async fn hook(world: &World, by: &Participant, url: &str) -> Value {
    let made = world.post(by, HOOKS, None, json!({"url": url})).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body
}

/// Writes one key, which is one event, and makes it final.
async fn write(world: &World, by: &Participant, key: &str) {
    let written = world.post(by, &format!("{APP}/invoke"), Some(key), insert(key, "v")).await;
    assert_eq!(written.status, 200, "{written:?}");
    world.ledger.mine(MAIN_SPACE, 5);
}

/// Asks until it is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let asking = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), asking).await.expect("it never was so");
}

#[tokio::test]
async fn a_webhook_gets_each_event_once_in_order_with_a_signature_that_verifies() {
    let (world, alice, mut receiver) = shop().await;
    let url = format!("{}/hook?token=1", receiver.url);
    let made = hook(&world, &alice, &url).await;
    let coordinate =
        |name: &str| BASE64_URL_SAFE_NO_PAD.decode(made["signed_by"]["jwk"][name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let shown = world.get(&alice, &format!("{HOOKS}/key")).await;
    assert_eq!(shown.body, made["signed_by"]);

    let (mut events, mut ids) = (Vec::new(), Vec::new());
    for key in ["a", "b", "c"] {
        write(&world, &alice, key).await;
        let received = receiver.next().await;
        assert!(received.is_signed_by(&point, &url));
        assert_eq!(received.json()["webhook"], made["webhook"]["id"]);
        events.extend(received.events());
        ids.push(received.id());
        received.answer(204);
    }
    let names: Vec<_> = events.iter().map(|event| event["id"].clone()).collect();
    let blocks: Vec<_> = events.iter().map(|event| event["block"]["number"].as_u64().unwrap()).collect();
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(blocks.is_sorted() && names[0] != names[1] && names[1] != names[2]);
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

#[tokio::test]
async fn a_receiver_that_fails_gets_the_same_id_again_and_then_what_follows() {
    let (world, alice, mut receiver) = shop().await;
    let made = hook(&world, &alice, &receiver.url).await;
    let path = format!("{HOOKS}/{}", made["webhook"]["id"].as_str().unwrap());
    write(&world, &alice, "a").await;
    let first = receiver.next().await;
    let (id, body) = (first.id(), first.body.clone());
    let before = world.get(&alice, &path).await.body["webhook"]["delivered"].clone();
    // What comes meanwhile waits, and changes nothing of what is on its way.
    write(&world, &alice, "b").await;
    first.answer(500);
    for _ in 0..2 {
        let again = receiver.next().await;
        assert_eq!((again.id(), &again.body), (id.clone(), &body));
        again.answer(500);
    }
    let again = receiver.next().await;
    assert_eq!((again.id(), &again.body), (id.clone(), &body));
    let shown = world.get(&alice, &path).await.body["webhook"].clone();
    assert_eq!((&shown["pending"], &shown["deliveries"]), (&json!(id), &json!(0)));
    assert_eq!(shown["last_failure"]["times"], 3, "{shown}");
    assert!(shown["last_failure"]["what"].as_str().unwrap().contains("500"), "{shown}");
    assert!(shown["next_try"].is_string(), "{shown}");
    assert_eq!(shown["delivered"], before);
    // The operator sees the same, but nothing of the address beyond the machine.
    let standing = &world.gateway.application("shop").unwrap().1.webhooks[0];
    assert_eq!(standing.last_failure.as_ref().unwrap().times, 3);
    assert_eq!(standing.receiver, url::Url::parse(&receiver.url).unwrap().origin().ascii_serialization());
    assert!(world.gateway.metrics().contains("berth_webhooks_failing{application=\"shop\"} 1\n"));
    again.answer(200);

    let next = receiver.next().await;
    assert!(next.id() != id && next.body != body);
    let shown = world.get(&alice, &path).await.body["webhook"].clone();
    assert_eq!((&shown["deliveries"], &shown["events"]), (&json!(1), &json!(1)));
    assert_eq!((&shown["last_failure"], &shown["next_try"]), (&Value::Null, &Value::Null));
    assert_ne!(shown["delivered"], before);
    assert!(shown["scanned"].as_u64().is_some(), "{shown}");
    next.answer(200);
}

#[tokio::test]
async fn positions_survive_a_restart_and_what_may_have_been_heard_comes_again_as_it_was() {
    let (world, alice, mut receiver) = shop().await;
    hook(&world, &alice, &receiver.url).await;
    write(&world, &alice, "a").await;
    let first = receiver.next().await;
    let taken = first.id();
    first.answer(200);
    write(&world, &alice, "b").await;
    let second = receiver.next().await;
    // Stopped before the answer: nobody knows whether the receiver has it.
    world.gateway.stopped().await;
    let (id, body) = (second.id(), second.body.clone());
    second.answer(200);
    world.ledger.mine(MAIN_SPACE, 5);
    assert!(receiver.is_empty());

    let authority = berth_identity::Authority::create("node", jiff::Timestamp::now()).unwrap();
    let again = gateway_on(world.store.clone(), &"0f".repeat(32), authority).await;
    let repeated = receiver.next().await;
    assert_eq!((repeated.id(), &repeated.body), (id.clone(), &body));
    assert_ne!(id, taken);
    repeated.answer(200);
    // Everybody has new certificates here, and the same names.
    let alice = support::enrol(&again, "alice").await;
    let world = World { router: berth_gateway::http::router(&again), gateway: again, ..world };
    support::next_second().await;
    write(&world, &alice, "c").await;
    let third = receiver.next().await;
    assert_eq!((third.json()["number"].as_u64(), third.events().len()), (Some(2), 1));
    third.answer(200);
}

#[tokio::test]
async fn a_removed_webhook_gets_nothing_any_more() {
    let (world, alice, mut receiver) = shop().await;
    let made = hook(&world, &alice, &format!("{}/gone", receiver.url)).await;
    hook(&world, &alice, &format!("{}/stays", receiver.url)).await;
    write(&world, &alice, "a").await;
    let (one, other) = (receiver.next().await, receiver.next().await);
    let (gone, stays) = if one.parts.uri.path() == "/gone" { (one, other) } else { (other, one) };
    let path = format!("{HOOKS}/{}", made["webhook"]["id"].as_str().unwrap());
    let removed = world.send(Some(&alice), Method::DELETE, &path, &[], None).await;
    assert_eq!(removed.status, 204, "{removed:?}");
    gone.answer(500);
    stays.answer(200);
    for key in ["b", "c"] {
        write(&world, &alice, key).await;
        let next = receiver.next().await;
        assert_eq!(next.parts.uri.path(), "/stays");
        next.answer(200);
    }
    assert!(receiver.is_empty());
    assert_eq!(world.get(&alice, &path).await.body["code"], "no-webhook");
    let kept = world.store.scan(b"node/webhook/", b"", 100).await.unwrap();
    assert_eq!(kept.entries.len(), 1);

    // The application takes its webhooks along.
    for key in ["deploy", "a", "b", "c"] {
        let settled = world.get(&alice, &format!("{APP}/calls/{key}?until=settled")).await;
        assert_eq!(settled.body["state"], "settled", "{settled:?}");
    }
    world.gateway.remove("shop").await.unwrap();
    assert!(world.store.scan(b"node/webhook/", b"", 100).await.unwrap().entries.is_empty());
}

#[tokio::test]
async fn who_may_not_read_makes_none_and_who_may_not_any_more_gets_nothing() {
    let (world, alice, mut receiver) = shop().await;
    let bob = world.enrol("bob").await;
    let members = format!("{APP}/members/bob");
    let roles = async |roles: Value| {
        let set = world.send(Some(&alice), Method::PUT, &members, &[], Some(json!({"roles": roles}))).await;
        assert_eq!(set.status, 200, "{set:?}");
    };
    let url = format!("{}/bob", receiver.url);
    roles(json!(["write"])).await;
    let refused = world.post(&bob, HOOKS, None, json!({"url": url})).await;
    assert_eq!((refused.status.as_u16(), refused.body["code"].as_str()), (403, Some("forbidden")));
    assert_eq!(world.get(&bob, HOOKS).await.status, 403);

    roles(json!(["read"])).await;
    let made = hook(&world, &bob, &url).await;
    let path = format!("{HOOKS}/{}", made["webhook"]["id"].as_str().unwrap());
    hook(&world, &alice, &format!("{}/alice", receiver.url)).await;
    // Others' webhooks are not there, unless one administers the application.
    assert_eq!(world.get(&bob, HOOKS).await.body["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&alice, HOOKS).await.body["webhooks"].as_array().unwrap().len(), 2);

    roles(json!(["write"])).await;
    until(async || world.get(&alice, &path).await.body["webhook"]["held"].is_string()).await;
    write(&world, &alice, "a").await;
    let received = receiver.next().await;
    assert_eq!(received.parts.uri.path(), "/alice");
    received.answer(200);
    assert!(receiver.is_empty());
    // With the role comes what was missed.
    roles(json!(["read"])).await;
    let received = receiver.next().await;
    assert_eq!((received.parts.uri.path(), received.events().len()), ("/bob", 1));
    received.answer(200);
}

#[tokio::test]
async fn a_suspended_applications_webhooks_stand_still_and_go_on_where_they_were() {
    let (world, alice, mut receiver) = shop().await;
    hook(&world, &alice, &format!("{}/shop", receiver.url)).await;
    // Another application on the same ledger shows that there is something to be heard.
    world.gateway.create(order("other", &world.url, "alice")).await.unwrap();
    let other = json!({"url": format!("{}/other", receiver.url)});
    let made = world.post(&alice, "/v1/applications/other/webhooks", None, other).await;
    assert_eq!(made.status, 201, "{made:?}");
    write(&world, &alice, "a").await;
    let (one, other) = (receiver.next().await, receiver.next().await);
    let (shop, other) = if one.parts.uri.path() == "/shop" { (one, other) } else { (other, one) };
    world.gateway.suspend("shop", Some("unpaid".into())).await.unwrap();
    let id = shop.id();
    shop.answer(500);
    other.answer(500);
    for _ in 0..5 {
        let again = receiver.next().await;
        assert_eq!(again.parts.uri.path(), "/other");
        again.answer(500);
    }
    receiver.next().await.answer(200);
    assert!(receiver.is_empty());
    world.gateway.suspend("shop", None).await.unwrap();
    let again = receiver.next().await;
    assert_eq!((again.parts.uri.path(), again.id()), ("/shop", id));
    again.answer(200);
}

#[tokio::test]
async fn what_a_block_that_left_the_chain_announced_is_retracted() {
    let (world, alice, mut receiver) = shop().await;
    let made = world.post(&alice, HOOKS, None, json!({"url": receiver.url, "confidence": "latest"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let invoke = format!("{APP}/invoke?until=included");
    assert_eq!(world.post(&alice, &invoke, Some("a"), insert("a", "v")).await.status, 200);
    world.ledger.mine(MAIN_SPACE, 1);
    let received = receiver.next().await;
    let event = received.events().remove(0);
    assert_eq!(event["retracted"], false);
    // The block goes while its delivery is under way: it comes again as it was, and then the retraction.
    world.ledger.reorganise(MAIN_SPACE, 2, false);
    world.ledger.mine(MAIN_SPACE, 3);
    received.answer(503);
    let received = receiver.next().await;
    assert_eq!(received.events()[0], event);
    received.answer(200);
    let received = receiver.next().await;
    let retraction = received.events().remove(0);
    assert_eq!((&retraction["id"], &retraction["retracted"]), (&event["id"], &json!(true)));
    received.answer(200);
}

#[tokio::test]
async fn addresses_and_filters_that_do_not_fit_are_refused_without_repeating_them() {
    let (world, alice, _receiver) = shop().await;
    for url in [
        "http://example.org/?token=hunter2",
        "http://10.0.0.1/hunter2",
        "https://user:hunter2@example.org/",
        "https://169.254.169.254/hunter2",
        "https://[fe80::1]/hunter2",
        "hunter2",
    ] {
        let refused = world.post(&alice, HOOKS, None, json!({"url": url})).await;
        assert_eq!(refused.body["code"], "invalid-argument", "{refused:?}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("url: ") && !detail.contains("hunter2"), "{refused:?}");
    }
    let good = "https://example.org/";
    for wrong in [
        json!({"url": good, "filter": {"contract": "c".repeat(2_000)}}),
        json!({"url": good, "filter": {"abi": "a".repeat(300_000)}}),
        json!({"url": format!("{good}{}", "a".repeat(3_000))}),
        json!({"url": good, "filter": {"colour": "red"}}),
        json!({"url": good, "start": {"cursor": "0x00"}}),
        json!({"url": good, "start": {"cursor": format!("0x{}", "00".repeat(5_000))}}),
        json!({"filter": {}}),
    ] {
        let refused = world.post(&alice, HOOKS, None, wrong.clone()).await;
        assert!(refused.status.is_client_error(), "{wrong}: {refused:?}");
    }
    assert_eq!(world.get(&alice, HOOKS).await.body["webhooks"], json!([]));
}

#[tokio::test]
async fn too_many_are_refused() {
    let (world, alice, receiver) = shop().await;
    for _ in 0..MAX_WEBHOOKS {
        hook(&world, &alice, &receiver.url).await;
    }
    let refused = world.post(&alice, HOOKS, None, json!({"url": receiver.url})).await;
    assert_eq!((refused.status.as_u16(), refused.body["code"].as_str()), (429, Some("quota-exceeded")));
    assert_eq!(world.get(&alice, HOOKS).await.body["webhooks"].as_array().unwrap().len(), MAX_WEBHOOKS);
}

#[tokio::test]
async fn redirects_are_not_followed_and_failures_tell_no_secret() {
    let (world, alice, mut receiver) = shop().await;
    let made = hook(&world, &alice, &format!("{}/?token=hunter2", receiver.url)).await;
    let path = format!("{HOOKS}/{}", made["webhook"]["id"].as_str().unwrap());
    write(&world, &alice, "a").await;
    let received = receiver.next().await;
    let id = received.id();
    let to = format!("{}/elsewhere?secret=hunter2", receiver.url);
    let redirect = Response::builder().status(307).header("location", to).body(Body::from("hunter2"));
    received.answer_with(redirect.unwrap());
    let again = receiver.next().await;
    assert_eq!((again.parts.uri.to_string().as_str(), again.id()), ("/?token=hunter2", id));
    let failure = world.get(&alice, &path).await.body["webhook"]["last_failure"].clone();
    assert!(failure["what"].as_str().unwrap().contains("307"), "{failure}");
    assert!(!failure.to_string().contains("hunter2"), "{failure}");
    // Nobody is there any more.
    drop((again, receiver));
    let failed = async || {
        let shown = world.get(&alice, &path).await.body["webhook"]["last_failure"].clone();
        assert!(!shown.to_string().contains("hunter2"), "{shown}");
        shown["what"].as_str().is_some_and(|what| what.contains("not reached"))
    };
    until(failed).await;
}
