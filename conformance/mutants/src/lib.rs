//! Adapters that are each broken on purpose, on one clause: the suite must fail each, on that clause, and say what is
//! wrong; and it must pass the honest adapter that they are made from.
//!
//! A [`Mutation`] stands between the suite and the honest adapter, and between the honest adapter and what it is lent.
//! What it does not change is as honest as before.

mod anchors;
mod areas;
mod change_answers;
mod change_begin;
mod change_block;
mod change_descriptor;
mod change_errors;
mod change_events;
mod change_imports;
mod change_sight;
mod change_store;
mod ground;
mod mutation;
mod remember;
mod spare;

pub use areas::all;
pub use ground::ModelGround;
pub use mutation::{Honest, Mutation, mutate};

/// An adapter broken on purpose.
pub struct Mutant {
    /// The clause that it breaks.
    pub clause: &'static str,
    /// How, in lower-case words joined by hyphens; unique in its clause.
    pub name: &'static str,
    /// Words of the message by which the suite must name the fault; found in what was expected or what came.
    pub says: &'static str,
    /// The fault.
    pub fault: fn() -> Box<dyn Mutation>,
    /// Imports that its component file would have beside the standard's.
    pub foreign_imports: &'static [&'static str],
}

impl Mutant {
    /// A mutant with a fault in what it does.
    #[must_use]
    pub const fn new(
        clause: &'static str,
        name: &'static str,
        says: &'static str,
        fault: fn() -> Box<dyn Mutation>,
    ) -> Self {
        Mutant { clause, name, says, fault, foreign_imports: &[] }
    }
}
