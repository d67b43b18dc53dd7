//! The start of a call: what it says, and until which block it holds.

use adapter_sdk::{
    Imports,
    types::{Call, CallOptions, ContractCall, Error, ErrorCode, Party, Step},
};
use alloy_primitives::{Address, Bytes, U256};

use adapter_evm_abi as abi;

use crate::{
    continuation::Continuation,
    errors::table,
    evaluate, names, parties,
    rpc::{Called, Node},
    settings::{Generation, Settings},
    transaction::{Unsigned, Wanted},
};

/// The most bytes of code and arguments in one call. Larger ones, as an array of many small items, would not fit into the memory that
/// the standard allows (LIM-7).
pub(crate) const MAX_PAYLOAD: u32 = 1 << 16;
/// The bytes of a nonce: as many as official clients take.
const NONCE_BYTES: usize = 30;

/// Starts a call.
pub(crate) async fn begin(
    settings: &Settings,
    host: &dyn Imports,
    call: Call,
    parties: &[Party],
    options: &CallOptions,
) -> Result<Step, Error> {
    if call.payload() > u64::from(MAX_PAYLOAD) {
        return Err(Error::new(ErrorCode::TooLarge, format!("a call takes at most {MAX_PAYLOAD} bytes")));
    }
    check_options(options)?;
    let call = match call {
        Call::Evaluate(call) => {
            return evaluate::evaluate(settings, host, &call, parties, options).await.map(Step::Answer);
        }
        call => call,
    };
    let sender = parties::sender(host, settings.crypto, parties)?;
    let node = Node::lent(host, settings)?;
    let (to, data, interface) = match &call {
        Call::Invoke(call) | Call::Evaluate(call) => {
            let data = call_data(settings, host, call)?;
            (Some(names::contract(&node, &call.contract).await?), data, String::new())
        }
        Call::Deploy(deployment) => {
            let data =
                abi::creation_data(&deployment.code, deployment.abi.as_deref(), &deployment.arguments)?;
            (None, data, deployment.abi.clone().unwrap_or_default())
        }
        Call::Native(native) => {
            return Err(Error::unsupported(&format!("the native call {:?}", native.name)));
        }
    };

    let mut asks = vec![node.chain(), node.height()];
    if let Some(to) = to {
        asks.push(node.call(sender.address, to, &data));
    }
    let mut answers = node.ask(asks).await;
    answers.next_chain(settings)?;
    let head = answers.next_height()?;
    if to.is_some() {
        tried(settings, host, &answers.next::<Called>()?)?;
    }
    let wanted = Wanted {
        nonce: nonce(settings, host, &options.salt),
        block_limit: head.saturating_add(settings.block_limit),
        to,
        data,
        abi: interface,
    };
    let unsigned = Unsigned::new(settings, wanted)?;
    let continuation = Continuation { coordinates: sender.coordinates, head, unsigned };
    Ok(continuation.ask(host, settings))
}

/// What a trial run says against sending it. A node of 3.x runs it as nobody's, so that there a contract's refusal may be of nobody.
fn tried(settings: &Settings, host: &dyn Imports, called: &Called) -> Result<(), Error> {
    if called.status == 0 {
        return Ok(());
    }
    let error = evaluate::failure(settings, host, called.status, &called.output);
    match settings.generation {
        Generation::Three if error.code != ErrorCode::NotFound => Ok(()),
        // The preset store's `not-found` is a contract's refusal.
        Generation::Three if table::is_revert(settings.generation, called.status) => Ok(()),
        _ => Err(error),
    }
}

/// There are no fees and, on most groups, no currency.
pub(crate) fn check_options(options: &CallOptions) -> Result<(), Error> {
    if let Some(most) = &options.max_fee {
        // Whatever it is, a transaction costs no more.
        abi::amount(most, "the maximal fee")?;
    }
    if let Some(amount) = &options.amount {
        let amount = abi::amount(amount, "the amount")?;
        if !amount.is_zero() {
            return Err(Error::unsupported("amounts: FISCO BCOS has no currency of its own"));
        }
    }
    Ok(())
}

/// A random id that comes from the salt alone, so that the same call begun again is the same transaction to the node.
fn nonce(settings: &Settings, host: &dyn Imports, salt: &[u8]) -> U256 {
    let seed = if salt.is_empty() { host.random(32) } else { salt.to_vec() };
    let digest = settings.crypto.hash(host, &[b"berth.fisco-bcos.nonce".as_slice(), &seed].concat());
    U256::from_be_slice(digest.get(..NONCE_BYTES).unwrap_or_default())
}

/// Selector and arguments of a call.
pub(crate) fn call_data(
    settings: &Settings,
    host: &dyn Imports,
    call: &ContractCall,
) -> Result<Bytes, Error> {
    if !call.private_arguments.is_empty() {
        return Err(Error::unsupported("private arguments: whatever is sent is read by the whole group"));
    }
    let function = abi::function(&call.function, call.abi.as_deref(), call.arguments.len())?;
    abi::call_data(&function, &call.arguments, &|name| settings.crypto.hash(host, name))
}

/// The account of reads that nobody is named for.
pub(crate) const NOBODY: Address = Address::ZERO;
