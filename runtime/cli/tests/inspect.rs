//! `berth adapter inspect`, what the command says of bad files and bad usage (golden files, rewritten with `BLESS=1`), and what it prints of itself.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::fs;

use support::{Berth, component, golden};

/// What differs from build to build or run to run.
fn without_numbers(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let word = line.trim_start().split("  ").next().unwrap_or_default();
        let start = line.split(word).next().unwrap_or_default();
        match word {
            "SHA-256" | "size" | "loaded in" if !word.is_empty() => lines.push(format!("{start}{word} …")),
            _ => lines.push(line.into()),
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn a_component_is_laid_out_for_people() {
    let Some(file) = component("notebook") else { return };
    let berth = Berth::new();
    let shown = berth.run(&["adapter", "inspect", &file]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    assert!(shown.stdout.lines().all(|line| line.chars().count() <= 80), "{}", shown.stdout);
    golden("inspect.txt", &without_numbers(&shown.stdout));
}

#[test]
fn the_same_is_there_for_programs_and_the_second_load_comes_from_the_cache() {
    let Some(file) = component("notebook") else { return };
    let berth = Berth::new();
    let json = || -> serde_json::Value {
        serde_json::from_str(&berth.run(&["adapter", "inspect", &file, "--json"]).stdout).unwrap()
    };
    let (first, second) = (json(), json());
    assert_eq!((&first["from_cache"], &second["from_cache"]), (&false.into(), &true.into()));
    assert_eq!(first["descriptor"]["name"], "notebook");
    assert_eq!(first["bytes"], fs::metadata(&file).unwrap().len());
    assert!(first["compiled_bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(first["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn a_bad_file_is_told_what_is_wrong_with_it() {
    let berth = Berth::new();
    let mut said = String::new();
    let mut case = |name: &str, bytes: Option<Vec<u8>>| {
        let path = berth.folder.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let shown = berth.run(&["adapter", "inspect", path.to_str().unwrap()]);
        assert_eq!((shown.code, shown.stdout.as_str()), (3, ""), "{}", shown.stderr);
        said.push_str(&shown.stderr);
    };
    case("missing", None);
    case("empty", Some(Vec::new()));
    case("text", Some(b"hello".to_vec()));
    case("module", Some(b"\0asm\x01\0\0\0".to_vec()));
    case("cut", Some(b"\0asm\x0d\0\x01\0\x01\x80".to_vec()));
    case("empty-component", Some(b"\0asm\x0d\0\x01\0".to_vec()));
    golden("bad-files.txt", &berth.without_folder(&said));
}

#[test]
fn bad_usage_is_told_what_to_type_instead() {
    let Some(file) = component("notebook") else { return };
    let berth = Berth::new();
    let mut said = String::new();
    for words in [
        vec!["status"],
        vec!["status", "--endpoint", "node=http://127.0.0.1:1"],
        vec!["status", "--endpoint", "service=http://127.0.0.1:1", "--settings", "{"],
        vec!["invoke", "--endpoint", "service=http://127.0.0.1:1", "--contract", "c", "--function", "f"],
        vec!["evaluate", "--contract", "c", "--function", "f", "--argument", "int:five"],
    ] {
        let mut line = vec!["adapter", "call", &file];
        line.extend(&words);
        let shown = berth.run(&line);
        assert_eq!((shown.code, shown.stdout.as_str()), (2, ""), "{words:?}: {}", shown.stderr);
        said.push_str(&format!("$ {}\n{}\n", words.join(" "), shown.stderr));
    }
    golden("bad-usage.txt", &berth.without_folder(&said));
}

#[test]
fn a_node_that_is_not_there_is_the_adapters_answer_and_json_has_it_whole() {
    let Some(file) = component("notebook") else { return };
    let berth = Berth::new();
    let words = ["adapter", "call", &file, "status", "--json", "--endpoint", "service=http://127.0.0.1:1"];
    let shown = berth.run(&words);
    assert_eq!(shown.code, 1);
    assert!(shown.stderr.contains("Check the address in --endpoint"), "{}", shown.stderr);
    let document: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(document["error"]["answer"]["code"], "unavailable");
    assert_eq!(document["error"]["answer"]["retryable"], true);
}

#[test]
fn a_key_never_shows_not_even_a_broken_one() {
    let Some(file) = component("notebook") else { return };
    let berth = Berth::new();
    let secret = "c0ffee".repeat(11);
    let key = berth.folder.path().join("key");
    fs::write(&key, &secret).unwrap();
    let words = ["adapter", "call", &file, "accounts", "--endpoint", "service=http://127.0.0.1:1", "--key"];
    let shown = berth.run(&[&words[..], &[key.to_str().unwrap()]].concat());
    assert_eq!(shown.code, 2);
    assert!(shown.stderr.contains("cannot be used"), "{}", shown.stderr);
    assert!(!shown.stderr.contains("c0ffee") && !shown.stdout.contains("c0ffee"));
}

#[test]
fn the_openapi_document_is_printed_as_nodes_serve_it() {
    let shown = Berth::new().run(&["node", "openapi"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    let printed: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(printed, berth_gateway::http::openapi_document());
}
