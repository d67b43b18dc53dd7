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
    sent,
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
    // Whether it was sent before is not known when the note cannot be read.
    let first = sent::first(host, signed.id).await.map_err(unknown)?;
    let way = Way { node, signed, first };
    let (method, answer) = way.node.ask(vec![way.node.send(&envelope.bytes)]).await.raw().map_err(unknown)?;
    match answer {
        Ok(json) => match settings.generation {
            Generation::Two => match serde_json::from_str::<B256>(&json) {
                Ok(id) if id == way.signed.id => Ok(()),
                _ => Err(unknown(corrupt(method, "not the id of the transaction that was sent"))),
            },
            Generation::Three => way.answered(method, &json).await,
        },
        Err(JsonRpcFailure::Error(error)) => {
            let meaning = table::of_answer(settings.generation, error.code, &error.message);
            let told = errors::from_answer(settings.generation, method, &error);
            way.refused(meaning, told).await
        }
        Err(JsonRpcFailure::Transport(failure)) => {
            let left = !matches!(failure, Failure::Refused(_) | Failure::Unreachable(_));
            let error = errors::from_transport(method, &failure);
            if left || !first {
                return Err(unknown(error));
            }
            way.was_not_sent(error).await
        }
    }
}

/// An envelope on its way.
struct Way<'a> {
    node: Node<'a>,
    signed: Signed,
    /// It certainly was not sent before.
    first: bool,
}

impl Way<'_> {
    async fn was_not_sent(&self, error: Error) -> Result<(), SendFailure> {
        sent::not_sent(self.node.host, self.signed.id).await.map_err(unknown)?;
        Err(never(error))
    }

    /// A node of 3.x answers with the receipt, or with the status by which its pool refused.
    async fn answered(&self, method: &str, json: &str) -> Result<(), SendFailure> {
        let receipt: Option<Value> = serde_json::from_str(json).ok();
        let field = |name: &str| receipt.as_ref().and_then(|receipt| receipt.get(name));
        let id = field("transactionHash").and_then(Value::as_str).and_then(|text| text.parse::<B256>().ok());
        let status = field("status").and_then(Value::as_i64);
        let (Some(id), Some(status)) = (id, status) else {
            return Err(unknown(corrupt(method, "not a receipt")));
        };
        if id != self.signed.id {
            return Err(unknown(corrupt(method, "the receipt of another transaction")));
        }
        match table::of_pool_status(status) {
            None => Ok(()),
            Some(meaning) => {
                let status = u64::try_from(status).unwrap_or(0);
                self.refused(Some(meaning), table::of_status(Generation::Three, status)).await
            }
        }
    }

    /// The node refused: success if it has the transaction, otherwise what can still happen.
    async fn refused(&self, meaning: Option<Meaning>, error: Error) -> Result<(), SendFailure> {
        if meaning == Some(Meaning::AlreadyKnown) {
            return Ok(());
        }
        let (node, id, limit) = (&self.node, self.signed.id, self.signed.unsigned.block_limit());
        // It may be in a block from an earlier sending, whatever the node says of it now. The height comes first: what is in no block
        // after the last that it may be in never is.
        let head = node.ask(vec![node.height()]).await.next_height();
        let found = node.ask(vec![node.receipt(id)]).await.next_receipt();
        let (Ok(head), Ok(found)) = (head, found) else { return Err(unknown(error)) };
        if found.is_some_and(|found| found.transaction == id) {
            return Ok(());
        }
        if head >= limit {
            return Err(never(error));
        }
        let error = if meaning == Some(table::WINDOW) {
            Error {
                code: ErrorCode::Unavailable,
                message: format!(
                    "the node stands at block {head}, so far behind that it does not take block limit {limit}: try again later"
                ),
                retryable: true,
                ..error
            }
        } else {
            error
        };
        // What no table knows may be of any kind.
        if self.first && meaning.is_some_and(|meaning| !table::is_vague(meaning)) {
            return self.was_not_sent(error).await;
        }
        Err(unknown(error))
    }
}
