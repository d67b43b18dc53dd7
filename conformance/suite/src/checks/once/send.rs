//! `send`: what leaves, and how often.

use adapter_spec::{
    Function,
    types::{CallOptions, Step},
};
use futures_util::future::BoxFuture;

use super::super::submission::{is_read, submissions, submitting};
use crate::{
    Application,
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail, same},
    trial::{Actor, Counter, Crash, Disturbance, Observed, Trial, Which},
};

/// The most points at which a call is ended.
const MOST_POINTS: u32 = 64;

pub(super) fn only_send_writes(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    if call.function == Function::Send {
        return None;
    }
    let requests = call.requests();
    let foreign = requests.iter().find(|request| !is_read(facts, &request.method));
    Some(foreign.map_or(Ok(()), |foreign| {
        Err(Fault::new(
            "only send asks an endpoint for more than the declared reads",
            format!("{} asked for {}", call.function, foreign.method),
        ))
    }))
}

pub(super) fn one_transaction(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::Send {
        return None;
    }
    let submitted = submissions(call, facts);
    let first = submitted.first()?;
    let other = submitted.iter().find(|next| next.method == first.method && next.content != first.content);
    Some(other.map_or(Ok(()), |other| {
        Err(Fault::new(
            "one send submits one transaction, whichever endpoints get it",
            format!("{} was asked with two different contents", other.method),
        ))
    }))
}

pub(super) fn no_repetition(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::Send {
        return None;
    }
    let submitted = submissions(call, facts);
    let repeated = submitted.iter().enumerate().find(|(number, request)| {
        let key = (&request.endpoint, &request.method, &request.content);
        submitted
            .iter()
            .take(*number)
            .any(|before| (&before.endpoint, &before.method, &before.content) == key)
    });
    Some(repeated.map_or(Ok(()), |(_, repeated)| {
        Err(Fault::new(
            "one send hands a transaction to an endpoint once",
            format!("{} was asked for {} again in the same call", repeated.endpoint, repeated.method),
        ))
    }))
}

/// An application, somebody who has its counter at a known number, and an envelope that adds to it.
pub(in super::super) struct Ready {
    pub(in super::super) application: Application,
    pub(in super::super) actor: Actor,
    pub(in super::super) counter: Counter,
    pub(in super::super) amount: u128,
    pub(in super::super) envelope: adapter_spec::types::Envelope,
}

/// Makes a call ready to be sent.
pub(in super::super) async fn ready(trial: &mut Trial) -> Result<Ready, Stop> {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let counter = trial.counter(&application, &actor).await?;
    let (amount, options) = (trial.amount(), trial.options());
    let envelope = application.envelope(trial.add(amount)?, &actor, options).await?;
    Ok(Ready { application, actor, counter, amount: amount.into(), envelope })
}

impl Ready {
    /// A fault unless the call took effect exactly once.
    pub(in super::super) async fn took_effect_once(&self, trial: &Trial, what: &str) -> Checked {
        self.application.included(&self.envelope).await?;
        trial.advance(1).await?;
        self.counter.grew_by(trial, &self.application, self.amount, what).await
    }
}

/// Calls that are estimated, given up, left for later, and looked after: what rules watch beside writes.
pub(in super::super) async fn ordinary_use(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
) -> Checked {
    let call = trial.add(1)?;
    // An undeclared estimate is an error, and as good.
    application.estimate(call.clone(), actor.parties(), CallOptions::default()).await.ok();
    let options = trial.options();
    if let Step::Sign(request) = application.begin(call, actor.parties(), options).await.expected("begin")? {
        application.abandon(request.continuation).await.expected("`abandon` succeeds")?;
    }
    let (amount, options) = (trial.amount(), trial.options());
    let envelope = application.envelope(trial.add(amount)?, actor, options).await?;
    application.receipt(&envelope.transaction, envelope.tracking.clone()).await.expected("a receipt")?;
    same(&Ok(()), &application.try_send(&envelope).await?, "sending a good envelope")?;
    application.included(&envelope).await?;
    trial.advance(1).await?;
    application.receipt(&envelope.transaction, envelope.tracking.clone()).await.expected("a receipt")?;
    Ok(())
}

pub(super) async fn only_its_own(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let (first, second) = (trial.actor(&application).await?, trial.actor(&application).await?);
    let (firsts, seconds) =
        (trial.counter(&application, &first).await?, trial.counter(&application, &second).await?);
    let (less, more) = (trial.amount(), trial.amount());
    let (options, other_options) = (trial.options(), trial.options());
    let kept = application.envelope(trial.add(less)?, &first, options).await?;
    let sent = application.envelope(trial.add(more)?, &second, other_options).await?;
    same(&Ok(()), &application.try_send(&sent).await?, "sending a good envelope")?;
    application.included(&sent).await?;
    trial.advance(1).await?;
    seconds.grew_by(trial, &application, more.into(), "the envelope that was sent").await?;
    firsts.grew_by(trial, &application, 0, "an envelope that was signed and not sent").await?;
    same(&Ok(()), &application.try_send(&kept).await?, "sending the other envelope")?;
    application.included(&kept).await?;
    firsts.grew_by(trial, &application, less.into(), "the other envelope, sent at last").await
}

