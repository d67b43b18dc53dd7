//! EVT: events.

mod cursors;
mod filters;
mod follower;
mod pages;
mod reorganised;
mod rules;
mod starts;

use adapter_spec::types::{
    Confidence::{Final, Latest, Safe},
    EventStart,
};

use crate::{
    boxed,
    check::{Check, Checked, Need, rule, scenario},
    trial::{Actor, Application, Trial},
};

pub(super) use follower::{Follower, filter};

const EVENTS: &[Need] = &[Need::Events];
const NAMED: &[Need] = &[Need::Events, Need::Entry("event")];
const TWICE: &[Need] = &[Need::Events, Need::Entry("event"), Need::Probe("add-twice")];
const FORKS: &[Need] = &[Need::Events, Need::Entry("event"), Need::Forks, Need::Control("reorganise")];
const PRUNES: &[Need] = &[Need::Events, Need::Entry("event"), Need::Control("prune")];
const HOLDS: &[Need] = &[
    Need::Events,
    Need::Entry("event"),
    Need::Probe("add-twice"),
    Need::Control("hold"),
    Need::Control("release"),
];

pub(super) const CHECKS: &[Check] = &[
    rule("EVT-1", "pages-are-in-order", EVENTS, rules::in_order),
    scenario("EVT-1", "in-order-from-page-to-page", TWICE, boxed!(pages::in_order)),
    scenario("EVT-1", "retractions-come-first", FORKS, boxed!(reorganised::retractions_come_first)),
    scenario("EVT-2", "nothing-is-left-out", TWICE, boxed!(pages::nothing_is_left_out)).slow(),
    scenario("EVT-2", "nothing-is-left-out-by-a-reorganisation", FORKS, boxed!(reorganised::no_gap)).slow(),
    rule("EVT-3", "ids-have-the-blocks-hash", EVENTS, rules::ids_have_hashes),
    scenario("EVT-3", "ids-are-the-events-own", TWICE, boxed!(pages::ids)),
    scenario("EVT-3", "another-block-another-id", FORKS, boxed!(reorganised::another_block_another_id)),
    scenario("EVT-4", "events-of-dropped-blocks-are-retracted", FORKS, boxed!(reorganised::all_retracted))
        .slow(),
    scenario("EVT-5", "nothing-is-retracted-twice", FORKS, boxed!(reorganised::retracted_once)).slow(),
    rule("EVT-6", "final-is-never-retracted", EVENTS, rules::final_is_never_retracted),
    scenario("EVT-6", "only-blocks-of-the-confidence", NAMED, boxed!(pages::confidence)),
    rule("EVT-7", "pages-keep-their-bounds", EVENTS, rules::bounds),
    scenario("EVT-7", "one-event-at-least", TWICE, boxed!(pages::at_least_one)),
    scenario("EVT-7", "a-limit-of-none", EVENTS, boxed!(pages::limit_of_none)),
    rule("EVT-8", "pages-cost-a-bounded-number-of-requests", EVENTS, rules::bounded_requests),
    scenario("EVT-8", "looks-on-where-nothing-matches", NAMED, boxed!(pages::looks_on)),
    scenario("EVT-8", "half-a-block-is-not-looked-at", TWICE, boxed!(pages::half_a_block)),
    rule("EVT-9", "cursors-are-short", EVENTS, rules::short_cursors),
    scenario("EVT-9", "cursors-are-short-after-many-events", HOLDS, boxed!(cursors::many_events)).slow(),
    scenario("EVT-10", "cursors-that-do-not-decode", NAMED, boxed!(cursors::garbage)),
    scenario("EVT-10", "cursors-beyond-the-head", NAMED, boxed!(cursors::beyond_the_head)),
    scenario("EVT-10", "cursors-of-dropped-blocks", PRUNES, boxed!(cursors::pruned)),
    scenario("EVT-11", "deeper-than-the-cursor", FORKS, boxed!(reorganised::deeper_than_the_cursor)),
    scenario("EVT-12", "earliest", NAMED, boxed!(starts::earliest)),
    scenario("EVT-12", "earliest-where-it-was-dropped", PRUNES, boxed!(starts::earliest_pruned)),
    scenario("EVT-12", "latest", NAMED, boxed!(starts::latest)),
    scenario("EVT-12", "latest-of-what-is-final", NAMED, boxed!(starts::latest_final)),
    scenario("EVT-12", "a-block", NAMED, boxed!(starts::block)),
    rule("EVT-13", "given-events-match", EVENTS, rules::given_events_match),
    scenario("EVT-13", "what-matches-is-given", NAMED, boxed!(filters::what_matches)),
    scenario("EVT-13", "what-does-not-match-is-not-given", NAMED, boxed!(filters::what_does_not_match)),
    rule("EVT-14", "json-is-json", EVENTS, rules::json_is_json),
    scenario("EVT-14", "payload-is-what-was-announced", NAMED, boxed!(filters::payload)),
    scenario("EVT-15", "the-end-is-no-error", NAMED, boxed!(pages::the_end)),
    scenario("EVT-16", "a-cursor-of-another-filter", NAMED, boxed!(cursors::another_filter)),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];

/// What every reader does: rules watch it.
pub(super) async fn ordinary_use(trial: &mut Trial, application: &Application, actor: &Actor) -> Checked {
    let start = application.status().await.map_or(0, |status| status.head.number);
    for _ in 0..2 {
        let (call, options) = (trial.add(3)?, trial.options());
        application.write_well(call, actor, options).await?;
    }
    for confidence in [Latest, Safe, Final] {
        let filter = filter(trial, confidence);
        Follower::from_block(filter, start).limit(1).read_to_the_end(application).await?;
    }
    if trial.can("reorganise") && Need::Forks.check(&trial.facts).is_ok() {
        let mut follower = Follower::from_block(filter(trial, Latest), start);
        follower.read_to_the_end(application).await?;
        reorganised::drop_newest(trial, application, 1).await?;
        follower.read_to_the_end(application).await?;
    }
    Ok(())
}

/// A start with this block.
fn block(number: u64) -> EventStart {
    EventStart::Block(number)
}
