//! Participants who hold their own keys: what is handed out to be signed, and what is taken back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::sync::Arc;

use adapter_spec::{
    Adapter, CallError, Interfaces, Ledger, Lender, async_trait,
    types::{Descriptor, Error, ErrorCode, Proof, SignItem, SignatureScheme, SigningInput},
};
use axum::http::Method;
use berth_crypto::SigningKey;
use berth_gateway::{KeyMode, Offered, possession};
use berth_model::MAIN_SPACE;
use serde_json::{Value, json};
use support::{Answer, Participant, World, hex0, insert, order, preset, upload};

const APP: &str = "/v1/applications/own";

struct Own {
    world: World,
    alice: Participant,
    key: SigningKey,
    account: String,
}

impl Own {
    async fn new() -> Self {
        let world = World::new().await;
        let alice = world.enrol("alice").await;
        let mut own = order("own", &world.url, "alice");
        own.key_mode = KeyMode::Upload;
        world.gateway.create(own).await.unwrap();
        let key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
        world.ledger.fund_key(&key.public_key(), 1 << 60);
        let uploaded = upload(&world, &alice, "own", &key).await;
        assert_eq!(uploaded.status, 200, "{uploaded:?}");
        let account = uploaded.body["accounts"][0].as_str().unwrap().to_owned();
        let own = Own { world, alice, key, account };
        let written = own.carry_out("deploy", json!({ "deploy": preset() })).await;
        assert_eq!(written.status, 200, "{written:?}");
        own
    }

    async fn begin(&self, key: &str, call: Value) -> Answer {
        let scheme = json!(self.key.scheme());
        let mut call = call;
        call.as_object_mut().unwrap().values_mut().next().unwrap()["scheme"] = scheme;
        self.world.post(&self.alice, &format!("{APP}/begin"), Some(key), call).await
    }

    fn sign(&self, items: &Value) -> Vec<Value> {
        let items: Vec<SignItem> = serde_json::from_value(items.clone()).unwrap();
        items.iter().map(|item| json!(self.key.sign(&item.input).unwrap())).collect()
    }

    async fn resume(&self, to_sign: &Value) -> Answer {
        let signatures = self.sign(&to_sign["items"]);
        let body = json!({"continuation": to_sign["continuation"], "signatures": signatures});
        self.world.post(&self.alice, &format!("{APP}/resume"), None, body).await
    }

    async fn carry_out(&self, key: &str, call: Value) -> Answer {
        let mut answer = self.begin(key, call).await;
        while answer.body["sign"].is_object() {
            answer = self.resume(&answer.body["sign"]).await;
        }
        answer
    }

    async fn id(&self) -> String {
        let shown = self.world.get(&self.alice, APP).await;
        shown.body["id"].as_str().unwrap().to_owned()
    }

    fn transactions(&self) -> u64 {
        self.world.ledger.transactions(MAIN_SPACE, &self.account)
    }
}

#[tokio::test]
async fn what_is_signed_by_its_owner_is_written_once() {
    let own = Own::new().await;
    let before = own.transactions();
    let begun = own.begin("1", json!({ "invoke": insert("k", "v") })).await;
    assert_eq!(begun.status, 200, "{begun:?}");
    assert!(!begun.body["sign"]["summary_claim"].as_str().unwrap().is_empty());
    assert_eq!(own.transactions(), before);
    let written = own.resume(&begun.body["sign"]).await;
    assert!(written.body["written"]["transaction"].is_string(), "{written:?}");
    assert_eq!(own.transactions(), before + 1);
    // The same request again goes on where it is, and asks for no signature.
    let again = own.begin("1", json!({ "invoke": insert("k", "v") })).await;
    assert_eq!(again.body["written"]["transaction"], written.body["written"]["transaction"], "{again:?}");
    let other = own.begin("1", json!({ "invoke": insert("k", "w") })).await;
    assert_eq!(other.body["code"], "conflict");
    assert_eq!(own.transactions(), before + 1);
}

