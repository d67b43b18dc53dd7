//! What one application writes at another, and how calls under grants are written down, on the model ledger.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use adapter_spec::types::PublicKey;
use axum::http::Method;
use berth_gateway::{ChainError, GrantCalls, GrantedUse, Quotas, SignedRecord, http, verify_grant_calls};
use berth_identity::Authority;
use berth_journal::{MemoryStore, Store};
use berth_model::MAIN_SPACE;
use futures_util::future::join_all;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use support::{
    Answer, Participant, World, enrol, gateway_on, guarded::Guarded, insert, next_second, order, read,
};
use tower::ServiceExt as _;

const SHOP: &str = "/v1/applications/shop";
const BANK: &str = "/v1/applications/bank";

/// Alice's shop with the preset contract, and Bob's bank.
async fn two() -> (World, Participant, Participant) {
    two_on(Arc::new(MemoryStore::new()), Quotas { requests_per_second: 0, ..Quotas::default() }).await
}

async fn two_on(store: Arc<dyn Store>, of_shop: Quotas) -> (World, Participant, Participant) {
    let world = World::on(store).await;
    let (alice, bob) = (world.enrol("alice").await, world.enrol("bob").await);
    let mut shop = order("shop", &world.url, "alice");
    shop.quotas = of_shop;
    world.application_of(shop, &alice).await;
    world.gateway.create(order("bank", &world.url, "bob")).await.unwrap();
    (world, alice, bob)
}

fn later() -> Timestamp {
    Timestamp::now() + Duration::from_secs(600)
}

/// What lets the bank insert.
async fn propose(world: &World, by: &Participant, expires: Timestamp) -> String {
    let writes = [json!({"contract": "preset", "function": "insert(text,bytes)"})];
    let body = json!({"to": "bank", "writes": writes, "expires": expires});
    let proposed = world.post(by, &format!("{SHOP}/grants"), None, body).await;
    assert_eq!(proposed.status, 200, "{proposed:?}");
    proposed.body["id"].as_str().unwrap().to_owned()
}

async fn accept(world: &World, by: &Participant, id: &str) {
    let accepted = world.post(by, &format!("{BANK}/grants/{id}/accept"), None, json!({})).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
}

/// A grant of both owners, with an account of the bank's at the shop that the ledger knows. Gives the grant's id and the account.
async fn granted(world: &World, alice: &Participant, bob: &Participant) -> (String, String) {
    let id = propose(world, alice, later()).await;
    accept(world, bob, &id).await;
    let path = format!("{BANK}/grants/{id}/account");
    let account = world.get(bob, &path).await;
    assert_eq!(account.status, 200, "{account:?}");
    let key: PublicKey = serde_json::from_value(account.body["key"].clone()).unwrap();
    world.ledger.fund_key(&key, 1 << 60);
    let account = world.get(bob, &path).await.body["accounts"][0].as_str().unwrap().to_owned();
    (id, account)
}

async fn invoke(world: &World, by: &Participant, id: &str, key: &str, what: Value) -> Answer {
    world.post(by, &format!("{BANK}/grants/{id}/invoke?until=included"), Some(key), what).await
}

/// The calls of one side, whose chain has to hold.
async fn calls(world: &World, by: &Participant, application: &str) -> GrantCalls {
    let answer = world.get(by, &format!("{application}/grants/calls")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let calls: GrantCalls = serde_json::from_value(answer.body).unwrap();
    let after = world.get(by, &format!("{application}/grants/calls?from={}", calls.records.len())).await;
    assert_eq!((&after.body["records"], &after.body["next"]), (&json!([]), &Value::Null), "{after:?}");
    let entries = verify_grant_calls(&calls.key, &calls.records, None).unwrap();
    let said: Vec<_> = entries.into_iter().map(|entry| entry.call).collect();
    assert_eq!(said, calls.calls);
    calls
}

/// Fails unless an answer is the one of everything that is not granted.
fn is_not_granted(answer: &Answer) {
    let wording = "no grant that both owners agreed to, and that holds now, covers this";
    assert_eq!(
        (answer.status.as_u16(), answer.body["code"].as_str(), answer.body["detail"].as_str()),
        (403, Some("not-granted"), Some(wording)),
        "{answer:?}"
    );
}

#[tokio::test]
async fn only_the_named_function_is_written_and_only_after_both_owners_agreed() {
    let (world, alice, bob) = two().await;
    let proposed = propose(&world, &alice, later()).await;
    let before = world.ledger.submissions();
    is_not_granted(&invoke(&world, &bob, &proposed, "1", insert("k", "v")).await);
    is_not_granted(&world.get(&bob, &format!("{BANK}/grants/{proposed}/account")).await);

    let (id, account) = granted(&world, &alice, &bob).await;
    let mut delete = insert("k", "v");
    delete["function"] = json!("delete(text)");
    let mut elsewhere = insert("k", "v");
    elsewhere["contract"] = json!("another");
    let mut described = insert("k", "v");
    described["abi"] = json!(r#"{"functions": ["insert(text,bytes)"]}"#);
    for other in [delete, elsewhere, described] {
        is_not_granted(&invoke(&world, &bob, &id, "1", other).await);
    }
    let evaluated = json!({"function": {
        "contract": "preset", "function": "insert(text,bytes)", "arguments": [{"text": "k"}, {"bytes": "0x76"}],
        "abi": null, "private_arguments": [],
    }});
    is_not_granted(&world.post(&bob, &format!("{BANK}/grants/{id}/read"), None, evaluated).await);
    assert_eq!(world.ledger.submissions(), before, "nothing was sent");

    let written = invoke(&world, &bob, &id, "1", insert("k", "v")).await;
    assert_eq!((written.status.as_u16(), written.body["key"].as_str()), (200, Some("1")), "{written:?}");
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), 1, "the bank acts by a key of its own");
    let value = world.post(&alice, &format!("{SHOP}/evaluate"), None, read("k")).await;
    assert_eq!(value.status, 200, "{value:?}");
}

