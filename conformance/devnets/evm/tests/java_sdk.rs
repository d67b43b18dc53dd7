//! The official Java SDK of FISCO BCOS 3.x against the FISCO-like node, over its websocket, with both cryptographies. The client is
//! in `clients/java-sdk`; `cargo xtask test` builds it and names its jars in `BERTH_FISCO_JAVA_SDK`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

use std::path::PathBuf;

use berth_devnet_evm::{
    fisco::{FiscoConfig, FiscoNode, Generation, v3},
    suite::Suite,
};
use serde_json::{Value, json};
use tokio::process::Command;

/// A key of the tests.
const KEY: &str = "b89d42f12290070f235fb8fb61dcf96e3b11516c5d4f6333f26e49bb955f8b62";

async fn told(suite: Suite) -> Option<(FiscoNode, Value)> {
    let Some(jars) = std::env::var_os("BERTH_FISCO_JAVA_SDK").map(PathBuf::from) else {
        println!(
            "NOT RUN: BERTH_FISCO_JAVA_SDK does not name the client's jars; `cargo xtask test` builds it with Maven"
        );
        return None;
    };
    let node = FiscoNode::new(FiscoConfig::new(Generation::Three, suite)).unwrap();
    let served = node.serve().await.unwrap();
    // The SDK unpacks its library into Java's folder for such things, and looks around in that it runs in.
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("java")
        .arg(format!("-Djava.io.tmpdir={}", folder.path().display()))
        .arg("-cp")
        .arg(jars.join("*"))
        .args(["Client", served.rpc.url.strip_prefix("http://").unwrap(), "group0", KEY])
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some((node, serde_json::from_slice(&output.stdout).unwrap()))
}

