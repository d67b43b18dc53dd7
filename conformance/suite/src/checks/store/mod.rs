//! STORE: the preset store.

mod calls;
mod concurrent;
mod keys;
mod map;
mod meanings;

use adapter_spec::types::{Error, ErrorCode};

use crate::{
    boxed,
    check::{Check, Checked, Need, ensure, rule, scenario},
    trial::{Actor, Application, Trial},
};

const STORE: &[Need] = &[Need::Store];
const HISTORY: &[Need] = &[Need::Store, Need::Capability("preset-history")];

pub(super) const CHECKS: &[Check] = &[
    rule("STORE-1", "writes-are-invoked-and-reads-evaluated", STORE, calls::kind_of_call),
    rule("STORE-1", "to-call-reaches-nothing", STORE, calls::to_call_reaches_nothing),
    scenario("STORE-1", "the-same-call-for-the-same-operation", STORE, boxed!(calls::same_call)),
    rule("STORE-2", "from-outcome-reaches-no-endpoint", STORE, calls::from_outcome_reaches_nothing),
    rule("STORE-2", "answers-fit-their-operation", STORE, calls::answers_fit),
    scenario("STORE-3", "insert-of-what-is-there", STORE, boxed!(meanings::insert_of_what_is_there)),
    scenario("STORE-4", "what-is-not-there", STORE, boxed!(meanings::what_is_not_there)),
    scenario("STORE-5", "empty-is-not-missing", STORE, boxed!(meanings::empty_is_not_missing)),
    scenario("STORE-6", "deleted-is-gone", STORE, boxed!(meanings::deleted_is_gone)),
    scenario("STORE-7", "keys-that-look-alike", STORE, boxed!(keys::keys_that_look_alike)).slow(),
    scenario("STORE-7", "keys-that-are-too-short-or-too-long", STORE, boxed!(keys::wrong_lengths)),
    scenario("STORE-8", "values-come-back", STORE, boxed!(keys::values_come_back)).slow(),
    scenario("STORE-9", "history-has-every-version", HISTORY, boxed!(meanings::history_has_every_version)),
    scenario("STORE-10", "history-is-declared-or-unsupported", STORE, boxed!(calls::undeclared_history)),
    scenario("STORE-11", "one-by-one-it-is-a-map", STORE, boxed!(map::a_few_operations)).slow(),
    scenario("STORE-11", "long-sequences-are-a-maps", STORE, boxed!(map::many_operations)).slow(),
    scenario("STORE-11", "several-clients-at-once", STORE, boxed!(concurrent::clients_at_once)).slow(),
    scenario("STORE-12", "two-inserts-that-saw-no-value", STORE, boxed!(concurrent::two_inserts)),
    scenario("STORE-12", "two-deletes-that-saw-a-value", STORE, boxed!(concurrent::two_deletes)),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];

/// What every user of the store does: rules watch it.
pub(super) async fn ordinary_use(trial: &mut Trial, application: &Application, actor: &Actor) -> Checked {
    let (key, value) = (trial.name(), trial.bytes(20));
    let store = trial.store_of(application.clone(), actor.clone());
    store.insert(&key, &value).await?.ok();
    store.insert(&key, &value).await?.ok();
    store.update(&key, &[]).await?.ok();
    store.get(&key).await?.ok();
    store.history(&key).await?.ok();
    store.delete(&key).await?.ok();
    store.get(&key).await?.ok();
    store.delete(&key).await?.ok();
    Ok(())
}

/// A fault unless the store answered with this error.
fn refused<T: std::fmt::Debug>(code: ErrorCode, what: &str, came: Result<T, Error>) -> Checked {
    let is_right = matches!(&came, Err(error) if error.code == code);
    ensure(is_right, format!("{what}: {}", code.name()), || shown(&came))
}

/// A fault unless the store answered with exactly this.
fn answers<T: PartialEq + std::fmt::Debug>(expected: &T, what: &str, came: Result<T, Error>) -> Checked {
    let is_right = matches!(&came, Ok(value) if value == expected);
    ensure(is_right, format!("{what}: {expected:.200?}"), || shown(&came))
}

fn shown<T: std::fmt::Debug>(came: &Result<T, Error>) -> String {
    match came {
        Ok(value) => format!("{value:.200?}"),
        Err(error) => format!("{}: {}", error.code.name(), error.message),
    }
}
