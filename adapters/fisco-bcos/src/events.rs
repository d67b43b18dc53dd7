//! Events from blocks and receipts: pages with a cursor that goes on where it ended.
//!
//! Nodes of 2.x have no question for logs over HTTP, and of 3.x not all have one, so that blocks are read with the receipts of all their
//! transactions. Every block is final, so nothing is ever taken back.

use adapter_evm_abi as abi;
use adapter_sdk::{
    Imports,
    types::{Confidence, Error, Event, EventFilter, EventPage, EventStart},
};
use alloy_json_abi::Event as Described;
use alloy_primitives::{B256, FixedBytes};
use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::{
    blocks::pruned,
    codec,
    errors::{corrupt, invalid},
    executed::{Facts, Log, same_address},
    header::Chained,
    names, quorum, receipt,
    rpc::{BlockId, Node},
    settings::Settings,
    settled,
};

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'e', 1);
/// The longest cursor, bytes.
const MAX_CURSOR: usize = 1 << 14;
/// The most requests for one page; a call makes at most 256 (LIM-8).
const MAX_REQUESTS: usize = 200;
/// The most requests in one list.
const SIDE_BY_SIDE: usize = 64;
/// The most blocks that are asked for at once.
const BLOCKS_AT_ONCE: u64 = 16;
const METHOD: &str = "getTransactionReceipt";

/// Where a reader is.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
struct Cursor {
    /// The block to go on with.
    block: u64,
    /// The first event of it that was not delivered, by its index.
    index: u32,
    /// Of the filter, so that another one is noticed.
    filter: FixedBytes<8>,
}

/// Which logs are wanted, and what they mean.
struct Filter {
    contract: Option<String>,
    topic: Option<B256>,
    /// The named event, or all of the description's.
    known: Vec<Described>,
    digest: FixedBytes<8>,
}

impl Filter {
    async fn new(node: &Node<'_>, filter: &EventFilter) -> Result<Self, Error> {
        let (host, crypto) = (node.host, node.settings.crypto);
        let given = filter.contract.as_deref().filter(|contract| !contract.is_empty());
        let contract = match given {
            Some(text) => Some(crate::transaction::shown(names::contract(node, text).await?)),
            None => None,
        };
        let name = filter.name.as_deref().filter(|name| !name.is_empty());
        let (topic, known) = match (name, &filter.abi) {
            (Some(name), abi) => {
                let event = abi::event(name, abi.as_deref())?;
                (Some(crypto.hash(host, event.signature().as_bytes())), vec![event])
            }
            (None, Some(abi)) => (None, abi::events(abi)?),
            (None, None) => (None, Vec::new()),
        };
        let mut identity = contract.clone().unwrap_or_default().into_bytes();
        identity.extend(topic.unwrap_or_default());
        // All blocks are final, so it changes no page; but a cursor is of its own filter alone.
        identity.push(match filter.confidence {
            Confidence::Latest => 0,
            Confidence::Safe => 1,
            Confidence::Final => 2,
        });
        let digest = crypto.hash(host, &identity);
        let digest = digest.first_chunk::<8>().map(|start| FixedBytes::from(*start)).unwrap_or_default();
        Ok(Filter { contract, topic, known, digest })
    }

    fn matches(&self, log: &Log) -> bool {
        self.contract.as_ref().is_none_or(|contract| same_address(contract, &log.contract))
            && self.topic.is_none_or(|topic| log.topics.first() == Some(&topic))
    }

    /// Puts name and parameters into the event, where they are known.
    fn decode(&self, node: &Node<'_>, log: &Log, event: &mut Event) {
        let Some(first) = log.topics.first() else { return };
        let hash =
            |described: &Described| node.settings.crypto.hash(node.host, described.signature().as_bytes());
        for described in self.known.iter().filter(|known| !known.anonymous && hash(known) == *first) {
            event.name.clone_from(&described.name);
            event.json = abi::event_json(described, &log.topics, &log.data);
            if event.json.is_some() {
                return;
            }
        }
    }
}

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
    let node = Node::lent(host, settings)?;
    let wanted = Filter::new(&node, filter).await?;
    let mut answers = node.ask(vec![node.chain(), node.height()]).await;
    answers.next_chain(settings)?;
    let head = answers.next_height()?;

    let at = |block: u64| Cursor { block, index: 0, filter: wanted.digest };
    let mut cursor = match start {
        EventStart::Earliest => at(0),
        EventStart::Latest => at(head.saturating_add(1)),
        EventStart::Block(number) if number > head.saturating_add(1) => {
            return Err(settled::beyond(settings, host, number, head).await);
        }
        EventStart::Block(number) => at(number),
        EventStart::Cursor(bytes) if bytes.len() > MAX_CURSOR => {
            return Err(invalid("the cursor is longer than cursors are"));
        }
        EventStart::Cursor(bytes) => codec::decode::<Cursor>(KIND.0, KIND.1, &bytes, "the cursor")?,
    };
    if cursor.filter != wanted.digest {
        return Err(invalid("the cursor is of another filter"));
    }
    // One beyond the head is where a reader waits. Further on, this node is behind.
    if cursor.block > head.saturating_add(1) {
        return Err(settled::beyond(settings, host, cursor.block, head).await);
    }
    let page = Page { events: Vec::new(), limit, bytes_left: max_bytes, requests_left: MAX_REQUESTS };
    let events = scan(&node, &wanted, head, &mut cursor, page).await?;
    Ok(EventPage {
        events,
        scanned: cursor.block.saturating_sub(1),
        cursor: codec::encode(KIND.0, KIND.1, &cursor),
    })
}

