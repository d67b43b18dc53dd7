//! A disk that is full or read-only: writes are refused, reads go on, nothing is lost, and nothing happens twice once there is
//! room again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{sync::Arc, time::Duration};

use axum::http::Method;
use berth_gateway::http;
use berth_identity::Authority;
use berth_journal::{EntryKey, Journal, Store};
use berth_model::MAIN_SPACE;
use jiff::Timestamp;
use serde_json::Value;
use support::{
    Answer, Participant, World,
    failing::{FailingStore, Fault},
    gateway_on, insert, read,
};

const APP: &str = "/v1/applications/shop";

struct Ground {
    world: World,
    store: Arc<FailingStore>,
    alice: Participant,
    account: String,
    authority: (String, String),
}

impl Ground {
    async fn new() -> Self {
        let authority = Authority::create("node", Timestamp::now()).unwrap();
        let kept = (authority.certificate_pem().to_owned(), authority.key_pem().to_string());
        let store = FailingStore::new();
        let world = World::of(store.clone(), authority).await;
        let alice = world.enrol("alice").await;
        world.application("shop", &alice).await;
        let account = world.get(&alice, &format!("{APP}/account")).await;
        let account = account.body["accounts"][0].as_str().unwrap().to_owned();
        Ground { world, store, alice, account, authority: kept }
    }

    async fn write(&self, key: &str) -> Answer {
        let body = Some(insert(key, "v"));
        self.world.shown(&self.alice, Method::POST, &format!("{APP}/invoke"), Some(key), body).await
    }

    async fn ready(&self) -> u16 {
        self.world.send(None, Method::GET, "/readyz", &[], None).await.status.as_u16()
    }

    fn transactions(&self) -> u64 {
        self.world.ledger.transactions(MAIN_SPACE, &self.account)
    }

    /// The gateway anew, on this store.
    async fn start_anew(&mut self, store: Arc<dyn Store>) {
        self.world.gateway.stopped().await;
        let authority = Authority::load(&self.authority.0, &self.authority.1).unwrap();
        self.world.gateway = gateway_on(store, &"0f".repeat(32), authority).await;
        self.world.router = http::router(&self.world.gateway);
    }

    /// Nothing is under way any more, so that nothing else writes.
    async fn settle(&self, key: &str) {
        self.world.ledger.mine(MAIN_SPACE, 5);
        let path = format!("{APP}/calls/{key}?until=settled");
        let settled = self.world.shown(&self.alice, Method::GET, &path, None, None).await;
        assert_eq!(settled.body["state"], "settled", "{settled:?}");
        // The journal takes its mark away a little later.
        let unmarked = async {
            while !self.store.scan(b"journal/open/", b"", 1).await.unwrap().entries.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), unmarked).await.expect("the mark goes");
    }
}

fn is_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["type"], "urn:berth:problem:node-trouble");
    assert_eq!(answer.body["retryable"], true);
    // It may have been sent before the disk was full, or go out at the next start.
    assert_eq!(answer.body["effect"], "unknown", "{answer:?}");
}

