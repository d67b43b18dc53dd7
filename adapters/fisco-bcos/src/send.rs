//! Sending, and the truth about what a refused send can still do.
//!
//! A node knows repetitions by the random id, within the window that the block limit closes. So the same envelope can be sent again as
//! often as one likes, and after its block limit never takes effect.

use adapter_sdk::{
    Imports,
    types::{
        Effect, Envelope, Error, ErrorCode, SendFailure,
        transport::{Failure, JsonRpcFailure},
    },
};
use alloy_primitives::B256;
use serde_json::Value;

use crate::{
    errors::{
        self, corrupt, invalid,
        table::{self, Meaning},
    },
    rpc::Node,
    settings::{Generation, Settings},
    transaction::{Signed, parse_id},
};

fn never(error: Error) -> SendFailure {
    SendFailure { error, effect: Effect::Never }
}

fn unknown(error: Error) -> SendFailure {
    SendFailure { error, effect: Effect::Unknown }
}

/// Sends a transaction. The same one again is success.
pub(crate) async fn send(
    settings: &Settings,
    host: &dyn Imports,
    envelope: &Envelope,
) -> Result<(), SendFailure> {
    let prepare = || {
        let signed = Signed::decode(host, settings.generation, settings.crypto, &envelope.bytes)
            .ok_or_else(|| invalid("the envelope's transaction does not decode"))?;
        if parse_id(&envelope.transaction)? != signed.id {
            return Err(invalid("the envelope's bytes are not those of its transaction"));
        }
        signed.unsigned.check(settings, "the envelope")?;
        Ok((signed, Node::lent(host, settings)?))
    };
    let (signed, node) = prepare().map_err(never)?;
    let (method, answer) = node.ask(vec![node.send(&envelope.bytes)]).await.raw().map_err(unknown)?;
    match answer {
        Ok(json) => match settings.generation {
            Generation::Two => match serde_json::from_str::<B256>(&json) {
                Ok(id) if id == signed.id => Ok(()),
                _ => Err(unknown(corrupt(method, "not the id of the transaction that was sent"))),
            },
            Generation::Three => answered(&node, &signed, method, &json).await,
        },
        Err(JsonRpcFailure::Error(error)) => {
            let meaning = table::of_answer(settings.generation, error.code, &error.message);
            let told = errors::from_answer(settings.generation, method, &error);
            refused(&node, &signed, meaning, told).await
        }
        Err(JsonRpcFailure::Transport(failure)) => {
            let left = !matches!(failure, Failure::Refused(_) | Failure::Unreachable(_));
            let error = errors::from_transport(method, &failure);
            Err(if left { unknown(error) } else { never(error) })
        }
    }
}

/// A node of 3.x answers with the receipt, or with the status by which its pool refused.
async fn answered(node: &Node<'_>, signed: &Signed, method: &str, json: &str) -> Result<(), SendFailure> {
    let receipt: Option<Value> = serde_json::from_str(json).ok();
    let field = |name: &str| receipt.as_ref().and_then(|receipt| receipt.get(name));
    let id = field("transactionHash").and_then(Value::as_str).and_then(|text| text.parse::<B256>().ok());
    let status = field("status").and_then(Value::as_i64);
    let (Some(id), Some(status)) = (id, status) else {
        return Err(unknown(corrupt(method, "not a receipt")));
    };
    if id != signed.id {
        return Err(unknown(corrupt(method, "the receipt of another transaction")));
    }
    match table::of_pool_status(status) {
        None => Ok(()),
        Some(meaning) => {
            let status = u64::try_from(status).unwrap_or(0);
            refused(node, signed, Some(meaning), table::of_status(Generation::Three, status)).await
        }
    }
}

/// The node refused: success if it has the transaction, otherwise what can still happen.
async fn refused(
    node: &Node<'_>,
    signed: &Signed,
    meaning: Option<Meaning>,
    error: Error,
) -> Result<(), SendFailure> {
    if meaning == Some(Meaning::AlreadyKnown) {
        return Ok(());
    }
    // It may be in a block from an earlier sending, whatever the node says of it now.
    let mut answers = node.ask(vec![node.receipt(signed.id), node.height()]).await;
    let found = answers.next_receipt();
    let head = answers.next_height();
    match found {
        Ok(Some(found)) if found.transaction == signed.id => return Ok(()),
        Ok(_) => {}
        Err(_) => return Err(unknown(error)),
    }
    let Ok(head) = head else { return Err(unknown(error)) };
    let limit = signed.unsigned.block_limit();
    match meaning {
        // Out of the window: for good only where it is over. A node that is behind may take it later.
        Some(meaning) if meaning == table::WINDOW && head < limit => Err(unknown(Error {
            code: ErrorCode::Unavailable,
            message: format!(
                "the node stands at block {head}, so far behind that it does not take block limit {limit}: try again later"
            ),
            retryable: true,
            ..error
        })),
        // Its random id is used: by itself in the pool, or by another transaction in a block.
        Some(Meaning::NonceUsed) if head < limit => Err(unknown(error)),
        Some(Meaning::Refusal { retryable: true, .. }) if head < limit => Err(unknown(error)),
        // What no table knows may be of any kind.
        None if head < limit => Err(unknown(error)),
        _ => Err(never(error)),
    }
}
