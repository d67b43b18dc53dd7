//! What is proved, what is not, and what a proof says.

use adapter_spec::{
    CallError,
    types::{Claim, ErrorCode, Event, Proof, StoreEntry, StoreOperation},
};

use super::claims::{KINDS, anchor, event_of, insert, is_declared, kind, preset_value, prove, truths};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::{Begun, Trial},
};

pub(super) async fn proved(trial: &mut Trial) -> Checked {
    let truths = truths(trial).await?;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    for claim in &truths.claims {
        let proof = prove(trial, &truths.application, claim).await?;
        same(claim, &proof.claim, "the claim that a proof is of")?;
        verifier
            .verify(&anchor, &proof)
            .await
            .expected(&format!("verify accepts a true proof, {}", kind(claim)))?;
        // Those that can be checked against a block are in one.
        if let (Claim::Included(_) | Claim::Succeeded(_) | Claim::Event(_), Some(block)) =
            (claim, &truths.written.receipt.block)
        {
            same(block, &proof.block, "the block of the transaction that a proof is about")?;
        }
    }
    ensure(!truths.claims.is_empty(), "a kind of claim among the capabilities", || "none".into())
}

pub(super) async fn not_so(trial: &mut Trial) -> Checked {
    let truths = truths(trial).await?;
    // So that nothing is refused only because it is new.
    for claim in &truths.claims {
        prove(trial, &truths.application, claim).await?;
    }
    let (call, options) = (trial.add(9)?, trial.options());
    let unsent = truths.application.envelope(call, &truths.actor, options).await?.transaction;
    let mut false_claims = vec![Claim::Included(unsent.clone()), Claim::Succeeded(unsent)];
    if let Some(event) = event_of(&truths.written) {
        let mut payload = event.payload.clone();
        payload.push(1);
        false_claims.push(Claim::Event(Event { payload, ..event.clone() }));
        false_claims.push(Claim::Event(Event { name: format!("{}x", event.name), ..event.clone() }));
        false_claims.push(Claim::Event(Event { index: event.index + 7, ..event }));
    }
    if let Some((key, value)) = &truths.entry {
        let other = [value.as_slice(), b"x"].concat();
        let absent = trial.name();
        false_claims.push(preset_value(key, Some(&other)));
        false_claims.push(preset_value(key, None));
        false_claims.push(preset_value(&absent, Some(value)));
        false_claims.push(preset_value(&absent, Some(b"")));
    }
    for claim in &truths.claims {
        if let Claim::Slot(slot) = claim {
            let mut slot = slot.clone();
            slot.value = Some(slot.value.map_or(vec![1], |value| [value, vec![1]].concat()));
            false_claims.push(Claim::Slot(slot));
        }
    }
    for claim in false_claims.into_iter().filter(|claim| is_declared(trial, kind(claim))) {
        let expected = format!("a claim that does not hold, {}: not-found", kind(&claim));
        let error = truths.application.prove(claim).await.refused(&expected)?;
        ensure(error.code == ErrorCode::NotFound, expected, || error.to_string())?;
    }
    Ok(())
}

pub(super) async fn other_kinds(trial: &mut Trial) -> Checked {
    let undeclared: Vec<_> = KINDS.iter().filter(|kind| !is_declared(trial, kind)).collect();
    if undeclared.is_empty() {
        return Err(Stop::NotApplicable("every kind is declared".into()));
    }
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(3)?, trial.options());
    let written = application.write_well(call, &actor, options).await?;
    let transaction = written.envelope.transaction.clone();
    for undeclared in undeclared {
        let claim = match *undeclared {
            "included" => Claim::Included(transaction.clone()),
            "succeeded" => Claim::Succeeded(transaction.clone()),
            "event" => match event_of(&written) {
                Some(event) => Claim::Event(event),
                None => continue,
            },
            "preset-value" => preset_value("key", None),
            _ => Claim::Slot(adapter_spec::types::Slot {
                contract: trial.contracts.probe.clone(),
                key: vec![0; 32],
                value: None,
            }),
        };
        let expected = format!("a kind that is not declared, {undeclared}: unsupported");
        let error = application.prove(claim).await.refused(&expected)?;
        ensure(error.code == ErrorCode::Unsupported, expected, || error.to_string())?;
    }
    Ok(())
}

pub(super) async fn anchor_and_proof_alone(trial: &mut Trial) -> Checked {
    let truths = truths(trial).await?;
    let anchor = anchor(trial)?;
    let Some(claim) = truths.claims.first() else { return Ok(()) };
    let proof = prove(trial, &truths.application, claim).await?;
    let mut broken = proof.clone();
    broken.block.number += 1;
    // However often, whatever else was verified before, and however far the chain is.
    for _ in 0..3 {
        let verifier = trial.verifier()?;
        for _ in 0..2 {
            verifier.verify(&anchor, &broken).await.refused("verify refuses a broken proof each time")?;
            verifier.verify(&anchor, &proof).await.expected("verify accepts a true proof each time")?;
        }
        trial.advance(5).await?;
    }
    Ok(())
}

