//! The start of a call: a proposal that its caller signs.

use adapter_sdk::{
    Imports,
    types::{Call, CallOptions, ContractCall, Error, ErrorCode, HashAlgorithm, Party, Step, Value},
};

use crate::{
    continuation::{Continuation, WINDOW_MILLIS, Wait},
    errors::{cut, invalid},
    identity, proposal,
    proposal::Invocation,
    settings::{self, Settings},
    store,
};

/// The most bytes of arguments in one call: what a chaincode writes comes back in the transaction that is to be signed, and a
/// continuation has at most 64 KiB beside the arguments.
pub(crate) const MAX_PAYLOAD: u32 = 24 << 10;

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
    let (call, mut wait) = match call {
        Call::Invoke(call) => (call, Wait::Endorsement),
        Call::Evaluate(call) => (call, Wait::Evaluation),
        Call::Deploy(_) => {
            return Err(Error::unsupported(
                "deploy: a chaincode needs several organisations' administrators; `plan` lists their calls",
            ));
        }
        Call::Native(native) => {
            return Err(Error::unsupported(&format!("the native call {:?}", cut(&native.name, 64))));
        }
    };
    refuse(options)?;
    let identity = identity::caller(settings, host, parties)?;
    let mut function = call.function.as_str();
    if wait == Wait::Evaluation && function == store::HISTORY {
        (function, wait) = ("history", Wait::History);
    }
    let invocation = invocation(settings, &call, function)?;
    let private = !invocation.transient.is_empty();
    let purpose = if wait == Wait::Endorsement { "transaction" } else { "evaluation" };
    let proposed = proposal::propose(host, &identity, nonce(host, purpose, &options.salt), &invocation);
    let until = host.now_millis().saturating_add(WINDOW_MILLIS);
    let verb = if wait == Wait::Endorsement { "asks peers to endorse" } else { "reads by" };
    let secrets = if private { ", with private arguments" } else { "" };
    let summary = format!(
        "{verb} {:?} of chaincode {:?} on channel {}, as {}, with {} arguments{secrets}; nothing is spent",
        cut(function, 128),
        call.contract,
        settings.channel,
        identity.msp,
        call.arguments.len()
    );
    let continuation = Continuation {
        wait: wait as i32,
        until,
        msp: identity.msp.clone(),
        certificate: identity.certificate.der.clone(),
        transaction: proposed.id,
        items: vec![proposed.bytes],
        seal: Vec::new(),
        salt: options.salt.clone(),
        query: String::new(),
    };
    continuation.ask(host, &identity, private, &summary).await
}

/// A nonce of 24 bytes, as Fabric's clients have it. From the salt, so that one idempotency key has one id; a read without a
/// salt has a random one.
pub(crate) fn nonce(host: &dyn Imports, purpose: &str, salt: &[u8]) -> Vec<u8> {
    if salt.is_empty() {
        return host.random(24);
    }
    let text = [b"fabric nonce of a ", purpose.as_bytes(), b"\0", salt].concat();
    let mut nonce = host.hash(HashAlgorithm::Sha256, &text);
    nonce.truncate(24);
    nonce
}

/// Refuses what Fabric does not have.
fn refuse(options: &CallOptions) -> Result<(), Error> {
    for (name, amount) in [("amount", &options.amount), ("max-fee", &options.max_fee)] {
        let Some(amount) = amount else { continue };
        if amount.is_empty() || !amount.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid(format!("`{name}` is no decimal number")));
        }
        // No fee is within every bound.
        if name == "amount" {
            return Err(Error::unsupported("an amount: Fabric has no currency"));
        }
    }
    match options.at {
        Some(_) => Err(Error::unsupported("a block to read at: peers read their newest state")),
        None => Ok(()),
    }
}

/// The call in Fabric's terms.
fn invocation<'a>(
    settings: &'a Settings,
    call: &'a ContractCall,
    function: &str,
) -> Result<Invocation<'a>, Error> {
    if call.contract != "_lifecycle" && !settings::is_chaincode(&call.contract) {
        return Err(invalid(format!("{:?} is no chaincode's name", cut(&call.contract, 128))));
    }
    if function.is_empty() {
        return Err(invalid("a call names its function"));
    }
    let arguments = call.arguments.iter().map(argument);
    let arguments = std::iter::once(Ok(function.as_bytes().to_vec())).chain(arguments);
    let mut transient = std::collections::BTreeMap::new();
    for (name, value) in &call.private_arguments {
        if transient.insert(name.clone(), value.clone()).is_some() {
            return Err(invalid("a private argument comes twice"));
        }
    }
    Ok(Invocation {
        channel: &settings.channel,
        chaincode: &call.contract,
        arguments: arguments.collect::<Result<_, Error>>()?,
        transient,
    })
}

/// Chaincodes take bytes; integers, truth values and JSON come as their text.
fn argument(value: &Value) -> Result<Vec<u8>, Error> {
    match value {
        Value::Text(text) => Ok(text.as_bytes().to_vec()),
        Value::Bytes(bytes) => Ok(bytes.clone()),
        Value::Integer(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid("an integer is decimal, with an optional minus before it"));
            }
            let significant = digits.trim_start_matches('0');
            let sign = if text.starts_with('-') && !significant.is_empty() { "-" } else { "" };
            let significant = if significant.is_empty() { "0" } else { significant };
            Ok(format!("{sign}{significant}").into_bytes())
        }
        Value::Boolean(value) => Ok(value.to_string().into_bytes()),
        Value::Json(text) => {
            serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map_err(|error| invalid(format!("an argument is not JSON: {error}")))?;
            Ok(text.as_bytes().to_vec())
        }
    }
}
