//! The node behind a socket.

mod support;

use berth_model::ModelNode;
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
