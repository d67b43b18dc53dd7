//! The node behind a socket.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml covers test functions only"
)]

mod support;

use adapter_spec::{Adapter as _, types::*};
use berth_lending::{Endpoint, Lending, Network};
use berth_model::{ModelNode, native};
use support::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

async fn post(url: &str, body: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn the_node_answers_over_http_until_its_guard_is_dropped() {
    let node = ModelNode::default();
    let (url, served) = node.serve().await.unwrap();
    let ask = |method: &str, params: serde_json::Value| {
        serde_json::json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
    };
    let mined = post(&url, &ask("model_mine", serde_json::json!({"blocks": 4}))).await;
    assert_eq!(mined, r#"{"id":7,"jsonrpc":"2.0","result":null}"#);
    assert_eq!(node.head("main"), 4);
    let status = post(&url, &ask("ledger_status", serde_json::json!({"space": "main"}))).await;
    assert!(status.contains("\"question\"") && status.contains("\"peers\":3"), "{status}");
    let unknown = post(&url, &ask("eth_chainId", serde_json::json!({"space": "main"}))).await;
    assert!(unknown.contains("-32601"), "{unknown}");
    assert!(post(&url, "nonsense").await.contains("-32700"));
    drop(served);
}

#[tokio::test]
async fn the_adapter_works_over_real_connections() {
    let (bed, adapter) = (bed().await, native());
    let (url, _served) = bed.node.serve().await.unwrap();
    let endpoint = Endpoint::new("a-node", "node", Transport::JsonRpc, url);
    let descriptor = adapter.describe().await.unwrap();
    let lender =
        Lending::builder("over-http").endpoint(endpoint).build(&descriptor, &Network::new()).unwrap();
    let ledger = adapter.open(lender, SETTINGS).await.unwrap();
    let bed = Bed { ledger, ..bed };
    let probe = bed.deploy(b"probe").await;
    let reason = "\u{e9}\u{1f600}\"\\";
    let added =
        bed.write(invoke(&probe, "put(text,bytes)", vec![text(reason), Value::Bytes(vec![0, 1])])).await;
    assert_eq!(added.inclusion, Inclusion::Included(1));
    let failed = bed.read(evaluate(&probe, "fail(text)", vec![text(reason)])).await.unwrap_err();
    assert!(failed.code == ErrorCode::Reverted && failed.message.contains(reason));
    bed.mine(3);
    let proof = bed.ledger.prove(Claim::Succeeded(added.transaction)).await.unwrap();
    adapter.verify(bed.lender.lend(), bed.node.anchor("main", "preset"), proof).await.unwrap();
}