/// A disk that fails from one point of a write on, at each point in turn, until a write does not come so far.
async fn at_every_point(fault: Fault) {
    let mut ground = Ground::new().await;
    let path = |end: &str| format!("{APP}{end}");
    let (mut refused, mut anew) = (0, 0);
    for left in 0.. {
        let key = format!("w{left}");
        let id = ground.world.gateway.application("shop").unwrap().0.id.clone();
        let entry_key = EntryKey::new(id, format!("alice/{key}")).unwrap();
        let (before, submitted) = (ground.transactions(), ground.world.ledger.submissions());
        ground.store.fail_after(left, fault);
        let answer = ground.write(&key).await;

        if answer.status == 200 {
            // It did not come so far, or what failed after the send is made up for later.
            assert_eq!(ground.transactions(), before + 1);
        } else {
            is_refused(&answer);
            refused += 1;
            assert_eq!(ground.ready().await, 503, "{fault:?} after {left}");
            let status = ground.world.shown(&ground.alice, Method::GET, &path("/status"), None, None).await;
            assert_eq!(status.status, 200, "{status:?}");
            let evaluate = path("/evaluate");
            let body = Some(read("w0"));
            let found = ground.world.shown(&ground.alice, Method::POST, &evaluate, None, body).await;
            // A read of a key that nobody wrote is the ledger's business.
            assert!(found.status == 200 || found.body["code"] == "not-found", "{found:?}");
            assert_eq!(ground.world.send(None, Method::GET, "/healthz", &[], None).await.status, 200);
        }
        if ground.world.ledger.submissions() > submitted {
            let durable = Journal::new(Arc::new(ground.store.durable()));
            let entry = durable.entry(&entry_key).await.unwrap();
            let journalled =
                entry.is_some_and(|entry| entry.state.signed().is_some() || answer.status == 200);
            assert!(journalled, "{fault:?} after {left}: it was sent, and a crash would forget it");
        }

        let failures = ground.store.repair();
        let well = ground.ready().await == 200;
        let again = ground.write(&key).await;
        assert_eq!(again.status == 200, well, "{fault:?} after {left}: {again:?}");
        if !well {
            // A flush has failed, so what it lost is not known: only a start anew knows what is there.
            is_refused(&again);
            anew += 1;
            ground.start_anew(ground.store.clone()).await;
            assert_eq!(ground.ready().await, 200);
            let again = ground.write(&key).await;
            assert_eq!(again.status, 200, "{fault:?} after {left}: {again:?}");
        }
        ground.settle(&key).await;
        assert_eq!(ground.transactions(), before + 1, "{fault:?} after {left}: once");
        if failures == 0 {
            break;
        }
    }
    // Three writes and a flush before the send. After it a write must succeed, and nobody waits for its flush.
    let points = if matches!(fault, Fault::FullAtTheFlush) { 4 } else { 5 };
    assert_eq!(refused, points, "{fault:?}: points of a write");
    assert!(anew > 0, "{fault:?}: a flush is among the points");
}

#[tokio::test]
async fn a_full_disk_refuses_a_write_at_every_point_of_it() {
    at_every_point(Fault::Full).await;
}

#[tokio::test]
async fn a_disk_that_is_full_at_the_flush_refuses_a_write_at_every_point_of_it() {
    at_every_point(Fault::FullAtTheFlush).await;
}

#[tokio::test]
async fn a_disk_that_does_not_know_what_it_wrote_refuses_a_write_at_every_point_of_it() {
    at_every_point(Fault::FullAfterTheWrite).await;
}

#[tokio::test]
async fn a_read_only_disk_refuses_a_write_at_every_point_of_it() {
    at_every_point(Fault::ReadOnly).await;
}

#[tokio::test]
async fn after_a_crash_of_a_full_node_the_same_key_carries_a_write_out_once() {
    let mut ground = Ground::new().await;
    for (left, fault) in (0..8).flat_map(|left| Fault::ALL.map(|fault| (left, fault))) {
        let (key, before) = (format!("c{left}{fault:?}"), ground.transactions());
        ground.store.fail_after(left, fault);
        let _ = ground.write(&key).await;
        ground.store.repair();
        // The machine stops: what no flush followed is gone.
        let left_over = ground.store.restarted();
        ground.start_anew(left_over.clone()).await;
        ground.store = left_over;
        let again = ground.write(&key).await;
        assert_eq!(again.status, 200, "{fault:?} after {left}: {again:?}");
        assert_eq!(ground.transactions(), before + 1, "{fault:?} after {left}: once");
    }
}

#[tokio::test]
async fn a_change_that_a_full_disk_refuses_is_not_seen_and_can_be_made_later() {
    let ground = Ground::new().await;
    ground.world.enrol("bob").await;
    let path = format!("{APP}/members/bob");
    let roles = serde_json::json!({"roles": ["read"]});
    let put = || ground.world.shown(&ground.alice, Method::PUT, &path, None, Some(roles.clone()));
    ground.store.fail_after(0, Fault::Full);
    let refused = put().await;
    assert_eq!((refused.status.as_u16(), refused.body["code"].as_str()), (503, Some("node-trouble")));
    let members = format!("{APP}/members");
    let members = || ground.world.shown(&ground.alice, Method::GET, &members, None, None);
    assert_eq!(members().await.body["bob"], Value::Null);
    ground.store.repair();
    assert_eq!(put().await.status, 200);
    assert_eq!(members().await.body["bob"], serde_json::json!(["read"]));
}
