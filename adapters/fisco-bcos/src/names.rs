//! Contracts by name: through the contract name service of 2.x, or the file system of 3.x.
//!
//! 2.x: `CNS` at 0x1004 answers `selectByName` and `selectByNameAndVersion` with a list as JSON, oldest first
//! (`libprecompiled/CNSPrecompiled.cpp`). 3.x: links are files below `/apps`; `BFS` at 0x100e answers `readlink`
//! (`bcos-executor/precompiled/BFSPrecompiled.cpp`).

use adapter_evm_abi as abi;
use adapter_sdk::types::{Error, ErrorCode, Value};
use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, address};
use serde::Deserialize;

use crate::{
    begin::NOBODY,
    errors::{corrupt, invalid},
    rpc::{Called, Node},
    settings::Generation,
};

const CNS: Address = address!("0000000000000000000000000000000000001004");
const BFS: Address = address!("000000000000000000000000000000000000100e");
/// The longest name, bytes.
const MAX_NAME: usize = 128;

/// A registered contract.
#[derive(Deserialize)]
pub(crate) struct Registered {
    address: String,
    #[serde(default)]
    pub(crate) abi: String,
}

/// The address of a contract: given, or behind a name such as `asset`, `asset:1.0` or `/apps/asset`.
pub(crate) async fn contract(node: &Node<'_>, text: &str) -> Result<Address, Error> {
    if text.starts_with("0x") {
        return abi::address(text, "the contract");
    }
    let unknown =
        || Error::new(ErrorCode::NotFound, format!("no contract is registered under the name {text:?}"));
    match node.settings.generation {
        Generation::Two => {
            let registered = registered(node, text).await?.ok_or_else(unknown)?;
            abi::address(&registered.address, "the registered address")
                .map_err(|_| corrupt("call", "a registered address that is none"))
        }
        Generation::Three => {
            let (name, version) = split(text)?;
            let path = match (name.strip_prefix("/apps/"), version) {
                (Some(_), None) => name.to_owned(),
                (None, None) => format!("/apps/{name}"),
                (Some(rest), Some(version)) => format!("/apps/{rest}/{version}"),
                (None, Some(version)) => format!("/apps/{name}/{version}"),
            };
            let output = ask(node, BFS, "readlink(string)", vec![Value::Text(path)]).await?;
            let found = DynSolType::Address.abi_decode(&output).ok().and_then(|value| value.as_address());
            found.filter(|found| !found.is_zero()).ok_or_else(unknown)
        }
    }
}

/// The newest registration of a name of 2.x, or that of a version; none where there is none.
pub(crate) async fn registered(node: &Node<'_>, text: &str) -> Result<Option<Registered>, Error> {
    let (name, version) = split(text)?;
    let (function, arguments) = match version {
        None => ("selectByName(string)", vec![Value::Text(name.into())]),
        Some(version) => (
            "selectByNameAndVersion(string,string)",
            vec![Value::Text(name.into()), Value::Text(version.into())],
        ),
    };
    let output = ask(node, CNS, function, arguments).await?;
    let listed = match DynSolType::String.abi_decode_params(&output) {
        Ok(DynSolValue::String(listed)) => listed,
        _ => return Err(corrupt("call", "no list of registered contracts")),
    };
    let listed: Vec<Registered> =
        serde_json::from_str(&listed).map_err(|_| corrupt("call", "no list of registered contracts"))?;
    Ok(listed.into_iter().next_back())
}

fn split(text: &str) -> Result<(&str, Option<&str>), Error> {
    let sound = |part: &str| {
        !part.is_empty()
            && part.len() <= MAX_NAME
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b))
    };
    let (name, version) = match text.split_once(':') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    if !sound(name) || version.is_some_and(|version| !sound(version)) {
        return Err(invalid(
            "the contract must be an address, 0x and 40 hexadecimal digits, or a registered name, such as asset or asset:1.0",
        ));
    }
    Ok((name, version))
}

async fn ask(node: &Node<'_>, at: Address, function: &str, arguments: Vec<Value>) -> Result<Vec<u8>, Error> {
    let function = abi::function(function, None, arguments.len())?;
    let hash = |name: &[u8]| node.settings.crypto.hash(node.host, name);
    let data = abi::call_data(&function, &arguments, &hash)?;
    let called: Called = node.ask(vec![node.call(NOBODY, at, &data)]).await.next()?;
    if called.status == 0 {
        return Ok(called.output.to_vec());
    }
    Err(Error::new(ErrorCode::NotFound, "the node does not resolve names"))
}
