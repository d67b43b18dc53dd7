//! The checks, by area of the standard.

mod once;

use sha2::{Digest as _, Sha256};

use crate::check::{Check, Scenario};

/// All checks, in the standard's order.
#[must_use]
pub fn all() -> Vec<Check> {
    [once::CHECKS].concat()
}

/// What applications do every day: rules watch it.
pub(crate) fn common_life() -> Scenario {
    crate::boxed!(once::ordinary_life)
}

/// SHA-256 over the ids of all checks and the texts of their clauses, hexadecimal: another suite has another.
#[must_use]
pub fn digest() -> String {
    let mut digest = Sha256::new();
    for check in all() {
        digest.update(check.id());
        digest.update([0]);
        let clause = adapter_spec::standard::clause(check.clause);
        digest.update(clause.map_or("", |clause| &clause.text));
        digest.update([0]);
    }
    hex::encode(digest.finalize())
}
