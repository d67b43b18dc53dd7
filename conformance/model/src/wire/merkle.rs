//! Trees of hashes: what a header needs to answer for many things with 32 bytes.
//!
//! As in RFC 6962: a leaf is H(0, content), a branch H(1, left, right), and the left side of a branch has the largest
//! power of two of leaves that leaves some for the right. A root is H(2, number of leaves, top), so that it says how
//! many there are.

use super::{Hash, Malformed, Reader, Writer, sha256};

/// The hash of a leaf with this content.
#[must_use]
pub fn leaf(content: &[u8]) -> Hash {
    sha256(&[&[0], content])
}

fn branch(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

fn rooted(leaves: u64, top: &Hash) -> Hash {
    sha256(&[&[2], &leaves.to_be_bytes(), top])
}

/// How many of `leaves` (two or more) are on the left.
fn left_of(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

fn split(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    let left = left_of(u64::try_from(leaves.len()).unwrap_or(u64::MAX));
    leaves.split_at_checked(usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or((leaves, &[]))
}

fn top(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => [0; 32],
        [one] => *one,
        _ => {
            let (left, right) = split(leaves);
            branch(&top(left), &top(right))
        }
    }
}

/// The root of these leaves.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    rooted(u64::try_from(leaves.len()).unwrap_or(u64::MAX), &top(leaves))
}

/// Where a leaf is, and what lies beside the way up from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The leaf's place.
    pub index: u64,
    /// How many leaves there are.
    pub leaves: u64,
    /// From the leaf to the top.
    pub beside: Vec<Hash>,
}

impl Path {
    /// The path of a leaf, where there is such a leaf.
    #[must_use]
    pub fn new(leaves: &[Hash], index: usize) -> Option<Self> {
        leaves.get(index)?;
        let mut beside = Vec::new();
        let (mut part, mut place) = (leaves, index);
        while part.len() > 1 {
            let (left, right) = split(part);
            if place < left.len() {
                beside.push(top(right));
                part = left;
            } else {
                place -= left.len();
                beside.push(top(left));
                part = right;
            }
        }
        beside.reverse();
        let number = |count: usize| u64::try_from(count).ok();
        Some(Path { index: number(index)?, leaves: number(leaves.len())?, beside })
    }

    /// The root that the leaf has by this path; none where the path cannot be one.
    #[must_use]
    pub fn root(&self, leaf: Hash) -> Option<Hash> {
        if self.index >= self.leaves {
            return None;
        }
        // From the top down: on which side the leaf is.
        let (mut leaves, mut place) = (self.leaves, self.index);
        let mut sides = Vec::new();
        while leaves > 1 {
            let left = left_of(leaves);
            let is_left = place < left;
            sides.push(is_left);
            (leaves, place) = if is_left { (left, place) } else { (leaves - left, place - left) };
        }
        if sides.len() != self.beside.len() {
            return None;
        }
        let top = self.beside.iter().zip(sides.iter().rev()).fold(leaf, |below, (beside, is_left)| {
            if *is_left { branch(&below, beside) } else { branch(beside, &below) }
        });
        Some(rooted(self.leaves, &top))
    }

    /// Writes it.
    pub fn write(&self, to: &mut Writer) {
        to.u64(self.index).u64(self.leaves).list(&self.beside, |to, hash| {
            to.fixed(hash);
        });
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it does not decode.
    pub fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Path { index: from.u64()?, leaves: from.u64()?, beside: from.list(Reader::fixed)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_of_every_small_tree_has_its_root_and_no_other() {
        for count in 1..20u8 {
            let leaves: Vec<Hash> = (0..count).map(|n| leaf(&[n])).collect();
            for (index, one) in leaves.iter().enumerate() {
                let path = Path::new(&leaves, index).unwrap();
                assert_eq!(path.root(*one), Some(root(&leaves)));
                assert_ne!(path.root(leaf(b"other")), Some(root(&leaves)));
                for other in [path.index + 1, path.index.wrapping_sub(1)] {
                    assert_ne!(Path { index: other, ..path.clone() }.root(*one), Some(root(&leaves)));
                }
                assert_ne!(Path { leaves: path.leaves + 1, ..path }.root(*one), Some(root(&leaves)));
            }
            assert_eq!(Path::new(&leaves, leaves.len()), None);
        }
        assert_ne!(root(&[]), root(&[[0; 32]]));
    }
}
