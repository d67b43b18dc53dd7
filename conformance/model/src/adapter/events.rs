//! Events: pages with a cursor that goes on where it ended, and takes back what left the chain.
//!
//! A cursor knows the hash of the block before the next one. If that is not the chain's any more, the reader walks back
//! along the blocks that left the chain (nodes give them by their hashes) to the first one that stayed, and gives their
//! events again as retracted, the last one first.

use adapter_sdk::types::{BlockRef, Confidence, Error, ErrorCode, Event, EventFilter, EventPage, EventStart};

use super::{
    abi,
    blocks::{self, Checked, Status, Which},
    errors::invalid,
    receipt,
    rpc::Nodes,
    settings::Settings,
};
use crate::wire::{Announced, Hash, Malformed, Reader, Wire, Writer, sha256};

/// The most blocks that a page looks at.
const MAX_BLOCKS: u64 = 32;
/// The most blocks that a page takes back.
const MAX_BACK: u32 = 64;

/// Where a reader is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cursor {
    /// Of space and filter.
    tag: Hash,
    /// The block that the reader began with.
    floor: u64,
    /// The block to go on with.
    next: u64,
    /// Hash of the block before it, where that was looked at.
    before: Option<Hash>,
    /// Events of the next block below this index were given; with its hash.
    part: Option<(u32, Hash)>,
}

impl Wire for Cursor {
    const KIND: [u8; 2] = [b'Q', 1];

    fn write(&self, to: &mut Writer) {
        to.fixed(&self.tag).u64(self.floor).u64(self.next).option(self.before, |to, hash| {
            to.fixed(&hash);
        });
        to.option(self.part, |to, (index, hash)| {
            to.u32(index).fixed(&hash);
        });
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let cursor = Cursor {
            tag: from.fixed()?,
            floor: from.u64()?,
            next: from.u64()?,
            before: from.option(Reader::fixed)?,
            part: from.option(|from| Ok((from.u32()?, from.fixed()?)))?,
        };
        if cursor.next < cursor.floor || (cursor.before.is_some() && cursor.next == cursor.floor) {
            return Err(Malformed("the cursor is before its own beginning"));
        }
        Ok(cursor)
    }
}

/// A page in the making.
struct Page {
    events: Vec<Event>,
    limit: usize,
    bytes_left: usize,
}

impl Page {
    /// Takes the event, if there is room for it.
    fn take(&mut self, event: impl FnOnce() -> Event, bytes: usize) -> bool {
        if self.events.len() >= self.limit || (bytes > self.bytes_left && !self.events.is_empty()) {
            return false;
        }
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
        self.events.push(event());
        true
    }
}

struct Follower<'a> {
    settings: &'a Settings,
    nodes: &'a Nodes<'a>,
    filter: &'a EventFilter,
    status: Status,
    cursor: Cursor,
    page: Page,
}

/// What a cursor belongs to.
fn tag(settings: &Settings, filter: &EventFilter) -> Hash {
    let mut content = Writer::default();
    for part in [&filter.contract, &filter.name] {
        content.option(part.as_deref(), |to, text| {
            to.text(text);
        });
    }
    sha256(&[&settings.digest(), &[filter.confidence as u8], &content.done()])
}

/// Some events, and where to go on.
pub(super) async fn read(
    settings: &Settings,
    nodes: &Nodes<'_>,
    filter: &EventFilter,
    start: EventStart,
    limit: u32,
    max_bytes: u32,
) -> Result<EventPage, Error> {
    if limit == 0 {
        return Err(invalid("a page has at least one event"));
    }
    if let Some(described) = &filter.abi {
        abi::functions(described)?;
    }
    let tag = tag(settings, filter);
    let from = |floor| Cursor { tag, floor, next: floor, before: None, part: None };
    let given = match start {
        EventStart::Cursor(bytes) => {
            let cursor = Cursor::decode(&bytes).map_err(|_| invalid("the cursor does not decode"))?;
            if cursor.tag != tag {
                return Err(invalid("the cursor is of another filter or space"));
            }
            Some(cursor)
        }
        EventStart::Earliest => Some(from(0)),
        EventStart::Block(number) => Some(from(number)),
        EventStart::Latest => None,
    };
    let status = blocks::chain_status(settings, nodes).await?;
    let cursor = given.unwrap_or_else(|| from(status.at(filter.confidence).saturating_add(1)));
    status.check(cursor.next.saturating_sub(1))?;
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let page = Page { events: Vec::new(), limit: size(limit), bytes_left: size(max_bytes) };
    let mut follower = Follower { settings, nodes, filter, status, cursor, page };
    follower.go_back().await?;
    if follower.page.events.is_empty() {
        follower.go_on().await?;
    }
    let Follower { cursor, page, .. } = follower;
    Ok(EventPage { events: page.events, scanned: cursor.next.saturating_sub(1), cursor: cursor.encode() })
}

