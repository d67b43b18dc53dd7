//! The ERC-20 token that the demonstration deploys: the one that the adapter's tests use.

use adapter_spec::types::{Deployment, Value};
use serde::Deserialize;

use crate::Trouble;

/// Compiled from `TestToken.sol` beside it.
const COMPILED: &str = include_str!("../../../../adapters/ethereum/contracts/out/TestToken.json");

#[derive(Deserialize)]
struct Compiled {
    bytecode: String,
    abi: serde_json::Value,
}

/// A token with this many in the hands of whoever deploys it.
pub fn deployment(supply: u64) -> Result<Deployment, Trouble> {
    let compiled: Compiled = serde_json::from_str(COMPILED)?;
    Ok(Deployment {
        name: "TestToken".into(),
        version: "1".into(),
        code: hex::decode(compiled.bytecode.trim_start_matches("0x"))?,
        abi: Some(compiled.abi.to_string()),
        arguments: vec![Value::Integer(supply.to_string())],
    })
}
