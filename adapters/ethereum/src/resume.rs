//! From a signature to an envelope, and the end of calls that are given up.

use adapter_sdk::{
    Imports,
    types::{Envelope, Error, ErrorCode, Signature, Step, Validity},
};
use alloy_primitives::{Address, U64};

use crate::{
    continuation::{Continuation, Tracking},
    errors::invalid,
    nonces::{self, Counts, Signing},
    rpc::{self, BlockId, Node},
    settings::Settings,
    transaction::{self, Seal},
};

/// Goes on with the signature: an envelope where the nonce is this call's, otherwise the next nonce to sign.
pub(crate) async fn resume(
    settings: &Settings,
    host: &dyn Imports,
    continuation: &[u8],
    signatures: &[Signature],
) -> Result<Step, Error> {
    let mut call = Continuation::decode(continuation)?;
    let sender = call.sender()?;
    if call.unsigned.chain_id != settings.chain_id {
        return Err(invalid("the continuation is of another chain"));
    }
    let now = host.now_millis();
    if now >= call.until {
        return Err(Error::new(
            ErrorCode::Expired,
            "the signature came too late: the call's nonce is free again; begin it anew",
        ));
    }
    let [signature] = signatures else {
        return Err(invalid(format!("one signature is wanted, {} are given", signatures.len())));
    };
    let seal = Seal::checked(host, signature, &call.unsigned.signing_bytes(), sender.address)?;
    let raw = call.unsigned.sealed(seal);
    let id = transaction::id(&raw);

    let node = Node::lent(host)?;
    let until = now.saturating_add(settings.lease_millis());
    let counts = counts(&node, sender.address, now).await?;
    nonces::settle(host, &node, settings.chain_id, sender.address, counts, until).await?;
    let nonce = call.unsigned.nonce;
    let signing = nonces::update(host, settings.chain_id, sender.address, |book| {
        if !book.goes_on(call.owner, counts) {
            return Err(Error::new(
                ErrorCode::Expired,
                "the call was given up, or what was reserved for it was lost: begin it anew",
            ));
        }
        match call.replaces {
            None => book.sign(call.owner, nonce, id, counts, until),
            Some(original) => match book.replace(original, nonce, call.owner, id, counts, until)? {
                true => Ok(Signing::Taken),
                false => Err(Error::retryable(
                    ErrorCode::Conflict,
                    format!("nonce {nonce} is used: {original} or another transaction took effect"),
                )),
            },
        }
    })
    .await?;
    match signing {
        Signing::Taken => {
            let tracking = Tracking { first_block: call.first_block, sender: sender.address, nonce };
            Ok(Step::Send(Envelope {
                transaction: id.to_string(),
                bytes: raw,
                valid_until: Validity::Millis(until),
                tracking: tracking.encode(),
            }))
        }
        Signing::Move(to) => {
            call.unsigned.nonce = to;
            call.until = until;
            let note = format!("; signed again, since nonce {nonce} is not the next one any more");
            Ok(call.ask(&sender, &note))
        }
    }
}

/// What the node says of an account's nonces.
pub(crate) async fn counts(node: &Node<'_>, account: Address, now: u64) -> Result<Counts, Error> {
    let asks = vec![
        rpc::transaction_count(account, BlockId::Latest),
        rpc::transaction_count(account, BlockId::Pending),
    ];
    let mut answers = node.ask(asks).await;
    let (latest, pending): (U64, U64) = (answers.next()?, answers.next()?);
    Ok(Counts { latest: latest.to(), pending: pending.to(), now })
}

/// Gives a call's lease back.
pub(crate) async fn abandon(
    settings: &Settings,
    host: &dyn Imports,
    continuation: &[u8],
) -> Result<(), Error> {
    let call = Continuation::decode(continuation)?;
    let sender = call.sender()?;
    nonces::update(host, settings.chain_id, sender.address, |book| {
        book.release(call.owner);
        Ok(())
    })
    .await
}