fn check(node: &FiscoNode, suite: Suite, told: &Value) {
    let group = node.group("group0").unwrap();
    let ids: Vec<String> = group.node_ids().iter().map(hex::encode).collect();
    let newest = |key: &str| told[key]["latestHash"].as_str().unwrap().to_owned();

    // What the node tells of itself.
    assert_eq!((&told["sm"], &told["chain"]), (&json!(suite == Suite::Sm), &json!("chain0")));
    assert_eq!((&told["before"], &told["limit"]), (&json!(0), &json!(500)));
    assert_eq!((&told["groups"], &told["groupInfos"]), (&json!(["group0"]), &json!(1)));
    assert_eq!(told["groupInfo"]["nodeList"][0]["iniConfig"]["smCryptoType"], suite == Suite::Sm);
    assert_eq!(told["nodeInfo"]["iniConfig"]["nodeID"], ids[0]);
    assert_eq!((&told["peers"]["p2pNodeID"], &told["groupPeers"]), (&json!(ids[0]), &json!(ids)));
    assert_eq!(told["peers"]["peers"].as_array().unwrap().len(), 3);
    assert_eq!((told["sealers"].as_array().unwrap().len(), &told["observers"]), (4, &json!([])));
    assert_eq!(told["byType"], told["sealers"]);
    assert_eq!((&told["view"], &told["pending"]), (&json!(1), &json!(0)));
    assert_eq!(
        (told["genesis"].as_str().unwrap(), told["consensus"]["minRequiredQuorum"].as_i64()),
        (format!("0x{}", newest("sync")).as_str(), Some(3))
    );

    // A contract, and transactions of both versions that the SDK makes.
    assert_eq!(told["created"]["transactionHash"], told["creationHash"]);
    assert_eq!((&told["created"]["status"], &told["created"]["from"]), (&json!(0), &told["address"]));
    assert_eq!(told["code"], "0x600035600052602a60206000a160206000f3");
    assert_eq!((&told["abi"], &told["supportsVersion1"]), (&json!(true), &json!(true)));
    // The contract returns the first word of its input: the selector, by the chain's hash, and most of the number.
    let selector = hex::encode(&suite.hash(b"echo(uint256)")[..4]);
    assert_eq!(told["read"], format!("0x{selector}{:056x}", 0));
    for (key, number) in [("version0", 2), ("version1", 3)] {
        let sent = &told[key];
        assert_eq!(
            (&sent["receipt"]["status"], &sent["receipt"]["blockNumber"]),
            (&json!(0), &json!(number))
        );
        assert_eq!(sent["receipt"]["output"], told["read"]);
        assert_eq!(sent["receipt"]["logEntries"][0]["data"], told["read"]);
        // What the SDK reckons is what the node says: hashes of the transaction, its receipt and its block, and the proofs.
        assert_eq!(sent["hash"], sent["receipt"]["transactionHash"]);
        assert_eq!(sent["hash"], sent["transactionHash"]);
        assert_eq!(sent["hash"], sent["hashInBlock"]);
        assert_eq!(sent["receiptHash"], sent["receipt"]["hash"]);
        assert_eq!((&sent["blockHash"], &sent["header"]), (&sent["block"]["hash"], &sent["block"]["hash"]));
        assert_eq!(sent["transaction"], with_proof(&sent["block"]["transactions"][0], &sent["transaction"]));
        let signed = hex::decode(&sent["signed"].as_str().unwrap()[2..]).unwrap();
        let transaction = v3::transaction::decode(&signed, suite).unwrap();
        assert_eq!(format!("{:#x}", transaction.from), told["address"]);
        for proven in ["sameReceipt", "provenReceipt", "provenTransaction"] {
            assert_eq!(sent[proven], true, "{key}: {proven}");
        }
    }
    assert!(told["version1"]["transaction"]["gasLimit"].as_u64().unwrap() > 0);
    assert!(told["again"].as_str().unwrap().ends_with("NonceCheckFail"), "{}", told["again"]);
    assert_eq!((&told["total"]["transactionCount"], &told["after"]), (&json!("3"), &json!(3)));

    // Blocks as they come, and events.
    assert_eq!(told["notified"], json!([1, 2, 3]));
    let accepted = json!({"status": 0, "logs": null});
    let past = &told["past"];
    assert_eq!((&past[0], &past[3]), (&accepted, &json!({"status": 1, "logs": null})));
    for (event, key) in [(&past[1], "version0"), (&past[2], "version1")] {
        let log = &event["logs"][0];
        assert_eq!(log["transactionHash"], told[key]["hash"]);
        assert_eq!(log["topics"], told[key]["receipt"]["logEntries"][0]["topics"]);
    }
    assert_eq!(told["otherTopic"], json!([accepted]));
    assert_eq!(told["coming"][0], accepted);
    assert_eq!(told["coming"][1]["logs"][0]["data"], format!("0x{:064x}", 9));

    // The contracts that every chain has.
    assert_eq!((&told["configSet"], &told["config"]), (&json!(0), &json!("2000")));
    assert_eq!((&told["linked"], &told["link"]), (&json!(0), &told["created"]["contractAddress"]));
    assert_eq!((&told["listed"], &told["made"]), (&json!(1), &json!(0)));
    assert_eq!((&told["tableCreated"], &told["tableSet"]), (&json!(0), &json!(1)));
    assert_eq!(told["tableGot"], "3");
    assert_eq!(told["tableFields"], json!({"key_field": "name", "value_field": "price"}));
    assert_eq!((&told["observed"], &told["observersNow"]), (&json!(0), &json!([ids[3]])));
    assert_eq!((&told["sealed"], &told["sealersNow"]), (&json!(0), &json!(4)));
    assert_eq!(told["strange"], -51100);
    assert_eq!(group.height(), 12);
}

/// A transaction of a block, with the proof that it is asked for with when it is asked for alone.
fn with_proof(of_block: &Value, alone: &Value) -> Value {
    let mut value = of_block.clone();
    for field in ["transactionProof", "txProof"] {
        value[field] = alone[field].clone();
    }
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_java_sdk_takes_the_node_for_a_standard_one() {
    if let Some((node, told)) = told(Suite::Standard).await {
        check(&node, Suite::Standard, &told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_java_sdk_takes_the_node_for_a_guomi_one() {
    if let Some((node, told)) = told(Suite::Sm).await {
        check(&node, Suite::Sm, &told);
    }
}
