//! The tree of RFC 6962: leaves `SHA-256(0x00 || entry)`, nodes `SHA-256(0x01 || left || right)`.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::digest::Digest;

/// The largest tree that is looked at: 2^40 entries. Keeps every sum of indices within 64 bits.
pub const MAX_SIZE: u64 = 1 << 40;

/// A proof does not lead to the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The tree is larger than any that is looked at.
    #[error("a tree of {0} entries is more than is looked at")]
    TreeTooLarge(u64),
    /// There is no such leaf in a tree of this size.
    #[error("there is no entry {index} in a tree of {size}")]
    OutOfRange {
        /// The leaf.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The proof has another number of hashes than one of this leaf and size has.
    #[error("the proof has a wrong number of hashes")]
    Length,
    /// The hashes come to another root.
    #[error("the proof leads to another root")]
    OtherRoot,
}

/// The hash of a leaf.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Digest {
    let bytes: [u8; 32] = Sha256::new().chain_update([0]).chain_update(entry).finalize().into();
    bytes.into()
}

/// The hash of a node.
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let hash = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(right.as_bytes());
    let bytes: [u8; 32] = hash.finalize().into();
    bytes.into()
}

/// The size and root of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// Root hash.
    pub root: Digest,
}

impl TreeHead {
    /// The head of the tree with no leaf: the digest of nothing.
    #[must_use]
    pub fn empty() -> Self {
        TreeHead { size: 0, root: Digest::of(&[]) }
    }

    fn bounded(&self) -> Result<RootHash<Sha256>, ProofError> {
        if self.size > MAX_SIZE {
            return Err(ProofError::TreeTooLarge(self.size));
        }
        Ok(RootHash::new((*self.root.as_bytes()).into(), self.size))
    }

    /// Checks that `entry` is the leaf `index` of this tree; `path` from the leaf's sibling up.
    ///
    /// # Errors
    /// [`ProofError`]
    pub fn check_inclusion(&self, entry: &[u8], index: u64, path: &[Digest]) -> Result<(), ProofError> {
        let root = self.bounded()?;
        if index >= self.size {
            return Err(ProofError::OutOfRange { index, size: self.size });
        }
        let bytes = path.iter().flat_map(|hash| *hash.as_bytes()).collect();
        let proof = InclusionProof::<Sha256>::try_from_bytes(bytes).map_err(|_| ProofError::Length)?;
        root.verify_inclusion(&entry, index, &proof).map_err(|error| match error {
            ct_merkle::InclusionVerifError::MalformedProof => ProofError::Length,
            _ => ProofError::OtherRoot,
        })
    }

    /// Checks that this tree begins with all leaves of `older`, in their order.
    ///
    /// # Errors
    /// [`ProofError`]
    pub fn check_consistency(&self, older: &TreeHead, proof: &[Digest]) -> Result<(), ProofError> {
        let root = self.bounded()?;
        if older.size > self.size {
            return Err(ProofError::OutOfRange { index: older.size, size: self.size });
        }
        if older.size == 0 {
            // Every tree begins with nothing, and needs no hash to show it.
            return match (proof.is_empty(), *older == TreeHead::empty()) {
                (false, _) => Err(ProofError::Length),
                (true, false) => Err(ProofError::OtherRoot),
                (true, true) => Ok(()),
            };
        }
        let bytes = proof.iter().flat_map(|hash| *hash.as_bytes()).collect();
        let proof = ConsistencyProof::<Sha256>::try_from_bytes(bytes).map_err(|_| ProofError::Length)?;
        root.verify_consistency(&older.bounded()?, &proof).map_err(|error| match error {
            ct_merkle::ConsistencyVerifError::MalformedProof => ProofError::Length,
            _ => ProofError::OtherRoot,
        })
    }
}

/// All leaves of a log in memory. A log of certificates has thousands, not millions.
#[derive(Debug, Default)]
pub(crate) struct Tree(MemoryBackedTree<Sha256, Vec<u8>>);

impl Tree {
    pub(crate) fn push(&mut self, entry: Vec<u8>) {
        self.0.push(entry);
    }

    pub(crate) fn entries(&self) -> &[Vec<u8>] {
        self.0.items()
    }

    pub(crate) fn head(&self) -> TreeHead {
        if self.0.is_empty() {
            return TreeHead::empty();
        }
        let root: [u8; 32] = (*self.0.root().as_bytes()).into();
        TreeHead { size: self.0.len(), root: root.into() }
    }

    /// The path of a leaf; none when there is no such leaf.
    pub(crate) fn inclusion(&self, index: u64) -> Option<Vec<Digest>> {
        let index = usize::try_from(index).ok().filter(|index| *index < self.entries().len())?;
        Some(digests(self.0.prove_inclusion(index).as_bytes()))
    }

    /// The proof that this tree begins with its first `older` leaves; none when it has fewer.
    pub(crate) fn consistency(&self, older: u64) -> Option<Vec<Digest>> {
        let size = self.0.len();
        match older {
            0 => Some(Vec::new()),
            _ if older > size => None,
            _ => {
                let additions = usize::try_from(size - older).ok()?;
                Some(digests(self.0.prove_consistency(additions).as_bytes()))
            }
        }
    }
}

fn digests(bytes: &[u8]) -> Vec<Digest> {
    bytes.chunks_exact(32).filter_map(|hash| <[u8; 32]>::try_from(hash).ok().map(Digest::from)).collect()
}