#[tokio::test]
async fn a_grant_to_read_does_not_let_write_and_writing_takes_the_role_write() {
    let (world, alice, bob) = two().await;
    let functions = [json!({"contract": "preset", "function": "insert(text,bytes)"})];
    let body = json!({"to": "bank", "functions": functions, "expires": later()});
    let proposed = world.post(&alice, &format!("{SHOP}/grants"), None, body).await;
    let reads = proposed.body["id"].as_str().unwrap();
    accept(&world, &bob, reads).await;
    is_not_granted(&invoke(&world, &bob, reads, "1", insert("k", "v")).await);

    let (id, _) = granted(&world, &alice, &bob).await;
    let carol = world.enrol("carol").await;
    let member = |roles: &[&str]| json!({ "roles": roles });
    let path = format!("{BANK}/members/carol");
    world.send(Some(&bob), Method::PUT, &path, &[], Some(member(&["read"]))).await;
    let refused = invoke(&world, &carol, &id, "1", insert("k", "v")).await;
    assert_eq!(refused.body["code"], "forbidden", "{refused:?}");
    world.send(Some(&bob), Method::PUT, &path, &[], Some(member(&["read", "write"]))).await;
    let written = invoke(&world, &carol, &id, "1", insert("k", "v")).await;
    assert_eq!(written.status, 200, "{written:?}");
    let keyless = world.post(&carol, &format!("{BANK}/grants/{id}/invoke"), None, insert("k", "v")).await;
    assert_eq!(keyless.body["code"], "idempotency-key", "{keyless:?}");
}

#[tokio::test]
async fn a_write_under_a_grant_happens_once_however_often_it_comes_also_after_a_new_start() {
    let (world, alice, bob) = two().await;
    let (id, account) = granted(&world, &alice, &bob).await;
    let (transactions, usage) = (
        || world.ledger.transactions(MAIN_SPACE, &account),
        || world.gateway.application("shop").unwrap().1.usage.transactions,
    );
    let used = usage();
    let again = (0..4).map(|_| invoke(&world, &bob, &id, "1", insert("k", "v")));
    let mut answers = BTreeSet::new();
    for answer in join_all(again).await {
        assert_eq!(answer.status, 200, "{answer:?}");
        answers.insert(answer.body["transaction"].as_str().unwrap().to_owned());
    }
    assert_eq!((answers.len(), transactions(), usage()), (1, 1, used + 1), "the shop's bill has it, once");
    let conflict = invoke(&world, &bob, &id, "1", insert("other", "v")).await;
    assert_eq!(conflict.body["code"], "conflict", "{conflict:?}");

    world.gateway.stop();
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let anew = gateway_on(world.store.clone(), &"0f".repeat(32), authority).await;
    let (alice, bob) = (enrol(&anew, "alice").await, enrol(&anew, "bob").await);
    let world = World { router: http::router(&anew), gateway: anew, ..world };
    next_second().await;
    let repeated = invoke(&world, &bob, &id, "1", insert("k", "v")).await;
    assert_eq!(repeated.body["transaction"].as_str(), answers.first().map(String::as_str), "{repeated:?}");
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), 1);
    let second = invoke(&world, &bob, &id, "2", insert("l", "v")).await;
    assert_eq!(second.status, 200, "{second:?}");
    // The chains go on where they were.
    let (given, taken) = (calls(&world, &alice, SHOP).await, calls(&world, &bob, BANK).await);
    assert_eq!(given.calls, taken.calls);
    assert_eq!(given.calls.last().unwrap().key.as_deref(), Some("2"));
}

