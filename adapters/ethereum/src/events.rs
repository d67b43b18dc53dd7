//! Events from logs: pages with a cursor that goes on where it ended, and takes back what left the chain.
//!
//! A page covers a range of blocks. The cursor remembers the blocks whose events were delivered and the last block that
//! was looked at, each with its hash. A later read first asks whether they are still in the chain; the events of those
//! that are not are delivered again as retracted, and reading goes on from the last block that stayed.

mod cursor;
mod filter;
mod retract;

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode, Event, EventFilter, EventPage, EventStart},
};

use crate::{
    errors::{corrupt, invalid},
    finality::{self, Heights},
    receipt,
    rpc::{self, BlockId, Head, Log, LogPlace, Node},
    settings::Settings,
};
use cursor::{Cursor, Delivered, Visited};
use filter::Filter;

const METHOD: &str = "eth_getLogs";
/// How often a range is read again when the chain changes under it.
const ATTEMPTS: u32 = 3;
/// The most logs of one answer that are looked at.
const MAX_LOGS: usize = 100_000;

/// Some events, and where to go on.
pub(crate) async fn read(
    settings: &Settings,
    host: &dyn Imports,
    filter: &EventFilter,
    start: EventStart,
    limit: u32,
    max_bytes: u32,
) -> Result<EventPage, Error> {
    if limit == 0 {
        return Err(invalid("a page has at least one event"));
    }
    let wanted = Filter::new(filter)?;
    let node = Node::lent(host)?;
    let mut asks = vec![rpc::chain_id()];
    asks.extend(finality::asks(settings));
    let mut answers = node.ask(asks).await;
    answers.next_chain(settings)?;
    let heights = finality::answered(settings, &mut answers)?;
    let bound = heights.at(filter.confidence);

    let went_on = matches!(start, EventStart::Cursor(_));
    let mut cursor = match start {
        EventStart::Earliest => Cursor::at(0),
        EventStart::Latest => Cursor::at(bound.saturating_add(1)),
        EventStart::Block(number) => {
            if number > bound.saturating_add(1) {
                heights.check(number)?;
            }
            Cursor::at(number)
        }
        EventStart::Cursor(bytes) => Cursor::decode(&bytes)?,
    };
    // One beyond the head is where a reader waits. Further on: this node is behind, or the chain became shorter.
    if went_on && cursor.next_block > heights.head.number().saturating_add(1) {
        return Err(Error::retryable(
            ErrorCode::OutOfRange,
            format!("the cursor goes on at block {}, beyond the node's newest", cursor.next_block),
        ));
    }
    let retracted = retract::retract(&node, &heights, &wanted, &mut cursor, limit).await?;
    if !retracted.is_empty() {
        let scanned = cursor.scanned();
        return Ok(EventPage { events: retracted, cursor: cursor.encode(), scanned });
    }
    let mut page = Page { events: Vec::new(), limit, bytes_left: max_bytes };
    if cursor.next_block <= bound {
        scan(settings, &node, &wanted, &heights, bound, &mut cursor, &mut page).await?;
    } else {
        anchor(&node, &mut cursor, &heights).await?;
    }
    cursor.forget_final(heights.last_final);
    Ok(EventPage { events: page.events, scanned: cursor.scanned(), cursor: cursor.encode() })
}

/// A page that is being filled.
struct Page {
    events: Vec<Event>,
    limit: u32,
    bytes_left: u32,
}

impl Page {
    /// Whether a payload of this size still goes in; the first always does.
    fn takes(&mut self, size: usize) -> bool {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let full = self.events.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX);
        if full || (size > self.bytes_left && !self.events.is_empty()) {
            return false;
        }
        self.bytes_left = self.bytes_left.saturating_sub(size);
        true
    }
}

/// Remembers the block before the cursor, so that a reader who waits at the end notices when it leaves the chain.
async fn anchor(node: &Node<'_>, cursor: &mut Cursor, heights: &Heights) -> Result<(), Error> {
    let before = cursor.next_block.saturating_sub(1);
    if cursor.visited.is_empty() && before <= heights.head.number() {
        let block: Option<Head> = node.ask(vec![rpc::block(BlockId::Number(before))]).await.next_known()?;
        if let Some(block) = block {
            cursor.visit(before, block.hash);
        }
    }
    Ok(())
}

/// Reads one range of blocks.
async fn scan(
    settings: &Settings,
    node: &Node<'_>,
    wanted: &Filter,
    heights: &Heights,
    bound: u64,
    cursor: &mut Cursor,
    page: &mut Page,
) -> Result<(), Error> {
    anchor(node, cursor, heights).await?;
    let mut span = settings.logs_block_range;
    for _ in 0..ATTEMPTS {
        let from = cursor.next_block;
        let (to, logs) = loop {
            let to = bound.min(from.saturating_add(span - 1));
            match logs_between(node, wanted, from, to).await {
                // The node or the lender bounds answers: take fewer blocks.
                Err(error) if too_much(&error) && to > from => span = (to - from).div_ceil(2).max(1),
                other => break (to, other?),
            }
        };
        if let Some(blocks) = settled(node, from, to, &logs).await? {
            fill(wanted, cursor, page, to, &logs, &blocks);
            return Ok(());
        }
    }
    Err(Error::retryable(ErrorCode::Unavailable, "the chain changes faster than its events can be read"))
}

