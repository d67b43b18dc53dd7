//! The official Go SDK of FISCO BCOS 2.x against the FISCO-like node, with both cryptographies. The client is in
//! `clients/go-sdk`; `cargo xtask test` builds it and names it in `BERTH_FISCO_GO_SDK`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

use berth_devnet_evm::{
    fisco::{FiscoConfig, FiscoNode, Generation},
    suite::Suite,
};
use serde_json::{Value, json};
use tokio::process::Command;

/// A key of the tests.
const KEY: &str = "b89d42f12290070f235fb8fb61dcf96e3b11516c5d4f6333f26e49bb955f8b62";

async fn told(suite: Suite) -> Option<(FiscoNode, Value)> {
    let Some(client) = std::env::var_os("BERTH_FISCO_GO_SDK") else {
        println!(
            "NOT RUN: BERTH_FISCO_GO_SDK does not name the client; `cargo xtask test` builds it with Go"
        );
        return None;
    };
    let node = FiscoNode::new(FiscoConfig::new(Generation::Two, suite)).unwrap();
    let served = node.serve().await.unwrap();
    let word = if suite == Suite::Sm { "sm" } else { "standard" };
    let output =
        Command::new(client).args([served.rpc.url.as_str(), "1", "1", word, KEY]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((node, serde_json::from_slice(&output.stdout).unwrap()))
}

fn check(node: &FiscoNode, suite: Suite, told: &Value) {
    assert_eq!(told["before"], 0);
    assert_eq!(told["deployReceipt"]["status"], 0, "{told}");
    assert_eq!(told["deployReceipt"]["transactionHash"], told["deployHash"]);
    assert!(told["code"].as_str().unwrap().contains("600035600052602a60206000a160206000f3"));
    // The contract returns the first word of its input: the selector, by the chain's hash, and most of the number.
    let selector = hex::encode(&suite.hash(b"echo(uint256)")[..4]);
    assert_eq!(told["called"], format!("{selector}{:056x}", 0));
    let logs = &told["callReceipt"]["logs"];
    assert_eq!(logs[0]["data"], format!("0x{selector}{:056x}", 0));
    assert_eq!(told["block"]["number"], "0x2");
    assert_eq!(told["blockHash"], told["block"]["hash"]);
    assert_eq!(told["sameBlock"], true);
    assert_eq!(told["transaction"]["hash"], told["callReceipt"]["transactionHash"]);
    assert_eq!(told["sealers"].as_array().unwrap().len(), 4);
    assert_eq!(told["groups"], json!([1]));
    assert_eq!(told["setConfig"], 1);
    assert!(told["config"].as_str().unwrap().contains("2000"));
    assert_eq!(told["registered"], 1);
    assert!(told["registeredAgain"].as_str().unwrap().contains("-51200"), "{}", told["registeredAgain"]);
    assert_eq!(told["named"][0]["version"], "1.0");
    assert_eq!(told["addressByName"], true);
    assert_eq!((&told["created"], &told["inserted"]), (&json!(0), &json!(1)));
    assert_eq!((&told["updated"], &told["removed"]), (&json!(1), &json!(1)));
    assert_eq!(told["rows"][0]["price"], "4");
    assert!(node.group("1").unwrap().height() >= 8);
}

/// The SDK's example `KVTableTest`, which works on a table with an entry for each key, and the factory alone.
fn check_key_value_table(told: &Value) {
    let number = |number: i64| {
        format!("0x{}", hex::encode(alloy_primitives::I256::try_from(number).unwrap().to_be_bytes::<32>()))
    };
    assert_eq!(told["tableCreated"], number(0));
    assert_eq!(told["tableCreatedAgain"], number(-50001));
    assert_eq!(told["thereBefore"], false);
    assert_eq!(
        (&told["setReceipt"]["status"], &told["setReceipt"]["output"]),
        (&json!(0), &json!(number(1)))
    );
    assert_eq!(told["setReceipt"]["logs"][0]["data"], number(1));
    assert_eq!(told["got"], json!([true, -5, "Laptop, used"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_go_sdk_takes_the_node_for_a_standard_one() {
    if let Some((node, told)) = told(Suite::Standard).await {
        check(&node, Suite::Standard, &told);
        check_key_value_table(&told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_go_sdk_takes_the_node_for_a_guomi_one() {
    if let Some((node, told)) = told(Suite::Sm).await {
        check(&node, Suite::Sm, &told);
    }
}