#[tokio::test]
async fn nobody_meets_the_idempotency_keys_of_others() {
    let (world, alice, bob) = two().await;
    let (id, account) = granted(&world, &alice, &bob).await;
    let carol = world.enrol("carol").await;
    let roles = json!({"roles": ["read", "write"]});
    world.send(Some(&bob), Method::PUT, &format!("{BANK}/members/carol"), &[], Some(roles)).await;
    let own = world.post(&alice, &format!("{SHOP}/invoke"), Some("1"), insert("a", "v")).await;
    assert_eq!(own.status, 200, "{own:?}");
    for (by, name) in [(&bob, "b"), (&carol, "c")] {
        let written = invoke(&world, by, &id, "1", insert(name, "v")).await;
        assert_eq!(written.status, 200, "{written:?}");
    }
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), 2);
    // Neither the giving application's members nor its owner find them among their own.
    let path = format!("{SHOP}/calls/~{id}%2Fbob%2F1");
    assert_eq!(world.get(&alice, &path).await.body["code"], "not-found");
}

#[tokio::test]
async fn a_revoked_grant_writes_nothing_more_and_what_is_under_way_is_told_to_its_end() {
    let (world, alice, bob) = two().await;
    let (id, account) = granted(&world, &alice, &bob).await;
    let written = invoke(&world, &bob, &id, "1", insert("k", "v")).await;
    assert_eq!(written.body["state"], "under-way", "{written:?}");
    let revoked = world.send(Some(&alice), Method::DELETE, &format!("{SHOP}/grants/{id}"), &[], None).await;
    assert_eq!(revoked.status, 200, "{revoked:?}");
    for key in ["1", "2"] {
        is_not_granted(&invoke(&world, &bob, &id, key, insert("k", "v")).await);
    }
    world.ledger.mine(MAIN_SPACE, 5);
    let path = format!("{BANK}/grants/{id}/calls");
    let settled = world.get(&bob, &format!("{path}/1?until=settled")).await;
    assert_eq!(settled.body["settlement"], json!({"final": {"succeeded": true}}), "{settled:?}");
    assert_eq!(world.get(&bob, &format!("{path}/2")).await.body["code"], "not-found");
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), 1);

    // Whoever gives is not who takes, and who is neither has no such grant.
    is_not_granted(&world.get(&alice, &format!("{SHOP}/grants/{id}/calls/1")).await);
    let carol = world.enrol("carol").await;
    world.gateway.create(order("third", &world.url, "carol")).await.unwrap();
    let third = format!("/v1/applications/third/grants/{id}");
    is_not_granted(&world.get(&carol, &format!("{third}/calls/1")).await);
    is_not_granted(&world.post(&carol, &format!("{third}/invoke"), Some("1"), insert("k", "v")).await);
}

#[tokio::test]
async fn a_write_after_the_end_of_its_grant_or_at_a_suspended_application_is_not_granted() {
    let (world, alice, bob) = two().await;
    let (id, _) = granted(&world, &alice, &bob).await;
    let soon = propose(&world, &alice, Timestamp::now() + Duration::from_secs(5)).await;
    accept(&world, &bob, &soon).await;
    let before = world.ledger.submissions();
    tokio::time::timeout(Duration::from_secs(20), async {
        while world.get(&bob, &format!("{BANK}/grants/{soon}/account")).await.status == 200 {}
    })
    .await
    .expect("it expires");
    is_not_granted(&invoke(&world, &bob, &soon, "1", insert("k", "v")).await);
    world.gateway.suspend("shop", Some("a test".into())).await.unwrap();
    is_not_granted(&invoke(&world, &bob, &id, "1", insert("k", "v")).await);
    world.gateway.suspend("shop", None).await.unwrap();
    world.gateway.remove("shop").await.unwrap();
    is_not_granted(&invoke(&world, &bob, &id, "1", insert("k", "v")).await);
    assert_eq!(world.ledger.submissions(), before);
}

