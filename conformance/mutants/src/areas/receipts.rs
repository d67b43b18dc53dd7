//! FIN and CONF: finality, receipts, conflicts.

use crate::Mutant;

pub(super) fn mutants() -> Vec<Mutant> {
    Vec::new()
}