#[tokio::test]
async fn a_continuation_is_taken_once_from_its_owner_and_unchanged() {
    let own = Own::new().await;
    let before = own.transactions();
    let bob = own.world.enrol("bob").await;
    let roles = json!({"roles": ["read", "write"]});
    own.world.send(Some(&own.alice), Method::PUT, &format!("{APP}/members/bob"), &[], Some(roles)).await;
    let begun = own.begin("1", json!({ "invoke": insert("k", "v") })).await;
    let to_sign = begun.body["sign"].clone();
    let signatures = own.sign(&to_sign["items"]);
    let body = json!({"continuation": to_sign["continuation"], "signatures": signatures});

    let stolen = own.world.post(&bob, &format!("{APP}/resume"), None, body.clone()).await;
    assert_eq!((stolen.status.as_u16(), stolen.body["code"].as_str()), (410, Some("expired")));
    let mut changed = body.clone();
    let text = to_sign["continuation"].as_str().unwrap();
    let flipped = if text.ends_with('0') { "1" } else { "0" };
    changed["continuation"] = json!(format!("{}{flipped}", &text[..text.len() - 1]));
    let changed = own.world.post(&own.alice, &format!("{APP}/resume"), None, changed).await;
    assert_eq!(changed.body, stolen.body, "no reason is told apart");
    let nonsense = json!({"continuation": "00", "signatures": []});
    assert_eq!(own.world.post(&own.alice, &format!("{APP}/resume"), None, nonsense).await.body, stolen.body);
    assert_eq!(own.transactions(), before);

    let taken = own.world.post(&own.alice, &format!("{APP}/resume"), None, body.clone()).await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let twice = own.world.post(&own.alice, &format!("{APP}/resume"), None, body).await;
    assert_eq!(twice.body, stolen.body);
    assert_eq!(own.transactions(), before + 1);
}

#[tokio::test]
async fn who_has_lost_the_role_since_begin_writes_nothing_and_goes_on_when_it_is_given_back() {
    let own = Own::new().await;
    let bob = own.world.enrol("bob").await;
    let key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
    own.world.ledger.fund_key(&key.public_key(), 1 << 60);
    let roles = async |roles: Value| {
        let (path, body) = (format!("{APP}/members/bob"), json!({ "roles": roles }));
        let set = own.world.send(Some(&own.alice), Method::PUT, &path, &[], Some(body)).await;
        assert_eq!(set.status, 200, "{set:?}");
    };
    roles(json!(["read", "write"])).await;
    assert_eq!(upload(&own.world, &bob, "own", &key).await.status, 200);
    let mut call = json!({ "invoke": insert("k", "v") });
    call["invoke"]["scheme"] = json!(key.scheme());
    let begun = own.world.post(&bob, &format!("{APP}/begin"), Some("1"), call).await;
    let items: Vec<SignItem> = serde_json::from_value(begun.body["sign"]["items"].clone()).unwrap();
    let signatures: Vec<_> = items.iter().map(|item| json!(key.sign(&item.input).unwrap())).collect();
    let body = json!({"continuation": begun.body["sign"]["continuation"], "signatures": signatures});
    let submitted = own.world.ledger.submissions();
    roles(json!(["read"])).await;
    let refused = own.world.post(&bob, &format!("{APP}/resume"), None, body.clone()).await;
    assert_eq!(
        (refused.status.as_u16(), refused.body["code"].as_str()),
        (403, Some("forbidden")),
        "{refused:?}"
    );
    assert_eq!(own.world.ledger.submissions(), submitted);
    roles(json!(["write"])).await;
    let written = own.world.post(&bob, &format!("{APP}/resume"), None, body).await;
    assert_eq!(written.status, 200, "{written:?}");
    assert_eq!(own.world.ledger.submissions(), submitted + 1);
}

#[tokio::test]
async fn a_key_that_is_refused_takes_no_good_keys_place() {
    let own = Own::new().await;
    let point = own.key.public_key().point;
    let said = possession(&own.id().await, "alice", &point);
    let signature = own.key.sign(&SigningInput::Message(said.into_bytes())).unwrap();
    let others = berth_identity::Authority::der_of(&own.alice.certificate_pem).unwrap();
    let body = json!({
        "scheme": own.key.scheme(),
        "point": hex0(&point),
        "certificate": hex0(&others),
        "signature": hex0(&signature.bytes),
    });
    let refused =
        own.world.send(Some(&own.alice), Method::PUT, &format!("{APP}/keys"), &[], Some(body)).await;
    assert_eq!(
        (refused.status.as_u16(), refused.body["code"].as_str()),
        (400, Some("invalid-argument")),
        "{refused:?}"
    );
    let written = own.carry_out("after", json!({ "invoke": insert("k", "v") })).await;
    assert_eq!(written.status, 200, "{written:?}");
}