#[tokio::test]
async fn writes_under_grants_use_up_the_quotas_of_the_application_that_gives() {
    let quotas = Quotas { open_transactions: 2, ..Quotas::default() };
    let (world, alice, bob) = two_on(Arc::new(MemoryStore::new()), quotas).await;
    let (id, _) = granted(&world, &alice, &bob).await;
    world.ledger.automine(false);
    let path = format!("{BANK}/grants/{id}/invoke");
    for key in ["1", "2"] {
        let written = world.post(&bob, &path, Some(key), insert(key, "v")).await;
        assert_eq!(written.status, 200, "{written:?}");
    }
    let refused = world.post(&bob, &path, Some("3"), insert("3", "v")).await;
    assert_eq!(refused.body["code"], "quota-exceeded", "{refused:?}");
    let own = world.post(&alice, &format!("{SHOP}/invoke"), Some("1"), insert("4", "v")).await;
    assert_eq!(own.body["code"], "quota-exceeded", "{own:?}");
    let keys: Vec<_> = calls(&world, &alice, SHOP).await.calls.into_iter().map(|call| call.key).collect();
    assert_eq!(keys, [Some("1".to_owned()), Some("2".to_owned())], "what finds no room is not written down");
}

#[tokio::test]
async fn a_write_that_is_not_written_down_on_both_sides_is_not_sent() {
    let store = Arc::new(Guarded::default());
    let (world, alice, bob) = two_on(store.clone(), Quotas::default()).await;
    let (id, account) = granted(&world, &alice, &bob).await;
    let before = world.ledger.submissions();
    for side in ["node/grant-record/shop~", "node/grant-record/bank~"] {
        store.refuse(Some(side));
        let refused = invoke(&world, &bob, &id, "1", insert("k", "v")).await;
        assert_eq!(refused.body["code"], "node-trouble", "{refused:?}");
    }
    store.refuse(None);
    assert_eq!(world.ledger.submissions(), before);
    let missing = world.get(&bob, &format!("{BANK}/grants/{id}/calls/1")).await;
    assert_eq!(missing.body["code"], "not-found", "{missing:?}");

    let written = invoke(&world, &bob, &id, "1", insert("k", "v")).await;
    assert_eq!(written.status, 200, "{written:?}");
    assert_eq!(world.ledger.transactions(MAIN_SPACE, &account), 1);
    let (given, taken) = (calls(&world, &alice, SHOP).await, calls(&world, &bob, BANK).await);
    let (last, other) = (given.calls.last().unwrap(), taken.calls.last().unwrap());
    assert_eq!(last, other);
    assert_eq!(
        (last.does, last.participant.as_str(), last.what.as_str(), last.key.as_deref()),
        (GrantedUse::Write, "bob", "preset insert(text,bytes)", Some("1"))
    );
}

/// Where the chain of an application is kept.
async fn kept(world: &World, by: &Participant, application: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let id = world.get(by, application).await.body["id"].as_str().unwrap().to_owned();
    world.store.scan(format!("node/grant-record/{id}/").as_bytes(), &[], 100).await.unwrap().entries
}

#[tokio::test]
async fn a_record_that_is_dropped_or_altered_on_either_side_is_noticed() {
    let (world, alice, bob) = two().await;
    let (id, _) = granted(&world, &alice, &bob).await;
    for key in ["1", "2", "3"] {
        assert_eq!(invoke(&world, &bob, &id, key, insert(key, "v")).await.status, 200);
    }
    for (by, application) in [(&alice, SHOP), (&bob, BANK)] {
        let seen = calls(&world, by, application).await.records.last().unwrap().digest();
        let records = kept(&world, by, application).await;
        assert_eq!(records.len(), 3);
        let verified = async || {
            let answer = world.get(by, &format!("{application}/grants/calls")).await;
            let calls: GrantCalls = serde_json::from_value(answer.body).unwrap();
            verify_grant_calls(&calls.key, &calls.records, Some(&seen)).map(|entries| entries.len())
        };
        assert_eq!(verified().await, Ok(3));
        for (number, noticed) in
            [ChainError::Order(0), ChainError::Order(1), ChainError::Missing(seen.clone())]
                .into_iter()
                .enumerate()
        {
            let (key, record) = &records[number];
            assert!(world.store.compare_and_set(key, Some(record), None).await.unwrap());
            assert_eq!(verified().await, Err(noticed), "record {number} was dropped");
            assert!(world.store.compare_and_set(key, None, Some(record)).await.unwrap());
        }
        let (key, record) = &records[1];
        let mut altered: SignedRecord = serde_json::from_slice(record).unwrap();
        altered.entry = altered.entry.replace("\"bob\"", "\"eve\"");
        let altered = serde_json::to_vec(&altered).unwrap();
        assert!(world.store.compare_and_set(key, Some(record), Some(&altered)).await.unwrap());
        assert_eq!(verified().await, Err(ChainError::Signature(1)));
    }
}

