//! What the operator is shown of grants, and that chains are checked before they are shown: against answers of a node.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixListener,
};

use adapter_spec::types::{SignatureScheme, SigningInput};
use berth_api::{Grant, GrantCall, GrantCalls, GrantEntry, GrantedFunction, GrantedUse, Place, SignedRecord};
use berth_crypto::SigningKey;
use serde_json::{Value, json};
use support::{Berth, Shown};

/// The command, and a node's operator socket that answers with this.
fn shown(words: &[&str], answer: &Value) -> Shown {
    let berth = Berth::new();
    assert_eq!(berth.run(&["node", "init", "city"]).code, 0);
    let state = berth.folder.path().join("city/state");
    fs::create_dir_all(&state).unwrap();
    let listener = UnixListener::bind(state.join("operator.sock")).unwrap();
    let body = answer.to_string();
    // Ends with the test program, where the command does not ask.
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut some = [0; 1_024];
            let read = stream.read(&mut some).unwrap();
            asked.extend_from_slice(&some[..read]);
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    });
    berth.run(&[&["node", "grant"], words, &["--config", "city/node.toml"]].concat())
}

fn call(key: &str) -> GrantCall {
    GrantCall {
        id: "0f".repeat(16),
        grant: "5f".repeat(16),
        at: "2026-01-01T00:00:00Z".parse().unwrap(),
        participant: "bob".into(),
        from: "shop".into(),
        to: "bank".into(),
        does: GrantedUse::Write,
        what: "preset insert(text,bytes)".into(),
        key: Some(key.into()),
    }
}

/// A chain of three calls.
fn calls() -> GrantCalls {
    let key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
    let mut records: Vec<SignedRecord> = Vec::new();
    let calls: Vec<_> = ["1", "2", "3"].map(call).into();
    for (number, call) in (0..).zip(&calls) {
        let previous = records.last().map(SignedRecord::digest).unwrap_or_default();
        let place = Place { application: "shop~00".into(), number, previous };
        let entry = serde_json::to_string(&GrantEntry { place, call: call.clone() }).unwrap();
        let signature = key.sign(&SigningInput::Message(entry.clone().into_bytes())).unwrap();
        records.push(SignedRecord { entry, signature: hex::encode(signature.bytes) });
    }
    GrantCalls { calls, key: key.public_key(), records, next: None }
}

#[test]
fn calls_are_shown_once_their_chain_holds() {
    let calls = calls();
    let last = calls.records[2].digest();
    let answer = json!(calls);
    let people = shown(&["calls", "shop", "--seen", &last], &answer);
    assert_eq!(people.code, 0, "{}", people.stderr);
    assert!(
        people.stdout.contains("bob of bank writes at shop: preset insert(text,bytes) (3)"),
        "{}",
        people.stdout
    );
    assert!(people.stdout.contains(&last), "{}", people.stdout);
    let programs = shown(&["calls", "shop", "--json"], &answer);
    let document: Value = serde_json::from_str(&programs.stdout).unwrap();
    assert_eq!((&document["calls"], &document["last"]), (&json!(calls.calls), &json!(last)));
}

#[test]
fn a_chain_that_does_not_hold_is_not_shown_and_a_key_can_be_asked_for() {
    let whole = calls();
    let mut dropped = whole.clone();
    dropped.records.remove(1);
    let mut altered = whole.clone();
    altered.records[1].entry = altered.records[1].entry.replace("\"bob\"", "\"eve\"");
    let mut cut = whole.clone();
    cut.records.pop();
    let seen = whole.records[2].digest();
    let other = hex::encode(calls().key.point);
    for (answer, more, noticed) in [
        (&dropped, vec![], "record 1 does not follow"),
        (&altered, vec![], "record 1 is not signed"),
        (&cut, vec!["--seen", &seen], "was seen before"),
        (&whole, vec!["--key", &other], "record 0 is not signed"),
    ] {
        let refused = shown(&[vec!["calls", "shop"], more].concat(), &json!(answer));
        assert!(refused.code == 1 && refused.stderr.contains(noticed), "{noticed}: {}", refused.stderr);
        assert!(!refused.stdout.contains("bob"), "{}", refused.stdout);
    }
}

#[test]
fn grants_are_listed_and_shown_with_what_they_let_through() {
    let grant = Grant {
        id: "5f".repeat(16),
        from: "shop".into(),
        to: "bank".into(),
        from_id: "shop~00".into(),
        to_id: "bank~00".into(),
        functions: [].into(),
        writes: [GrantedFunction {
            contract: "preset".into(),
            function: "insert(text,bytes)".into(),
            abi: None,
        }]
        .into(),
        keys: ["k".to_owned()].into(),
        expires: "2100-01-01T00:00:00Z".parse().unwrap(),
        accepted: None,
        anchor: None,
        revoked: None,
    };
    let other = Grant { id: "6f".repeat(16), revoked: Some("bank".into()), ..grant.clone() };
    let answer = json!({ "grants": [&grant, &other] });
    let listed = shown(&["list", "shop"], &answer);
    assert!(listed.stdout.contains("shop to bank: proposed, and not accepted"), "{}", listed.stdout);
    assert!(listed.stdout.contains("revoked by the owner of bank"), "{}", listed.stdout);
    let one = shown(&["show", "shop", "5f"], &answer);
    assert!(
        one.stdout.contains("  invoke      preset insert(text,bytes)\n  key         k\n"),
        "{}",
        one.stdout
    );
    let programs = shown(&["show", "shop", "5f", "--json"], &answer);
    assert_eq!(serde_json::from_str::<Value>(&programs.stdout).unwrap(), json!(grant));
    let none = shown(&["show", "shop", "7f"], &answer);
    assert!(none.code == 2 && none.stderr.contains("no grant"), "{}", none.stderr);
}
