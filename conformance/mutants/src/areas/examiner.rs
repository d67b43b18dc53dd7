//! Defeat devices and lies: mutants beside the single faults.

use crate::Mutant;

pub(super) fn mutants() -> Vec<Mutant> {
    Vec::new()
}
