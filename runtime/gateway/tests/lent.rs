//! What applications are lent and nobody may see, and certificates of keys in trust.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::http::Method;
use berth_gateway::{EndpointSecrets, LentSecrets, OpenError, Secret, ServiceKeySecret, http};
use berth_identity::Authority;
use berth_journal::{MemoryStore, Store};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::json;
use support::{Participant, World, gateway_on, next_second, order, receiver::Receiver, try_gateway_on};
use tower::ServiceExt as _;

const APP: &str = "/v1/applications/shop";
const TOKEN: &str = "Bearer of-the-operator";

fn secrets() -> LentSecrets {
    let headers = BTreeMap::from([("authorization".to_owned(), Secret::new(TOKEN.into()))]);
    let endpoint = EndpointSecrets { headers, client_key_pem: None };
    LentSecrets { endpoints: BTreeMap::from([(0, endpoint)]), service_keys: Vec::new() }
}

/// Asks for the status, and gives the header with which the endpoint was asked.
async fn asked_with(world: &World, by: &Participant, endpoint: &mut Receiver) -> String {
    let status = format!("{APP}/status");
    let (answer, asked) = tokio::join!(world.get(by, &status), async {
        let asked = endpoint.next().await;
        let header = asked.header("authorization").to_owned();
        asked.answer(404);
        header
    });
    assert_ne!(answer.status, 200, "{answer:?}");
    asked
}

/// Everything that the store has.
async fn everything(store: &dyn Store) -> Vec<u8> {
    let mut all = Vec::new();
    let mut from = Vec::new();
    loop {
        let page = store.scan(b"", &from, 1_000).await.unwrap();
        for (key, value) in &page.entries {
            all.extend_from_slice(key);
            all.extend_from_slice(value);
        }
        match page.next {
            Some(next) => from = next.to_vec(),
            None => return all,
        }
    }
}

#[tokio::test]
async fn secrets_reach_the_endpoint_also_after_a_restart_and_nobody_else() {
    let store = Arc::new(MemoryStore::new());
    let mut world = World::on(store.clone()).await;
    let mut endpoint = Receiver::new().await;
    let alice = world.enrol("alice").await;
    let record = world.gateway.create_with(order("shop", &endpoint.url, "alice"), secrets()).await.unwrap();
    assert_eq!(asked_with(&world, &alice, &mut endpoint).await, TOKEN);

    assert!(!json!(&*record).to_string().contains("of-the-operator"));
    assert!(!format!("{:?}", secrets()).contains("of-the-operator"));
    let kept = everything(&*store).await;
    assert!(kept.windows(4).any(|part| part == b"shop"), "something is kept");
    assert!(!kept.windows(15).any(|part| part == b"of-the-operator"), "not in clear");

    // The same store, with the same master key; participants are known by the certificates of the first authority.
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    world.gateway.stopped().await;
    world.gateway = gateway_on(store.clone(), &"0f".repeat(32), authority).await;
    world.router = http::router(&world.gateway);
    next_second().await;
    assert_eq!(asked_with(&world, &alice, &mut endpoint).await, TOKEN);

    world.gateway.remove("shop").await.unwrap();
    let place = format!("node/lent/{}", record.id);
    let kept = everything(&*store).await;
    assert!(!kept.windows(place.len()).any(|part| part == place.as_bytes()), "removed with the application");
}

#[tokio::test]
async fn with_another_master_key_the_gateway_says_whose_secrets_do_not_open() {
    let store = Arc::new(MemoryStore::new());
    let world = World::on(store.clone()).await;
    world.enrol("alice").await;
    world.gateway.create_with(order("shop", &world.url, "alice"), secrets()).await.unwrap();
    world.gateway.stopped().await;
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let opened = try_gateway_on(store, &"0e".repeat(32), authority).await;
    let Err(OpenError::Secrets(name)) = opened else { panic!("it opens with another master key") };
    assert_eq!(name, "shop");
}

#[tokio::test]
async fn secrets_that_do_not_fit_the_order_are_refused_and_not_quoted() {
    let world = World::new().await;
    world.enrol("alice").await;
    let mut beyond = secrets();
    let endpoint = beyond.endpoints.remove(&0).unwrap();
    beyond.endpoints.insert(1, endpoint);
    let refused = world.gateway.create_with(order("shop", &world.url, "alice"), beyond).await.unwrap_err();
    assert!(refused.detail.contains("more endpoints"), "{refused:?}");
    let key = |name: &str, secret: &str| LentSecrets {
        service_keys: vec![ServiceKeySecret {
            name: name.into(),
            scheme: adapter_spec::types::SignatureScheme::EcdsaP256Sha256,
            secret: Secret::new(secret.into()),
            certificate: None,
        }],
        ..LentSecrets::default()
    };
    for (secrets, word) in [(key("x", "5a5a"), "\"x\""), (key("undeclared", &"5a".repeat(32)), "undeclared")]
    {
        let refused =
            world.gateway.create_with(order("shop", &world.url, "alice"), secrets).await.unwrap_err();
        assert!(refused.detail.contains(word) && !refused.detail.contains("5a5a"), "{refused:?}");
    }
    assert!(world.gateway.applications().is_empty());
}