impl Follower<'_> {
    fn matches(&self, event: &Announced) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        fits(&self.filter.contract, &event.contract) && fits(&self.filter.name, &event.name)
    }

    async fn is_in_chain(&self, number: u64, hash: Hash) -> Result<bool, Error> {
        let found = blocks::chain_header(self.settings, self.nodes, Which::Number(number)).await?;
        Ok(found.hash() == hash)
    }

    /// A block that has left the chain.
    async fn left_behind(&self, hash: Hash) -> Result<Checked, Error> {
        if self.filter.confidence == Confidence::Final {
            return Err(pruned("blocks that were final have left the chain"));
        }
        match blocks::chain_block(self.settings, self.nodes, Which::Hash(hash)).await {
            Err(error) if error.code == ErrorCode::NotFound => {
                Err(pruned("blocks that were read have left the chain, and the node does not keep them"))
            }
            found => found,
        }
    }

    /// Goes back to the last block that is still in the chain.
    async fn go_back(&mut self) -> Result<(), Error> {
        if let Some((given, hash)) = self.cursor.part {
            if self.is_in_chain(self.cursor.next, hash).await? {
                return Ok(());
            }
            let block = self.left_behind(hash).await?;
            if !self.retract(&block, given) {
                return Ok(());
            }
        }
        for _ in 0..MAX_BACK {
            let (Some(hash), Some(number)) = (self.cursor.before, self.cursor.next.checked_sub(1)) else {
                break;
            };
            if self.is_in_chain(number, hash).await? {
                break;
            }
            let block = self.left_behind(hash).await?;
            self.cursor.next = number;
            self.cursor.before = (number > self.cursor.floor).then_some(block.header.parent);
            if !self.retract(&block, u32::MAX) {
                break;
            }
        }
        Ok(())
    }

    /// Takes back the block's events below this index, the last one first. False: the page is full before all are.
    fn retract(&mut self, block: &Checked, given: u32) -> bool {
        let events =
            block.records.iter().flat_map(|record| record.events.iter().map(|event| (record.id, event)));
        let mut events: Vec<_> =
            events.filter(|(_, event)| event.index < given && self.matches(event)).collect();
        while let Some((transaction, event)) = events.pop() {
            let reference = BlockRef { number: block.header.number, hash: block.hash.to_vec() };
            let build = || Event { retracted: true, ..receipt::event(event, &transaction, reference) };
            if !self.page.take(build, event.payload.len()) {
                self.cursor.part = Some((event.index.saturating_add(1), block.hash));
                return false;
            }
        }
        self.cursor.part = None;
        true
    }

    /// Looks at the blocks that come, until the page is full.
    async fn go_on(&mut self) -> Result<(), Error> {
        let end = self.status.at(self.filter.confidence).min(self.cursor.next.saturating_add(MAX_BLOCKS - 1));
        let wanted: Vec<_> = (self.cursor.next..=end).map(Which::Number).collect();
        let found = blocks::chain_blocks(self.settings, self.nodes, &wanted).await;
        for (place, block) in found.into_iter().enumerate() {
            let block = match block {
                Err(error) if place == 0 => return Err(error),
                Err(_) => break,
                Ok(block) => block,
            };
            // The chain changed while it was read: the next page goes back first.
            let follows = self.cursor.before.is_none_or(|before| before == block.header.parent);
            let same = self.cursor.part.is_none_or(|(_, hash)| hash == block.hash);
            if !follows || !same || !self.give(&block) {
                break;
            }
        }
        Ok(())
    }

    /// Gives the block's events that were not given. False: the page is full before all are.
    fn give(&mut self, block: &Checked) -> bool {
        let first = self.cursor.part.map_or(0, |(index, _)| index);
        let reference = BlockRef { number: block.header.number, hash: block.hash.to_vec() };
        for record in &block.records {
            for event in record.events.iter().filter(|event| event.index >= first) {
                let build = || receipt::event(event, &record.id, reference.clone());
                if self.matches(event) && !self.page.take(build, event.payload.len()) {
                    self.cursor.part = (event.index > 0).then_some((event.index, block.hash));
                    return false;
                }
            }
        }
        self.cursor.next = block.header.number.saturating_add(1);
        self.cursor.before = Some(block.hash);
        self.cursor.part = None;
        true
    }
}

fn pruned(why: &str) -> Error {
    Error::new(ErrorCode::Pruned, format!("{why}: read again from a block before them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_as_they_were_and_are_short() {
        let cursor =
            Cursor { tag: [1; 32], floor: 2, next: 5, before: Some([2; 32]), part: Some((7, [3; 32])) };
        let bytes = cursor.encode();
        assert_eq!(Cursor::decode(&bytes).unwrap(), cursor);
        assert!(bytes.len() < 16 * 1024);
        for end in 0..bytes.len() {
            assert!(Cursor::decode(&bytes[..end]).is_err());
        }
        assert!(Cursor::decode(&Cursor { next: 1, ..cursor }.encode()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_or_are_an_error(bytes: Vec<u8>) {
            let _ = Cursor::decode(&bytes);
            let _ = Cursor::decode(&[&Cursor::KIND, bytes.as_slice()].concat());
        }
    }
}
