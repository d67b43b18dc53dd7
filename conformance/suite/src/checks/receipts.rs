//! FIN and CONF: finality, receipts, conflicts.

mod conflicts;
mod course;
mod dropped;
mod facts;
mod lookup;

use crate::{
    boxed,
    check::{Check, Need, rule, scenario},
};

const FORKS: &[Need] = &[Need::Forks];
const REORGANISE: &[Need] = &[Need::Forks, Need::Control("reorganise")];
const REPLACE: &[Need] = &[Need::Capability("replace"), Need::Control("hold"), Need::Control("advance")];
const ADVANCE: &[Need] = &[Need::Control("advance")];
const STORE: &[Need] = &[Need::Store, Need::Entry("two-parties")];

pub(super) const CHECKS: &[Check] = &[
    scenario("FIN-1", "a-receipt-moves-forward-only", &[], boxed!(course::forward_only)),
    scenario("FIN-2", "final-is-what-the-ledger-calls-final", &[], boxed!(course::final_by_the_ledger)),
    scenario("FIN-2", "a-dropped-block-is-never-final", REORGANISE, boxed!(dropped::never_final)),
    scenario("FIN-3", "the-block-itself-is-the-first-confirmation", FORKS, boxed!(course::confirmations)),
    scenario("FIN-4", "what-can-still-be-sent-is-not-over", &[], boxed!(course::not_over)),
    scenario("FIN-4", "superseded-by-what-is-final", REPLACE, boxed!(course::superseded_by_final)),
    scenario("FIN-5", "superseded-names-the-other", REPLACE, boxed!(course::names_the_other)),
    rule("FIN-6", "block-and-index-from-inclusion-on", &[], facts::block_and_index),
    scenario("FIN-6", "the-block-holds-the-transaction-there", &[Need::Blocks], boxed!(facts::in_its_block)),
    rule("FIN-7", "outcome-from-inclusion-on", &[], facts::outcome_from_inclusion),
    scenario("FIN-7", "a-failed-execution-is-no-success", &[], boxed!(facts::failed_is_error)),
    scenario("FIN-8", "accepted-is-not-executed", &[], boxed!(facts::accepted_is_not_executed)),
    scenario("FIN-9", "a-receipt-of-a-dropped-block-is-withdrawn", REORGANISE, boxed!(dropped::withdrawn)),
    scenario("FIN-10", "repeated-sends-leave-the-valid-receipt", &[], boxed!(facts::valid_one)),
    scenario("FIN-11", "a-malformed-id-is-refused", &[], boxed!(lookup::malformed)),
    scenario("FIN-11", "an-unheard-of-id-is-unknown", &[], boxed!(lookup::unheard_of)),
    scenario("FIN-12", "without-tracking-by-id-or-unknown", &[], boxed!(lookup::without_tracking)),
    scenario("FIN-12", "no-search-through-the-chain", ADVANCE, boxed!(lookup::no_search)),
    scenario("FIN-13", "events-are-those-of-the-follower", &[Need::Events], boxed!(facts::same_events)),
    rule("FIN-14", "fees-are-decimal", &[], facts::decimal_fee),
    scenario("FIN-14", "the-fee-is-within-what-was-signed", &[], boxed!(facts::fee_within_bound)),
    rule("FIN-15", "events-belong-to-the-receipt", &[], facts::events_belong),
    scenario("FIN-15", "no-mixture-of-two-answers", &[], boxed!(facts::no_mixture)),
    scenario("FIN-15", "no-mixture-of-two-branches", REORGANISE, boxed!(dropped::no_mixture)).slow(),
    scenario("CONF-1", "a-lost-race-is-a-retryable-conflict", &[], boxed!(conflicts::retryable)),
    scenario("CONF-2", "of-writes-that-exclude-each-other-one-succeeds", STORE, boxed!(conflicts::one_wins)),
    scenario("CONF-3", "a-lost-race-is-not-run-again", &[], boxed!(conflicts::not_again)),
    scenario(
        "CONF-4",
        "strangers-do-not-conflict",
        &[Need::Entry("two-parties")],
        boxed!(conflicts::strangers),
    ),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];