#[tokio::test]
async fn a_key_in_trust_takes_the_certificate_that_a_ledgers_authority_gave_it() {
    let store = Arc::new(MemoryStore::new());
    let mut world = World::on(store.clone()).await;
    let alice = world.enrol("alice").await;
    world.gateway.create(order("shop", &world.url, "alice")).await.unwrap();
    let scheme = json!("ecdsa-p256-sha256");
    let path = format!("{APP}/account?scheme=ecdsa-p256-sha256");
    let before = world.get(&alice, &path).await;
    assert!(before.body["key"]["certificate"].is_null(), "{before:?}");

    let request = world.get(&alice, &format!("{APP}/account/certificate-request")).await;
    let request = request.body["request_pem"].as_str().unwrap_or_else(|| panic!("{request:?}")).to_owned();
    let ledgers = Authority::create("ledger", Timestamp::now()).unwrap();
    let enrolled = ledgers.enrol(&request, "alice", 30, Timestamp::now()).unwrap();
    let der = hex::encode(Authority::der_of(&enrolled.certificate_pem).unwrap());
    let put = async |world: &World, certificate: &str| {
        let body = json!({"scheme": scheme, "certificate": certificate});
        world.send(Some(&alice), Method::PUT, &format!("{APP}/account/certificate"), &[], Some(body)).await
    };
    let other = hex::encode(Authority::der_of(&alice.certificate_pem).unwrap());
    let large = "30".repeat((16 << 10) + 1);
    for (wrong, word) in [
        (other.as_str(), "another key"),
        ("00", "no X.509"),
        ("zz", "hexadecimal"),
        (large.as_str(), "at most 16384"),
    ] {
        let refused = put(&world, wrong).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        assert!(refused.body["detail"].as_str().unwrap().contains(word), "{refused:?}");
    }
    let taken = put(&world, &der).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    assert_eq!(taken.body["key"]["point"], before.body["key"]["point"]);
    let certificate = taken.body["key"]["certificate"].clone();
    assert_eq!(certificate, json!(format!("0x{der}")), "{taken:?}");

    world.gateway.stopped().await;
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    world.gateway = gateway_on(store, &"0f".repeat(32), authority).await;
    world.router = http::router(&world.gateway);
    next_second().await;
    assert_eq!(world.get(&alice, &path).await.body["key"]["certificate"], certificate);
}

#[tokio::test]
async fn the_key_by_which_an_application_acts_at_another_takes_a_certificate_from_its_administrator() {
    let world = World::new().await;
    let (alice, bob, carol) =
        (world.enrol("alice").await, world.enrol("bob").await, world.enrol("carol").await);
    world.application("shop", &alice).await;
    world.gateway.create(order("bank", &world.url, "bob")).await.unwrap();
    let roles = json!({"roles": ["read", "write"]});
    let members = "/v1/applications/bank/members/carol";
    assert_eq!(world.send(Some(&bob), Method::PUT, members, &[], Some(roles)).await.status, 200);
    let writes = [json!({"contract": "preset", "function": "insert(text,bytes)"})];
    let proposal =
        json!({"to": "bank", "writes": writes, "expires": Timestamp::now() + Duration::from_secs(600)});
    let grant = world.post(&alice, &format!("{APP}/grants"), None, proposal).await.body["id"].clone();
    let grant = format!("/v1/applications/bank/grants/{}", grant.as_str().unwrap());
    let request_at = format!("{grant}/account/certificate-request");
    assert_eq!(world.get(&bob, &request_at).await.body["code"], "not-granted", "nobody has accepted it");
    assert_eq!(world.post(&bob, &format!("{grant}/accept"), None, json!({})).await.status, 200);

    assert_eq!(world.get(&carol, &request_at).await.status, 403, "she does not administer the bank");
    let request = world.get(&bob, &request_at).await;
    let request = request.body["request_pem"].as_str().unwrap_or_else(|| panic!("{request:?}")).to_owned();
    let ledgers = Authority::create("ledger", Timestamp::now()).unwrap();
    let enrolled = ledgers.enrol(&request, "bank", 30, Timestamp::now()).unwrap();
    let der = hex::encode(Authority::der_of(&enrolled.certificate_pem).unwrap());
    let body = json!({"scheme": "ecdsa-p256-sha256", "certificate": der});
    let path = format!("{grant}/account/certificate");
    let put = async |by| world.send(Some(by), Method::PUT, &path, &[], Some(body.clone())).await;
    assert_eq!(put(&carol).await.status, 403);
    let taken = put(&bob).await;
    assert_eq!((taken.status.as_u16(), &taken.body["key"]["certificate"]), (200, &json!(format!("0x{der}"))));
    // The key is the bank's at the shop, and nobody's own.
    let own = world.get(&bob, "/v1/applications/bank/account?scheme=ecdsa-p256-sha256").await;
    assert!(own.body["key"]["certificate"].is_null(), "{own:?}");
    let account = world.get(&carol, &format!("{grant}/account?scheme=ecdsa-p256-sha256")).await;
    assert_eq!(account.body["key"]["certificate"], json!(format!("0x{der}")), "{account:?}");
}

#[tokio::test]
async fn a_native_plug_in_is_lent_what_others_are_and_shown_as_what_it_is() {
    let world = World::new().await;
    let mut endpoint = Receiver::new().await;
    let alice = world.enrol("alice").await;
    // The model's adapter is a plug-in. What it asks for goes through the lender, which adds what is the operator's.
    world.gateway.create_with(order("shop", &endpoint.url, "alice"), secrets()).await.unwrap();
    assert_eq!(asked_with(&world, &alice, &mut endpoint).await, TOKEN);
    let request = support::request(None, Method::GET, "/adapters", &[], None);
    let answer = http::operator_router(&world.gateway).oneshot(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let shown: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(shown["adapters"][0]["sandboxed"], json!(false), "{shown}");
}
