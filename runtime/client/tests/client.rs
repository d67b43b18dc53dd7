//! The client against a gateway on the model ledger, over TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod ground;
#[allow(dead_code, reason = "its main is not called here")]
#[path = "../examples/notebook.rs"]
mod notebook;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use adapter_spec::types::{
    BlockSelector, Confidence, ContractCall, Deployment, ErrorCode, EventStart, Goal, SignatureScheme,
    StoreAnswer, Value,
};
use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{Next as Inner, from_fn},
    response::{IntoResponse as _, Response},
};
use berth_client::{
    Application, ChainError, Client, ClientError, Filter, GrantEntry, GrantRequest, GrantedAnswer,
    GrantedFunction, GrantedRead, IdempotencyKey, Identity, Next, Options, Settlement, Until, WrittenState,
};
use berth_crypto::SigningKey;
use berth_gateway::KeyMode;
use berth_model::MAIN_SPACE;
use ground::{Ground, Participant};

const A_WHILE: Duration = Duration::from_secs(30);

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

/// The preset contract.
fn preset() -> Deployment {
    Deployment {
        name: "preset-store".into(),
        version: "1".into(),
        code: b"preset".to_vec(),
        abi: Some(
            r#"{"functions": ["insert(text,bytes)", "update(text,bytes)", "delete(text)", "get(text)", "history(text)"]}"#
                .into(),
        ),
        arguments: Vec::new(),
    }
}

fn function(function: &str, arguments: Vec<Value>) -> ContractCall {
    ContractCall {
        contract: "preset".into(),
        function: function.into(),
        arguments,
        abi: None,
        private_arguments: Vec::new(),
    }
}

fn insert(name: &str, value: &str) -> ContractCall {
    function("insert(text,bytes)", vec![Value::Text(name.into()), Value::Bytes(value.into())])
}

fn by_certificate(participant: &Participant) -> Identity {
    Identity::certificate(&participant.certificate_pem, &participant.key_pem).unwrap()
}

fn client(ground: &Ground, identity: Identity) -> Client {
    Client::builder(&ground.address).authority(&ground.authority_pem).identity(identity).build().unwrap()
}

/// An application of alice's with the preset contract, and alice's client of it.
async fn shop(ground: &Ground) -> (Participant, Application) {
    let alice = ground.enrol("alice").await;
    ground.application("shop", "alice", KeyMode::Trust).await;
    let shop = client(ground, by_certificate(&alice)).application("shop");
    let account = shop.account(None).await.unwrap();
    ground.ledger.fund_key(&account.key, 1 << 60);
    assert!(!shop.plan(&Goal::Preset).await.unwrap().is_empty());
    shop.deploy(&key("deploy"), &preset(), &Options::default()).await.unwrap();
    ground.ledger.mine(MAIN_SPACE, 5);
    let deployed = shop.wait(&key("deploy"), Until::Settled, A_WHILE).await.unwrap();
    assert_eq!(deployed.settlement, Some(Settlement::Final { succeeded: true }), "{deployed:?}");
    (alice, shop)
}

#[tokio::test]
async fn an_application_is_used_over_mutual_tls_and_with_signed_requests_alike() {
    let ground = Ground::new().await;
    let (alice, over_tls) = shop(&ground).await;
    let signature = Identity::signature(&alice.certificate_pem, &alice.key_pem).unwrap();
    assert!(!format!("{signature:?}").contains("PRIVATE"));
    let signing = client(&ground, signature).application("shop");
    for (number, shop) in [over_tls, signing].into_iter().enumerate() {
        let (name, write) = (format!("k{number}"), key(&format!("write/{number}?")));
        let written = shop.invoke(&write, &insert(&name, "v"), &Options::default()).await.unwrap();
        assert!(written.transaction.is_some(), "{written:?}");
        let again = shop.invoke(&write, &insert(&name, "v"), &Options::default()).await.unwrap();
        assert_eq!(again.transaction, written.transaction);
        let included = shop.wait(&write, Until::Included, A_WHILE).await.unwrap();
        assert!(included.receipt.is_some_and(|receipt| receipt.block.is_some()));
        let read = shop
            .evaluate(&function("get(text)", vec![Value::Text(name)]), &Options::default())
            .await
            .unwrap();
        assert!(!read.raw.is_empty());
        let latest = shop.block(&BlockSelector::At(Confidence::Latest)).await.unwrap();
        assert_eq!(shop.block(&BlockSelector::Hash(latest.reference.hash.clone())).await.unwrap(), latest);
        assert!(shop.status().await.unwrap().synced);
        ground.ledger.mine(MAIN_SPACE, 5);
        let settled = shop.wait(&write, Until::Settled, A_WHILE).await.unwrap();
        assert_eq!(settled.state, WrittenState::Settled);
    }
}

