//! What the ledger keeps of contracts' interfaces: 3.x with the contract, 2.x with a registered name.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode},
};
use alloy_primitives::Bytes;

use crate::{
    names,
    rpc::Node,
    settings::{Generation, Settings},
};

/// The contract's interface, none where the ledger knows the contract and no interface of it.
pub(crate) async fn contract_abi(
    settings: &Settings,
    host: &dyn Imports,
    contract: &str,
) -> Result<Option<String>, Error> {
    let node = Node::lent(host, settings)?;
    if settings.generation == Generation::Two && !contract.starts_with("0x") {
        let registered = names::registered(&node, contract).await?;
        let registered = registered.ok_or_else(|| {
            Error::new(ErrorCode::NotFound, format!("no contract is registered under the name {contract:?}"))
        })?;
        return Ok(Some(registered.abi).filter(|abi| !abi.is_empty()));
    }
    let address = names::contract(&node, contract).await?;
    let mut asks = vec![node.code(address)];
    if settings.generation == Generation::Three {
        asks.push(node.abi(address));
    }
    let mut answers = node.ask(asks).await;
    // A node of 3.x says of no code an empty text, which is no hexadecimal.
    let code: Option<String> = answers.next_known()?;
    let is_there = code.is_some_and(|code| code.parse::<Bytes>().is_ok_and(|code| !code.is_empty()));
    if !is_there {
        return Err(Error::new(ErrorCode::NotFound, "there is no contract at that address"));
    }
    if settings.generation == Generation::Two {
        return Ok(None);
    }
    let abi: Option<String> = answers.next_known()?;
    Ok(abi.filter(|abi| !abi.is_empty()))
}
