//! The gateway against its own OpenAPI document, by a program that others wrote: schemathesis makes requests of the document,
//! right and wrong ones, and looks whether the answers are among those that the document says.
//!
//! It runs when `BERTH_PYTHON` names a Python that has `openapi/requirements.txt`, and says so when it does not run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{fs, sync::Arc, time::Duration};

use adapter_spec::types::SignatureScheme;
use berth_crypto::SigningKey;
use berth_gateway::{KeyMode, http};
use berth_identity::Authority;
use berth_journal::MemoryStore;
use berth_model::MAIN_SPACE;
use jiff::Timestamp;
use serde_json::{Value, json};
use support::{World, insert, order, upload};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Checks that are not made, with why.
const NOT_CHECKED: [&str; 3] = [
    // What fits the schema need not fit the ledger: a contract that does not exist, an amount nobody has.
    "positive_data_acceptance",
    // Takes the credentials out of a request; ours are the connection's. `tls.rs` and `gateway.rs` look at who is refused.
    "ignored_auth",
    // Asks again for what a DELETE ended; a participant without roles and a forgotten position are not gone.
    "use_after_free",
];

/// Operations that are not asked for, with why.
const NOT_ASKED: [&str; 2] = [
    // An endless stream is no answer to look at as a whole; `more.rs` reads it.
    "events",
    // Nothing is to be sent to addresses that were made up; the answers in `webhooks.rs` are held to the document too.
    "createWebhook",
];

/// That an adapter does not offer something is no fault of the server.
const CONFIG: &str = r#"
warnings = false

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 501]
"#;

/// The document, as schemathesis needs it: with the applications that there are, and without signatures, which it would make up.
fn document() -> Value {
    let mut document = http::openapi_document();
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
            for parameter in parameters.into_iter().flatten() {
                if parameter["name"] == "application" {
                    parameter["schema"] = json!({"type": "string", "enum": ["shop", "own"]});
                }
            }
        }
    }
    document["security"] = json!([{"mutualTLS": []}]);
    document["components"]["securitySchemes"].as_object_mut().unwrap().remove("signature");
    document
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_answers_what_its_document_says() {
    let Some(python) = std::env::var_os("BERTH_PYTHON") else {
        eprintln!(
            "DID NOT RUN: schemathesis needs BERTH_PYTHON, a Python with tests/openapi/requirements.txt installed"
        );
        return;
    };
    let authority = Authority::create("node", Timestamp::now()).unwrap();
    let authority_pem = authority.certificate_pem().to_owned();
    let server = authority.issue_server(&["localhost".to_owned()], 1, Timestamp::now()).unwrap();
    let world = World::of(Arc::new(MemoryStore::new()), authority).await;
    let alice = world.enrol("alice").await;
    world.enrol("bob").await;
    world.application("shop", &alice).await;
    let inserted = world.post(&alice, "/v1/applications/shop/invoke", Some("first"), insert("k", "v")).await;
    assert_eq!(inserted.status, 200, "{inserted:?}");
    let mut own = order("own", &world.url, "alice");
    own.key_mode = KeyMode::Upload;
    world.gateway.create(own).await.unwrap();
    let key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
    world.ledger.fund_key(&key.public_key(), 1 << 60);
    let uploaded = upload(&world, &alice, "own", &key).await;
    assert_eq!(uploaded.status, 200, "{uploaded:?}");

    let stop = CancellationToken::new();
    let _stopped = stop.clone().drop_guard();
    let tls = http::tls(&server.chain_pem, &server.key_pem, &authority_pem).unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let listening = http::listen(address, Some(tls), world.router.clone(), stop.clone()).await.unwrap();
    // A ledger that goes on, so that whoever waits until a write is settled does not wait for ever.
    let ledger = world.ledger.clone();
    tokio::spawn(stop.run_until_cancelled_owned(async move {
        let mut blocks = tokio::time::interval(Duration::from_millis(100));
        loop {
            blocks.tick().await;
            ledger.mine(MAIN_SPACE, 1);
        }
    }));

    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        name.to_owned()
    };
    let mut command = Command::new(python);
    command.arg("-c").arg("from schemathesis.cli import schemathesis; schemathesis()");
    command.arg("--config-file").arg(write("schemathesis.toml", CONFIG));
    command.arg("run").arg(write("openapi.json", &document().to_string()));
    command.arg("--url").arg(format!("https://{}", listening.address.replace("127.0.0.1", "localhost")));
    command.arg("--tls-verify").arg(write("authority.pem", &authority_pem));
    command.arg("--request-cert").arg(write("alice.pem", &alice.certificate_pem));
    command.arg("--request-cert-key").arg(write("alice.key", &alice.key_pem));
    for operation in NOT_ASKED {
        command.args(["--exclude-operation-id", operation]);
    }
    command.arg("--exclude-checks").arg(NOT_CHECKED.join(","));
    command.args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--workers", "1"]);
    command.arg("--generation-deterministic");
    command.args(["--request-timeout", "70", "--continue-on-failure", "--no-color"]);
    // Sets in Python have another order in each process, unless told otherwise.
    command.env("PYTHONHASHSEED", "0");
    // Not by whatever proxy the machine has.
    command.env("NO_PROXY", "localhost").current_dir(folder.path()).kill_on_drop(true);
    let ran = tokio::time::timeout(Duration::from_secs(900), command.output()).await;
    let output = ran.expect("schemathesis does not come to an end").unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let operations: usize =
        document()["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len()).sum();
    assert!(
        out.contains(&format!("Tested: {}\n", operations - NOT_ASKED.len())),
        "not all was asked for: {out}"
    );
    println!("{out}");
}
