//! CALL: calls, arguments, reading, plans.

mod arguments;
mod at;
mod begin;
mod continuations;
mod estimates;
mod fees;
mod life;
mod natives;
mod ordered;
mod output;
mod payload;
mod plans;
mod private;
mod status;

pub(super) use life::ordinary_use;

use crate::{
    boxed,
    check::{Check, Need, rule, scenario},
};

pub(super) const CHECKS: &[Check] = &[
    rule("CALL-1", "reads-answer-and-writes-send", &[], begin::reads_answer_and_writes_send),
    scenario("CALL-1", "a-read-ends-in-an-answer", &[], boxed!(begin::a_read_ends_in_an_answer)),
    scenario("CALL-2", "a-read-changes-nothing", &[], boxed!(begin::a_read_changes_nothing)),
    scenario("CALL-3", "texts", &[Need::Probe("echo-text")], boxed!(arguments::texts_come_back)),
    scenario("CALL-3", "bytes", &[Need::Probe("echo-bytes")], boxed!(arguments::bytes_come_back)),
    scenario("CALL-3", "integers", &[Need::Probe("echo-integer")], boxed!(arguments::integers_come_back)),
    scenario("CALL-3", "booleans", &[Need::Probe("echo-boolean")], boxed!(arguments::booleans_come_back)),
    scenario("CALL-3", "lists", &[Need::Probe("echo-json")], boxed!(arguments::lists_come_back)),
    scenario("CALL-3", "the-largest-integer", &[Need::Entry("largest")], boxed!(arguments::largest_counts)),
    scenario(
        "CALL-4",
        "arguments-that-do-not-fit",
        &[Need::Entry("unfit")],
        boxed!(arguments::unfit_ones_are_refused),
    ),
    scenario("CALL-5", "types-by-signature-or-abi", &[], boxed!(arguments::types_are_never_guessed)),
    scenario(
        "CALL-6",
        "unknown-contract",
        &[Need::Entry("missing-contract")],
        boxed!(begin::unknown_contract_is_told),
    ),
    scenario(
        "CALL-6",
        "unknown-function",
        &[Need::Entry("missing-function")],
        boxed!(begin::unknown_function_is_told),
    ),
    scenario("CALL-7", "more-than-max-payload", &[], boxed!(payload::more_is_refused_unasked)),
    scenario("CALL-7", "as-much-as-max-payload", &[], boxed!(payload::as_much_is_not_refused)),
    scenario(
        "CALL-8",
        "private-arguments-stay-private",
        &[Need::Probe("private")],
        boxed!(private::stay_private),
    ),
    scenario("CALL-8", "none-where-there-are-none", &[], boxed!(private::unsupported_where_there_are_none)),
    scenario("CALL-9", "options-that-are-no-numbers", &[], boxed!(fees::what_is_no_number_is_refused)),
    scenario("CALL-9", "an-amount-is-not-ignored", &[], boxed!(fees::an_amount_is_not_ignored)),
    scenario("CALL-9", "at-is-not-ignored", &[], boxed!(at::is_not_ignored)),
    scenario("CALL-10", "never-more-than-max-fee", &[], boxed!(fees::never_more_than_max_fee)),
    scenario("CALL-11", "reads-at-exactly-that-block", &[], boxed!(at::exactly_that_block)),
    scenario("CALL-11", "a-block-that-is-not-there", &[], boxed!(at::missing_blocks_are_told)),
    scenario("CALL-11", "a-dropped-state", &[Need::Control("prune")], boxed!(at::dropped_state_is_told)),
    rule("CALL-12", "json-is-json", &[], output::json_is_json),
    rule("CALL-12", "raw-is-what-the-ledger-gave", &[], output::raw_came_from_the_ledger),
    scenario("CALL-13", "resume-elsewhere", &[], boxed!(continuations::are_taken_elsewhere)),
    scenario("CALL-14", "broken-continuations", &[], boxed!(continuations::broken_ones_are_refused)),
    scenario("CALL-14", "late-continuations", &[], boxed!(continuations::late_ones_have_expired)),
    scenario("CALL-15", "rounds-end", &[], boxed!(continuations::rounds_end)),
    rule("CALL-16", "continuations-are-small", &[], continuations::are_small),
    scenario(
        "CALL-17",
        "what-must-fail-is-not-signed",
        &[Need::Probe("fail")],
        boxed!(begin::what_must_fail),
    ),
    scenario("CALL-18", "wrong-parties", &[], boxed!(begin::wrong_parties_are_refused)),
    scenario(
        "CALL-18",
        "an-account-of-another",
        &[Need::Entry("two-parties")],
        boxed!(begin::foreign_account),
    ),
    rule("CALL-19", "finalized-is-never-above-the-head", &[], status::finalized_below_head),
    scenario("CALL-19", "the-newest-block", &[], boxed!(status::head_is_the_newest)),
    rule("CALL-20", "estimates-are-decimal", &[Need::Capability("estimate")], estimates::are_decimal),
    scenario(
        "CALL-20",
        "an-estimate-changes-nothing",
        &[Need::Capability("estimate")],
        boxed!(estimates::change_nothing),
    ),
    scenario(
        "CALL-21",
        "an-estimate-is-near-the-fee",
        &[Need::Capability("estimate")],
        boxed!(estimates::are_near_the_fee),
    ),
    scenario(
        "CALL-22",
        "a-plan-reaches-its-goal",
        &[Need::Capability("plan")],
        boxed!(plans::reach_the_goal),
    ),
    scenario(
        "CALL-22",
        "what-is-reached-needs-nothing",
        &[Need::Capability("plan")],
        boxed!(plans::what_is_reached_needs_nothing),
    ),
    scenario(
        "CALL-23",
        "descriptions-of-contracts",
        &[Need::Capability("contract-abi"), Need::Entry("missing-contract")],
        boxed!(plans::descriptions_of_contracts),
    ),
    scenario(
        "CALL-24",
        "a-deployment-can-be-addressed",
        &[Need::Capability("deploy")],
        boxed!(plans::a_deployment_can_be_addressed),
    ),
    scenario("CALL-25", "native-calls-are-checked", &[], boxed!(natives::are_checked)),
    scenario("CALL-26", "ordered-accounts-as-declared", &[], boxed!(ordered::as_declared)),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];