#[tokio::test]
async fn the_preset_store_inserts_reads_updates_deletes_and_tells_its_history() {
    let ground = Ground::new().await;
    let (_, shop) = shop(&ground).await;
    let store = shop.store(None);
    assert_eq!(store.get("order").await.unwrap(), None);
    let inserted = store.insert(&key("1"), "order", b"new").await.unwrap();
    assert_eq!(inserted.answer, Some(StoreAnswer::Done), "{inserted:?}");
    assert_eq!(store.get("order").await.unwrap(), Some(b"new".to_vec()));
    let twice = store.insert(&key("2"), "order", b"again").await.unwrap_err();
    assert_eq!(twice.problem().unwrap().standard(), Some(ErrorCode::AlreadyExists), "{twice:?}");
    store.update(&key("3"), "order", b"paid").await.unwrap();
    store.delete(&key("4"), "order").await.unwrap();
    let history = store.history("order").await.unwrap();
    let values: Vec<_> = history.into_iter().map(|version| version.value).collect();
    assert_eq!(values, [Some(b"new".to_vec()), Some(b"paid".to_vec()), None]);
}

#[tokio::test]
async fn what_the_node_refuses_is_a_problem_with_its_code() {
    let ground = Ground::new().await;
    let (_, shop) = shop(&ground).await;
    let missing = shop.call(&key("never")).await.unwrap_err();
    assert_eq!(missing.problem().unwrap().standard(), Some(ErrorCode::NotFound));
    let bob = ground.enrol("bob").await;
    let theirs = client(&ground, by_certificate(&bob)).application("shop").status().await.unwrap_err();
    assert_eq!(theirs.problem().unwrap().code, "no-application");
    shop.invoke(&key("1"), &insert("a", "v"), &Options::default()).await.unwrap();
    let other = shop.invoke(&key("1"), &insert("b", "v"), &Options::default()).await.unwrap_err();
    assert_eq!(other.problem().unwrap().standard(), Some(ErrorCode::Conflict));
    assert!(matches!(IdempotencyKey::new("two words"), Err(ClientError::IdempotencyKey)));
}

/// Lets writes through and loses the first one's answer; `lost` counts them.
fn losing(lost: &Arc<AtomicU32>) -> impl Fn(Router) -> Router + Send + Sync + use<> {
    let lost = lost.clone();
    move |router| {
        let lost = lost.clone();
        router.layer(from_fn(move |request: Request, inner: Inner| lose(lost.clone(), request, inner)))
    }
}