fn too_much(error: &Error) -> bool {
    matches!(error.code, ErrorCode::TooLarge | ErrorCode::QuotaExceeded)
}

/// The logs of the range with their places, in order and as they were asked for.
async fn logs_between(
    node: &Node<'_>,
    wanted: &Filter,
    from: u64,
    to: u64,
) -> Result<Vec<(Log, LogPlace)>, Error> {
    let logs: Vec<Log> = node.ask(vec![rpc::logs_between(wanted.logs(), from, to)]).await.next()?;
    if logs.len() > MAX_LOGS {
        return Err(Error::new(ErrorCode::TooLarge, "more logs than are looked at in one answer"));
    }
    let mut placed = Vec::with_capacity(logs.len());
    let mut before: Option<(u64, u32)> = None;
    for log in logs {
        let place = log.place(METHOD)?;
        let position = (place.number, place.index);
        if !(from..=to).contains(&place.number) || !wanted.matches(&log) {
            return Err(corrupt(METHOD, "a log that was not asked for"));
        }
        if before.is_some_and(|before| before >= position) {
            return Err(corrupt(METHOD, "logs out of order"));
        }
        before = Some(position);
        placed.push((log, place));
    }
    Ok(placed)
}

/// The blocks of the logs and the last one of the range, as they are in the chain now. None where they are not the
/// logs' blocks any more: then the range must be read again.
async fn settled(
    node: &Node<'_>,
    from: u64,
    to: u64,
    logs: &[(Log, LogPlace)],
) -> Result<Option<Vec<Visited>>, Error> {
    let mut blocks: Vec<Visited> =
        logs.iter().map(|(_, place)| Visited::new(place.number, place.block)).collect();
    blocks.dedup();
    // Before and after the logs' blocks: what is the same at both times was so in between.
    let last = || rpc::block(BlockId::Number(to));
    let mut asks = vec![last()];
    // A long list is cut: the first and the last blocks, and the end of the range, stand for those between.
    let checked: Vec<u64> = if blocks.len() <= 16 {
        blocks.iter().map(|block| block.number).collect()
    } else {
        let ends = blocks.iter().take(8).chain(blocks.iter().rev().take(8));
        ends.map(|block| block.number).collect()
    };
    asks.extend(checked.iter().map(|number| rpc::block(BlockId::Number(*number))));
    let mut answers = node.ask(asks).await;
    let Some(end) = answers.next_known::<Head>()? else { return Ok(None) };
    for number in checked {
        let block: Option<Head> = answers.next_known()?;
        let stays = block.is_some_and(|block| {
            blocks.iter().any(|visited| visited.number == number && visited.hash == block.hash)
        });
        if !stays {
            return Ok(None);
        }
    }
    let again: Option<Head> = node.ask(vec![last()]).await.next_known()?;
    if again.is_none_or(|again| again.hash != end.hash) || end.number() < from {
        return Ok(None);
    }
    if blocks.iter().any(|block| block.number == to && block.hash != end.hash) {
        return Ok(None);
    }
    if blocks.last().is_none_or(|last| last.number != to) {
        blocks.push(Visited::new(to, end.hash));
    }
    Ok(Some(blocks))
}

/// Fills the page, and moves the cursor to where it is full or the range ends.
fn fill(
    wanted: &Filter,
    cursor: &mut Cursor,
    page: &mut Page,
    to: u64,
    logs: &[(Log, LogPlace)],
    blocks: &[Visited],
) {
    let (first_block, first_log) = (cursor.next_block, cursor.next_log);
    for (log, place) in logs {
        if place.number == first_block && place.index < first_log {
            continue; // delivered with an earlier page
        }
        if !page.takes(log.data.len()) {
            cursor.next_block = place.number;
            // A position inside a block holds only for a block that the cursor knows by its hash.
            let inside = cursor.visited.last().is_some_and(|block| block.number == place.number);
            cursor.next_log = if inside { place.index } else { 0 };
            return;
        }
        cursor.visit(place.number, place.block);
        cursor.delivered.push(Delivered {
            number: place.number,
            transaction: place.transaction,
            index: place.index,
            contract: log.address,
            topic: log.topics.first().copied().unwrap_or_default(),
        });
        page.events.push(receipt::event(log, *place, wanted.decoded(log)));
    }
    if let Some(last) = blocks.last() {
        cursor.visit(last.number, last.hash);
    }
    cursor.next_block = to.saturating_add(1);
    cursor.next_log = 0;
}
