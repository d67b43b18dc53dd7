//! What an application would write without Berth: a JSON-RPC client that knows Ethereum, with connections kept open and
//! requests side by side. It is what the adapter is measured against.

use alloy_primitives::{Address, Bytes, U256, keccak256};
use alloy_rlp::Encodable;
use berth_crypto::SigningKey;
use bytes::Bytes as Body;
use http::{Request, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use adapter_spec::types::SigningInput;

/// Between two looks for a receipt.
pub const POLL: std::time::Duration = std::time::Duration::from_millis(1);

/// Connections to one node, kept open.
pub struct Asker {
    client: Client<HttpConnector, Full<Body>>,
    url: String,
}

impl Asker {
    /// Connections of its own.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Asker { client: Client::builder(TokioExecutor::new()).build(connector), url: url.to_owned() }
    }

    /// The result of one call.
    ///
    /// # Panics
    /// Where it does not succeed.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let request = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Body::from(body)))
            .unwrap();
        let answer =
            self.client.request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer.get_mut("result").map(Value::take).unwrap()
    }
}

/// One account on one node.
pub struct BareClient {
    asker: Asker,
    key: SigningKey,
    /// The account.
    pub address: Address,
}

/// The account of a key: the last 20 bytes of the hash of its point.
#[must_use]
pub fn address(key: &SigningKey) -> Address {
    let point = key.public_key().point;
    Address::from_word(keccak256(point.get(1..).unwrap_or_default()))
}

fn number(value: &Value) -> U256 {
    value.as_str().unwrap().parse().unwrap()
}

impl BareClient {
    /// A client with connections of its own.
    #[must_use]
    pub fn new(url: &str, key: SigningKey) -> Self {
        BareClient { asker: Asker::new(url), address: address(&key), key }
    }

    /// The result of one call.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        self.asker.ask(method, params).await
    }

    /// Sends a transaction with this data to a contract, or makes one, and waits for its receipt.
    pub async fn transact(&self, to: Option<Address>, data: &Bytes) -> Value {
        let from = self.address;
        let (nonce, block, tip, gas) = tokio::join!(
            self.ask("eth_getTransactionCount", json!([from, "pending"])),
            self.ask("eth_getBlockByNumber", json!(["latest", false])),
            self.ask("eth_maxPriorityFeePerGas", json!([])),
            self.ask("eth_estimateGas", json!([{"from": from, "to": to, "data": data}])),
        );
        let tip = number(&tip);
        let most = number(block.get("baseFeePerGas").unwrap()) * U256::from(2) + tip;
        // EIP-1559: chain, nonce, tip, fee, gas, to, value, data, access list.
        let mut fields = Vec::new();
        31_337u64.encode(&mut fields);
        number(&nonce).encode(&mut fields);
        tip.encode(&mut fields);
        most.encode(&mut fields);
        (number(&gas) * U256::from(6) / U256::from(5)).encode(&mut fields);
        match to {
            Some(to) => to.encode(&mut fields),
            None => Bytes::new().encode(&mut fields),
        }
        U256::ZERO.encode(&mut fields);
        data.encode(&mut fields);
        fields.push(alloy_rlp::EMPTY_LIST_CODE);
        let signature = self.key.sign(&SigningInput::Message(typed(&fields))).unwrap();
        let (r, s) = signature.bytes.split_at(32);
        signature.recovery_id.unwrap().encode(&mut fields);
        U256::from_be_slice(r).encode(&mut fields);
        U256::from_be_slice(s).encode(&mut fields);

        let hash = self.ask("eth_sendRawTransaction", json!([Bytes::from(typed(&fields))])).await;
        loop {
            let receipt = self.ask("eth_getTransactionReceipt", json!([hash])).await;
            if !receipt.is_null() {
                assert_eq!(receipt.get("status"), Some(&json!("0x1")), "{receipt}");
                return receipt;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Type byte, then the fields as a list.
fn typed(fields: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2];
    alloy_rlp::Header { list: true, payload_length: fields.len() }.encode(&mut bytes);
    bytes.extend_from_slice(fields);
    bytes
}