/// A page that is being filled.
struct Page {
    events: Vec<Event>,
    limit: u32,
    bytes_left: u32,
    requests_left: usize,
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

/// Reads blocks until the page is full, the requests are used up or the chain ends.
async fn scan(
    node: &Node<'_>,
    wanted: &Filter,
    head: u64,
    cursor: &mut Cursor,
    mut page: Page,
) -> Result<Vec<Event>, Error> {
    while cursor.block <= head {
        let per_block = node.block(BlockId::Number(0)).len();
        let affordable = u64::try_from(page.requests_left / (per_block + 1)).unwrap_or(0);
        let count = BLOCKS_AT_ONCE.min(head - cursor.block + 1).min(affordable);
        if count == 0 {
            break;
        }
        let numbers: Vec<u64> = (cursor.block..cursor.block + count).collect();
        let asks = numbers.iter().flat_map(|number| node.block(BlockId::Number(*number))).collect::<Vec<_>>();
        page.requests_left -= asks.len().min(page.requests_left);
        let mut answers = node.ask(asks).await;
        for number in numbers {
            let block = answers.next_block(node, BlockId::Number(number))?;
            let block = block.ok_or_else(|| pruned(number))?;
            if !read_block(node, wanted, &block, cursor, &mut page).await? {
                return Ok(page.events);
            }
            *cursor = Cursor { block: number + 1, index: 0, filter: cursor.filter };
        }
    }
    Ok(page.events)
}

/// Reads one block's events from the cursor on. False where the page is full or the requests are used up before its end.
async fn read_block(
    node: &Node<'_>,
    wanted: &Filter,
    block: &Chained,
    cursor: &mut Cursor,
    page: &mut Page,
) -> Result<bool, Error> {
    let first = usize::try_from(cursor.index >> 16).unwrap_or(0);
    let mut checked = false;
    let mut place = first;
    while place < block.transactions.len() {
        let count = SIDE_BY_SIDE.min(block.transactions.len() - place).min(page.requests_left);
        if count == 0 {
            return Ok(false);
        }
        page.requests_left -= count;
        let ids = block.transactions.get(place..place + count).unwrap_or_default();
        for (offset, (id, facts)) in facts_of(node, block, place, ids).await?.into_iter().enumerate() {
            let own = u32::try_from(place + offset).map_err(|_| corrupt(METHOD, "a place beyond 2^32"))?;
            for (log_place, log) in (0u32..).zip(&facts.logs) {
                let index = receipt::event_index(own, log_place);
                if index < cursor.index || !wanted.matches(log) {
                    continue;
                }
                if !checked {
                    let (crypto, sealers) = (node.settings.crypto, &node.settings.sealers);
                    quorum::check(node.host, crypto, sealers, &block.header, "getBlockHeader")?;
                    checked = true;
                }
                if !page.takes(log.data.len()) {
                    cursor.index = index;
                    return Ok(false);
                }
                let mut event = receipt::event(&block.header, id, index, log);
                wanted.decode(node, log, &mut event);
                page.events.push(event);
            }
            cursor.index = receipt::event_index(own.saturating_add(1), 0);
        }
        place += count;
    }
    Ok(true)
}

/// The receipts of some transactions of a block, each proven by the block's root.
pub(crate) async fn facts_of(
    node: &Node<'_>,
    block: &Chained,
    first: usize,
    ids: &[B256],
) -> Result<Vec<(B256, Facts)>, Error> {
    let mut answers = node.ask(ids.iter().map(|id| node.receipt(*id)).collect()).await;
    let (generation, crypto) = (node.settings.generation, node.settings.crypto);
    let mut facts = Vec::with_capacity(ids.len());
    for (offset, id) in ids.iter().enumerate() {
        let found = answers.next_receipt()?;
        let found = found.ok_or_else(|| corrupt(METHOD, "no receipt of a transaction in a block"))?;
        let index = u64::try_from(first + offset).unwrap_or(u64::MAX);
        if found.transaction != *id || found.number != block.header.number {
            return Err(corrupt(METHOD, "another transaction's receipt"));
        }
        let proven = found.proven(node.host, generation, crypto, index, block.header.receipts_root);
        let (form, _) =
            proven.ok_or_else(|| corrupt(METHOD, "a receipt that does not lead to its block's root"))?;
        facts.push((*id, form.facts()));
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn cursors_come_back_and_any_bytes_decode_or_are_an_error(block: u64, index: u32, bytes: Vec<u8>) {
            let cursor = Cursor { block, index, filter: FixedBytes::repeat_byte(7) };
            let encoded = codec::encode(KIND.0, KIND.1, &cursor);
            proptest::prop_assert_eq!(codec::decode::<Cursor>(KIND.0, KIND.1, &encoded, "").unwrap(), cursor);
            for end in 0..encoded.len() {
                proptest::prop_assert!(codec::decode::<Cursor>(KIND.0, KIND.1, &encoded[..end], "").is_err());
            }
            let _ = codec::decode::<Cursor>(KIND.0, KIND.1, &bytes, "");
        }
    }
}
