//! What a receipt says.

use adapter_spec::{
    Function,
    types::{
        BlockSelector, CallOptions, Confidence, Event, EventFilter, EventStart, Inclusion, Receipt, Step,
        StoreEntry, StoreOperation, Value,
    },
};

use super::{
    super::once::{Ready, ready},
    course::look,
};
use crate::{
    Application,
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail, same},
    trial::{Disturbance, Observed, Trial, Which},
};

/// Pages of events after which a transaction's are not looked for any more.
const MOST_PAGES: usize = 200;

fn receipt_of(call: &Observed) -> Option<Receipt> {
    (call.function == Function::Receipt).then(|| call.success())?
}

fn is_in_a_block(receipt: &Receipt) -> bool {
    matches!(receipt.inclusion, Inclusion::Included(_) | Inclusion::Final)
}

pub(super) fn block_and_index(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    let receipt = receipt_of(call)?;
    let named = receipt.block.as_ref().is_some_and(|block| !block.hash.is_empty());
    Some(if is_in_a_block(&receipt) && !named {
        Err(Fault::new(
            "a receipt names its block by number and hash from `included` on",
            format!("{:?} with the block {:?}", receipt.inclusion, receipt.block),
        ))
    } else if !is_in_a_block(&receipt) && (receipt.block.is_some() || receipt.index.is_some()) {
        Err(Fault::new(
            "neither block nor index before the transaction is included",
            format!("{:?} with block {:?} and index {:?}", receipt.inclusion, receipt.block, receipt.index),
        ))
    } else {
        Ok(())
    })
}

pub(super) fn outcome_from_inclusion(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    let receipt = receipt_of(call)?;
    Some(if is_in_a_block(&receipt) == receipt.outcome.is_some() {
        Ok(())
    } else {
        Err(Fault::new(
            "an outcome from inclusion on, and none before",
            format!("{:?} with the outcome {:?}", receipt.inclusion, receipt.outcome),
        ))
    })
}

pub(super) fn decimal_fee(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    let fee = receipt_of(call)?.fee?;
    Some(if !fee.is_empty() && fee.bytes().all(|digit| digit.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Fault::new("a fee that is a decimal number in the smallest unit", format!("{fee:?}")))
    })
}

pub(super) fn events_belong(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    let receipt = receipt_of(call)?;
    let foreign = receipt.events.iter().find(|event| {
        Some(&event.block) != receipt.block.as_ref()
            || event.transaction != receipt.transaction
            || event.retracted
    });
    Some(foreign.map_or(Ok(()), |event| {
        Err(Fault::new(
            "a receipt's events are of its own transaction and block",
            format!("{event:?} in a receipt of {:?}", receipt.block),
        ))
    }))
}

pub(super) async fn in_its_block(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    let receipt = application.included(envelope).await?;
    let Some(named) = receipt.block else { return fail("the block of an included transaction", "none") };
    let block = application.block(BlockSelector::Hash(named.hash.clone())).await;
    let block = block.expected("the block that the receipt names, by its hash")?;
    same(&named, &block.reference, "the block that the receipt names")?;
    let place = block.transactions.iter().position(|entry| entry.transaction == receipt.transaction);
    let Some(place) = place else {
        return fail("the block that the receipt names holds the transaction", "it does not");
    };
    let index = receipt.index.map(u64::from);
    ensure(
        index.is_none_or(|index| u64::try_from(place).is_ok_and(|place| place == index)),
        format!("the transaction's index in its block counts from 0: {place}"),
        || format!("{index:?}"),
    )
}

/// A transaction that the ledger took and whose execution failed.
async fn failed(trial: &mut Trial) -> Result<(Application, adapter_spec::types::Envelope), Stop> {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    if trial.facts.testbed.probe.functions.contains_key("fail") {
        let (reason, options) = (trial.name(), trial.options());
        let call = trial.invoke("fail", vec![Value::Text(reason)])?;
        if let Ok(crate::trial::Signed::Envelope(envelope)) =
            application.try_call(call, &actor, options).await?
        {
            same(&Ok(()), &application.try_send(&envelope).await?, "sending a good envelope")?;
            return Ok((application, envelope));
        }
    }
    // The ledger tells before anything is sent what would fail. So two are begun that would both succeed, and exclude each other.
    if trial.contracts.preset.is_none() {
        return Err(Stop::NotApplicable("what would fail does not get onto this ledger".into()));
    }
    let other = trial.actor(&application).await?;
    let key = trial.name();
    let mut envelopes = Vec::new();
    for actor in [&actor, &other] {
        let entry = StoreEntry { key: key.clone(), value: trial.bytes(8) };
        let call = trial.store_call(&application, StoreOperation::Insert(entry)).await?;
        let options = trial.options();
        envelopes.push(application.envelope(call, actor, options).await?);
    }
    let mut loser = None;
    for envelope in envelopes {
        if application.try_send(&envelope).await?.is_ok() {
            application.included(&envelope).await?;
            loser = Some(envelope);
        }
    }
    loser.map_or_else(|| fail("one of two sends succeeds", "both fail"), |loser| Ok((application, loser)))
}

pub(super) async fn failed_is_error(trial: &mut Trial) -> Checked {
    let (application, envelope) = failed(trial).await?;
    let receipt = application.restarted().await?.included(&envelope).await?;
    ensure(
        matches!(receipt.outcome, Some(Err(_))),
        "a failed execution is an error in the outcome, whatever the inclusion",
        || format!("{:?} with the outcome {:?}", receipt.inclusion, receipt.outcome),
    )
}