async fn lose(lost: Arc<AtomicU32>, request: Request, inner: Inner) -> Response {
    let path = request.uri().path().to_owned();
    let answer = inner.run(request).await;
    let to_be_lost = path.ends_with("/invoke") || path.ends_with("/resume");
    if to_be_lost && lost.fetch_add(1, Ordering::SeqCst) == 0 {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    answer
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_sent_again_and_happens_once() {
    let lost = Arc::new(AtomicU32::new(0));
    let ground = Ground::behind(losing(&lost)).await;
    let (_, shop) = shop(&ground).await;
    let before = ground.ledger.submissions();
    let written = shop.invoke(&key("1"), &insert("k", "v"), &Options::default()).await.unwrap();
    assert!(written.transaction.is_some());
    assert_eq!((lost.load(Ordering::SeqCst), ground.ledger.submissions()), (2, before + 1));
}

#[tokio::test]
async fn a_node_that_is_not_there_is_tried_until_patience_is_over() {
    let ground = Ground::new().await;
    let alice = ground.enrol("alice").await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::builder(format!("https://localhost:{}", nobody.port()))
        .authority(&ground.authority_pem)
        .identity(by_certificate(&alice))
        .patience(Duration::from_millis(500))
        .build()
        .unwrap();
    assert!(matches!(client.applications().await, Err(ClientError::Unreachable { .. })));
}

#[tokio::test]
async fn events_go_on_after_the_last_position_and_none_comes_twice() {
    let mut ground = Ground::new().await;
    let (alice, shop) = shop(&ground).await;
    for number in 0..3 {
        let number = number.to_string();
        shop.invoke(&key(&number), &insert(&number, "v"), &Options::default()).await.unwrap();
    }
    ground.ledger.mine(MAIN_SPACE, 5);
    let mut events = shop.events(Filter { start: EventStart::Earliest, ..Filter::new() });
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(events.next().await.unwrap().unwrap().id);
    }
    let position = events.position().expect("a page ends with a position");

    // The node is started anew, and the listener goes on by itself.
    ground.restart().await;
    shop.invoke(&key("after"), &insert("after", "v"), &Options::default()).await.unwrap();
    ground.ledger.mine(MAIN_SPACE, 5);
    let after = events.next().await.unwrap().unwrap();
    assert!(!heard.contains(&after.id), "{after:?}");

    // Another program goes on from a position that was kept.
    let other = client(&ground, by_certificate(&alice)).application("shop");
    let mut later = other.events(Filter { start: position, ..Filter::new() });
    assert_eq!(later.next().await.unwrap().unwrap(), after);
}

/// An application whose participants hold their keys, and alice's client of it.
async fn own(ground: &Ground) -> berth_client::OwnKeys {
    let alice = ground.enrol("alice").await;
    ground.application("own", "alice", KeyMode::Upload).await;
    let signing_key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
    ground.ledger.fund_key(&signing_key.public_key(), 1 << 60);
    let own = client(ground, by_certificate(&alice)).application("own").own_keys(Arc::new(signing_key));
    let account = own.put_key().await.unwrap();
    assert_eq!(account.accounts.len(), 1);
    own.deploy(&key("deploy"), preset(), &Options::default()).await.unwrap();
    own
}

#[tokio::test]
async fn a_key_that_the_node_does_not_have_signs_reads_and_writes() {
    let ground = Ground::new().await;
    let own = own(&ground).await;
    let before = ground.ledger.submissions();
    let written = own.invoke(&key("1"), insert("k", "v"), &Options::default()).await.unwrap();
    let again = own.invoke(&key("1"), insert("k", "v"), &Options::default()).await.unwrap();
    assert_eq!(again.transaction, written.transaction);
    assert_eq!(ground.ledger.submissions(), before + 1);
    let read = own
        .evaluate(function("get(text)", vec![Value::Text("k".into())]), &Options::default())
        .await
        .unwrap();
    assert!(!read.raw.is_empty());

    // Whoever wants to look first begins and signs in two steps, or gives it up.
    let call = adapter_spec::types::Call::Invoke(insert("l", "v"));
    let begun = own.begin(Some(&key("2")), &call, &Options::default()).await.unwrap();
    let Next::Sign(to_sign) = begun else { panic!("{begun:?}") };
    assert!(!to_sign.summary_claim.is_empty());
    own.abandon(&to_sign).await.unwrap();
    let given_up = own.sign(&to_sign).await.unwrap_err();
    assert_eq!(given_up.problem().unwrap().standard(), Some(ErrorCode::Expired));
}

#[tokio::test]
async fn a_continuation_whose_answer_is_lost_is_not_sent_again_and_the_call_goes_on_by_its_key() {
    let lost = Arc::new(AtomicU32::new(1));
    let ground = Ground::behind(losing(&lost)).await;
    let own = own(&ground).await;
    let before = ground.ledger.submissions();
    lost.store(0, Ordering::SeqCst);
    let written = own.invoke(&key("1"), insert("k", "v"), &Options::default()).await.unwrap();
    assert!(written.transaction.is_some(), "{written:?}");
    assert_eq!((lost.load(Ordering::SeqCst), ground.ledger.submissions()), (1, before + 1));
}

#[tokio::test]
async fn the_example_runs() {
    let ground = Ground::new().await;
    let (alice, _) = shop(&ground).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let arguments = [
        ground.address.clone(),
        "shop".to_owned(),
        write("authority.pem", &ground.authority_pem),
        write("alice.pem", &alice.certificate_pem),
        write("alice.key", &alice.key_pem),
    ];
    notebook::run(&arguments).await.unwrap();
}

#[tokio::test]
async fn what_both_owners_granted_is_read_and_written_and_the_chain_of_the_calls_holds() {
    let mut ground = Ground::new().await;
    let (_, shop) = shop(&ground).await;
    let bob = ground.enrol("bob").await;
    ground.application("bank", "bob", KeyMode::Trust).await;
    let (given, taken) = (shop.grants(), client(&ground, by_certificate(&bob)).application("bank").grants());
    let named =
        |function: &str| GrantedFunction { contract: "preset".into(), function: function.into(), abi: None };
    let proposed = given
        .propose(&GrantRequest {
            to: "bank".into(),
            functions: [named("get(text)")].into(),
            writes: [named("insert(text,bytes)")].into(),
            keys: ["k".to_owned()].into(),
            expires: "2100-01-01T00:00:00Z".parse().unwrap(),
        })
        .await
        .unwrap();
    let id = proposed.id.as_str();
    let early = taken.invoke(id, &key("1"), &insert("k", "v"), &Options::default()).await;
    assert_eq!(early.unwrap_err().problem().unwrap().code, "not-granted");
    let accepted = taken.accept(id, Some(&ground.ledger.anchor(MAIN_SPACE, "preset"))).await.unwrap();
    assert!(accepted.accepted.is_some());
    assert_eq!(given.list().await.unwrap(), [accepted]);

    let account = taken.account(id, None).await.unwrap();
    ground.ledger.fund_key(&account.key, 1 << 60);
    for _ in 0..2 {
        taken.invoke(id, &key("1"), &insert("k", "v"), &Options::default()).await.unwrap();
    }
    ground.ledger.mine(MAIN_SPACE, 5);
    let settled = taken.wait(id, &key("1"), Until::Settled, A_WHILE).await.unwrap();
    assert_eq!(settled.settlement, Some(Settlement::Final { succeeded: true }), "{settled:?}");
    let read = taken.read(id, &GrantedRead::Key("k".into())).await.unwrap();
    assert!(matches!(
        read,
        GrantedAnswer::Value { answer: StoreAnswer::Value(value), proof: Some(_) } if value == b"v"
    ));
    let call = function("get(text)", vec![Value::Text("k".into())]);
    assert!(matches!(taken.read(id, &GrantedRead::Function(call)).await.unwrap(), GrantedAnswer::Output(_)));

    let seen = given.calls(None).await.unwrap();
    assert_eq!(seen.entries.len(), 3);
    ground.restart().await;
    let calls = |entries: &[GrantEntry]| entries.iter().map(|entry| entry.call.clone()).collect::<Vec<_>>();
    let other = taken.calls(None).await.unwrap();
    assert_eq!((calls(&seen.entries), &seen.point), (calls(&other.entries), &other.point));
    assert_eq!(given.calls(seen.last.as_deref()).await.unwrap(), seen);
    let foreign = given.calls(other.last.as_deref()).await;
    assert!(matches!(foreign, Err(ClientError::Chain(ChainError::Missing(_)))), "{foreign:?}");

    assert_eq!(given.revoke(id).await.unwrap().revoked.as_deref(), Some("shop"));
    let refused = taken.invoke(id, &key("2"), &insert("l", "v"), &Options::default()).await;
    assert_eq!(refused.unwrap_err().problem().unwrap().code, "not-granted");
}
