//! Trees with up to sixteen children a node (FISCO BCOS 2.2 and later, `libdevcore/TrieHash2.cpp`).

use alloy_primitives::B256;
use alloy_rlp::Encodable as _;

use crate::suite::Suite;

/// Children of a node.
const WIDTH: usize = 16;

/// Leaves of hashes: RLP of the place, then the hash.
#[must_use]
pub fn leaves(hashes: impl Iterator<Item = B256>) -> Vec<Vec<u8>> {
    let leaf = |(index, hash): (usize, B256)| {
        let mut bytes = alloy_rlp::encode(index as u64);
        bytes.extend_from_slice(hash.as_slice());
        bytes
    };
    hashes.enumerate().map(leaf).collect()
}

/// The root: nodes hash what their children are one after the other, and the last one left is hashed once more.
#[must_use]
pub fn root(suite: Suite, mut level: Vec<Vec<u8>>) -> B256 {
    while level.len() > 1 {
        level = level.chunks(WIDTH).map(|children| suite.hash(&children.concat()).to_vec()).collect();
    }
    suite.hash(&level.pop().unwrap_or_default())
}

/// A step of a proof: what stands left and right of the node that is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Before it.
    pub left: Vec<Vec<u8>>,
    /// After it.
    pub right: Vec<Vec<u8>>,
}

/// The steps from a leaf to the root; the last has nothing left and right, for the last hash.
#[must_use]
pub fn proof(suite: Suite, mut level: Vec<Vec<u8>>, mut index: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    while level.len() > 1 {
        let (group, place) = (index / WIDTH, index % WIDTH);
        let mut children = level.chunks(WIDTH).nth(group).unwrap_or_default().iter().cloned();
        let left = children.by_ref().take(place).collect();
        steps.push(Step { left, right: children.skip(1).collect() });
        level = level.chunks(WIDTH).map(|children| suite.hash(&children.concat()).to_vec()).collect();
        index = group;
    }
    steps.push(Step { left: Vec::new(), right: Vec::new() });
    steps
}

/// The root that a proof leads to.
#[must_use]
pub fn climb(suite: Suite, leaf: &[u8], steps: &[Step]) -> B256 {
    let mut node = leaf.to_vec();
    for step in steps {
        let bytes = [step.left.concat(), node, step.right.concat()].concat();
        node = suite.hash(&bytes).to_vec();
    }
    B256::from_slice(node.get(..32).unwrap_or(&[0; 32]))
}

/// Appends RLP of a list whose items are encoded already.
pub(super) fn list(items: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(items.len().saturating_add(9));
    alloy_rlp::Header { list: true, payload_length: items.len() }.encode(&mut bytes);
    bytes.extend_from_slice(items);
    bytes
}

/// RLP of a byte string, appended.
pub(super) fn string(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.encode(out);
}