#[tokio::test]
async fn what_is_given_up_blocks_nobody_and_a_wrong_signature_writes_nothing() {
    let own = Own::new().await;
    let before = own.transactions();
    let begun = own.begin("1", json!({ "invoke": insert("a", "v") })).await;
    let continuation = begun.body["sign"]["continuation"].clone();
    let given_up = own
        .world
        .post(&own.alice, &format!("{APP}/abandon"), None, json!({ "continuation": continuation }))
        .await;
    assert_eq!(given_up.status, 204, "{given_up:?}");
    assert_eq!(own.resume(&begun.body["sign"]).await.body["code"], "expired");

    let begun = own.begin("2", json!({ "invoke": insert("b", "v") })).await;
    let other = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
    let items: Vec<SignItem> = serde_json::from_value(begun.body["sign"]["items"].clone()).unwrap();
    let wrong: Vec<_> = items.iter().map(|item| json!(other.sign(&item.input).unwrap())).collect();
    let body = json!({"continuation": begun.body["sign"]["continuation"], "signatures": wrong});
    let refused = own.world.post(&own.alice, &format!("{APP}/resume"), None, body).await;
    assert_eq!(refused.body["code"], "invalid-argument", "{refused:?}");
    assert_eq!(own.transactions(), before);

    let written = own.carry_out("3", json!({ "invoke": insert("c", "v") })).await;
    assert!(written.body["written"].is_object(), "{written:?}");
    assert_eq!(own.transactions(), before + 1);
}

#[tokio::test]
async fn a_key_is_taken_only_from_whoever_has_it_and_for_this_application() {
    let own = Own::new().await;
    let key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
    let said = possession("another~application", "alice", &key.public_key().point);
    let signature = key.sign(&SigningInput::Message(said.into_bytes())).unwrap();
    let body = json!({
        "scheme": key.scheme(),
        "point": hex0(&key.public_key().point),
        "signature": hex0(&signature.bytes),
    });
    let refused =
        own.world.send(Some(&own.alice), Method::PUT, &format!("{APP}/keys"), &[], Some(body)).await;
    assert_eq!(refused.body["code"], "invalid-argument", "{refused:?}");
    let said = possession(&own.id().await, "alice", &key.public_key().point);
    let signature = key.sign(&SigningInput::Message(said.into_bytes())).unwrap();
    let body = json!({
        "scheme": key.scheme(),
        "point": hex0(&key.public_key().point),
        "certificate": hex0(&vec![0; (16 << 10) + 1]),
        "signature": hex0(&signature.bytes),
    });
    let large = own.world.send(Some(&own.alice), Method::PUT, &format!("{APP}/keys"), &[], Some(body)).await;
    assert!(large.body["detail"].as_str().unwrap().contains("at most 16384"), "{large:?}");
    // And the node signs nothing here.
    let invoked = own.world.post(&own.alice, &format!("{APP}/invoke"), Some("1"), insert("k", "v")).await;
    assert_eq!(invoked.body["code"], "key-mode");
}

/// The model's adapter as a version that opens nothing.
struct Broken(Arc<dyn Adapter>);

#[async_trait]
impl Adapter for Broken {
    fn interfaces(&self) -> Interfaces {
        self.0.interfaces()
    }

    async fn describe(&self) -> Result<Descriptor, CallError> {
        self.0.describe().await
    }

    async fn open(&self, _: Arc<dyn Lender>, _: &str) -> Result<Arc<dyn Ledger>, CallError> {
        Err(CallError::Answered(Error::new(ErrorCode::Internal, "this version opens nothing")))
    }

    async fn verify(&self, _: Arc<dyn Lender>, _: Vec<u8>, _: Proof) -> Result<(), CallError> {
        Err(CallError::Answered(Error::unsupported("proofs")))
    }
}

#[tokio::test]
async fn a_new_version_goes_on_with_what_the_old_one_began_and_a_broken_one_changes_nothing() {
    let own = Own::new().await;
    let before = own.transactions();
    let sent = own.carry_out("0", json!({ "invoke": insert("z", "v") })).await;
    assert_eq!(sent.body["written"]["state"], "under-way", "{sent:?}");
    let begun = own.begin("1", json!({ "invoke": insert("k", "v") })).await;
    let old = own.world.gateway.adapters().get("model").unwrap();
    own.world.gateway.adapters().put(support::model().await).unwrap();
    let written = own.resume(&begun.body["sign"]).await;
    assert!(written.body["written"]["transaction"].is_string(), "{written:?}");
    assert_eq!(own.transactions(), before + 2);
    own.world.ledger.mine(MAIN_SPACE, 5);
    for key in ["0", "1"] {
        let settled = own.world.get(&own.alice, &format!("{APP}/calls/{key}?until=settled")).await;
        assert_eq!(settled.body["settlement"], json!({"final": {"succeeded": true}}), "{settled:?}");
    }

    let broken = Offered {
        adapter: Arc::new(Broken(old.adapter.clone())),
        descriptor: old.descriptor.clone(),
        sandboxed: false,
        digest: None,
        certificate: None,
    };
    own.world.gateway.adapters().put(broken).unwrap();
    let written = own.carry_out("2", json!({ "invoke": insert("l", "v") })).await;
    assert!(written.body["written"].is_object(), "the old version goes on: {written:?}");
}
