//! What a failed send says of its effect.

use std::collections::BTreeSet;

use adapter_spec::{
    Function,
    types::{Effect, Inclusion, SendFailure, transport::Lent},
};
use berth_lending::recording::Import;

use super::{
    super::submission::{submissions, submitting},
    send::{Ready, ready},
};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::{Disturbance, Trial, Which, observed::json},
};

/// A fault if the failure claims that the transaction can have no effect.
fn not_never(result: &Result<(), SendFailure>, what: &str) -> Checked {
    match result {
        Err(failure) if failure.effect == Effect::Never => {
            fail(format!("the effect `unknown` of a send {what}"), format!("`never`: {failure}"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

pub(super) async fn never_is_true(trial: &mut Trial) -> Checked {
    let first = ready(trial).await?;
    same(&Ok(()), &first.application.try_send(&first.envelope).await?, "sending a good envelope")?;
    let requests = u32::try_from(first.application.last_call()?.requests().len()).unwrap_or(u32::MAX);
    first.took_effect_once(trial, "one envelope").await?;
    for disturbance in
        [Disturbance::Unreachable, Disturbance::Lost, Disturbance::CutOff(50), Disturbance::Stale]
    {
        for number in 0..requests.min(4) {
            let Ready { application, envelope, .. } = &ready(trial).await?;
            application.disturb(Which::of(Function::Send).nth(number), disturbance.clone());
            let sent = application.try_send(envelope).await;
            application.calm();
            let Err(SendFailure { effect: Effect::Never, error }) = sent? else { continue };
            trial.advance(2).await?;
            let receipt = application.receipt(&envelope.transaction, envelope.tracking.clone()).await;
            let inclusion = receipt.expected("a receipt")?.inclusion;
            let without =
                matches!(inclusion, Inclusion::Unknown | Inclusion::Expired | Inclusion::Superseded(_));
            ensure(without, "a transaction whose send said `never` has no effect", || {
                format!("it is {inclusion:?} after {error}")
            })?;
        }
    }
    Ok(())
}

pub(super) async fn after_a_lost_send(trial: &mut Trial) -> Checked {
    let mut seconds = vec![Disturbance::Unreachable, Disturbance::LostBefore];
    seconds.extend(refusal(trial).map(Disturbance::Native));
    for second in seconds {
        let ready = ready(trial).await?;
        let (application, envelope) = (&ready.application, &ready.envelope);
        application.disturb(Which::of(Function::Send), Disturbance::Lost);
        let sent = application.try_send(envelope).await;
        application.calm();
        sent?.ok();
        let again = application.restarted().await?;
        application.disturb(Which::of(Function::Send), second);
        let sent = again.try_send(envelope).await;
        application.calm();
        not_never(&sent?, "whose transaction may have arrived by an earlier send")?;
        let sent = application.try_send(envelope).await?;
        same(&Ok(()), &sent, "sending it again when all is well")?;
        ready.took_effect_once(trial, "one envelope whose first answer was lost").await?;
    }
    Ok(())
}

/// A refusal for good that the test bed knows, of any.
fn refusal(trial: &mut Trial) -> Option<serde_json::Value> {
    let known = trial.facts.testbed.native_errors.iter();
    let known = known.filter(|known| known.effect == Some(Effect::Never));
    let known: Vec<_> = known.map(|known| known.answer.clone()).collect();
    let choice = trial.below(known.len());
    known.into_iter().nth(choice)
}

pub(super) async fn refusals(trial: &mut Trial) -> Checked {
    let facts = trial.facts.clone();
    let known = facts.testbed.native_errors.iter();
    let known: Vec<_> = known.filter_map(|known| Some((known, known.effect?))).collect();
    if known.is_empty() {
        return Err(Stop::Unknown("the test bed has no native error with an effect".into()));
    }
    for (known, effect) in known {
        let Ready { application, envelope, .. } = &ready(trial).await?;
        let which = Which { method: Some(known.method.clone()), ..Which::of(Function::Send) };
        application.disturb(which, Disturbance::Native(known.answer.clone()));
        let sent = application.try_send(envelope).await;
        application.calm();
        match sent? {
            Ok(()) => fail(format!("a failure after the node's {}", known.answer), "success"),
            Err(failure) => ensure(
                failure.effect == effect,
                format!("the effect `{effect:?}` after the node's {}", known.answer),
                || format!("`{:?}`", failure.effect),
            ),
        }?;
    }
    Ok(())
}

pub(super) async fn what_left(trial: &mut Trial) -> Checked {
    let facts = trial.facts.clone();
    let noise = trial.bytes(40);
    let disturbances = [
        (Disturbance::Lost, "that was interrupted"),
        (Disturbance::LostBefore, "that was interrupted"),
        (Disturbance::Slow, "that got no answer in time"),
        (Disturbance::TooLarge, "whose answer was too large"),
        (Disturbance::Exhausted, "for which the budget was exhausted"),
        (Disturbance::Empty, "whose answer does not decode"),
        (Disturbance::Instead(noise), "whose answer does not decode"),
        (Disturbance::CutOff(50), "whose answer does not decode"),
        (Disturbance::Turned(50), "whose answer does not decode"),
        (Disturbance::Instead(b"{}".to_vec()), "whose answer has another form"),
    ];
    for (disturbance, what) in disturbances {
        let ready = ready(trial).await?;
        let Ready { application, envelope, .. } = &ready;
        for which in submitting(&facts) {
            application.disturb(which, disturbance.clone());
        }
        let sent = application.try_send(envelope).await;
        application.calm();
        not_never(&sent?, what)?;
        same(&Ok(()), &application.try_send(envelope).await?, "sending it again when all is well")?;
        ready.took_effect_once(trial, "one envelope that was sent again").await?;
    }
    Ok(())
}

pub(super) async fn several_endpoints(trial: &mut Trial) -> Checked {
    let facts = trial.facts.clone();
    if !facts.descriptor.endpoints.iter().any(|need| need.many) {
        return Err(Stop::NotApplicable("no need takes several endpoints".into()));
    }
    let first = ready(trial).await?;
    let calls = first.application.calls();
    let lent = calls
        .iter()
        .flat_map(|call| call.exchanges.iter())
        .filter(|exchange| exchange.import == Import::LentAs);
    let lent =
        lent.filter_map(|exchange| serde_json::from_value::<Vec<Lent>>(json(exchange.answer.as_ref()?)).ok());
    let endpoints = lent.max_by_key(Vec::len).unwrap_or_default();
    let endpoints: BTreeSet<_> = endpoints.into_iter().map(|lent| lent.endpoint).collect();
    facts.testbed.offers("entry", "two-endpoints", endpoints.len() > 1)?;
    for endpoint in &endpoints {
        let ready = ready(trial).await?;
        let Ready { application, envelope, .. } = &ready;
        let one = Which { endpoint: Some(endpoint.clone()), ..Which::of(Function::Send) };
        application.disturb(one, Disturbance::Lost);
        application.disturb(Which::of(Function::Send), Disturbance::Unreachable);
        let sent = application.try_send(envelope).await;
        application.calm();
        let was_asked =
            submissions(&application.last_call()?, &facts).iter().any(|asked| asked.endpoint == *endpoint);
        let sent = sent?;
        if was_asked {
            not_never(&sent, "that one of the endpoints may have got")?;
        }
        same(&Ok(()), &application.try_send(envelope).await?, "sending it again when all is well")?;
        ready.took_effect_once(trial, "one envelope, sent to several endpoints").await?;
    }
    Ok(())
}

pub(super) async fn no_success_alone(trial: &mut Trial) -> Checked {
    for disturbance in [Disturbance::Unreachable, Disturbance::LostBefore, Disturbance::Exhausted] {
        let ready = ready(trial).await?;
        let Ready { application, envelope, .. } = &ready;
        application.disturb(Which::of(Function::Send), disturbance.clone());
        let sent = application.try_send(envelope).await;
        application.calm();
        ensure(sent?.is_err(), "a failure of a send that no node has answered", || {
            format!("success, though every request was answered with {disturbance:?}")
        })?;
        same(&Ok(()), &application.try_send(envelope).await?, "sending it again when all is well")?;
        ready.took_effect_once(trial, "one envelope that was sent again").await?;
    }
    Ok(())
}