pub(super) async fn included_is_not_succeeded(trial: &mut Trial) -> Checked {
    if !is_declared(trial, "included") && !is_declared(trial, "succeeded") {
        return Err(Stop::NotApplicable("neither kind is declared".into()));
    }
    let (one, other) = (trial.store().await?, trial.store().await?);
    let operation = StoreOperation::Insert(StoreEntry { key: trial.name(), value: b"1".to_vec() });
    let (first, second) = (one.begin(&operation).await?, other.begin(&operation).await?);
    let (Begun::Signed(winner), Begun::Signed(loser)) = (first, second) else {
        return Err(Stop::NotApplicable("no transaction that fails can be made".into()));
    };
    for (store, envelope) in [(&one, &winner), (&other, &loser)] {
        if store.application.try_send(envelope).await?.is_err() {
            return Err(Stop::NotApplicable("what will fail is refused before it is in a block".into()));
        }
    }
    let mut failed = None;
    for (store, envelope) in [(&one, winner), (&other, loser)] {
        let receipt = store.application.included(&envelope).await?;
        if matches!(receipt.outcome, Some(Err(_))) && receipt.block.is_some() {
            failed = Some(envelope.transaction);
        }
    }
    let Some(failed) = failed else { return Err(Stop::NotApplicable("what fails is in no block".into())) };
    let application = &one.application;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    let mut proof = None;
    if is_declared(trial, "included") {
        let included = prove(trial, application, &Claim::Included(failed.clone())).await?;
        verifier
            .verify(&anchor, &included)
            .await
            .expected("verify accepts that a failed transaction is included")?;
        proof = Some(included);
    } else {
        trial.advance(10).await?;
    }
    if !is_declared(trial, "succeeded") {
        return Ok(());
    }
    let expected = "that a failed transaction succeeded: not-found";
    let error = application.prove(Claim::Succeeded(failed.clone())).await.refused(expected)?;
    ensure(error.code == ErrorCode::NotFound, expected, || error.to_string())?;
    match proof {
        Some(proof) => {
            let turned = Proof { claim: Claim::Succeeded(failed), ..proof };
            let expected = "verify refuses that a failed transaction succeeded";
            verifier.verify(&anchor, &turned).await.refused(expected).map(|_| ())
        }
        None => Ok(()),
    }
}

pub(super) async fn values_hold_at_their_block(trial: &mut Trial) -> Checked {
    if !is_declared(trial, "preset-value") {
        return Err(Stop::NotApplicable("preset-value is not declared".into()));
    }
    let store = trial.store().await?;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    let (key, value) = (trial.name(), trial.bytes(10));
    let absent = prove(trial, &store.application, &preset_value(&key, None)).await?;
    insert(&store, &key, &value).await?;
    let before = prove(trial, &store.application, &preset_value(&key, Some(&value))).await?;
    if let Err(error) = store.update(&key, b"").await? {
        return fail("update of a key that has a value", error.to_string());
    }
    let empty = prove(trial, &store.application, &preset_value(&key, Some(b""))).await?;
    if let Err(error) = store.delete(&key).await? {
        return fail("delete of a key that has a value", error.to_string());
    }
    let gone = prove(trial, &store.application, &preset_value(&key, None)).await?;
    for proof in [&absent, &before, &empty, &gone] {
        verifier.verify(&anchor, proof).await.expected("verify accepts what held at the proof's block")?;
    }
    let blocks: Vec<_> = [&absent, &before, &empty, &gone].iter().map(|proof| proof.block.number).collect();
    ensure(blocks.is_sorted_by(|a, b| a < b), "each value at a block of its own", || format!("{blocks:?}"))?;
    let values = [None, Some(value.as_slice()), Some(b"".as_slice())];
    for (number, proof) in [&absent, &before, &empty].into_iter().enumerate() {
        for (other, value) in values.iter().enumerate() {
            if number == other {
                continue;
            }
            let claim = preset_value(&key, *value);
            let turned = Proof { claim, ..proof.clone() };
            let expected = "verify refuses another value than the one at the proof's block";
            verifier.verify(&anchor, &turned).await.refused(expected)?;
        }
    }
    Ok(())
}

pub(super) async fn each_its_own(trial: &mut Trial) -> Checked {
    let truths = truths(trial).await?;
    let (verifier, anchor) = (trial.verifier()?, anchor(trial)?);
    let mut proofs = Vec::new();
    for claim in &truths.claims {
        proofs.push(prove(trial, &truths.application, claim).await?);
    }
    for proof in &proofs {
        for claim in &truths.claims {
            if proof.claim == *claim || shares_evidence(&proof.claim, claim) {
                continue;
            }
            let turned = Proof { claim: claim.clone(), ..proof.clone() };
            match verifier.verify(&anchor, &turned).await {
                Err(CallError::Answered(_)) => {}
                Ok(()) => {
                    let expected = format!(
                        "verify refuses a proof of {} for a claim of {}",
                        kind(&proof.claim),
                        kind(claim)
                    );
                    return fail(expected, "success");
                }
                Err(ended) => return fail("an answer of verify", ended.to_string()),
            }
        }
    }
    Ok(())
}

/// Of one transaction that succeeded, the same evidence may prove all that is claimed; two places where nothing is may lie
/// between the same neighbours.
fn shares_evidence(one: &Claim, other: &Claim) -> bool {
    let of_transaction =
        |claim: &Claim| matches!(claim, Claim::Included(_) | Claim::Succeeded(_) | Claim::Event(_));
    let is_absent = |claim: &Claim| match claim {
        Claim::PresetValue(value) => value.value.is_none(),
        Claim::Slot(slot) => slot.value.is_none(),
        _ => false,
    };
    (of_transaction(one) && of_transaction(other)) || (is_absent(one) && is_absent(other))
}
