//! What proofs of the model ledger are verified against, and proofs of it that do not hold.

use adapter_spec::{
    Adapter as _,
    types::{Claim, Proof, Slot},
};
use berth_model::{
    MAIN_SPACE, ModelNode, OTHER_SPACE,
    adapter::with_signatures,
    wire::{Anchor, PRESET, Wire as _},
};
use berth_suite::{ProofVector, Stop};
use futures_util::FutureExt as _;

/// The places of the test bed file that name anchors.
pub(crate) fn places(node: &ModelNode) -> Result<Vec<(String, String)>, Stop> {
    let own = node.anchor(MAIN_SPACE, PRESET);
    let anchor = Anchor::decode(&own).map_err(|error| Stop::Harness(error.to_string()))?;
    let stranger = ModelNode::new("stranger").anchor(MAIN_SPACE, PRESET);
    let stranger = Anchor::decode(&stranger).map_err(|error| Stop::Harness(error.to_string()))?;
    let mut other_keys = anchor.clone();
    other_keys.validators.points.clone_from(&stranger.validators.points);
    let mut smaller = anchor.clone();
    smaller.validators.quorum -= 1;
    let other_preset = Anchor { preset: "another".into(), ..anchor };
    let named = [
        ("anchor", own),
        ("anchor-of-another-chain", stranger.encode()),
        ("anchor-of-another-space", node.anchor(OTHER_SPACE, PRESET)),
        ("anchor-with-other-keys", other_keys.encode()),
        ("anchor-with-a-smaller-quorum", smaller.encode()),
        ("anchor-with-another-preset", other_preset.encode()),
    ];
    Ok(named.into_iter().map(|(name, anchor)| (name.to_owned(), hex::encode(anchor))).collect())
}

/// Proofs of another ledger with the same name and validators: what holds there holds by the same anchor.
pub(crate) fn vectors(name: &str) -> Result<Vec<ProofVector>, Stop> {
    let proof = proof(name).ok_or_else(|| Stop::Harness("the model ledger proves nothing".into()))?;
    let with = |what: &str, holds: bool, bytes: Option<Vec<u8>>| {
        let bytes = bytes.ok_or_else(|| Stop::Harness("the model ledger's proof does not decode".into()))?;
        let proof = Proof { bytes, ..proof.clone() };
        Ok::<_, Stop>(ProofVector { what: what.into(), holds, anchor: None, proof })
    };
    Ok(vec![
        with("as it was made", true, Some(proof.bytes.clone()))?,
        with(
            "one signature fewer than the quorum",
            false,
            with_signatures(&proof.bytes, |mut signatures| {
                signatures.pop();
                signatures
            }),
        )?,
        with("no signature", false, with_signatures(&proof.bytes, |_| Vec::new()))?,
        with(
            "one validator's signature counted twice",
            false,
            with_signatures(&proof.bytes, |mut signatures| {
                if let Some(first) = signatures.first().copied() {
                    signatures.pop();
                    signatures.insert(0, first);
                }
                signatures
            }),
        )?,
    ])
}

/// That nothing is at a place of the storage. Everything answers at once: the ledger is in memory.
fn proof(name: &str) -> Option<Proof> {
    let node = ModelNode::new(name);
    node.mine(MAIN_SPACE, 6);
    let settings = serde_json::json!({"chain": name}).to_string();
    let adapter = berth_model::native();
    let ledger = adapter.open(node.lender("beforehand").lend(), &settings).now_or_never()?.ok()?;
    let slot = Slot { contract: "nobody".into(), key: b"nothing".to_vec(), value: None };
    ledger.prove(Claim::Slot(slot)).now_or_never()?.ok()
}
