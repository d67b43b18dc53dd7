//! NODE: node misbehaviour, and NET.

mod answers;
mod clock;
mod endpoints;
mod failures;
mod replica;

use crate::{
    boxed,
    check::{Check, Need, rule, scenario},
};

pub(super) const CHECKS: &[Check] = &[
    scenario("NODE-1", "a-node-that-is-down-or-slow", &[], boxed!(failures::down_or_slow)).slow(),
    scenario("NODE-1", "a-node-that-fails-in-the-middle", &[], boxed!(failures::in_the_middle)).slow(),
    scenario("NODE-2", "answers-that-are-none", &[], boxed!(answers::none)).slow(),
    scenario("NODE-2", "answers-that-are-none-at-each-request", &[], boxed!(answers::none_anywhere)).slow(),
    scenario("NODE-3", "the-answer-to-another-question", &[Need::Blocks], boxed!(answers::of_another_block)),
    scenario("NODE-3", "the-receipt-of-another-transaction", &[], boxed!(answers::of_another_transaction)),
    scenario("NODE-3", "answers-in-another-order", &[], boxed!(answers::reordered)),
    scenario("NODE-4", "lengths-beyond-the-bytes", &[], boxed!(answers::huge_lengths)).slow(),
    scenario("NODE-5", "a-stale-replica-and-a-receipt", &[], boxed!(replica::receipt)),
    scenario("NODE-5", "a-stale-replica-and-events", &[Need::Events], boxed!(replica::events)),
    scenario("NODE-6", "a-wrong-clock-doubles-nothing", &[], boxed!(clock::nothing_doubled)).slow(),
    scenario("NODE-6", "a-wrong-clock-makes-nothing-final", &[Need::Forks], boxed!(clock::nothing_final)),
    scenario("NODE-7", "one-of-several-endpoints-is-down", &[], boxed!(endpoints::one_down)),
    scenario("NODE-8", "a-node-that-names-another-transaction", &[], boxed!(answers::another_id)),
    scenario("NODE-8", "a-node-that-names-another-hash", &[Need::Blocks], boxed!(answers::another_hash)),
    scenario(
        "NET-18",
        "secrets-travel-as-sensitive",
        &[Need::Probe("private")],
        boxed!(endpoints::sensitive),
    ),
    scenario("NET-19", "hostile-text-in-paths", &[], boxed!(endpoints::paths)),
    rule("NET-19", "paths-stay-where-they-are", &[], endpoints::no_way_up),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];
