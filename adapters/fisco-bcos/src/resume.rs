//! From a signature to an envelope.

use adapter_sdk::{
    Imports,
    types::{Envelope, Error, ErrorCode, Signature, Step, Validity},
};

use crate::{
    abandoned,
    continuation::{Continuation, Tracking},
    errors::invalid,
    rpc::Node,
    sent,
    settings::Settings,
    transaction::Signed,
};

/// Goes on with the signature.
pub(crate) async fn resume(
    settings: &Settings,
    host: &dyn Imports,
    continuation: &[u8],
    signatures: &[Signature],
) -> Result<Step, Error> {
    let call = Continuation::decode(settings, continuation)?;
    let [signature] = signatures else {
        return Err(invalid(format!("one signature is wanted, {} are given", signatures.len())));
    };
    if abandoned::is_noted(settings, host, &call, continuation).await? {
        return Err(Error::new(ErrorCode::Expired, "the call was given up: begin it anew"));
    }
    let bytes = call.unsigned.signing_bytes();
    let seal = settings.crypto.seal(host, &call.coordinates, &bytes, signature)?;

    let node = Node::lent(host, settings)?;
    let head = node.ask(vec![node.height()]).await.next_height()?;
    // A height of 3.x is a bare number: of a longer one that was cut off, a smaller one is left.
    if head < call.head {
        return Err(Error::retryable(
            ErrorCode::Unavailable,
            format!(
                "the node says that it stands at block {head}, but the call began at block {}: it is behind, or its answer is broken",
                call.head
            ),
        ));
    }
    let block_limit = call.unsigned.block_limit();
    if head >= block_limit {
        return Err(Error::new(
            ErrorCode::Expired,
            format!(
                "the signature came too late: block {block_limit} was the last one for it; begin the call anew"
            ),
        ));
    }
    let raw = call.unsigned.sealed(host, settings.crypto, &seal);
    let signed = Signed::decode(host, settings.generation, settings.crypto, &raw)
        .ok_or_else(|| Error::new(ErrorCode::Internal, "the transaction that was made does not decode"))?;
    sent::not_sent(host, signed.id).await?;
    let tracking = Tracking { head: call.head, block_limit };
    Ok(Step::Send(Envelope {
        transaction: signed.id.to_string(),
        bytes: raw,
        valid_until: Validity::Block(block_limit),
        tracking: tracking.encode(),
    }))
}
