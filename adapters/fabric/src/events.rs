//! Chaincode events, page by page, from the channel's blocks.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode, EventFilter, EventPage, EventStart, HashAlgorithm},
};

use crate::{
    blocks::{self, Configurations, Height},
    deliver::Blocks,
    errors::invalid,
    peers::{Client, Peers, QSCC},
    settings::Settings,
};

/// The most blocks that one page looks at.
const MOST_BLOCKS: u64 = 64;

/// A page of events.
pub(crate) async fn read(
    settings: &Settings,
    host: &dyn Imports,
    filter: &EventFilter,
    start: EventStart,
    limit: u32,
    max_bytes: u32,
) -> Result<EventPage, Error> {
    if limit == 0 {
        return Err(invalid("a page has at least one event: `limit` is 0"));
    }
    let filter_hash = Cursor::filter(host, settings, filter);
    let cursor = match &start {
        EventStart::Cursor(bytes) => Some(Cursor::decode(bytes, &filter_hash)?),
        _ => None,
    };
    let (peers, client) = (Peers::lent(host)?, Client::lent(settings, host).await?);
    let answer = client.query(&peers, QSCC, client.of_channel("GetChainInfo", &[])).await?;
    let height = blocks::height(&answer)?;
    let mut at = match (cursor, start) {
        (Some(cursor), _) => cursor,
        (None, EventStart::Block(block)) => Cursor { block, index: 0 },
        (None, EventStart::Latest) => Cursor { block: height.head.number.saturating_add(1), index: 0 },
        (None, EventStart::Earliest | EventStart::Cursor(_)) => Cursor { block: 0, index: 0 },
    };
    let page = |at: Cursor, events| EventPage {
        events,
        cursor: at.encode(&filter_hash),
        scanned: at.block.saturating_sub(1),
    };
    if !is_there(&height, &at)? {
        return Ok(page(at, Vec::new()));
    }
    let last = height.head.number.min(at.block.saturating_add(MOST_BLOCKS - 1));
    let mut stream = Blocks::open(&client, &peers, &settings.channel, at.block, last).await?;
    let mut known = Configurations::default();
    let (mut events, mut bytes) = (Vec::new(), 0u64);
    let first = at.block;
    loop {
        let block = match stream.next(&client).await {
            Ok(Some(block)) => block,
            Ok(None) => return Ok(page(at, events)),
            // A stream that was cut gives what came whole; the next page goes on behind it.
            Err(error) if at.block > first && is_passing(&error) => return Ok(page(at, events)),
            Err(error) => return Err(error),
        };
        known.check(&client, &peers, &block).await?;
        for (_, event) in block.events() {
            let wanted = filter.contract.as_ref().is_none_or(|contract| *contract == event.contract)
                && filter.name.as_ref().is_none_or(|name| *name == event.name);
            if event.index < at.index || !wanted {
                continue;
            }
            let more = bytes.saturating_add(event.payload.len() as u64);
            let is_full = events.len() as u64 >= u64::from(limit) || more > u64::from(max_bytes);
            if is_full && !events.is_empty() {
                return Ok(page(Cursor { block: at.block, index: event.index }, events));
            }
            bytes = more;
            events.push(event);
        }
        at = Cursor { block: at.block.saturating_add(1), index: 0 };
    }
}

/// Whether another try may help, so that what came before is worth giving.
fn is_passing(error: &Error) -> bool {
    error.retryable && matches!(error.code, ErrorCode::Unavailable | ErrorCode::Timeout)
}

/// Whether the block of a cursor is there; false where it is the next one to come.
fn is_there(height: &Height, at: &Cursor) -> Result<bool, Error> {
    if at.block == height.head.number.saturating_add(1) {
        return Ok(false);
    }
    blocks::within(height, at.block)?;
    Ok(true)
}

/// The next event: its block, and its place among the events of that block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    block: u64,
    index: u32,
}

const VERSION: u8 = 1;

impl Cursor {
    /// What a cursor's filter is told by.
    fn filter(host: &dyn Imports, settings: &Settings, filter: &EventFilter) -> [u8; 8] {
        // As JSON every text has one end only.
        let parts = (&settings.channel, &filter.contract, &filter.name, filter.confidence);
        let text = serde_json::to_vec(&parts).unwrap_or_default();
        let mut short = [0; 8];
        short.iter_mut().zip(host.hash(HashAlgorithm::Sha256, &text)).for_each(|(to, from)| *to = from);
        short
    }

    fn encode(self, filter: &[u8; 8]) -> Vec<u8> {
        [&[b'e', VERSION], filter.as_slice(), &self.block.to_be_bytes(), &self.index.to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8], filter: &[u8; 8]) -> Result<Self, Error> {
        let broken = || invalid("the cursor does not decode");
        let rest = bytes.strip_prefix(&[b'e', VERSION]).ok_or_else(broken)?;
        let (of, rest) = rest.split_at_checked(8).ok_or_else(broken)?;
        let (block, index) = rest.split_at_checked(8).ok_or_else(broken)?;
        let block = u64::from_be_bytes(block.try_into().map_err(|_| broken())?);
        let index = u32::from_be_bytes(index.try_into().map_err(|_| broken())?);
        if of != filter {
            return Err(invalid("the cursor is of another filter or channel"));
        }
        Ok(Cursor { block, index })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_cursor_comes_back_and_no_other_bytes_are_one(block: u64, index: u32, filter: [u8; 8], other: Vec<u8>) {
            let cursor = Cursor { block, index };
            let bytes = cursor.encode(&filter);
            proptest::prop_assert_eq!(Cursor::decode(&bytes, &filter), Ok(cursor));
            proptest::prop_assert!(Cursor::decode(&bytes[1..], &filter).is_err());
            if let Ok(cursor) = Cursor::decode(&other, &filter) {
                proptest::prop_assert_eq!(cursor.encode(&filter), other);
            }
        }
    }
}
