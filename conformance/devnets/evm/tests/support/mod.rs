//! A client that the tests have of their own: keys, signed transactions of both generations, requests.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "each test file uses a part, and tests may fail loudly"
)]

use alloy_primitives::{Address, U256};
use berth_crypto::SigningKey;
use berth_devnet_evm::{
    fisco::{FiscoConfig, FiscoNode, Generation, client::Client, v3},
    rpc::answer_text,
    suite::Suite,
};
use serde_json::{Value, json};

/// Code that logs the first word of its input with the topic 42, and returns it.
pub const ECHO: &str = "6012600c60003960126000f3600035600052602a60206000a160206000f3";

/// A node with a client of it.
pub struct Bed {
    pub node: FiscoNode,
    pub suite: Suite,
    pub generation: Generation,
    client: Client,
    next: std::cell::Cell<u64>,
}

impl Bed {
    pub fn new(generation: Generation, suite: Suite) -> Self {
        Bed::with(FiscoConfig::new(generation, suite))
    }

    pub fn with(config: FiscoConfig) -> Self {
        let (suite, generation) = (config.suite, config.generation);
        let key = SigningKey::from_bytes(suite.scheme(), &[7; 32]).unwrap();
        Bed {
            node: FiscoNode::new(config).unwrap(),
            suite,
            generation,
            client: Client { key, suite },
            next: std::cell::Cell::new(1),
        }
    }

    pub fn group(&self) -> &'static str {
        match self.generation {
            Generation::Two => "1",
            Generation::Three => "group0",
        }
    }

    pub fn height(&self) -> u64 {
        self.node.group(self.group()).unwrap().height()
    }

    pub fn account(&self) -> Address {
        self.suite.address(&self.client.key.public_key().point[1..])
    }

    fn nonce(&self) -> u64 {
        let nonce = self.next.get();
        self.next.set(nonce + 1);
        nonce
    }

    /// A signed transaction of 2.x.
    pub fn two(&self, to: Option<Address>, input: &[u8], block_limit: u64) -> Vec<u8> {
        self.client.two(self.nonce(), U256::from(block_limit), to, input).unwrap()
    }

    /// The fields of a transaction of 3.x, not signed.
    pub fn fields(&self, to: Option<Address>, input: &[u8]) -> v3::transaction::Fields {
        v3::transaction::Fields {
            chain_id: "chain0".into(),
            group_id: "group0".into(),
            block_limit: i64::try_from(self.height()).unwrap() + 500,
            nonce: self.nonce().to_string(),
            to: to.map(|to| format!("0x{}", hex::encode(to))).unwrap_or_default(),
            input: input.to_vec(),
            ..Default::default()
        }
    }

    /// Signs and encodes.
    pub fn three(&self, fields: v3::transaction::Fields) -> Vec<u8> {
        self.client.three(fields).unwrap()
    }

    /// A good transaction of the node's generation.
    pub fn transaction(&self, to: Option<Address>, input: &[u8]) -> Vec<u8> {
        match self.generation {
            Generation::Two => self.two(to, input, self.height() + 500),
            Generation::Three => self.three(self.fields(to, input)),
        }
    }

    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        serde_json::from_str(&answer_text(&self.node, request.to_string().as_bytes()).await).unwrap()
    }

    pub async fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.ask(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    pub async fn error(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.ask(method, params).await;
        let error = &answer["error"];
        (
            error["code"].as_i64().unwrap_or_else(|| panic!("{answer}")),
            error["message"].as_str().unwrap().into(),
        )
    }

    /// Sends to a contract, or creates one, and gives the receipt.
    pub async fn send(&self, to: Option<Address>, input: &[u8]) -> Value {
        let raw = format!("0x{}", hex::encode(self.transaction(to, input)));
        match self.generation {
            Generation::Two => {
                let hash = self.result("sendRawTransaction", json!([1, raw])).await;
                self.result("getTransactionReceipt", json!([1, hash])).await
            }
            Generation::Three => self.result("sendTransaction", json!(["group0", "", raw, true])).await,
        }
    }

    /// Calls and gives the output.
    pub async fn call(&self, to: Address, input: &[u8]) -> Vec<u8> {
        let (to, data) = (format!("0x{}", hex::encode(to)), format!("0x{}", hex::encode(input)));
        let answer = match self.generation {
            Generation::Two => {
                let from = format!("0x{}", hex::encode(self.account()));
                self.result("call", json!([1, {"from": from, "to": to, "data": data}])).await
            }
            Generation::Three => self.result("call", json!(["group0", "", to, data])).await,
        };
        hex::decode(&answer["output"].as_str().unwrap()[2..]).unwrap()
    }

    /// A call's selector, by the chain's hash.
    pub fn selector(&self, signature: &str) -> Vec<u8> {
        self.suite.hash(signature.as_bytes())[..4].to_vec()
    }
}

/// The created contract of a receipt.
pub fn created(receipt: &Value) -> Address {
    receipt["contractAddress"].as_str().unwrap().parse().unwrap()
}

/// Texts as arguments.
pub fn texts(texts: &[&str]) -> Vec<u8> {
    use alloy_dyn_abi::DynSolValue;
    let values = texts.iter().map(|text| DynSolValue::String((*text).into())).collect();
    DynSolValue::Tuple(values).abi_encode_params()
}