#[tokio::test]
async fn calls_side_by_side_make_one_chain() {
    let (world, alice, bob) = two().await;
    let functions = [json!({"contract": "preset", "function": "get(text)"})];
    let body = json!({"to": "bank", "functions": functions, "expires": later()});
    let proposed = world.post(&alice, &format!("{SHOP}/grants"), None, body).await;
    let id = proposed.body["id"].as_str().unwrap();
    accept(&world, &bob, id).await;
    let function = json!({"function": {
        "contract": "preset", "function": "get(text)", "arguments": [{"text": "k"}], "abi": null, "private_arguments": [],
    }});
    // More than there is between two notes of where a chain ends.
    let path = format!("{BANK}/grants/{id}/read");
    join_all((0..100).map(|_| world.post(&bob, &path, None, function.clone()))).await;
    for (by, application) in [(&alice, SHOP), (&bob, BANK)] {
        let calls = calls(&world, by, application).await;
        let ids: BTreeSet<_> = calls.calls.iter().map(|call| call.id.clone()).collect();
        assert_eq!((calls.calls.len(), ids.len()), (100, 100));
    }
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let anew = gateway_on(world.store.clone(), &"0f".repeat(32), authority).await;
    let bob = enrol(&anew, "bob").await;
    let world = World { router: http::router(&anew), gateway: anew, ..world };
    next_second().await;
    world.post(&bob, &path, None, function).await;
    assert_eq!(calls(&world, &bob, BANK).await.calls.len(), 101);
}

#[tokio::test]
async fn a_grant_and_a_call_of_an_older_version_are_still_read() {
    let (world, alice, bob) = two().await;
    let id = propose(&world, &alice, later()).await;
    let key = format!("node/grant/{id}");
    let kept = world.store.get(key.as_bytes()).await.unwrap().unwrap();
    let mut grant: Value = serde_json::from_slice(&kept).unwrap();
    grant.as_object_mut().unwrap().remove("writes");
    grant["functions"] = json!([{"contract": "preset", "function": "get(text)"}]);
    let older = serde_json::to_vec(&grant).unwrap();
    assert!(world.store.compare_and_set(key.as_bytes(), Some(&kept), Some(&older)).await.unwrap());
    accept(&world, &bob, &id).await;
    is_not_granted(&invoke(&world, &bob, &id, "1", insert("k", "v")).await);

    let application = world.get(&bob, BANK).await.body["id"].as_str().unwrap().to_owned();
    let call = json!({
        "grant": id, "at": "2026-01-01T00:00:00Z", "participant": "bob", "from": "shop", "to": "bank", "what": "k",
    });
    let place = format!("node/grant-call/{application}/00000000000000000001-00");
    let call = serde_json::to_vec(&call).unwrap();
    assert!(world.store.compare_and_set(place.as_bytes(), None, Some(&call)).await.unwrap());
    let answer = world.get(&bob, &format!("{BANK}/grants/calls")).await;
    assert_eq!(
        (answer.body["calls"][0]["what"].as_str(), answer.body["calls"][0]["does"].as_str()),
        (Some("k"), Some("read"))
    );
    assert_eq!(answer.body["records"], json!([]));
}

#[tokio::test]
async fn the_operator_sees_grants_and_their_calls_and_agrees_to_none() {
    let (world, alice, bob) = two().await;
    let (id, _) = granted(&world, &alice, &bob).await;
    assert_eq!(invoke(&world, &bob, &id, "1", insert("k", "v")).await.status, 200);
    let proposed = propose(&world, &alice, later()).await;
    let operator = http::operator_router(&world.gateway);
    let ask = async |method: Method, path: String| {
        let request = support::request(None, method, &path, &[], None);
        let response = operator.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice::<Value>(&body).unwrap_or_default())
    };
    let (status, grants) = ask(Method::GET, "/applications/bank/grants".into()).await;
    let ids: BTreeSet<_> =
        grants["grants"].as_array().unwrap().iter().map(|grant| grant["id"].as_str()).collect();
    assert_eq!((status, ids), (200, BTreeSet::from([Some(&*id), Some(&*proposed)])));
    let (_, seen) = ask(Method::GET, "/applications/bank/grants/calls".into()).await;
    let seen: GrantCalls = serde_json::from_value(seen).unwrap();
    assert_eq!(seen, calls(&world, &bob, BANK).await);
    for path in [format!("/applications/bank/grants/{proposed}/accept"), "/applications/shop/grants".into()] {
        let (status, _) = ask(Method::POST, path.clone()).await;
        assert!(matches!(status, 404 | 405), "{path}: {status}");
    }
    assert_eq!(ask(Method::GET, "/applications/none/grants".into()).await.0, 404);
}