pub(super) async fn accepted_is_not_executed(trial: &mut Trial) -> Checked {
    // The very instance that was told that the transaction is accepted.
    let (application, envelope) = failed(trial).await?;
    let receipt = application.included(&envelope).await?;
    ensure(
        matches!(receipt.outcome, Some(Err(_))),
        "the outcome is what the ledger committed, not that a node accepted the transaction",
        || format!("the outcome {:?}", receipt.outcome),
    )
}

pub(super) async fn valid_one(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    for instance in [application.clone(), application.restarted().await?, trial.application().await?] {
        instance.try_send(envelope).await?.ok();
    }
    let first = application.included(envelope).await?;
    application.try_send(envelope).await?.ok();
    trial.advance(1).await?;
    for instance in [application.clone(), application.restarted().await?] {
        let receipt = look(&instance, envelope).await?;
        ensure(
            matches!(receipt.outcome, Some(Ok(_))) && receipt.block == first.block,
            "the receipt of the valid transaction, however often it was sent",
            || {
                format!(
                    "{:?} in {:?} with the outcome {:?}",
                    receipt.inclusion, receipt.block, receipt.outcome
                )
            },
        )?;
    }
    Ok(())
}

pub(super) async fn same_events(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    let receipt = application.included(envelope).await?;
    let Some(block) = &receipt.block else { return fail("the block of an included transaction", "none") };
    let filter = EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest };
    let mut start = EventStart::Block(block.number);
    let mut followed: Vec<Event> = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = application.events(filter.clone(), start, 100, 1 << 20).await;
        let page = page.expected("a page of events from the receipt's block on")?;
        let is_done = page.scanned >= block.number && page.events.is_empty();
        followed.extend(page.events.into_iter().filter(|event| event.transaction == receipt.transaction));
        if is_done {
            break;
        }
        start = EventStart::Cursor(page.cursor);
    }
    let fact = |event: &Event| {
        (event.id.clone(), event.contract.clone(), event.payload.clone(), event.block.clone(), event.index)
    };
    let (of_receipt, of_follower): (Vec<_>, Vec<_>) =
        (receipt.events.iter().map(fact).collect(), followed.iter().map(fact).collect());
    ensure(
        of_receipt == of_follower,
        "the events of a receipt are those that `events.read` gives for the transaction, with the same ids",
        || format!("{of_receipt:?} in the receipt, {of_follower:?} by events.read"),
    )
}

pub(super) async fn fee_within_bound(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    let estimated = application.estimate(call.clone(), actor.parties(), CallOptions::default()).await.ok();
    let step = application.begin(call, actor.parties(), options).await.expected("begin starts the call")?;
    let bound = match &step {
        Step::Sign(request) => request.max_fee.clone(),
        Step::Send(_) | Step::Answer(_) => None,
    };
    let crate::trial::Signed::Envelope(envelope) = application.sign(&actor, step).await? else {
        return fail("a call that writes ends in send", "an answer");
    };
    same(&Ok(()), &application.try_send(&envelope).await?, "sending a good envelope")?;
    let receipt = application.included(&envelope).await?;
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<u128>().ok());
    if let (Some(fee), Some(bound)) = (number(&receipt.fee), number(&bound)) {
        ensure(fee <= bound, format!("what was paid is within what was signed, {bound}"), || {
            fee.to_string()
        })?;
    }
    if let Some(estimated) = estimated.and_then(|estimate| number(&estimate.fee)) {
        ensure(
            estimated == 0 || receipt.fee.is_some(),
            format!("the fee that was paid, where a fee of {estimated} was estimated"),
            || "none".into(),
        )?;
    }
    Ok(())
}

pub(super) async fn no_mixture(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let mut written = Vec::new();
    for _ in 0..2 {
        let actor = trial.actor(&application).await?;
        let (call, options) = (trial.add(1)?, trial.options());
        written.push(application.write_well(call, &actor, options).await?);
        trial.advance(1).await?;
    }
    let [one, other] = written.as_slice() else { return Err(Stop::Harness("two were written".into())) };
    let requests = {
        look(&application, &other.envelope).await?;
        u32::try_from(application.last_call()?.requests().len()).unwrap_or(u32::MAX)
    };
    // Each of the answers in turn is the one that the first transaction got.
    for number in 0..requests.min(16) {
        application.disturb(Which::of(Function::Receipt), Disturbance::Duplicated);
        let instance = application.restarted().await?;
        instance.receipt(&one.envelope.transaction, one.envelope.tracking.clone()).await.ok();
        application.calm();
        application.disturb(Which::of(Function::Receipt).nth(number), Disturbance::Duplicated);
        let mixed = instance.receipt(&other.envelope.transaction, other.envelope.tracking.clone()).await;
        application.calm();
        let Ok(mixed) = mixed else { continue };
        let true_one = &other.receipt;
        let earlier = !is_in_a_block(&mixed);
        ensure(
            earlier
                || (mixed.block == true_one.block
                    && mixed.index == true_one.index
                    && mixed.events == true_one.events
                    && mixed.outcome.as_ref().map(Result::is_ok)
                        == true_one.outcome.as_ref().map(Result::is_ok)),
            "a receipt's facts belong together, or it is `corrupt-response` or an earlier state",
            || format!("with another transaction's answer in place of answer {number}: {mixed:?}"),
        )?;
    }
    Ok(())
}
