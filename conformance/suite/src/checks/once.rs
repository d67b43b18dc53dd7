//! Exactly once: send, envelope, salt.

mod effect;
mod envelope;
mod journalled;
mod replace;
mod salt;
mod send;
mod validity;

use crate::{
    boxed,
    check::{Check, Need, rule, scenario},
};

pub(super) use replace::both_sent;
pub(super) use send::{Ready, ordinary_use, ready};

const TWO: &[Need] = &[Need::Entry("two-parties")];
const SUBMITS: &[Need] = &[Need::Entry("submits")];
const HOLD: &[Need] = &[Need::Control("hold")];
const REPLACE: &[Need] = &[Need::Capability("replace")];
const REPLACE_HELD: &[Need] = &[Need::Capability("replace"), Need::Control("hold")];

pub(super) const CHECKS: &[Check] = &[
    rule("ONCE-1", "only-send-asks-for-more-than-reads", &[], send::only_send_writes),
    rule("ONCE-2", "one-send-submits-one-transaction", &[], send::one_transaction),
    scenario("ONCE-2", "only-the-envelopes-own-transaction-leaves", TWO, boxed!(send::only_its_own)),
    scenario("ONCE-3", "many-sends-make-one-transaction", &[], boxed!(send::many_sends_make_one)),
    scenario("ONCE-3", "sends-side-by-side-make-one-transaction", &[], boxed!(send::side_by_side)),
    scenario("ONCE-3", "sends-whose-answers-are-lost-make-one-transaction", &[], boxed!(send::lost_answers)),
    scenario("ONCE-3", "a-send-that-ends-anywhere-can-be-made-again", &[], boxed!(send::ended_anywhere))
        .slow(),
    scenario("ONCE-3", "a-host-that-crashes-somewhere-adds-once", &[], boxed!(journalled::crashes_somewhere))
        .slow(),
    scenario("ONCE-3", "a-host-whose-sends-are-lost-adds-once", &[], boxed!(journalled::lost_at_every_retry))
        .slow(),
    scenario(
        "ONCE-3",
        "a-host-that-crashes-anywhere-adds-once",
        &[],
        boxed!(journalled::crashes_at_any_import),
    )
    .slow(),
    scenario(
        "ONCE-3",
        "a-host-that-crashes-while-it-journals-adds-once",
        &[],
        boxed!(journalled::crashes_at_any_step_of_the_store),
    )
    .slow(),
    scenario("ONCE-4", "a-repetition-is-recognised-without-the-state", &[], boxed!(send::without_state)),
    scenario("ONCE-5", "a-transaction-in-the-chain-is-sent", &[], boxed!(send::in_the_chain)),
    scenario("ONCE-5", "a-transaction-in-the-pool-is-sent", HOLD, boxed!(send::in_the_pool)),
    scenario("ONCE-6", "never-is-true", &[], boxed!(effect::never_is_true)).slow(),
    scenario("ONCE-6", "what-may-have-arrived-before-is-not-never", &[], boxed!(effect::after_a_lost_send)),
    scenario(
        "ONCE-6",
        "the-nodes-refusals-have-their-effects",
        &[Need::Entry("native-errors"), Need::Entry("submits")],
        boxed!(effect::refusals),
    ),
    scenario("ONCE-7", "what-left-may-have-arrived", SUBMITS, boxed!(effect::what_left)).slow(),
    scenario("ONCE-8", "one-endpoint-that-may-have-it-is-enough", &[], boxed!(effect::several_endpoints)),
    scenario("ONCE-9", "the-id-is-known-and-finds-the-receipt", &[], boxed!(envelope::id_finds)),
    scenario("ONCE-9", "the-same-bytes-have-the-same-id", &[], boxed!(envelope::same_bytes_same_id)),
    scenario("ONCE-10", "no-success-without-a-node", &[], boxed!(effect::no_success_alone)),
    scenario("ONCE-11", "the-same-salt-gives-the-same-bytes", &[], boxed!(salt::same)),
    scenario("ONCE-11", "different-salts-give-different-transactions", &[], boxed!(salt::different)),
    rule("ONCE-12", "an-envelope-is-not-over-when-it-is-made", &[], validity::not_over),
    scenario("ONCE-12", "an-envelope-is-taken-until-its-end", &[], boxed!(validity::until_its_end)),
    scenario("ONCE-13", "a-late-envelope-is-taken-or-expired", &[], boxed!(validity::late)),
    scenario("ONCE-13", "a-late-envelope-does-not-slip-in", &[], boxed!(validity::late_behind_another)),
    scenario("ONCE-14", "another-instance-sends-it-and-finds-it", &[], boxed!(envelope::stands_for_itself)),
    scenario(
        "ONCE-15",
        "of-original-and-replacement-one-takes-effect",
        REPLACE_HELD,
        boxed!(replace::one_of_two),
    ),
    scenario("ONCE-15", "what-is-in-a-block-is-not-replaced", REPLACE, boxed!(replace::in_a_block)),
    rule("ONCE-16", "one-send-asks-an-endpoint-once", &[], send::no_repetition),
    scenario("ONCE-16", "a-failed-send-is-not-repeated", SUBMITS, boxed!(send::not_by_itself)),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];
