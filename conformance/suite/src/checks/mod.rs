//! The checks, by area of the standard.

mod abandon;
mod blocks;
mod calls;
mod deeds;
mod describe;
mod errors;
mod events;
mod find;
pub(crate) mod host;
mod isolation;
mod keys;
mod life;
mod nodes;
mod once;
mod outputs;
mod proofs;
mod reads;
mod receipts;
mod rest;
mod secrets;
mod store;
mod submission;

use sha2::{Digest as _, Sha256};

use crate::check::{Check, Scenario};

/// All checks, in the standard's order.
#[must_use]
pub fn all() -> Vec<Check> {
    [
        describe::CHECKS,
        keys::CHECKS,
        isolation::CHECKS,
        calls::CHECKS,
        once::CHECKS,
        receipts::CHECKS,
        events::CHECKS,
        blocks::CHECKS,
        store::CHECKS,
        errors::CHECKS,
        nodes::CHECKS,
        rest::CHECKS,
        abandon::CHECKS,
        proofs::CHECKS,
    ]
    .concat()
}

/// The clauses that nothing can look at from outside, with the reasons.
#[must_use]
pub fn reasons() -> Vec<(&'static str, &'static str)> {
    [
        abandon::REASONS,
        blocks::REASONS,
        calls::REASONS,
        describe::REASONS,
        errors::REASONS,
        events::REASONS,
        isolation::REASONS,
        keys::REASONS,
        nodes::REASONS,
        once::REASONS,
        proofs::REASONS,
        receipts::REASONS,
        rest::REASONS,
        store::REASONS,
    ]
    .concat()
}

/// What applications do every day: rules watch it.
pub(crate) fn common_life() -> Scenario {
    crate::boxed!(life::ordinary_life)
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
