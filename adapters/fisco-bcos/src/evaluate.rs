//! Reads: a call that runs at the newest block and leaves nothing behind.

use adapter_evm_abi::{self as abi, preset, revert};
use adapter_sdk::{
    Imports,
    types::{BlockSelector, CallOptions, ContractCall, Error, ErrorCode, Output, Party},
};

use crate::{
    begin::{NOBODY, call_data},
    errors::table,
    names, parties,
    rpc::{Called, Node},
    settings::Settings,
    store,
};

/// Answers a read.
pub(crate) async fn evaluate(
    settings: &Settings,
    host: &dyn Imports,
    call: &ContractCall,
    parties: &[Party],
    options: &CallOptions,
) -> Result<Output, Error> {
    // Every block is final, so the newest of every confidence is the same.
    if !matches!(options.at, None | Some(BlockSelector::At(_))) {
        return Err(Error::unsupported("reads at an earlier block: nodes answer for the newest one only"));
    }
    if call.function == preset::HISTORY {
        return store::read_history(settings, host, call).await;
    }
    let from =
        if parties.is_empty() { NOBODY } else { parties::sender(host, settings.crypto, parties)?.address };
    let data = call_data(settings, host, call)?;
    let node = Node::lent(host, settings)?;
    let contract = names::contract(&node, &call.contract).await?;

    let mut answers = node.ask(vec![node.chain(), node.call(from, contract, &data)]).await;
    answers.next_chain(settings)?;
    let called: Called = answers.next()?;
    if called.status != 0 {
        return Err(failure(settings, host, called.status, &called.output));
    }
    if called.output.is_empty() {
        // What has no code answers every call with nothing, on some versions.
        let code: Option<String> = node.ask(vec![node.code(contract)]).await.next_known()?;
        if code.is_none_or(|code| code.trim_start_matches("0x").is_empty()) {
            return Err(Error::new(ErrorCode::NotFound, "there is no contract at that address"));
        }
    }
    let function = abi::function(&call.function, call.abi.as_deref(), call.arguments.len())?;
    let json = abi::results(&function, &called.output)?;
    Ok(Output { raw: called.output.to_vec(), json })
}

/// Why an execution failed, from its status and what the contract gave back.
pub(crate) fn failure(settings: &Settings, host: &dyn Imports, status: u64, output: &[u8]) -> Error {
    if table::is_revert(settings.generation, status) {
        revert::of_data_under(output, &|name| settings.crypto.hash(host, name))
    } else {
        table::of_status(settings.generation, status)
    }
}
