//! The mutants, by area of the standard.

mod describe;
mod keys;
mod calls;
mod isolation;
mod once;
mod receipts;
mod abandon;
mod events;
mod blocks;
mod proofs;
mod store;
mod errors;
mod nodes;
mod rest;
mod examiner;

use crate::Mutant;

/// All mutants, by clause.
#[must_use]
pub fn all() -> Vec<Mutant> {
    let mut all = Vec::new();
    for area in [
        describe::mutants, keys::mutants, calls::mutants, isolation::mutants, once::mutants, receipts::mutants,
        abandon::mutants, events::mutants, blocks::mutants, proofs::mutants, store::mutants, errors::mutants,
        nodes::mutants, rest::mutants, examiner::mutants,
    ] {
        all.extend(area());
    }
    all
}
