//! ERR: errors.

mod codes;
mod natives;
mod texts;
mod traps;

pub(super) use texts::ordinary_mistakes;

use crate::{
    boxed,
    check::{Check, Need, rule, scenario},
};

pub(super) const CHECKS: &[Check] = &[
    rule("ERR-1", "codes-of-nodes-are-of-calls-that-ask-nodes", &[], codes::of_nodes),
    scenario("ERR-1", "each-situation-has-its-code", &[], boxed!(codes::situations)),
    scenario(
        "ERR-2",
        "every-native-error-has-its-code",
        &[Need::Entry("native-errors")],
        boxed!(natives::known),
    )
    .slow(),
    scenario("ERR-2", "an-unknown-native-error-is-not-internal", &[], boxed!(natives::unknown)).slow(),
    rule("ERR-3", "native-is-short-and-only-the-frameworks", &[], texts::native),
    scenario("ERR-3", "native-is-the-frameworks-own-words", &[], boxed!(natives::verbatim)),
    rule("ERR-4", "retryable-fits-the-code", &[], codes::retryable),
    scenario("ERR-4", "what-is-retryable-succeeds-later", &[], boxed!(codes::retried)).slow(),
    scenario("ERR-5", "the-contracts-reason-is-told", &[Need::Probe("fail")], boxed!(texts::reason)),
    rule("ERR-6", "messages-are-there-and-bounded", &[], texts::message),
    scenario("ERR-6", "a-nodes-bytes-stay-out-of-messages", &[], boxed!(texts::foreign_bytes)).slow(),
    rule("ERR-7", "nothing-traps-and-nothing-is-internal", &[], traps::none),
    scenario("ERR-7", "hostile-input-of-callers", &[], boxed!(traps::callers)),
    scenario("ERR-7", "hostile-answers-of-nodes", &[], boxed!(traps::nodes)).slow(),
];

/// Clauses that have no check, with the reason.
pub(super) const REASONS: &[(&str, &str)] = &[];
