//! DESC: describe, settings, open, and FORM.

use crate::Mutant;

pub(super) fn mutants() -> Vec<Mutant> {
    Vec::new()
}
