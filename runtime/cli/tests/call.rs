//! `berth adapter call` against a real node: Anvil, named by the environment variable `BERTH_ANVIL`.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs;

use anvil_process::{Anvil, FIRST_KEY};
use serde_json::Value as Json;
use support::{Berth, Shown, component};

struct Setting {
    berth: Berth,
    node: Anvil,
    file: String,
}

impl Setting {
    fn new() -> Option<Self> {
        let file = component("ethereum")?;
        let node = Anvil::of_environment(&["--slots-in-an-epoch", "1"])?;
        let berth = Berth::new();
        fs::write(berth.folder.path().join("key"), FIRST_KEY).unwrap();
        fs::write(berth.folder.path().join("settings.json"), "{\"chain_id\": 31337}").unwrap();
        Some(Setting { berth, node, file })
    }

    /// With the node lent.
    fn call(&self, words: &[&str]) -> Shown {
        let endpoint = format!("node={}", self.node.url());
        let mut line = vec!["adapter", "call", &self.file, "--settings", "@settings.json"];
        line.extend(["--endpoint", &endpoint]);
        line.extend(words);
        self.berth.run(&line)
    }

    /// One JSON document of a call that succeeds.
    fn json(&self, words: &[&str]) -> Json {
        let shown = self.call(&[words, &["--json"]].concat());
        assert_eq!(shown.code, 0, "{words:?}: {}", shown.stderr);
        serde_json::from_str(&shown.stdout).unwrap()
    }

    fn preset(&self) -> String {
        let receipts = self.json(&["plan", "preset", "--carry-out", "--key", "key"]);
        receipts[0]["created"].as_str().unwrap().into()
    }
}

#[test]
fn the_preset_store_is_used_from_the_command_line() {
    let Some(on) = Setting::new() else { return };
    let contract = on.preset();
    let store = |words: &[&str]| on.call(&[&["store", "--contract", &contract], words].concat());
    let inserted = store(&["insert", "colour", "blue", "--key", "key"]);
    assert_eq!((inserted.code, inserted.stdout.as_str()), (0, "done\n"), "{}", inserted.stderr);
    assert!(inserted.stderr.contains("signing what the adapter calls"), "{}", inserted.stderr);
    assert_eq!(store(&["update", "colour", "bytes:0x00ff", "--key", "key"]).code, 0);
    assert_eq!(store(&["get", "colour"]).stdout, "0x00ff\n");
    let again = store(&["insert", "colour", "red", "--key", "key"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("already-exists"), "{}", again.stderr);
    let history = on.json(&["store", "--contract", &contract, "history", "colour"]);
    assert_eq!(history["history"].as_array().unwrap().len(), 2);
}

#[test]
fn a_call_is_begun_signed_elsewhere_resumed_and_sent() {
    let Some(on) = Setting::new() else { return };
    let contract = on.preset();
    let key = berth_crypto::SigningKey::from_hex(
        adapter_spec::types::SignatureScheme::EcdsaSecp256k1Keccak256,
        FIRST_KEY,
    )
    .unwrap();
    let public = format!("0x{}", hex::encode(key.public_key().point));
    let begun = on.call(&[
        "--state",
        "state",
        "begin",
        "--public-key",
        &public,
        "--contract",
        &contract,
        "--function",
        "insert(string,bytes)",
        "--argument",
        "k",
        "--argument",
        "bytes:0x01",
        "--continuation",
        "call.bin",
    ]);
    assert_eq!(begun.code, 0, "{}", begun.stderr);
    let request: Json = serde_json::from_str(&begun.stdout).unwrap();
    let input = serde_json::from_value(request["items"][0]["input"].clone()).unwrap();
    let signature = key.sign(&input).unwrap();
    let signature = format!("0x{}:{}", hex::encode(signature.bytes), signature.recovery_id.unwrap());
    let resumed = on.call(&[
        "--state",
        "state",
        "resume",
        "--continuation",
        "call.bin",
        "--signature",
        &signature,
        "--envelope",
        "envelope.json",
    ]);
    assert_eq!(resumed.code, 0, "{}", resumed.stderr);
    // Doing it twice is harmless.
    for _ in 0..2 {
        let receipt = on.json(&["--state", "state", "send", "--envelope", "envelope.json"]);
        assert!(receipt["outcome"]["ok"].is_object(), "{receipt}");
    }
    assert_eq!(on.call(&["store", "--contract", &contract, "get", "k"]).stdout, "0x01\n");
}

#[test]
fn a_recorded_call_is_replayed_without_a_node_and_another_call_is_told_apart() {
    let Some(on) = Setting::new() else { return };
    let contract = on.preset();
    let write =
        ["store", "--contract", &contract, "insert", "a", "b", "--key", "key", "--idempotency-key", "one"];
    let live = on.call(&[&write[..], &["--record", "r.json"]].concat());
    assert_eq!(live.code, 0, "{}", live.stderr);
    let replay = |words: &[&str]| {
        let line = ["adapter", "call", &on.file, "--settings", "@settings.json", "--replay", "r.json"];
        on.berth.run(&[&line[..], words].concat())
    };
    let again = replay(&write);
    assert_eq!((again.code, &again.stdout), (0, &live.stdout), "{}", again.stderr);
    let other = replay(&["store", "--contract", &contract, "get", "a"]);
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("did not do what the recording has"), "{}", other.stderr);
}

#[test]
fn blocks_are_checked_events_are_paged_and_the_cost_is_told() {
    let Some(on) = Setting::new() else { return };
    let contract = on.preset();
    let insert = ["store", "--contract", &contract, "insert", "k", "v", "--key", "key", "--cost"];
    let shown = on.call(&insert);
    assert!(shown.stderr.contains("ledger.begin") && shown.stderr.contains("together"), "{}", shown.stderr);
    let block = on.call(&["block"]).stdout;
    assert!(block.contains("hash to it (computed here)"), "{block}");
    let page = on.json(&["events", "--contract", &contract]);
    assert_eq!(page["events"].as_array().unwrap().len(), 1);
    let cursor = page["cursor"].as_str().unwrap();
    let next = on.json(&["events", "--contract", &contract, "--from", cursor]);
    assert!(next["events"].as_array().unwrap().is_empty());
    let status = on.call(&["status"]);
    assert!(status.stdout.contains("newest block"), "{}", status.stdout);
}
