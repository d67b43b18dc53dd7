//! Programs with the cryptography and the client of others (viem, sm-crypto from npm) against the local nodes. `cargo xtask
//! test` installs the packages and names their folder in `BERTH_EVM_CLIENTS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

use std::path::{Path, PathBuf};

use anvil_process::Anvil;
use berth_devnet_evm::{
    ethereum::{EthereumConfig, EthereumNode},
    fisco::{FiscoConfig, FiscoNode, Generation},
    suite::Suite,
};
use serde_json::Value;
use tokio::process::Command;

/// The folder of packages. None, and a line that says so, where it is not there.
fn packages() -> Option<PathBuf> {
    let folder = std::env::var_os("BERTH_EVM_CLIENTS").map(PathBuf::from);
    if folder.is_none() {
        println!("NOT RUN: BERTH_EVM_CLIENTS does not name the packages; `cargo xtask test` installs them");
    }
    folder
}

/// What a script prints.
async fn run(packages: &Path, script: &str, arguments: &[&str]) -> Value {
    // Node.js looks for packages beside a script.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(packages.join("node_modules"), folder.path().join("node_modules")).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/node").join(script);
    let script = folder.path().join(script);
    std::fs::copy(source, &script).unwrap();
    let output = Command::new("node").arg(&script).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_of_3x_made_by_others_are_taken_and_their_hashes_agree() {
    let Some(packages) = packages() else { return };
    for (suite, word) in [(Suite::Standard, "standard"), (Suite::Sm, "sm")] {
        let node = FiscoNode::new(FiscoConfig::new(Generation::Three, suite)).unwrap();
        let served = node.serve().await.unwrap();
        let told = run(&packages, "fisco3.mjs", &[&served.rpc.url, "chain0", "group0", word]).await;
        assert_eq!(told["created"]["status"], 0, "{told}");
        assert_eq!(told["created"]["transactionHash"], told["createdHash"]);
        assert_eq!(told["called"]["transactionHash"], told["calledHash"]);
        assert_eq!(told["created"]["from"], told["address"]);
        assert_eq!(told["receiptHashes"][0], told["created"]["hash"]);
        assert_eq!(told["receiptHashes"][1], told["called"]["hash"]);
        assert_eq!(told["read"]["output"], format!("0x{}", "09".repeat(32)));
        assert_eq!(told["abi"], "[]");
        assert_eq!(told["blockHash"], told["blockHashComputed"]);
        assert_eq!((&told["signatures"], &told["signaturesGood"]), (&3.into(), &true.into()));
        assert_eq!(told["fetched"]["hash"], told["called"]["hash"]);
        assert_eq!(told["info"]["smCryptoType"], suite == Suite::Sm);
    }
}

/// Where the Ethereum-like node and Anvil may differ, and why.
const OWN: &[(&str, &str)] = &[
    ("timestamp", "the time of the run"),
    ("blockTimestamp", "the time of the run"),
    ("blockHash", "it has the time in it"),
    ("hash of a block", "it has the time in it"),
    ("parentHash", "it has the time in it"),
    ("mixHash", "random on both"),
    ("size", "Anvil counts the body too"),
    ("stateRoot", "Anvil's chain starts with contracts that it deploys for everybody"),
    ("history", "Anvil gives more fields, for blobs"),
    ("totalDifficulty", "not in the execution API any more"),
    ("blobGasPrice", "only for blobs, which this node does not take"),
    (
        "waiting.gasPrice",
        "Anvil reckons with the newest base fee; this node, as Geth, gives the most that is paid",
    ),
];

/// The fields that only one has, or whose kinds or values differ, by their path.
fn differences(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let block = theirs.contains_key("sha3Uncles");
            for field in theirs.keys().chain(ours.keys().filter(|field| !theirs.contains_key(*field))) {
                let name = if block && field == "hash" { "hash of a block" } else { field };
                let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                if OWN.iter().any(|(own, _)| *own == name || *own == path) {
                    continue;
                }
                match (ours.get(field), theirs.get(field)) {
                    (Some(ours), Some(theirs)) => differences(&path, ours, theirs, found),
                    (Some(ours), None) => found.push(format!("{path}: only ours, {ours}")),
                    (None, Some(theirs)) => found.push(format!("{path}: only Anvil's, {theirs}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                differences(&format!("{path}[{index}]"), ours, theirs, found);
            }
        }
        _ if ours != theirs => found.push(format!("{path}: ours {ours}, Anvil's {theirs}")),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ethereum_like_node_answers_viem_as_anvil_does() {
    let Some(packages) = packages() else { return };
    let node = EthereumNode::new(&EthereumConfig { slots_in_an_epoch: 2, ..EthereumConfig::default() });
    let served = node.serve().await.unwrap();
    let ours = run(&packages, "ethereum.mjs", &[&served.rpc.url]).await;
    assert_eq!(ours["hashIsTheHeaders"], true);
    let anvil = Anvil::of_environment(&["--slots-in-an-epoch", "2", "--hardfork", "prague"]);
    let Some(anvil) = anvil else { return };
    let theirs = run(&packages, "ethereum.mjs", &[anvil.url()]).await;
    let mut found = Vec::new();
    differences("", &ours, &theirs, &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
