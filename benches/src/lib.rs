//! What the benchmarks share: components, and a node that is a function.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot run says so by panicking")]

pub mod adapted;
pub mod bare_client;

use std::path::PathBuf;

use adapter_spec::{
    Ledger,
    types::{
        Call, CallOptions, ContractCall, NativeCall, Party, PublicKey, SignatureScheme, Step, Value,
        transport::JsonRpcRequest,
    },
};
use berth_crypto::SigningKey;
use berth_lending::ScriptedLender;

/// The settings of every Ethereum ledger here: Anvil's chain id.
pub const SETTINGS: &str = r#"{"chain_id":31337}"#;

/// The bytes of a component that `cargo xtask components` made.
#[must_use]
pub fn component(name: &str) -> Vec<u8> {
    let folder = std::env::var_os("BERTH_COMPONENTS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| panic!("BERTH_COMPONENTS is not set: run `cargo xtask bench`"));
    let path = folder.join(format!("{name}.component.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A call of an operation of the adapter's own.
#[must_use]
pub fn native_call(name: &str, json: &str) -> Call {
    Call::Native(NativeCall { name: name.into(), json: json.into() })
}

/// A key that only benchmarks use.
#[must_use]
pub fn key() -> SigningKey {
    SigningKey::from_bytes(SignatureScheme::EcdsaSecp256k1Keccak256, &[0x11; 32]).unwrap()
}

/// The party that a key speaks for.
#[must_use]
pub fn party(key: &SigningKey) -> Party {
    let PublicKey { scheme, point, certificate } = key.public_key();
    Party { account: None, keys: vec![PublicKey { scheme, point, certificate }] }
}

/// An ERC-20 transfer.
#[must_use]
pub fn transfer(contract: &str) -> Call {
    Call::Invoke(ContractCall {
        contract: contract.into(),
        function: "transfer(address,uint256)".into(),
        arguments: vec![
            Value::Text("0x00000000000000000000000000000000000000aa".into()),
            Value::Integer("1".into()),
        ],
        abi: None,
        private_arguments: Vec::new(),
    })
}

/// Begins a call and resumes it with its one signature. The salt is the same, and so is the transaction every time: the state
/// stays as it is.
///
/// # Panics
/// Where the adapter does not take the call.
pub async fn begin_and_resume(ledger: &dyn Ledger, call: &Call, key: &SigningKey) -> Step {
    let step = ledger.begin(call.clone(), vec![party(key)], options(b"salt")).await.unwrap();
    let Step::Sign(request) = step else { panic!("{step:?}") };
    let signature = key.sign(&request.items.first().unwrap().input).unwrap();
    ledger.resume(request.continuation, vec![signature]).await.unwrap()
}

/// Options of a call with this salt.
#[must_use]
pub fn options(salt: &[u8]) -> CallOptions {
    CallOptions { salt: salt.to_vec(), ..CallOptions::default() }
}

/// Lends an Ethereum node that answers at once what a node with one block answers.
#[must_use]
pub fn instant_ethereum() -> ScriptedLender {
    ScriptedLender::new("bench", |request: &JsonRpcRequest| {
        let answer = match request.method.as_str() {
            "eth_chainId" => "\"0x7a69\"".to_owned(),
            "eth_getTransactionCount" => "\"0x5\"".to_owned(),
            "eth_estimateGas" => "\"0xcb36\"".to_owned(),
            "eth_maxPriorityFeePerGas" => "\"0x3b9aca00\"".to_owned(),
            "eth_gasPrice" => "\"0x77359400\"".to_owned(),
            "eth_getBlockByNumber" => BLOCK.to_owned(),
            method => panic!("the benchmark's node does not know {method}"),
        };
        Some(Ok(answer))
    })
}

/// A block as Anvil gives it, with the one transaction that it holds.
const BLOCK: &str = r#"{"hash":"0x8e2c44dba1a8e2bf1e6f0d8f1a9f0f3dd4ce0b1b0dd0b0d2b6a3a34d9a9c7a11","parentHash":"0x0b5a3d0e4e5b2f2d7c8a9fbb9b2c1d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192","sha3Uncles":"0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347","miner":"0x0000000000000000000000000000000000000000","stateRoot":"0x2b9e4b3e9b8c0b5d6a7f8e9d0c1b2a3f4e5d6c7b8a9f0e1d2c3b4a5f6e7d8c9b","transactionsRoot":"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421","receiptsRoot":"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421","logsBloom":"0x00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000","difficulty":"0x0","number":"0x2a","gasLimit":"0x1c9c380","gasUsed":"0xcb36","timestamp":"0x6553f100","extraData":"0x","mixHash":"0x0000000000000000000000000000000000000000000000000000000000000000","nonce":"0x0000000000000000","baseFeePerGas":"0x3b9aca00","totalDifficulty":"0x0","size":"0x2b8","uncles":[],"transactions":["0x1f2e3d4c5b6a79880716253443526170f1e2d3c4b5a69788f0e1d2c3b4a59687"],"withdrawals":[],"withdrawalsRoot":"0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421","blobGasUsed":"0x0","excessBlobGas":"0x0","parentBeaconBlockRoot":"0x0000000000000000000000000000000000000000000000000000000000000000"}"#;

/// The bytes of memory that this process has resident, from `/proc`; none elsewhere.
#[must_use]
pub fn resident() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
