//! Taking back the events of blocks that left the chain.

use adapter_sdk::types::{Error, ErrorCode, Event};

use super::{
    METHOD,
    cursor::{Cursor, Delivered, Visited},
    filter::Filter,
};
use crate::{
    finality::Heights,
    receipt,
    rpc::{self, BlockId, Head, Log, LogPlace, Node},
};

/// Compares the cursor's blocks with the chain. Where some have left it, at most `limit` of their events come back as
/// retracted, the last one first, and the cursor stands behind the last block that stayed. What is beyond `limit` is
/// found again by the next read.
pub(super) async fn retract(
    node: &Node<'_>,
    heights: &Heights,
    wanted: &Filter,
    cursor: &mut Cursor,
    limit: u32,
) -> Result<Vec<Event>, Error> {
    let Some(newest) = cursor.visited.last().cloned() else { return Ok(Vec::new()) };
    let head = heights.head.number();
    if newest.number <= head && stays(node, std::slice::from_ref(&newest)).await?.first() == Some(&true) {
        return Ok(Vec::new());
    }
    // Blocks above the node's newest say nothing: the node may only be behind.
    let within: Vec<Visited> = cursor.visited.iter().filter(|block| block.number <= head).cloned().collect();
    let stay = stays(node, &within).await?;
    let stayed = stay.iter().rposition(|stays| *stays);
    if newest.number > head && (within.is_empty() || stayed == within.len().checked_sub(1)) {
        return Err(Error::retryable(
            ErrorCode::OutOfRange,
            format!("the cursor is at block {}, and the node knows blocks up to {head}", newest.number),
        ));
    }
    let Some(base) = stayed.and_then(|place| within.get(place)) else {
        let oldest = cursor.visited.first().map_or(0, |block| block.number);
        return Err(Error::new(
            ErrorCode::Pruned,
            format!(
                "the chain changed from before block {oldest}, further back than the cursor remembers: read again from a block before it"
            ),
        ));
    };
    let base = base.number;

    let mut events = Vec::new();
    let position = (cursor.next_block, cursor.next_log);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    while let Some(block) = cursor.visited.pop_if(|block| block.number > base) {
        let of_block = |event: &Delivered| event.number == block.number;
        let mut left: Vec<Delivered> =
            cursor.delivered.iter().filter(|event| of_block(event)).cloned().collect();
        cursor.delivered.retain(|event| !of_block(event));
        let full = logs_of(node, wanted, &block).await;
        if block.incomplete {
            left = remembered_by(full.as_deref().ok_or_else(|| {
                Error::new(
                    ErrorCode::Pruned,
                    format!("block {} left the chain, and the node does not keep its events", block.number),
                )
            })?);
            // Of the block that the reader was inside, only the first logs were delivered.
            left.retain(|event| event.number != position.0 || event.index < position.1);
        }
        while events.len() < limit {
            let Some(event) = left.pop() else { break };
            events.push(retracted(&block, &event, wanted, full.as_deref()));
        }
        cursor.next_block = block.number;
        cursor.next_log = 0;
        if !left.is_empty() {
            cursor.delivered.extend(left);
            cursor.visited.push(Visited { incomplete: false, ..block });
            return Ok(events);
        }
    }
    cursor.next_block = base.saturating_add(1);
    cursor.next_log = 0;
    Ok(events)
}

/// Which blocks are in the chain.
async fn stays(node: &Node<'_>, blocks: &[Visited]) -> Result<Vec<bool>, Error> {
    let asks = blocks.iter().map(|block| rpc::block(BlockId::Number(block.number))).collect();
    let mut answers = node.ask(asks).await;
    let mut stay = Vec::with_capacity(blocks.len());
    for block in blocks {
        stay.push(answers.next_known::<Head>()?.is_some_and(|found| found.hash == block.hash));
    }
    Ok(stay)
}

/// The block's logs, where the node still has them. Its events can be taken back without.
async fn logs_of(node: &Node<'_>, wanted: &Filter, block: &Visited) -> Option<Vec<(Log, LogPlace)>> {
    let logs: Vec<Log> = node.ask(vec![rpc::logs_of(wanted.logs(), block.hash)]).await.next().ok()?;
    let placed: Option<Vec<_>> = logs
        .into_iter()
        .map(|log| {
            let place = log.place(METHOD).ok()?;
            (place.block == block.hash && place.number == block.number && wanted.matches(&log))
                .then_some((log, place))
        })
        .collect();
    placed
}

/// All events of a block as if they were remembered.
fn remembered_by(logs: &[(Log, LogPlace)]) -> Vec<Delivered> {
    let remembered = |(log, place): &(Log, LogPlace)| Delivered {
        number: place.number,
        transaction: place.transaction,
        index: place.index,
        contract: log.address,
        topic: log.topics.first().copied().unwrap_or_default(),
    };
    logs.iter().map(remembered).collect()
}

/// The event as it was delivered, where the node still has it; otherwise what the cursor remembers of it.
fn retracted(block: &Visited, event: &Delivered, wanted: &Filter, logs: Option<&[(Log, LogPlace)]>) -> Event {
    let place = LogPlace {
        number: block.number,
        block: block.hash,
        transaction: event.transaction,
        index: event.index,
    };
    let full = logs.and_then(|logs| logs.iter().find(|(_, found)| *found == place));
    let remembered = Log::remembered(event.contract, event.topic);
    let log = full.map_or(&remembered, |(log, _)| log);
    Event { retracted: true, ..receipt::event(log, place, wanted.decoded(log)) }
}
