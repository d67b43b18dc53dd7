//! The conformance suite: decides whether an adapter keeps the standard.

pub mod linearizable;
