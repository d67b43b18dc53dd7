//! ISO: isolation, and ENV and UPG.

mod memory;
mod spaces;
mod state;
mod upgrade;

use crate::{
    boxed,
    check::{Check, Need, scenario},
};

const OTHER: &[Need] = &[Need::Entry("other-settings")];

pub(super) const CHECKS: &[Check] = &[
    scenario("ISO-3", "a-used-instance-answers-like-a-fresh-one", &[], boxed!(memory::like_a_fresh_one)),
    scenario("ISO-3", "what-others-wrote-is-seen", &[], boxed!(memory::sees_what_others_wrote)),
    scenario("ISO-3", "without-a-node-nothing-is-remembered", &[], boxed!(memory::nothing_remembered)),
    scenario("ISO-3", "applications-are-strangers", &[], boxed!(memory::strangers)),
    scenario("ISO-4", "values-are-of-their-space", OTHER, boxed!(spaces::values)),
    scenario(
        "ISO-4",
        "events-are-of-their-space",
        &[Need::Entry("other-settings"), Need::Events],
        boxed!(spaces::events),
    ),
    scenario(
        "ISO-4",
        "blocks-are-of-their-space",
        &[Need::Entry("other-settings"), Need::Blocks],
        boxed!(spaces::blocks),
    ),
    scenario(
        "ISO-5",
        "what-another-instance-wrote-is-not-overwritten",
        &[],
        boxed!(state::nothing_overwritten),
    )
    .slow(),
    scenario("ENV-7", "a-call-whose-state-is-lost-on-the-way", &[], boxed!(state::lost_on_the_way)),
    scenario("ENV-7", "a-lost-state-doubles-nothing", &[], boxed!(state::lost_between_sends)),
    scenario("ENV-7", "a-lost-state-makes-no-wrong-receipt", &[], boxed!(state::lost_before_receipt)),
    scenario("ENV-8", "the-state-does-not-grow-with-calls", &[], boxed!(state::bounded)).slow(),
    scenario("ENV-9", "the-clock-is-the-lent-one", &[], boxed!(state::lent_clock)),
    scenario("ENV-9", "nothing-is-imported-but-the-standards", &[Need::Component], boxed!(state::imports)),
    scenario("UPG-1", "one-instance-reads-what-another-wrote", &[], boxed!(upgrade::read_by_another)),
    scenario(
        "UPG-1",
        "what-earlier-versions-wrote-is-read",
        &[Need::Entry("earlier")],
        boxed!(upgrade::earlier),
    ),
    scenario("UPG-2", "what-cannot-be-read-is-an-invalid-argument", &[], boxed!(upgrade::unreadable)),
    scenario("UPG-3", "newer-state-is-not-destroyed", &[], boxed!(upgrade::newer_state)),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];
