//! The start of a call: what it says, what it costs, which nonce it may have.

use adapter_sdk::{
    Imports,
    types::{Call, CallOptions, ContractCall, Error, ErrorCode, Estimate, Party, Step},
};
use alloy_primitives::{Bytes, U64, U256, keccak256};

use crate::{
    abi,
    continuation::{self, Continuation},
    evaluate,
    fees::{self, Market},
    nonces::{self, Counts},
    parties::{self, Sender},
    rpc::{self, BlockId, Head, Message, Node},
    settings::Settings,
    transaction::Unsigned,
};

/// The most bytes of code and arguments in one call. The code of a contract has at most 48 KiB (EIP-3860); more, as an array
/// of many small items, would not fit into the memory that the standard allows (LIM-7).
pub(crate) const MAX_PAYLOAD: u32 = 1 << 16;

/// Starts a call.
pub(crate) async fn begin(
    settings: &Settings,
    host: &dyn Imports,
    call: Call,
    parties: &[Party],
    options: &CallOptions,
) -> Result<Step, Error> {
    bounded(&call)?;
    if let Call::Evaluate(call) = call {
        return evaluate::evaluate(settings, host, &call, parties, options).await.map(Step::Answer);
    }
    let sender = parties::sender(parties)?;
    let message = message(&call, &sender, options)?;
    let most = continuation::max_fee(options.max_fee.as_deref())?;
    let node = Node::lent(host)?;

    let mut answers = node
        .ask(vec![
            rpc::chain_id(),
            rpc::transaction_count(sender.address, BlockId::Latest),
            rpc::transaction_count(sender.address, BlockId::Pending),
            rpc::block(BlockId::Latest),
            fees::ask(settings.transaction_type),
            rpc::estimate_gas(&message),
        ])
        .await;
    answers.next_chain(settings)?;
    let (latest, pending): (U64, U64) = (answers.next()?, answers.next()?);
    let head: Head = answers.next()?;
    let market = fees::market(settings.transaction_type, &head, &mut answers)?;
    let needed: U64 = answers.next()?;
    let needed: u64 = needed.to();
    known_contract(&node, &message, needed).await?;
    let gas = with_margin(needed, head.gas_limit());
    let fees = market.within(gas, most)?;

    let now = host.now_millis();
    let until = now.saturating_add(settings.lease_millis());
    let counts = Counts { latest: latest.to(), pending: pending.to(), now };
    let owner = continuation::owner(host, &options.salt);
    nonces::settle(host, &node, settings.chain_id, sender.address, counts, until).await?;
    let lease = |book: &mut nonces::Book| Ok(book.lease(owner, counts, until));
    let nonce = nonces::update(host, settings.chain_id, sender.address, lease).await?;

    let unsigned = Unsigned {
        chain_id: settings.chain_id,
        nonce,
        fees,
        gas,
        to: message.to,
        value: message.value,
        data: message.data,
    };
    let continuation = Continuation {
        owner,
        until,
        point: sender.point.clone(),
        first_block: head.number(),
        replaces: None,
        unsigned,
    };
    Ok(continuation.ask(&sender, ""))
}

/// What a call would cost.
pub(crate) async fn estimate(
    settings: &Settings,
    host: &dyn Imports,
    call: Call,
    parties: &[Party],
    options: &CallOptions,
) -> Result<Estimate, Error> {
    bounded(&call)?;
    let sender = parties::sender(parties)?;
    if let Call::Evaluate(_) = call {
        return Ok(Estimate { units: Some("0".into()), fee: Some("0".into()) });
    }
    let message = message(&call, &sender, options)?;
    let node = Node::lent(host)?;
    let mut answers = node
        .ask(vec![
            rpc::chain_id(),
            rpc::block(BlockId::Latest),
            fees::ask(settings.transaction_type),
            rpc::estimate_gas(&message),
        ])
        .await;
    answers.next_chain(settings)?;
    let head: Head = answers.next()?;
    let Market { now, .. } = fees::market(settings.transaction_type, &head, &mut answers)?;
    let units: U64 = answers.next()?;
    let units: u64 = units.to();
    known_contract(&node, &message, units).await?;
    Ok(Estimate {
        units: Some(units.to_string()),
        fee: Some((U256::from(units) * U256::from(now)).to_string()),
    })
}

