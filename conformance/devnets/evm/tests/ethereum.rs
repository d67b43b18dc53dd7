//! What the Ethereum-like chain does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

use adapter_spec::types::{SignatureScheme, SigningInput};
use alloy_primitives::{Address, U256, address, keccak256};
use alloy_rlp::{Encodable as _, Header};
use berth_crypto::SigningKey;
use berth_devnet_evm::{
    encoding::parse_number,
    ethereum::{EthereumConfig, EthereumNode, transaction},
    rpc::answer_text,
};
use serde_json::{Value, json};

/// Anvil's first account and its key.
const FIRST: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const OTHER: Address = address!("00000000000000000000000000000000000000aa");
/// Logs the first word of its input with the topic 42, and returns it.
const ECHO: &str = "6012600c60003960126000f3600035600052602a60206000a160206000f3";
const GWEI: u128 = 1_000_000_000;

fn signed(nonce: u64, fee: u128, to: Option<Address>, value: u64, input: &[u8]) -> String {
    let mut items = Vec::new();
    31337_u64.encode(&mut items);
    nonce.encode(&mut items);
    fee.encode(&mut items);
    (fee * 2).encode(&mut items);
    200_000_u64.encode(&mut items);
    to.as_ref().map(|to| to.as_slice()).unwrap_or_default().encode(&mut items);
    value.encode(&mut items);
    input.encode(&mut items);
    items.push(0xc0);
    let typed = |items: &[u8]| {
        let mut bytes = vec![2];
        Header { list: true, payload_length: items.len() }.encode(&mut bytes);
        bytes.extend(items);
        bytes
    };
    let key = SigningKey::from_hex(SignatureScheme::EcdsaSecp256k1Keccak256, KEY).unwrap();
    let digest = keccak256(typed(&items)).to_vec();
    let signature = key.sign(&SigningInput::Digest(digest)).unwrap();
    signature.recovery_id.unwrap().encode(&mut items);
    U256::from_be_slice(&signature.bytes[..32]).encode(&mut items);
    U256::from_be_slice(&signature.bytes[32..]).encode(&mut items);
    format!("0x{}", hex::encode(typed(&items)))
}

async fn ask(node: &EthereumNode, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    serde_json::from_str(&answer_text(node, request.to_string().as_bytes()).await).unwrap()
}

async fn result(node: &EthereumNode, method: &str, params: Value) -> Value {
    let answer = ask(node, method, params).await;
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].clone()
}

async fn number(node: &EthereumNode, method: &str, params: Value) -> u64 {
    parse_number(result(node, method, params).await.as_str().unwrap()).unwrap().to()
}

#[tokio::test]
async fn a_contract_is_created_called_and_found_by_its_events() {
    let node = EthereumNode::new(&EthereumConfig::default());
    let hash = result(
        &node,
        "eth_sendRawTransaction",
        json!([signed(0, GWEI, None, 0, &hex::decode(ECHO).unwrap())]),
    )
    .await;
    let receipt = result(&node, "eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1", "{receipt}");
    let contract: Address = receipt["contractAddress"].as_str().unwrap().parse().unwrap();
    assert_eq!(contract, FIRST.create(0));
    let word = [9_u8; 32];
    let hash =
        result(&node, "eth_sendRawTransaction", json!([signed(1, GWEI, Some(contract), 0, &word)])).await;
    let logs =
        result(&node, "eth_getLogs", json!([{"fromBlock": "0x0", "address": contract.to_string()}])).await;
    assert_eq!(logs[0]["transactionHash"], hash);
    assert_eq!(logs[0]["data"], format!("0x{}", hex::encode(word)));
    let call = json!({"to": contract.to_string(), "input": format!("0x{}", hex::encode(word))});
    assert_eq!(result(&node, "eth_call", json!([call, "latest"])).await, format!("0x{}", hex::encode(word)));
    // Before its creation there was no code.
    assert_eq!(result(&node, "eth_call", json!([call, "0x0"])).await, "0x");
    let block = result(&node, "eth_getBlockByNumber", json!(["0x2", true])).await;
    assert_eq!(block["transactions"][0]["hash"], hash);
    let chain = node.chain();
    let block = chain.block(2).unwrap();
    assert_eq!(keccak256(block.header()), block.hash);
}

