//! CALL: calls, arguments, reading, plans.

use crate::Mutant;

pub(super) fn mutants() -> Vec<Mutant> {
    Vec::new()
}
