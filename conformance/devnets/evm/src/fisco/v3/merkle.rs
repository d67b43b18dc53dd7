//! Binary trees (`bcos-crypto/merkle/Merkle.h` with a width of 2).

use alloy_primitives::B256;

use crate::suite::Suite;

/// The root: of one hash the hash itself, of none zero; a node without a brother is hashed alone.
#[must_use]
pub fn root(suite: Suite, hashes: &[B256]) -> B256 {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = above(suite, &level);
    }
    level.first().copied().unwrap_or_default()
}

/// The proof of the hash at this place: for each level the number of hashes in the pair (4 bytes, big-endian), then the
/// hashes. Of one hash, the hash.
#[must_use]
pub fn proof(suite: Suite, hashes: &[B256], mut index: usize) -> Vec<Vec<u8>> {
    if let [one] = hashes {
        return vec![one.to_vec()];
    }
    let mut steps = Vec::new();
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        let pair = level.chunks(2).nth(index / 2).unwrap_or_default();
        let count = u32::try_from(pair.len()).unwrap_or_default();
        steps.push(count.to_be_bytes().to_vec());
        steps.extend(pair.iter().map(|hash| hash.to_vec()));
        level = above(suite, &level);
        index /= 2;
    }
    steps
}

fn above(suite: Suite, level: &[B256]) -> Vec<B256> {
    let hash = |pair: &[B256]| {
        let bytes: Vec<u8> = pair.iter().flat_map(|hash| hash.0).collect();
        suite.hash(&bytes)
    };
    level.chunks(2).map(hash).collect()
}
