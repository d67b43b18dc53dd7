//! What an application may use: nothing comes through beyond it, however much comes at once, and nothing is counted twice.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::time::{Duration, Instant};

use adapter_spec::types::{Call, ContractCall, Value};
use berth_gateway::{AdapterCall, Quotas};
use futures_util::future::join_all;
use support::{Participant, World, insert, order, read};

const APP: &str = "/v1/applications/shop";

/// Alice's shop, with these quotas on what comes after its contract was deployed.
async fn shop(quotas: impl FnOnce(&World, &mut Quotas)) -> (World, Participant) {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    let mut with = order("shop", &world.url, "alice");
    quotas(&world, &mut with.quotas);
    world.application_of(with, &alice).await;
    (world, alice)
}

/// The payload of `insert(key, "v")`.
fn payload(key: &str) -> u64 {
    let arguments = vec![Value::Text(key.into()), Value::Bytes(b"v".to_vec())];
    let (contract, function) = ("preset".into(), "insert(text,bytes)".into());
    Call::Invoke(ContractCall { contract, function, arguments, abi: None, private_arguments: Vec::new() })
        .payload()
}

/// How many of twenty writes that come at once are accepted; the others are refused for a quota.
async fn accepted_of_twenty(world: &World, by: &Participant) -> usize {
    let path = format!("{APP}/invoke");
    let (keys, path): (Vec<_>, _) = ((10..30).map(|number| format!("k{number}")).collect(), &path);
    let writes = keys.iter().map(|key| world.post(by, path, Some(key), insert(key, "v")));
    let answers = join_all(writes).await;
    for answer in &answers {
        let code = answer.body["code"].as_str();
        assert!(answer.status == 200 || code == Some("quota-exceeded"), "{answer:?}");
    }
    answers.iter().filter(|answer| answer.status == 200).count()
}

#[tokio::test]
async fn a_burst_writes_no_more_bytes_than_the_quota() {
    let deployed = "preset".len() as u64;
    let (world, alice) = shop(|_, quotas| quotas.stored_bytes = deployed + 5 * payload("k10")).await;
    assert_eq!(accepted_of_twenty(&world, &alice).await, 5);
    let usage = world.gateway.application("shop").unwrap().1.usage;
    assert_eq!(usage.stored_bytes, deployed + 5 * payload("k10"));
}

#[tokio::test]
async fn a_burst_has_no_more_transactions_under_way_than_the_quota() {
    let (world, alice) = shop(|_, quotas| quotas.open_transactions = 3).await;
    world.ledger.automine(false);
    assert_eq!(accepted_of_twenty(&world, &alice).await, 3);
}

#[tokio::test]
async fn a_flood_of_reads_comes_through_at_the_applications_pace_and_takes_nothing_of_others() {
    let (world, alice) = shop(|_, quotas| quotas.requests_per_second = 20).await;
    let other = order("other", &world.url, "alice");
    world.gateway.create(other).await.unwrap();
    let path = format!("{APP}/status");
    let reads = join_all((0..100).map(|_| world.get(&alice, &path))).await;
    let refused = |answer: &&support::Answer| answer.body["code"] == "quota-exceeded";
    let refused: Vec<_> = reads.iter().filter(refused).collect();
    // How many, depends on how long a hundred take here; the pace itself is tested where it is counted.
    assert!(!refused.is_empty());
    assert!(refused.iter().all(|answer| answer.status == 429 && answer.body["retryable"] == true));
    assert_eq!(world.get(&alice, "/v1/applications/other").await.status, 200);
}

#[tokio::test]
async fn a_request_that_comes_again_is_one_transaction_on_the_bill() {
    let (world, alice) = shop(|_, _| {}).await;
    let usage = || world.gateway.application("shop").unwrap().1.usage;
    let before = usage();
    let path = format!("{APP}/invoke");
    let again = (0..4).map(|_| world.post(&alice, &path, Some("one"), insert("k", "v")));
    for answer in join_all(again).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(usage().transactions, before.transactions + 1);
    assert_eq!(usage().stored_bytes, before.stored_bytes + payload("k"));
}

#[tokio::test]
async fn transferred_bytes_that_are_used_up_end_everything_but_the_operators_view() {
    let (world, alice) = shop(|_, quotas| quotas.transferred_bytes = 20_000).await;
    let mut last = None;
    for _ in 0..200 {
        let answer = world.post(&alice, &format!("{APP}/evaluate"), None, read("k")).await;
        let used_up = answer.body["code"] == "quota-exceeded";
        last = Some(answer);
        if used_up {
            break;
        }
    }
    assert_eq!(last.unwrap().body["code"], "quota-exceeded");
    let usage = world.gateway.application("shop").unwrap().1.usage;
    // The last request that came through is the most that it can be beyond.
    assert!((20_000..22_000).contains(&(usage.bytes_in + usage.bytes_out)), "{usage:?}");
}

#[tokio::test]
async fn instance_time_that_is_used_up_ends_everything_too() {
    let (world, alice) = shop(|_, quotas| quotas.instance_millis = 50).await;
    let path = format!("{APP}/evaluate");
    let read = || world.post(&alice, &path, None, read("k"));
    assert_ne!(read().await.body["code"], "quota-exceeded");
    let (record, _) = world.gateway.application("shop").unwrap();
    let call = |millis| AdapterCall {
        wall_time: Duration::from_millis(millis),
        compute_time: Duration::ZERO,
        bytes_in: 0,
        bytes_out: 0,
    };
    world.gateway.adapter_call(&record.id, &call(49));
    assert_ne!(read().await.body["code"], "quota-exceeded");
    world.gateway.adapter_call(&record.id, &call(1));
    assert_eq!(read().await.body["code"], "quota-exceeded");
}

#[tokio::test]
async fn who_asks_beyond_a_quota_waits_for_the_refusal_and_nobody_else_does() {
    let (world, alice) = shop(|_, quotas| quotas.instance_millis = 1).await;
    world.gateway.create(order("other", &world.url, "alice")).await.unwrap();
    let (record, _) = world.gateway.application("shop").unwrap();
    let wall_time = Duration::from_millis(1);
    let call = AdapterCall { wall_time, compute_time: Duration::ZERO, bytes_in: 0, bytes_out: 0 };
    world.gateway.adapter_call(&record.id, &call);
    let (held, began) = (Duration::from_millis(250), Instant::now());
    let refused = async {
        let refused = world.get(&alice, APP).await;
        assert_eq!((refused.status.as_u16(), began.elapsed() >= held), (429, true), "{refused:?}");
    };
    let others = async {
        let mut answered = 0;
        while began.elapsed() < held {
            assert_eq!(world.get(&alice, "/v1/applications/other").await.status, 200);
            answered += 1;
        }
        answered
    };
    let ((), answered) = tokio::join!(refused, others);
    assert!(answered > 0, "{answered}");
}
