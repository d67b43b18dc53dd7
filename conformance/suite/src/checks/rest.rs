//! LIM, SEC and REC.

mod limits;
mod recording;
mod secrecy;
mod unlike;

use crate::{
    boxed,
    check::{Check, Need, rule, scenario},
};

pub(super) const CHECKS: &[Check] = &[
    rule("LIM-7", "no-call-reaches-a-limit-of-the-hosts", &[], limits::none_reached),
    scenario("LIM-7", "the-largest-payload", &[], boxed!(limits::largest_payload)),
    rule("LIM-8", "requests-and-lists-are-bounded", &[], limits::requests),
    scenario("LIM-8", "requests-for-the-largest-questions", &[], boxed!(limits::large_questions)).slow(),
    scenario("LIM-9", "what-does-not-depend-is-asked-together", &[], boxed!(limits::side_by_side)),
    scenario("REC-1", "the-same-calls-again", &[], boxed!(recording::again)).slow(),
    scenario("REC-5", "under-other-names", &[], boxed!(unlike::names)).slow(),
    scenario("REC-5", "with-a-clock-that-stands-still", &[], boxed!(unlike::clock)).slow(),
    scenario("REC-5", "after-faults", &[], boxed!(unlike::faults)).slow(),
    scenario("REC-5", "with-other-salts", &[], boxed!(unlike::salts)).slow(),
    scenario("REC-5", "in-another-order", &[], boxed!(unlike::order)),
    scenario("REC-5", "after-many-calls", &[], boxed!(unlike::many_calls)).slow(),
    scenario("REC-5", "after-very-many-calls", &[], boxed!(unlike::very_many_calls)).slow(),
    scenario("SEC-1", "private-arguments-show-nowhere", &[Need::Probe("private")], boxed!(secrecy::nowhere)),
    rule("SEC-1", "private-arguments-of-each-call", &[], secrecy::of_call),
    scenario("SEC-2", "settings-hold-no-secret", &[], boxed!(secrecy::settings)),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];