#[tokio::test]
async fn what_waits_can_be_replaced_for_a_tenth_more() {
    let node = EthereumNode::new(&EthereumConfig { hold: true, ..EthereumConfig::default() });
    let send = async |raw: String| ask(&node, "eth_sendRawTransaction", json!([raw])).await;
    let first = send(signed(0, GWEI, Some(OTHER), 1, &[])).await["result"].clone();
    let refused = send(signed(0, GWEI + 1, Some(OTHER), 2, &[])).await;
    assert_eq!(refused["error"]["message"], "replacement transaction underpriced");
    let second = send(signed(0, GWEI * 2, Some(OTHER), 3, &[])).await["result"].clone();
    assert_eq!(result(&node, "eth_getTransactionByHash", json!([first])).await, Value::Null);
    assert_eq!(number(&node, "eth_getTransactionCount", json!([FIRST.to_string(), "pending"])).await, 1);
    assert_eq!(number(&node, "eth_getTransactionCount", json!([FIRST.to_string(), "latest"])).await, 0);
    result(&node, "release", json!([])).await;
    assert_eq!(result(&node, "eth_getTransactionReceipt", json!([second])).await["status"], "0x1");
    assert_eq!(number(&node, "eth_getBalance", json!([OTHER.to_string(), "latest"])).await, 3);
    let again = send(signed(0, GWEI, Some(OTHER), 9, &[])).await;
    assert_eq!(again["error"]["message"], "nonce too low");
}

#[tokio::test]
async fn a_reorganisation_takes_transactions_and_their_state_back() {
    let node = EthereumNode::new(&EthereumConfig::default());
    result(&node, "advance", json!([3])).await;
    let hash = result(&node, "eth_sendRawTransaction", json!([signed(0, GWEI, Some(OTHER), 5, &[])])).await;
    let before = result(&node, "eth_getBlockByNumber", json!(["latest", false])).await;
    result(&node, "reorganise", json!([2])).await;
    assert_eq!(number(&node, "eth_blockNumber", json!([])).await, 4);
    let after = result(&node, "eth_getBlockByNumber", json!(["latest", false])).await;
    assert_ne!(before["hash"], after["hash"]);
    assert_eq!(result(&node, "eth_getBlockByHash", json!([before["hash"], false])).await, Value::Null);
    assert_eq!(result(&node, "eth_getTransactionReceipt", json!([hash])).await, Value::Null);
    assert_eq!(number(&node, "eth_getBalance", json!([OTHER.to_string(), "latest"])).await, 0);
    assert_eq!(number(&node, "eth_getTransactionCount", json!([FIRST.to_string(), "latest"])).await, 0);
}

#[tokio::test]
async fn blocks_are_safe_after_one_epoch_and_final_after_two() {
    let node = EthereumNode::new(&EthereumConfig::default());
    result(&node, "anvil_mine", json!(["0xa"])).await;
    for (tag, height) in [("latest", "0xa"), ("safe", "0x8"), ("finalized", "0x6"), ("earliest", "0x0")] {
        assert_eq!(result(&node, "eth_getBlockByNumber", json!([tag, false])).await["number"], height);
    }
}

#[tokio::test]
async fn the_root_of_a_new_chain_is_that_of_its_ten_accounts() {
    // As every client computes it: ten accounts without code and storage, each with 10,000 ether.
    let node = EthereumNode::new(&EthereumConfig::default());
    let mut leaves: Vec<_> = EthereumConfig::default()
        .rich
        .iter()
        .map(|address| {
            let balance = U256::from(10_000) * U256::from(10).pow(U256::from(18));
            let account = alloy_trie::TrieAccount { balance, ..Default::default() };
            (keccak256(address), account)
        })
        .collect();
    leaves.sort_by_key(|(key, _)| *key);
    let root = alloy_trie::root::state_root(leaves);
    assert_eq!(node.chain().block(0).unwrap().state_root, root);
}

proptest::proptest! {
    #[test]
    fn no_bytes_break_the_decoder(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = transaction::decode(&bytes);
    }

    #[test]
    fn a_changed_transaction_has_another_sender_or_hash(place in 0_usize..200, bit in 0_u8..8) {
        let mut raw = hex::decode(&signed(0, GWEI, Some(OTHER), 1, &[1, 2, 3])[2..]).unwrap();
        let good = transaction::decode(&raw).unwrap();
        proptest::prop_assert_eq!(good.from, FIRST);
        let place = place % raw.len();
        raw[place] ^= 1 << bit;
        if let Ok(changed) = transaction::decode(&raw) {
            proptest::prop_assert!(changed.hash != good.hash && changed.from != good.from);
        }
    }
}
