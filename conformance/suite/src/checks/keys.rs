//! KEYS: identities, keys, signatures.

mod accounts;
mod meaning;
mod requests;
mod signatures;

use crate::{
    boxed,
    check::{Check, Need, rule, scenario},
};

pub(super) const CHECKS: &[Check] = &[
    scenario("KEYS-1", "accounts-of-known-keys", &[Need::Entry("vectors")], boxed!(accounts::of_known_keys)),
    scenario("KEYS-2", "keys-of-other-schemes", &[], boxed!(accounts::other_schemes_are_refused)),
    scenario("KEYS-2", "malformed-points", &[], boxed!(accounts::malformed_points_are_refused)),
    scenario("KEYS-2", "missing-certificate", &[], boxed!(accounts::missing_certificate_is_refused)),
    scenario("KEYS-3", "no-account-is-an-empty-list", &[], boxed!(accounts::none_is_an_empty_list)),
    rule("KEYS-4", "only-declared-service-keys", &[], requests::only_declared_service_keys),
    scenario("KEYS-4", "a-write-asks-its-party-to-sign", &[], boxed!(requests::a_write_asks_its_party)),
    scenario("KEYS-5", "a-write-does-what-was-called", &[], boxed!(meaning::a_write_does_what_was_called)),
    scenario(
        "KEYS-5",
        "a-text-is-kept-as-it-was",
        &[Need::Probe("put"), Need::Probe("text")],
        boxed!(meaning::a_text_is_kept),
    ),
    scenario("KEYS-5", "other-calls-are-other-bytes", &[], boxed!(meaning::other_calls_are_other_bytes)),
    scenario(
        "KEYS-5",
        "what-is-signed-holds-the-arguments",
        &[Need::Probe("put")],
        boxed!(meaning::what_is_signed_holds_the_arguments),
    ),
    rule("KEYS-6", "only-keys-of-the-parties", &[], requests::only_keys_of_the_parties),
    scenario("KEYS-7", "bad-signatures", &[], boxed!(signatures::bad_ones_are_refused)),
    scenario("KEYS-7", "wrong-number-of-signatures", &[], boxed!(signatures::wrong_number_is_refused)),
    scenario("KEYS-8", "s-in-the-upper-half", &[], boxed!(signatures::upper_half_is_refused)),
    scenario("KEYS-8", "wrong-recovery-id", &[], boxed!(signatures::wrong_recovery_id_does_no_harm)),
    scenario("KEYS-9", "missing-recovery-id", &[], boxed!(signatures::missing_recovery_id_is_computed)),
    rule("KEYS-10", "digests-only-with-a-reason", &[], requests::digests_only_with_a_reason),
    scenario("KEYS-11", "sm2-with-the-frameworks-id", &[], boxed!(meaning::sm2_has_the_frameworks_id)),
    rule("KEYS-12", "summary-and-fee-have-their-form", &[], requests::summary_has_its_form),
    scenario("KEYS-12", "no-write-costs-more-than-its-max-fee", &[], boxed!(meaning::max_fee_is_a_bound)),
    scenario("KEYS-13", "the-certificate-as-it-came", &[], boxed!(requests::certificate_is_unchanged)),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];