/// What the call says, in Ethereum's terms.
fn message(call: &Call, sender: &Sender, options: &CallOptions) -> Result<Message, Error> {
    let value = options.amount.as_deref().map(|text| abi::amount(text, "the amount")).transpose()?;
    let (to, data) = match call {
        Call::Invoke(call) | Call::Evaluate(call) => {
            (Some(abi::address(&call.contract, "the contract")?), call_data(call)?)
        }
        Call::Deploy(deployment) => {
            let data =
                abi::creation_data(&deployment.code, deployment.abi.as_deref(), &deployment.arguments)?;
            (None, data)
        }
        Call::Native(native) => {
            return Err(Error::unsupported(&format!("the native call {:?}", native.name)));
        }
    };
    Ok(Message { from: Some(sender.address), to, value: value.unwrap_or_default(), data })
}

/// Selector and arguments of a call.
pub(crate) fn call_data(call: &ContractCall) -> Result<Bytes, Error> {
    if !call.private_arguments.is_empty() {
        return Err(Error::unsupported("private arguments: whatever is sent to Ethereum is public"));
    }
    // Without a function, only currency is sent.
    if call.function.is_empty() && call.arguments.is_empty() {
        return Ok(Bytes::new());
    }
    let function = abi::function(&call.function, call.abi.as_deref(), call.arguments.len())?;
    abi::call_data(&function, &call.arguments, &|name| keccak256(name))
}

/// Refuses what the descriptor's `max-payload` excludes.
fn bounded(call: &Call) -> Result<(), Error> {
    if call.payload() > u64::from(MAX_PAYLOAD) {
        return Err(Error::new(ErrorCode::TooLarge, format!("a call takes at most {MAX_PAYLOAD} bytes")));
    }
    Ok(())
}

/// Refuses a call of what is no contract. Such a call succeeds on Ethereum without doing anything; it is known by an
/// estimate that has no room for code: 21,000, at most 40 for each byte (EIP-7623), and a little.
async fn known_contract(node: &Node<'_>, message: &Message, gas: u64) -> Result<(), Error> {
    let Some(contract) = message.to else { return Ok(()) };
    let bytes = u64::try_from(message.data.len()).unwrap_or(u64::MAX);
    let empty = bytes.saturating_mul(40).saturating_add(21_700);
    if bytes == 0 || gas > empty {
        return Ok(());
    }
    let code: Bytes = node.ask(vec![rpc::code(contract, BlockId::Latest)]).await.next()?;
    if code.is_empty() {
        return Err(Error::new(ErrorCode::NotFound, format!("there is no contract at {contract}")));
    }
    Ok(())
}

/// The most gas of one transaction from Osaka on (EIP-7825).
const MOST_GAS: u64 = 1 << 24;

/// What a transaction needs that only carries currency: it changes no storage, and nothing that others do makes it dearer.
const TRANSFER: u64 = 21_000;
/// What it takes to write a storage slot that was zero (EIP-2929: 20,000 and 2,100). Another transaction that comes in between
/// may fill the slot that this one was estimated to write to, so that it has to begin a new one.
const NEW_SLOT: u64 = 22_100;

/// A fifth and a new slot more than the estimate, since the state may change until it runs; within what a block and a
/// transaction take, where the estimate is. Only what is used is paid.
fn with_margin(needed: u64, block: u64) -> u64 {
    let slot = if needed > TRANSFER { NEW_SLOT } else { 0 };
    needed.saturating_add(needed / 5).saturating_add(slot).min(block).min(MOST_GAS).max(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_ends_where_blocks_and_transactions_do() {
        assert_eq!(with_margin(100, 1000), 120);
        assert_eq!(with_margin(21_000, 60_000_000), 25_200);
        assert_eq!(with_margin(100, 110), 110);
        assert_eq!(with_margin(100, 50), 100);
        assert_eq!(with_margin(15_000_000, 60_000_000), 16_777_216);
        assert_eq!(with_margin(20_000_000, 60_000_000), 20_000_000);
        assert_eq!(with_margin(u64::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn another_write_that_fills_the_slot_in_between_is_no_reason_to_run_out() {
        // An insert of the preset store, as it was estimated; four block numbers of its history share a slot.
        assert!(with_margin(75_919, 30_000_000) > 75_919 + NEW_SLOT);
    }
}
