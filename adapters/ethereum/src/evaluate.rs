//! Reads: a call that runs at a block and leaves nothing behind.

use adapter_sdk::{
    Imports,
    types::{BlockSelector, CallOptions, Confidence, ContractCall, Error, ErrorCode, Output, Party},
};
use alloy_primitives::{B256, Bytes};

use crate::{
    abi,
    begin::call_data,
    errors::invalid,
    finality, parties,
    rpc::{self, BlockId, Message, Node},
    settings::{FinalityRule, Settings},
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
    if call.function == adapter_evm_abi::preset::HISTORY {
        return store::read_history(settings, host, call, options).await;
    }
    let contract = abi::address(&call.contract, "the contract")?;
    let from = if parties.is_empty() { None } else { Some(parties::sender(parties)?.address) };
    let value = options.amount.as_deref().map(|text| abi::amount(text, "the amount")).transpose()?;
    let data = call_data(call)?;
    let message = Message { from, to: Some(contract), value: value.unwrap_or_default(), data };
    let node = Node::lent(host)?;
    let at = block_id(settings, &node, options.at.as_ref()).await?;

    let mut answers = node.ask(vec![rpc::chain_id(), rpc::call(&message, at)]).await;
    answers.next_chain(settings)?;
    let raw: Bytes = answers.next()?;
    if raw.is_empty() {
        // What has no code answers every call with nothing.
        let code: Bytes = node.ask(vec![rpc::code(contract, at)]).await.next()?;
        if code.is_empty() {
            return Err(Error::new(ErrorCode::NotFound, format!("there is no contract at {contract}")));
        }
    }
    let json = if call.function.is_empty() {
        None
    } else {
        let function = abi::function(&call.function, call.abi.as_deref(), call.arguments.len())?;
        abi::results(&function, &raw)?
    };
    Ok(Output { raw: raw.to_vec(), json })
}

/// The block to read at. Tags are the node's business where it announces; heights are checked before.
async fn block_id(
    settings: &Settings,
    node: &Node<'_>,
    selector: Option<&BlockSelector>,
) -> Result<BlockId, Error> {
    let announced = settings.finality == FinalityRule::Announced;
    match selector {
        None | Some(BlockSelector::At(Confidence::Latest)) => Ok(BlockId::Latest),
        Some(BlockSelector::At(Confidence::Safe)) if announced => Ok(BlockId::Safe),
        Some(BlockSelector::At(Confidence::Final)) if announced => Ok(BlockId::Finalized),
        Some(BlockSelector::Hash(hash)) => Ok(BlockId::Hash(block_hash(hash)?)),
        Some(BlockSelector::At(confidence)) => {
            let mut answers = node.ask(finality::asks(settings)).await;
            Ok(BlockId::Number(finality::answered(settings, &mut answers)?.at(*confidence)))
        }
        Some(BlockSelector::Number(number)) => {
            let mut answers = node.ask(finality::asks(settings)).await;
            finality::answered(settings, &mut answers)?.check(*number)?;
            Ok(BlockId::Number(*number))
        }
    }
}

/// A block's hash has 32 bytes.
pub(crate) fn block_hash(bytes: &[u8]) -> Result<B256, Error> {
    B256::try_from(bytes).map_err(|_| invalid("a block's hash has 32 bytes"))
}
