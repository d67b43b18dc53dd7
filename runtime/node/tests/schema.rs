//! The schema of the configuration says what the node takes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails, in its helpers too")]

use std::{fs, path::Path};

use berth_node::{Configuration, EXAMPLE, schema};
use serde_json::Value;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node.schema.json");

#[test]
fn the_schema_is_the_one_that_is_published() {
    let text = format!("{:#}\n", schema());
    if std::env::var_os("BLESS").is_some() {
        fs::write(GOLDEN, &text).unwrap();
    }
    let expected = fs::read_to_string(GOLDEN).unwrap_or_default();
    assert!(text == expected, "node.schema.json differs; BLESS=1 writes it anew");
}

/// The example with everything in it that it shows commented out.
fn whole_example() -> String {
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_setting =
        |rest: &&str| rest.starts_with('[') || rest.split_once(" = ").is_some_and(|(name, _)| is_name(name));
    let shown = |line: &'static str| line.strip_prefix("# ").filter(is_setting).unwrap_or(line);
    EXAMPLE.lines().map(shown).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_the_schema_allows_is_what_the_node_reads() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let whole = whole_example();
    for name in ["share", "policy", "frameworks", "[[adapters]]", "webhook_authorities", "certificate"] {
        assert!(whole.lines().any(|line| line.starts_with(name)), "{name} is not in the example: {whole}");
    }
    let wrong = |what: &str, instead: &str| {
        assert!(whole.contains(what), "{what}");
        whole.replacen(what, instead, 1)
    };
    for (text, is_right) in [
        (EXAMPLE.to_owned(), true),
        (whole.clone(), true),
        (wrong("[gateway]", "[gateway]\ncolour = 1"), false),
        (wrong("state = \"state\"", "state = 1"), false),
        (wrong("state = \"state\"", ""), false),
        (wrong("tls = true", "tls = \"true\""), false),
        (wrong("share = 0.01", "shares = 0.01"), false),
        (wrong("[[adapters]]", "[[adapters]]\ncolour = 1"), false),
    ] {
        let read = Configuration::parse(Path::new("/node.toml"), text.clone());
        assert_eq!(read.is_ok(), is_right, "{read:?}: {text}");
        let value: Value = toml::from_str(&text).unwrap();
        let found: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(found.is_empty(), is_right, "{found:?}: {text}");
    }
    for (secret, is_right) in [
        ("{ env = \"K\" }", true),
        ("{ file = \"k\" }", true),
        ("\"5a\"", false),
        ("{ text = \"5a\" }", false),
    ] {
        let text = format!("state = \"s\"\nmaster_key = {secret}\n[gateway]\nlisten = \"127.0.0.1:0\"\n");
        assert_eq!(Configuration::parse(Path::new("/node.toml"), text.clone()).is_ok(), is_right, "{text}");
        assert_eq!(validator.is_valid(&toml::from_str::<Value>(&text).unwrap()), is_right, "{text}");
    }
}
