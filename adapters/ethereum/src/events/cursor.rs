//! Where a reader is, and what it needs to take back if the chain changes.

use adapter_sdk::types::Error;
use alloy_primitives::{Address, B256};
use alloy_rlp::{RlpDecodable, RlpEncodable};

use crate::{codec, errors::invalid};

/// Kind and version of the encoding.
const KIND: (u8, u8) = (b'e', 1);
/// The most blocks remembered.
pub(super) const MAX_VISITED: usize = 120;
/// The most events remembered whole; those of older blocks are asked from the node again.
pub(super) const MAX_DELIVERED: usize = 100;
/// The longest encoding, bytes: what the standard allows (EVT-9).
const MAX_BYTES: usize = 1 << 14;

/// A block that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct Visited {
    /// Height.
    pub(super) number: u64,
    /// Hash.
    pub(super) hash: B256,
    /// Events of it are not in the cursor any more.
    pub(super) incomplete: bool,
}

impl Visited {
    /// A block whose events are all remembered.
    pub(super) fn new(number: u64, hash: B256) -> Self {
        Visited { number, hash, incomplete: false }
    }
}

/// An event that was delivered: enough to take it back even when the node has forgotten its block.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct Delivered {
    /// Height of its block.
    pub(super) number: u64,
    /// Its transaction.
    pub(super) transaction: B256,
    /// Its place among the logs of the block.
    pub(super) index: u32,
    /// Its contract.
    pub(super) contract: Address,
    /// Its first topic; zero where it has none.
    pub(super) topic: B256,
}

/// Where a reader is.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(super) struct Cursor {
    /// The block to go on with.
    pub(super) next_block: u64,
    /// The first log of it that was not delivered.
    pub(super) next_log: u32,
    /// Ascending; those whose events were delivered, and the last one that was looked at.
    pub(super) visited: Vec<Visited>,
    /// In the order of delivery; each of a visited block.
    pub(super) delivered: Vec<Delivered>,
}

impl Cursor {
    /// Before the first event of a block.
    pub(super) fn at(number: u64) -> Self {
        Cursor { next_block: number, next_log: 0, visited: Vec::new(), delivered: Vec::new() }
    }

    /// Everything up to here has been looked at. A block that is half delivered has not.
    pub(super) fn scanned(&self) -> u64 {
        self.next_block.saturating_sub(1)
    }

    /// Remembers a block, within bounds.
    pub(super) fn visit(&mut self, number: u64, hash: B256) {
        if self.visited.last().is_none_or(|last| last.number < number) {
            // A block without events that was only the end of a range is of no use once there is a later one, except
            // as the place that everything goes back to.
            if let [.., before, last] = self.visited.as_slice() {
                let used = last.incomplete || self.delivered.iter().any(|event| event.number == last.number);
                if !used && before.number < last.number {
                    self.visited.pop();
                }
            }
            self.visited.push(Visited::new(number, hash));
        }
    }

    /// Forgets what cannot leave the chain any more, but for the last such block, and what is beyond the bounds.
    pub(super) fn forget_final(&mut self, last_final: u64) {
        let settled = self.visited.iter().filter(|block| block.number <= last_final).count();
        self.visited.drain(..settled.saturating_sub(1));
        let beyond = self.visited.len().saturating_sub(MAX_VISITED);
        self.visited.drain(..beyond);
        let first = self.visited.first().map_or(u64::MAX, |block| block.number);
        self.delivered.retain(|event| event.number >= first && event.number > last_final);
        let beyond = self.delivered.len().saturating_sub(MAX_DELIVERED);
        for event in self.delivered.drain(..beyond) {
            for block in self.visited.iter_mut().filter(|block| block.number == event.number) {
                block.incomplete = true;
            }
        }
    }

    /// As it is handed out.
    pub(super) fn encode(&self) -> Vec<u8> {
        codec::encode(KIND.0, KIND.1, self)
    }

    /// Reads what [`encode`](Self::encode) writes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BYTES {
            return Err(invalid("the cursor is longer than cursors are"));
        }
        let cursor: Cursor = codec::decode(KIND.0, KIND.1, bytes, "the cursor")?;
        let ascending = cursor.visited.is_sorted_by(|a, b| a.number < b.number);
        let within = cursor.visited.iter().all(|block| block.number <= cursor.next_block);
        let known = cursor
            .delivered
            .iter()
            .all(|event| cursor.visited.binary_search_by_key(&event.number, |block| block.number).is_ok());
        if !ascending || !within || !known {
            return Err(invalid("the cursor contradicts itself"));
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(number: u64, index: u32) -> Delivered {
        Delivered { number, transaction: B256::ZERO, index, contract: Address::ZERO, topic: B256::ZERO }
    }

    #[test]
    fn cursors_come_back_as_they_were_and_broken_ones_are_refused() {
        let mut cursor = Cursor::at(7);
        cursor.visit(6, B256::repeat_byte(6));
        cursor.delivered.push(delivered(6, 0));
        let bytes = cursor.encode();
        assert_eq!(Cursor::decode(&bytes).unwrap(), cursor);
        for end in 0..bytes.len() {
            assert!(Cursor::decode(&bytes[..end]).is_err());
        }
        cursor.delivered.push(delivered(5, 0));
        assert!(Cursor::decode(&cursor.encode()).is_err());
        assert!(Cursor::decode(&vec![0; MAX_BYTES + 1]).is_err());
    }

    #[test]
    fn cursors_stay_bounded() {
        let mut cursor = Cursor::at(0);
        for number in 0..5000u64 {
            cursor.visit(number, B256::ZERO);
            for index in 0..3 {
                cursor.delivered.push(delivered(number, index));
            }
            cursor.next_block = number + 1;
            cursor.forget_final(0);
        }
        assert!(cursor.visited.len() <= MAX_VISITED && cursor.delivered.len() <= MAX_DELIVERED);
        let bytes = cursor.encode();
        assert!(bytes.len() < MAX_BYTES, "{}", bytes.len());
        assert_eq!(Cursor::decode(&bytes).unwrap(), cursor);
        cursor.forget_final(4999);
        assert_eq!((cursor.visited.len(), cursor.delivered.len()), (1, 0));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_or_are_an_error(bytes: Vec<u8>) {
            let _ = Cursor::decode(&bytes);
            let _ = Cursor::decode(&[vec![KIND.0, KIND.1], bytes].concat());
        }
    }
}
