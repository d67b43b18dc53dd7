//! Trees over transactions and receipts.
//!
//! 2.x: sixteen children each; a leaf is the RLP of its index followed by its hash, and the root is hashed once more
//! (`libdevcore/TrieHash2.cpp`, from 2.2.0 on). 3.x: two children each; leaves are the hashes themselves, and the root of one leaf is the
//! leaf (`bcos-crypto/merkle/Merkle.h`).

use adapter_sdk::Imports;
use alloy_primitives::{B256, Bytes, hex};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use serde::Deserialize;

use crate::{crypto::Crypto, header::index_bytes, settings::Generation};

/// The deepest path: 2^40 leaves of 3.x.
const MAX_DEPTH: usize = 40;

/// What stands beside a node on its way to the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub(crate) struct Level {
    /// Before it.
    pub(crate) left: Vec<Bytes>,
    /// After it.
    pub(crate) right: Vec<Bytes>,
}

fn width(generation: Generation) -> usize {
    match generation {
        Generation::Two => 16,
        Generation::Three => 2,
    }
}

/// A leaf of the tree.
fn leaf(generation: Generation, index: u64, hash: B256) -> Vec<u8> {
    match generation {
        Generation::Two => [index_bytes(index).as_slice(), hash.as_slice()].concat(),
        Generation::Three => hash.to_vec(),
    }
}

/// The root over these hashes, and the path of the one at `index`.
pub(crate) fn tree(
    host: &dyn Imports,
    generation: Generation,
    crypto: Crypto,
    hashes: &[B256],
    index: usize,
) -> (B256, Vec<Level>) {
    let numbered = (0u64..).zip(hashes);
    let mut nodes: Vec<Vec<u8>> = numbered.map(|(place, hash)| leaf(generation, place, *hash)).collect();
    let (mut place, mut path) = (index, Vec::new());
    if nodes.is_empty() {
        let root = match generation {
            Generation::Two => crypto.hash(host, &[]),
            Generation::Three => B256::ZERO,
        };
        return (root, path);
    }
    let width = width(generation);
    while nodes.len() > 1 {
        let start = place - place % width;
        let group = nodes.get(start..).unwrap_or_default();
        let group = group.get(..width).unwrap_or(group);
        let (left, rest) = group.split_at((place % width).min(group.len()));
        path.push(Level {
            left: left.iter().map(|node| node.clone().into()).collect(),
            right: rest.iter().skip(1).map(|node| node.clone().into()).collect(),
        });
        nodes = nodes.chunks(width).map(|children| crypto.hash(host, &children.concat()).to_vec()).collect();
        place /= width;
    }
    let top = nodes.pop().unwrap_or_default();
    match generation {
        Generation::Two => {
            path.push(Level::default());
            (crypto.hash(host, &top), path)
        }
        Generation::Three => (B256::try_from(top.as_slice()).unwrap_or_default(), path),
    }
}

/// The root that a path leads to from the leaf at `index`; none where the path is not one of such a tree.
pub(crate) fn root(
    host: &dyn Imports,
    generation: Generation,
    crypto: Crypto,
    index: u64,
    hash: B256,
    path: &[Level],
) -> Option<B256> {
    if path.len() > MAX_DEPTH {
        return None;
    }
    let width = width(generation);
    let mut node = leaf(generation, index, hash);
    let mut place = usize::try_from(index).ok()?;
    for (depth, level) in path.iter().enumerate() {
        let closing = generation == Generation::Two && depth + 1 == path.len();
        let siblings = level.left.len() + level.right.len();
        let fits = if closing {
            siblings == 0 && place == 0
        } else {
            siblings < width && level.left.len() == place % width
        };
        if !fits || !are_nodes(generation, depth, closing, place - place % width, level) {
            return None;
        }
        let parts = level.left.iter().map(|node| node.as_ref());
        let parts = parts.chain([node.as_slice()]).chain(level.right.iter().map(|node| node.as_ref()));
        node = crypto.hash(host, &parts.collect::<Vec<_>>().concat()).to_vec();
        place /= width;
    }
    if place != 0 || (generation == Generation::Two && path.is_empty()) {
        return None;
    }
    B256::try_from(node.as_slice()).ok()
}

/// Whether siblings have the form of nodes at that depth. Without it, bytes could move between neighbours.
fn are_nodes(generation: Generation, depth: usize, closing: bool, first: usize, level: &Level) -> bool {
    let before = level.left.iter().enumerate();
    let after = level.right.iter().enumerate().map(|(place, node)| (place + level.left.len() + 1, node));
    before.chain(after).all(|(place, node)| {
        let prefix = match generation {
            Generation::Two if depth == 0 && !closing => {
                index_bytes(u64::try_from(first + place).unwrap_or(u64::MAX))
            }
            _ => Vec::new(),
        };
        node.len() == prefix.len() + 32 && node.starts_with(&prefix)
    })
}

/// A path as nodes of 2.x give it.
#[derive(Deserialize)]
pub(crate) struct Level2 {
    left: Vec<String>,
    right: Vec<String>,
}

/// A path as nodes of 2.x give it, in our form; none where it is malformed.
pub(crate) fn path_of_two(given: Vec<Level2>) -> Option<Vec<Level>> {
    let nodes = |list: Vec<String>| -> Option<Vec<Bytes>> {
        list.iter().map(|text| hex::decode(text).ok().map(Bytes::from)).collect()
    };
    given
        .into_iter()
        .map(|level| Some(Level { left: nodes(level.left)?, right: nodes(level.right)? }))
        .collect()
}

/// A path as nodes of 3.x give it: for each level a count in the first four bytes of an entry, then as many nodes, among them the
/// one that the path is of. One entry alone is the leaf of a tree with nothing else in it.
pub(crate) fn path_of_three(given: &[String], mut index: u64) -> Option<Vec<Level>> {
    let entries: Option<Vec<Bytes>> =
        given.iter().map(|text| hex::decode(text).ok().map(Bytes::from)).collect();
    let mut entries = entries?.into_iter();
    let mut path = Vec::new();
    if entries.len() == 1 {
        return Some(path);
    }
    while let Some(count) = entries.next() {
        let count = usize::try_from(u32::from_be_bytes(*count.first_chunk::<4>()?)).ok()?;
        if !(1..=2).contains(&count) || path.len() >= MAX_DEPTH {
            return None;
        }
        let mut group: Vec<Bytes> = entries.by_ref().take(count).collect();
        let own = usize::try_from(index % 2).ok()?;
        if group.len() != count || own >= count {
            return None;
        }
        let right = group.split_off(own + 1);
        group.pop();
        path.push(Level { left: group, right });
        index /= 2;
    }
    Some(path)
}
