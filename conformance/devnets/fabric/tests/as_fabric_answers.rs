//! The network answers as Fabric does, where it answers at all: every question of the survey, to both. What real Fabric answered is
//! kept in `conformance/networks/fabric/survey`. Needs npm's packages: `cargo xtask test` names them in `BERTH_FABRIC_MODULES`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{fs, path::Path};

use berth_devnet_fabric::{Network, Options};
use fabric_network::{Client, SURVEY_OF_FABRIC, differences};
use serde_json::Value;

/// Differences that there may be: where, by how the place begins, and why.
const ACCOUNTED: &[(&str, &str)] = &[
    ("endorse: private data.actions[0].results.namespaces[0].reads", DEFINITION),
    ("deliver: private data[0].transactions[0].actions[0].results.namespaces[0].reads", DEFINITION),
];

/// What a transaction with private data reads of its chaincode's definition.
const DEFINITION: &str =
    "Fabric reads all of the definition, this network its sequence, which changes with every definition";

/// The official client of the first organisation's peer, in the name of the first user who is a client.
fn client(material: &Value, folder: &Path, modules: &Path) -> Client {
    let organisation = &material["organisations"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let users = organisation["users"].as_array().unwrap();
    let user =
        users.iter().find(|user| user["name"].as_str().is_some_and(|name| name.contains("User"))).unwrap();
    for (name, content) in [
        ("authority.pem", &organisation["tlsCa"]),
        ("user/signcerts/certificate.pem", &user["certificate"]),
        ("user/keystore/key.pem", &user["key"]),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text(content)).unwrap();
    }
    Client::new(
        &folder.join("client"),
        modules,
        &text(&organisation["peer"]["address"]),
        &folder.join("authority.pem"),
        &text(&organisation["mspId"]),
        &folder.join("user"),
    )
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_question_is_answered_as_by_fabric_but_for_what_is_accounted_for() {
    let Some(modules) = std::env::var_os("BERTH_FABRIC_MODULES").filter(|modules| !modules.is_empty()) else {
        eprintln!("NOT RUN: BERTH_FABRIC_MODULES does not name npm's packages (cargo xtask test)");
        return;
    };
    let network = Network::start(Options::default()).await.unwrap();
    let material = network.material().unwrap();
    let running = tokio::spawn(network.run());
    let folder = tempfile::tempdir().unwrap();
    let client = client(&material, folder.path(), Path::new(&modules));
    let answers = tokio::task::spawn_blocking(move || client.survey("mychannel")).await.unwrap();
    running.abort();
    let answers = answers.unwrap_or_else(|error| panic!("{error}"));

    let found = differences(SURVEY_OF_FABRIC, &answers);
    let accounted = |place: &String| ACCOUNTED.iter().any(|(begin, _)| place.starts_with(begin));
    let unexpected: Vec<_> = found.iter().filter(|place| !accounted(place)).map(String::as_str).collect();
    assert!(unexpected.is_empty(), "Fabric | this network:\n{}", unexpected.join("\n"));
    for (begin, why) in ACCOUNTED {
        let is_there = found.iter().any(|place| place.starts_with(begin));
        assert!(is_there, "{begin} is no difference any more ({why}): take it off the list");
    }
}
