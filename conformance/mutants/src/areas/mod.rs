//! The mutants, by area of the standard.

mod abandon;
mod blocks;
mod calls;
mod describe;
mod errors;
mod events;
mod examiner;
mod isolation;
mod keys;
mod nodes;
mod once;
mod proofs;
mod receipts;
mod rest;
mod store;

use crate::Mutant;

/// All mutants, by clause.
#[must_use]
pub fn all() -> Vec<Mutant> {
    let mut all = Vec::new();
    for area in [
        describe::mutants,
        keys::mutants,
        calls::mutants,
        isolation::mutants,
        once::mutants,
        receipts::mutants,
        abandon::mutants,
        events::mutants,
        blocks::mutants,
        proofs::mutants,
        store::mutants,
        errors::mutants,
        nodes::mutants,
        rest::mutants,
        examiner::mutants,
    ] {
        all.extend(area());
    }
    all
}
