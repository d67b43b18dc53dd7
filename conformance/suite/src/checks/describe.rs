//! DESC: describe, settings, open, and FORM.

mod component;
mod declared;
mod descriptor;
mod endpoints;
mod extensions;
mod schema;
mod settings;

pub(super) use declared::native_names;
pub(super) use descriptor::SCHEMES;

use crate::{
    boxed,
    check::{Check, Need, rule, scenario},
};

pub(super) const CHECKS: &[Check] = &[
    scenario("DESC-1", "the-same-every-time", &[], boxed!(descriptor::is_the_same_every_time)),
    scenario("DESC-2", "names-and-versions-have-their-form", &[], boxed!(descriptor::names_have_their_form)),
    scenario("DESC-3", "the-settings-schema-is-one", &[], boxed!(settings::schema_is_one)),
    scenario(
        "DESC-4",
        "wrong-settings-are-refused",
        &[Need::Entry("wrong-settings")],
        boxed!(settings::wrong_settings_are_refused),
    ),
    scenario(
        "DESC-4",
        "settings-outside-the-schema-are-refused",
        &[],
        boxed!(settings::what_the_schema_excludes_is_refused),
    ),
    scenario("DESC-4", "text-that-is-no-json-is-refused", &[], boxed!(settings::what_is_no_json_is_refused)),
    rule("DESC-5", "open-asks-for-nothing", &[], settings::open_asks_for_nothing),
    scenario("DESC-5", "settings-that-fit-are-taken", &[], boxed!(settings::whatever_fits_is_taken)),
    scenario("DESC-5", "opens-while-the-node-is-down", &[], boxed!(settings::opens_while_the_node_is_down)),
    scenario("DESC-6", "undeclared-operations", &[], boxed!(declared::undeclared_is_unsupported)),
    scenario("DESC-6", "unknown-native-call", &[], boxed!(declared::unknown_native_call_is_unsupported)),
    scenario("DESC-7", "declared-capabilities-work", &[], boxed!(declared::declared_works)),
    scenario("DESC-8", "the-least-is-there", &[], boxed!(declared::the_least_is_there)),
    scenario("DESC-9", "exported-interfaces-answer", &[], boxed!(declared::exported_interfaces_answer)),
    rule("DESC-10", "only-declared-endpoints", &[], endpoints::only_declared_ones),
    scenario("DESC-10", "optional-endpoints", &[], boxed!(endpoints::works_without_optional_ones)),
    scenario("DESC-11", "one-endpoint-is-enough", &[], boxed!(endpoints::one_is_enough)),
    rule("DESC-11", "the-first-where-one-is-wanted", &[], endpoints::uses_the_first),
    scenario("DESC-12", "no-read-submits", &[Need::Entry("submits")], boxed!(endpoints::no_read_submits)),
    scenario("DESC-12", "reads-have-their-form", &[], boxed!(endpoints::reads_have_their_form)),
    scenario("DESC-12", "what-submits-is-no-read", &[], boxed!(endpoints::what_submits_is_no_read)),
    scenario("DESC-13", "exactly-the-declared-schemes", &[], boxed!(descriptor::exactly_these_schemes)),
    scenario("DESC-14", "finality-fits-the-ledger", &[], boxed!(descriptor::finality_fits)),
    scenario("DESC-15", "open-to-all-only-where-it-is", &[], boxed!(descriptor::permissioned_fits)),
    scenario("DESC-16", "unknown-extensions-are-ignored", &[], boxed!(extensions::unknown_are_ignored)),
    rule("DESC-16", "extensions-have-a-prefix", &[], extensions::have_a_prefix),
    scenario("DESC-17", "purposes-are-given", &[], boxed!(descriptor::purposes_are_given)),
    scenario(
        "FORM-1",
        "only-the-standards-imports",
        &[Need::Component],
        boxed!(component::only_the_standard),
    ),
    scenario("FORM-2", "no-wasi-thread-or-memory", &[Need::Component], boxed!(component::no_wasi)),
    scenario("FORM-3", "the-frozen-interfaces", &[Need::Component], boxed!(component::frozen_interfaces)),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[
    (
        "FORM-4",
        "It is kept by running this suite, which knows no difference, on the native plug-in too; one run sees one \
         of the two.",
    ),
    (
        "FORM-5",
        "A run is given the adapter and not its file; admission and `berth adapter check` look at its size.",
    ),
    (
        "FORM-6",
        "It is about building, and the suite is given neither source nor tools; the build's own test does it twice.",
    ),
];
