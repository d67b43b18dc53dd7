//! Replacing a transaction that is stuck: the same call with the same nonce for a higher fee. The nonce can be used
//! once, so never both take effect.

use adapter_sdk::{
    Imports,
    types::{CallOptions, Envelope, Error, ErrorCode, Party, Step},
};
use alloy_primitives::{U64, U256};

use crate::{
    continuation::{self, Continuation, Tracking},
    errors::invalid,
    fees, nonces, parties,
    rpc::{self, BlockId, Head, Node, TransactionInfo},
    settings::{Settings, TransactionType},
    transaction::{self, Fees, Signed, Unsigned},
};

/// Starts the replacement of an envelope's transaction.
pub(crate) async fn replace(
    settings: &Settings,
    host: &dyn Imports,
    original: &Envelope,
    parties: &[Party],
    options: &CallOptions,
) -> Result<Step, Error> {
    let sender = parties::sender(parties)?;
    let signed = Signed::decode(&original.bytes)?;
    let id = transaction::id(&original.bytes);
    if transaction::parse_id(&original.transaction)? != id {
        return Err(invalid("the envelope's bytes are not those of its transaction"));
    }
    if signed.sender(host)? != sender.address {
        return Err(Error::new(
            ErrorCode::PermissionDenied,
            format!("the transaction was not signed by {}", sender.address),
        ));
    }
    if signed.unsigned.chain_id != settings.chain_id {
        return Err(invalid("the envelope is of another chain"));
    }
    let most = continuation::max_fee(options.max_fee.as_deref())?;
    let kind = match signed.unsigned.fees {
        Fees::Legacy { .. } => TransactionType::Legacy,
        Fees::Dynamic { .. } => TransactionType::Eip1559,
    };
    let node = Node::lent(host)?;
    let mut answers = node
        .ask(vec![
            rpc::chain_id(),
            rpc::block(BlockId::Latest),
            fees::ask(kind),
            rpc::transaction(id),
            rpc::transaction_count(sender.address, BlockId::Latest),
        ])
        .await;
    answers.next_chain(settings)?;
    let head: Head = answers.next()?;
    let market = fees::market(kind, &head, &mut answers)?;
    if answers.next_known::<TransactionInfo>()?.is_some_and(|info| info.block_hash.is_some()) {
        return Err(Error::new(
            ErrorCode::AlreadyExists,
            "the transaction is in a block already: nothing to replace",
        ));
    }
    let (count, nonce): (U64, u64) = (answers.next()?, signed.unsigned.nonce);
    if count > U64::from(nonce) {
        return Err(Error::retryable(
            ErrorCode::Conflict,
            format!("nonce {nonce} was used by another transaction: begin the call anew"),
        ));
    }
    let unsigned =
        Unsigned { fees: fees::replacing(signed.unsigned.fees, market.fees), ..signed.unsigned.clone() };
    let cost: U256 = unsigned.max_fee();
    if most.is_some_and(|most| cost > most) {
        return Err(Error::retryable(
            ErrorCode::Underpriced,
            format!("a replacement costs up to {cost} wei, more than may be paid at most"),
        ));
    }
    let first_block = match Tracking::decode(&original.tracking)? {
        Some(tracking) => tracking.first_block,
        None => head.number(),
    };
    let owner = continuation::owner(host, &options.salt);
    let until = host.now_millis().saturating_add(settings.lease_millis());
    // The nonce is the original's; the lease says that the replacement goes on, until it is abandoned.
    let lease = |book: &mut nonces::Book| {
        book.set_lease(owner, nonce, until);
        Ok(())
    };
    nonces::update(host, settings.chain_id, sender.address, lease).await?;
    let continuation =
        Continuation { owner, until, point: sender.point.clone(), first_block, replaces: Some(id), unsigned };
    Ok(continuation.ask(&sender, &format!("; takes the place of {id}")))
}