pub(super) async fn many_sends_make_one(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    same(&Ok(()), &ready.application.try_send(&ready.envelope).await?, "sending a good envelope")?;
    ready.application.included(&ready.envelope).await?;
    for _ in 0..3 {
        let again = ready.application.restarted().await?.try_send(&ready.envelope).await?;
        same(&Ok(()), &again, "sending an envelope again")?;
    }
    // Days later, too: then it may be refused, and must still not take effect again.
    Trial::where_it_can(trial.let_pass(&ready.application, 3 * 24 * 60 * 60 * 1000).await)?;
    trial.advance(3).await?;
    ready.application.restarted().await?.try_send(&ready.envelope).await?.ok();
    ready.took_effect_once(trial, "one envelope, sent many times").await
}

pub(super) async fn side_by_side(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let mut instances = Vec::new();
    for _ in 0..3 {
        instances.push(ready.application.restarted().await?);
    }
    let envelope = &ready.envelope;
    let sends = instances
        .iter()
        .map(|instance| -> BoxFuture<'_, _> { Box::pin(async move { instance.try_send(envelope).await }) });
    let sends: Vec<_> = sends.collect();
    for sent in trial.interleave(sends).await {
        sent?.ok();
    }
    same(&Ok(()), &ready.application.try_send(envelope).await?, "sending an envelope again")?;
    ready.took_effect_once(trial, "one envelope, sent from several instances side by side").await
}

pub(super) async fn lost_answers(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    for disturbance in [Disturbance::LostBefore, Disturbance::Lost, Disturbance::Slow, Disturbance::TooLarge]
    {
        application.disturb(Which::of(Function::Send), disturbance);
        application.restarted().await?.try_send(envelope).await?.ok();
        application.calm();
    }
    let again = application.restarted().await?.try_send(envelope).await?;
    same(&Ok(()), &again, "sending an envelope again whose answers were lost")?;
    ready.took_effect_once(trial, "one envelope whose answers were lost").await
}

pub(super) async fn ended_anywhere(trial: &mut Trial) -> Checked {
    let mut ready = ready(trial).await?;
    for points in 0..MOST_POINTS {
        let ended = trial.crash_after(points, ready.application.try_send(&ready.envelope)).await;
        let again = ready.application.restarted().await?.try_send(&ready.envelope).await?;
        same(&Ok(()), &again, "sending an envelope again after a crash in send")?;
        ready.took_effect_once(trial, "one envelope, sent again after a crash in send").await?;
        if let Crash::Finished(sent) = ended {
            return same(&Ok(()), &sent?, "sending a good envelope");
        }
        ready.counter = trial.counter(&ready.application, &ready.actor).await?;
        let (amount, options) = (trial.amount(), trial.options());
        ready.amount = amount.into();
        ready.envelope = ready.application.envelope(trial.add(amount)?, &ready.actor, options).await?;
    }
    fail("send comes to an end", format!("it was not done after {MOST_POINTS} import calls"))
}

pub(super) async fn without_state(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    application.disturb(Which::of(Function::Send), Disturbance::Lost);
    application.try_send(envelope).await?.ok();
    application.calm();
    for _ in 0..2 {
        application.set_state(std::collections::BTreeMap::new());
        let again = application.restarted().await?.try_send(envelope).await?;
        same(&Ok(()), &again, "sending an envelope again when the state is lost")?;
        application.included(envelope).await?;
    }
    ready.took_effect_once(trial, "one envelope, sent again when the state was lost").await
}

pub(super) async fn in_the_chain(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    application.included(envelope).await?;
    let known = "sending an envelope again that is in the chain";
    same(&Ok(()), &application.try_send(envelope).await?, known)?;
    same(&Ok(()), &application.restarted().await?.try_send(envelope).await?, known)?;
    // Not even its own state knows that it was sent before.
    let other = trial.application().await?;
    same(&Ok(()), &other.try_send(envelope).await?, known)
}

pub(super) async fn in_the_pool(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    trial.control("hold", &[]).await?;
    let sent = twice(&ready).await;
    trial.control("release", &[]).await?;
    sent?;
    ready.took_effect_once(trial, "one envelope, sent twice before there was a block").await
}

async fn twice(ready: &Ready) -> Checked {
    let Ready { application, envelope, .. } = ready;
    same(&Ok(()), &application.try_send(envelope).await?, "sending a good envelope")?;
    let known = "sending an envelope again that waits for a block";
    same(&Ok(()), &application.try_send(envelope).await?, known)?;
    same(&Ok(()), &application.restarted().await?.try_send(envelope).await?, known)
}

pub(super) async fn not_by_itself(trial: &mut Trial) -> Checked {
    let ready = ready(trial).await?;
    let Ready { application, envelope, .. } = &ready;
    let facts = trial.facts.clone();
    let asked = |what: &str| {
        let call = application.last_call()?;
        let submitted = submissions(&call, &facts);
        let endpoints: std::collections::BTreeSet<_> = submitted.iter().map(|one| &one.endpoint).collect();
        ensure(
            submitted.len() <= endpoints.len(),
            format!("a send {what} is left to the caller: each endpoint gets the transaction once"),
            || format!("{} submissions to {} endpoints", submitted.len(), endpoints.len()),
        )
    };
    for (disturbance, what) in [
        (Disturbance::LostBefore, "that was interrupted"),
        (Disturbance::Unreachable, "that did not leave"),
        (Disturbance::Slow, "that got no answer in time"),
    ] {
        // At every endpoint, so that none of them takes it and ends the matter.
        for which in submitting(&facts) {
            application.disturb(which, disturbance.clone());
        }
        let sent = application.try_send(envelope).await;
        application.calm();
        sent?.ok();
        asked(what)?;
    }
    same(&Ok(()), &application.try_send(envelope).await?, "sending it again when all is well")?;
    ready.took_effect_once(trial, "one envelope that was sent again by its caller").await
}
