//! The network starts, and its chaincodes do what the adapter and the conformance suite count on, as the official Node.js client
//! sees them. Needs Fabric's programs: `cargo xtask test --real fabric`. Without them this says that it did not run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{fs::read_dir, path::Path};

use fabric_network::{
    CHANNELS, Client, Network, NetworkError, Options, PRESET, PROBE, Programs, differences,
};

const CHANNEL: &str = CHANNELS[0];

fn network(options: &Options) -> Option<Network> {
    match Programs::from_environment() {
        Ok(programs) => Some(Network::start(programs, options).unwrap_or_else(|error| panic!("{error}"))),
        Err(reason) => {
            eprintln!("NOT RUN: {reason}");
            None
        }
    }
}

/// What the client said when it did not succeed.
fn refused(call: Result<String, NetworkError>) -> String {
    match call {
        Err(NetworkError::Failed { said, .. }) => said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_chaincodes_do_what_they_say_and_the_network_leaves_nothing_behind() {
    let Some(network) = network(&Options::default()) else { return };
    let folder = network.folder().to_owned();
    let (one, two) = (network.client(0).unwrap(), network.client(1).unwrap());
    store(&one, &two);
    probe(&one, &two, &network);
    the_other_channel_is_another_ledger(&one);
    survey(&one, &network.version().unwrap());
    let running = network.orderers();
    drop(network);
    assert!(!folder.exists(), "the folder is gone");
    for address in running {
        assert!(std::net::TcpStream::connect(&address).is_err(), "{address} still answers");
    }
}

fn store(one: &Client, two: &Client) {
    let write = |call: &[&str]| one.submit(CHANNEL, PRESET, call);
    let read = |call: &[&str]| two.evaluate(CHANNEL, PRESET, call);
    write(&["insert", "colour", "blue"]).unwrap();
    assert!(refused(write(&["insert", "colour", "red"])).contains("500, already-exists: "));
    write(&["update", "colour", ""]).unwrap();
    // Fabric itself would take an empty value for a deletion.
    assert_eq!(read_until(two, &["get", "colour"], ""), "");
    write(&["delete", "colour"]).unwrap();
    for call in
        [&["update", "colour", "x"][..], &["delete", "colour"], &["get", "colour"], &["history", "never"]]
    {
        assert!(refused(one.evaluate(CHANNEL, PRESET, call)).contains("500, not-found: "), "{call:?}");
    }
    for call in [&["get", ""][..], &["get", &"k".repeat(256)], &["get"]] {
        assert!(refused(read(call)).contains("500, invalid-argument: "), "{call:?}");
    }
    assert!(refused(read(&["nothing"])).contains("500, not-found: "));

    let history: serde_json::Value =
        serde_json::from_str(&one.evaluate(CHANNEL, PRESET, &["history", "colour"]).unwrap()).unwrap();
    let versions: Vec<_> = history.as_array().unwrap().iter().map(|version| version.get("value")).collect();
    assert_eq!(versions, [Some(&"Ymx1ZQ==".into()), Some(&"".into()), None]);
    assert!(history.as_array().unwrap().iter().all(|version| version["txId"].as_str().unwrap().len() == 64));
}

/// A peer of the other organisation commits a moment later.
fn read_until(client: &Client, call: &[&str], expected: &str) -> String {
    for _ in 0..20 {
        match client.evaluate(CHANNEL, PRESET, call) {
            Ok(read) if read == expected => return read,
            _ => {}
        }
    }
    client.evaluate(CHANNEL, PRESET, call).unwrap()
}

fn probe(one: &Client, two: &Client, network: &Network) {
    let write = |call: &[&str]| one.submit(CHANNEL, PROBE, call);
    let read = |call: &[&str]| one.evaluate(CHANNEL, PROBE, call);
    write(&["add", "3"]).unwrap();
    write(&["addTwice", "18446744073709551615"]).unwrap();
    let account = network.organisations[0].users[0].account();
    assert_eq!(read(&["count", &account]).unwrap(), "36893488147419103233");
    for unfit in ["-1", "18446744073709551616", "1.5", "0x1", "one", "", "01"] {
        assert!(refused(write(&["add", unfit])).contains("500, invalid-argument: "), "{unfit}");
    }
    assert!(refused(write(&["fail", "a reason"])).contains("500, a reason"));
    for (function, value) in [
        ("echoText", "grüße"),
        ("echoBytes", "\u{1}x"),
        ("echoInteger", "-5"),
        ("echoBoolean", "true"),
        ("echoJson", "[[1,2],[]]"),
    ] {
        assert_eq!(read(&[function, value]).unwrap(), value, "{function}");
    }
    for call in [["echoBoolean", "1"], ["echoJson", "["], ["echoInteger", "1e3"]] {
        assert!(refused(read(&call)).contains("500, invalid-argument: "), "{call:?}");
    }
    for client in [one, two] {
        assert!(refused(client.submit(CHANNEL, PROBE, &["owned"])).contains("500, permission-denied: "));
    }
    assert!(refused(write(&["private", "a name"])).contains("500, invalid-argument: "));
}

fn the_other_channel_is_another_ledger(one: &Client) {
    one.submit(CHANNEL, PROBE, &["put", "here"]).unwrap();
    assert_eq!(one.evaluate(CHANNELS[1], PROBE, &["text"]).unwrap(), "ready");
}

/// The answers that nodes of our own are compared with are still those of Fabric. `BLESS=1` writes them.
fn survey(one: &Client, version: &str) {
    let answers = one.survey(CHANNEL).unwrap();
    let name = version.to_lowercase().replace(" v", "-");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("survey/{name}.json"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&kept, &answers).unwrap();
    }
    let Ok(kept) = std::fs::read_to_string(&kept) else {
        eprintln!("NOT RUN: what {version} answers is not kept in {}", kept.display());
        return;
    };
    let differences = differences(&kept, &answers);
    assert!(differences.is_empty(), "kept | now:\n{}", differences.join("\n"));
}

#[test]
fn what_is_no_fabric_is_told_by_name() {
    let programs = Programs::at("/nowhere/fabric".into(), "/nowhere/node_modules".into());
    let before = networks_in(&std::env::temp_dir());
    let error = Network::start(programs, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("/nowhere/fabric/cryptogen does not start"), "{error}");
    assert!(networks_in(&std::env::temp_dir()) <= before + 1, "a network of another test at most");
}

fn networks_in(folder: &Path) -> usize {
    let names = read_dir(folder).unwrap().filter_map(Result::ok);
    names.filter(|entry| entry.file_name().to_string_lossy().starts_with("fabric-network-")).count()
}
