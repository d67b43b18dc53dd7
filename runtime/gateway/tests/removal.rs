//! What an application's removal waits for, and what it leaves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::sync::Arc;

use axum::http::Method;
use berth_journal::{EntryKey, Journal, MAX_PAGE_ENTRIES, PayloadDigest, Store as _};
use serde_json::json;
use support::{World, guarded::Guarded, insert, order};

const APP: &str = "/v1/applications/shop";

#[tokio::test]
async fn a_transaction_under_way_is_found_behind_however_many_calls_that_were_only_begun() {
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let id = world.gateway.application("shop").unwrap().0.id.clone();
    let journal = Journal::new(world.store.clone());
    for number in 0..=MAX_PAGE_ENTRIES {
        let key = EntryKey::new(id.clone(), format!("alice/{number:06}")).unwrap();
        journal.begin(&key, PayloadDigest::from_bytes([7; 32])).await.unwrap();
    }
    world.ledger.automine(false);
    let sent = world.post(&alice, &format!("{APP}/invoke"), Some("z"), insert("k", "v")).await;
    assert_eq!(sent.body["state"], "under-way", "{sent:?}");
    let refused = world.gateway.remove("shop").await.unwrap_err();
    assert_eq!(refused.code, "under-way");
    assert!(world.gateway.application("shop").is_some());
}

#[tokio::test]
async fn a_change_that_waited_meanwhile_does_not_put_a_removed_application_back() {
    let store = Arc::new(Guarded::default());
    let world = World::on(store.clone()).await;
    let alice = world.enrol("alice").await;
    world.enrol("bob").await;
    world.gateway.create(order("shop", &world.url, "alice")).await.unwrap();
    let gate = store.hold("node/application/shop");
    let path = format!("{APP}/members/bob");
    let change = || world.send(Some(&alice), Method::PUT, &path, &[], Some(json!({"roles": ["administer"]})));
    // The first holds the record, then the removal waits for it, then the second change.
    let (first, removed, second, ()) = tokio::join!(
        change(),
        async {
            gate.reached.notified().await;
            world.gateway.remove("shop").await
        },
        async {
            tokio::task::yield_now().await;
            change().await
        },
        async {
            // All on this thread, and nothing of it waits for anything else.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            gate.go_on.notify_one();
        }
    );
    assert_eq!(first.status, 200, "{first:?}");
    removed.unwrap();
    assert_eq!(second.status, 404, "{second:?}");
    assert_eq!(store.get(b"node/application/shop").await.unwrap(), None);
}
