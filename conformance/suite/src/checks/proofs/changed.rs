//! Proofs that were changed.

use adapter_spec::{
    CallError,
    types::{BlockRef, Claim, ErrorCode, Event, PresetValue, Proof, Slot},
};

use super::claims::{anchor, bytes as from_hex, kind, prove, told, truths};
use crate::{
    check::{Checked, Expect as _, ensure, fail},
    trial::{Trial, Verifier},
};

/// How many bytes of a long proof are changed, one at a time.
const CHANGES: usize = 600;

/// A fault unless the proof fails, and fails as the proof's fault.
async fn refused(verifier: &Verifier, anchor: &[u8], proof: &Proof, what: &str) -> Checked {
    let expected = format!("verify fails for {what}: corrupt-response");
    match verifier.verify(anchor, proof).await {
        Err(CallError::Answered(error)) => {
            ensure(error.code == ErrorCode::CorruptResponse, expected, || error.to_string())
        }
        Ok(()) => fail(expected, "success"),
        Err(ended) => fail(expected, format!("no answer: {ended}")),
    }
}

/// The same text with its last letter or digit another one.
fn other(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    if let Some(last) = chars.last_mut() {
        *last = match *last {
            '0'..='8' | 'a'..='e' | 'A'..='E' => char::from_u32(u32::from(*last) + 1).unwrap_or('x'),
            '9' => '0',
            'f' => 'a',
            'F' => 'A',
            'x' => 'y',
            _ => 'x',
        };
    }
    chars.into_iter().collect()
}

fn flipped(bytes: &[u8], at: usize, bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}

/// Claims that differ from this one in one thing that bears meaning.
fn changed_claims(claim: &Claim) -> Vec<(&'static str, Claim)> {
    let value = |value: &Option<Vec<u8>>| match value {
        Some(value) => vec![
            (
                "a byte of the value",
                Some(if value.is_empty() { vec![0] } else { flipped(value, value.len() / 2, 3) }),
            ),
            ("no value", None),
            ("a longer value", Some([value.as_slice(), &[0]].concat())),
        ],
        None => vec![("a value", Some(vec![0])), ("an empty value", Some(Vec::new()))],
    };
    match claim {
        Claim::Included(id) => vec![("another transaction", Claim::Included(other(id)))],
        Claim::Succeeded(id) => vec![("another transaction", Claim::Succeeded(other(id)))],
        Claim::Event(event) => {
            let of = |event: Event| Claim::Event(event);
            let mut payload = event.payload.clone();
            payload.push(0);
            let block = |block: BlockRef| of(Event { block, ..event.clone() });
            vec![
                (
                    "another transaction of the event",
                    of(Event { transaction: other(&event.transaction), ..event.clone() }),
                ),
                (
                    "another contract of the event",
                    of(Event { contract: other(&event.contract), ..event.clone() }),
                ),
                ("another name of the event", of(Event { name: other(&event.name), ..event.clone() })),
                ("another index of the event", of(Event { index: event.index + 1, ..event.clone() })),
                ("another payload of the event", of(Event { payload, ..event.clone() })),
                (
                    "another block of the event",
                    block(BlockRef { number: event.block.number + 1, ..event.block.clone() }),
                ),
                (
                    "another block hash of the event",
                    block(BlockRef { hash: flipped(&event.block.hash, 0, 0), ..event.block.clone() }),
                ),
            ]
        }
        Claim::PresetValue(held) => {
            let with = |key: String, value| Claim::PresetValue(PresetValue { key, value });
            let mut changed: Vec<_> = value(&held.value)
                .into_iter()
                .map(|(what, value)| (what, with(held.key.clone(), value)))
                .collect();
            if held.value.is_some() {
                changed.push(("another key", with(other(&held.key), held.value.clone())));
            }
            changed
        }
        Claim::Slot(slot) => {
            let mut changed: Vec<_> = value(&slot.value)
                .into_iter()
                .map(|(what, value)| (what, Claim::Slot(Slot { value, ..slot.clone() })))
                .collect();
            if slot.value.is_some() {
                let key = flipped(&slot.key, slot.key.len() / 2, 1);
                changed.push(("another place", Claim::Slot(Slot { key, ..slot.clone() })));
                let contract = other(&slot.contract);
                changed.push(("another contract", Claim::Slot(Slot { contract, ..slot.clone() })));
            }
            changed
        }
    }
}

pub(super) async fn claim_and_block(trial: &mut Trial) -> Checked {
    let truths = truths(trial).await?;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    for claim in &truths.claims {
        let proof = prove(trial, &truths.application, claim).await?;
        verifier
            .verify(&anchor, &proof)
            .await
            .expected(&format!("verify accepts a true proof, {}", kind(claim)))?;
        for (what, claim) in changed_claims(claim) {
            refused(&verifier, &anchor, &Proof { claim, ..proof.clone() }, what).await?;
        }
        let number = BlockRef { number: proof.block.number + 1, ..proof.block.clone() };
        refused(&verifier, &anchor, &Proof { block: number, ..proof.clone() }, "another block number")
            .await?;
        for at in 0..proof.block.hash.len() {
            let hash = flipped(&proof.block.hash, at, trial.below(8));
            let block = BlockRef { hash, ..proof.block.clone() };
            refused(&verifier, &anchor, &Proof { block, ..proof.clone() }, "another block hash").await?;
        }
    }
    Ok(())
}

pub(super) async fn bytes(trial: &mut Trial) -> Checked {
    let truths = truths(trial).await?;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    for claim in &truths.claims {
        let proof = prove(trial, &truths.application, claim).await?;
        verifier
            .verify(&anchor, &proof)
            .await
            .expected(&format!("verify accepts a true proof, {}", kind(claim)))?;
        let part = proof.bytes.len().div_ceil(CHANGES).max(1);
        for start in (0..proof.bytes.len()).step_by(part) {
            let at = (start + trial.below(part)).min(proof.bytes.len().saturating_sub(1));
            let bytes = flipped(&proof.bytes, at, trial.below(8));
            let what = format!("a proof with byte {at} of {} changed, {}", proof.bytes.len(), kind(claim));
            refused(&verifier, &anchor, &Proof { bytes, ..proof.clone() }, &what).await?;
        }
    }
    Ok(())
}

pub(super) async fn other_anchors(trial: &mut Trial) -> Checked {
    let truths = truths(trial).await?;
    let (verifier, own) = (trial.verifier()?, anchor(trial)?);
    for claim in &truths.claims {
        let proof = prove(trial, &truths.application, claim).await?;
        verifier
            .verify(&own, &proof)
            .await
            .expected(&format!("verify accepts a true proof, {}", kind(claim)))?;
        for foreign in told(trial)?.other_anchors {
            let what = format!("another anchor, {}", foreign.what);
            refused(&verifier, &from_hex(&foreign.anchor)?, &proof, &what).await?;
        }
    }
    Ok(())
}

pub(super) async fn vectors(trial: &mut Trial) -> Checked {
    let (verifier, own) = (trial.verifier()?, anchor(trial)?);
    for vector in told(trial)?.vectors {
        let anchor = vector.anchor.as_deref().map(from_hex).transpose()?.unwrap_or_else(|| own.clone());
        if vector.holds {
            let expected = format!("verify accepts a proof that holds, {}", vector.what);
            verifier.verify(&anchor, &vector.proof).await.expected(&expected)?;
        } else {
            refused(&verifier, &anchor, &vector.proof, &vector.what).await?;
        }
    }
    Ok(())
}
