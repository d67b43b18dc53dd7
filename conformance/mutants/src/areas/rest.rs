//! LIM, SEC and REC.

use crate::Mutant;

pub(super) fn mutants() -> Vec<Mutant> {
    Vec::new()
}
