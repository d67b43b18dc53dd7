//! NODE: node misbehaviour, and NET.

use crate::Mutant;

pub(super) fn mutants() -> Vec<Mutant> {
    Vec::new()
}
