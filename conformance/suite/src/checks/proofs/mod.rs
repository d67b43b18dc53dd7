//! PROOF: proofs.

mod changed;
mod claims;
mod hostile;
mod true_claims;

use adapter_spec::Function;
use berth_lending::recording::Import;

use crate::{
    boxed,
    check::{Check, Facts, Fault, Need, rule, scenario},
    trial::Observed,
};

const PROOFS: &[Need] = &[Need::Proofs, Need::Entry("proofs")];
const ANCHORS: &[Need] = &[Need::Proofs, Need::Entry("proofs"), Need::Entry("other-anchors")];
const VECTORS: &[Need] = &[Need::Proofs, Need::Entry("proofs"), Need::Entry("proof-vectors")];

pub(super) const CHECKS: &[Check] = &[
    scenario("PROOF-1", "true-claims-are-proved", PROOFS, boxed!(true_claims::proved)),
    scenario("PROOF-1", "claims-that-do-not-hold", PROOFS, boxed!(true_claims::not_so)),
    scenario("PROOF-1", "kinds-that-are-not-declared", PROOFS, boxed!(true_claims::other_kinds)),
    rule("PROOF-2", "verify-reaches-nothing", &[Need::Proofs], reaches_nothing),
    scenario("PROOF-2", "anchor-and-proof-alone", PROOFS, boxed!(true_claims::anchor_and_proof_alone)),
    scenario("PROOF-3", "changed-claims-and-blocks", PROOFS, boxed!(changed::claim_and_block)),
    scenario("PROOF-3", "changed-bytes", PROOFS, boxed!(changed::bytes)),
    scenario("PROOF-3", "other-anchors", ANCHORS, boxed!(changed::other_anchors)),
    scenario("PROOF-3", "proofs-made-beforehand", VECTORS, boxed!(changed::vectors)),
    scenario("PROOF-4", "included-is-not-succeeded", FAILS, boxed!(true_claims::included_is_not_succeeded)),
    scenario(
        "PROOF-4",
        "values-hold-at-their-block",
        PROOFS,
        boxed!(true_claims::values_hold_at_their_block),
    ),
    scenario("PROOF-4", "each-proof-proves-its-claim", PROOFS, boxed!(true_claims::each_its_own)),
    scenario("PROOF-5", "proofs-that-do-not-decode", PROOFS, boxed!(hostile::broken_proofs)),
    scenario("PROOF-5", "anchors-that-do-not-decode", PROOFS, boxed!(hostile::broken_anchors)),
    scenario("PROOF-6", "long-and-deep-proofs", PROOFS, boxed!(hostile::long_and_deep)),
];

const FAILS: &[Need] = &[Need::Proofs, Need::Entry("proofs"), Need::Store, Need::Entry("two-parties")];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];

fn reaches_nothing(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::Verify {
        return None;
    }
    let outside = |import: Import| {
        use Import as I;
        !matches!(import, I::Hash | I::Verify | I::Recover | I::Log)
    };
    let reached = call.exchanges.iter().find(|exchange| outside(exchange.import));
    Some(reached.map_or(Ok(()), |exchange| {
        let actual = format!("it uses {:?}", exchange.import);
        Err(Fault::new("verify reaches no endpoint, service key or state, and knows no time", actual))
    }))
}
