//! ABAN: abandonment.

use adapter_spec::{
    Function,
    types::{CallOptions, ErrorCode, SignRequest, Step, Validity},
};
use berth_lending::recording::Import;

use crate::{
    Application, boxed,
    check::{Check, Checked, Expect as _, Facts, Fault, Need, Stop, ensure, fail, rule, same, scenario},
    trial::{Actor, Observed, Signed, Trial, observed::json},
};

/// Calls that are begun and abandoned, as the clause has it.
const HUNDRED: usize = 100;

pub(super) const CHECKS: &[Check] = &[
    scenario("ABAN-1", "giving-up-always-works", &[], boxed!(giving_up_works)),
    scenario("ABAN-2", "a-forgotten-call-blocks-nobody", &[], boxed!(forgotten)),
    scenario("ABAN-3", "a-few-abandoned-calls-leave-no-gap", &[], boxed!(a_few)),
    scenario("ABAN-3", "a-hundred-abandoned-calls-leave-no-gap", &[], boxed!(a_hundred)).slow(),
    scenario("ABAN-4", "an-abandoned-call-is-not-resumed", &[], boxed!(resumed_after_abandon)),
    scenario("ABAN-4", "a-late-call-is-not-resumed", &[], boxed!(resumed_late)),
    scenario("ABAN-4", "a-late-signature-does-not-collide", &[], boxed!(late_beside_newer)),
    rule("ABAN-5", "a-reservation-ends", &[Need::OrderedAccounts], reservation_ends),
];

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];

/// A call that waits for its signature; not applicable where none does.
async fn waiting(
    application: &Application,
    actor: &Actor,
    call: adapter_spec::types::Call,
    options: CallOptions,
) -> Result<SignRequest, Stop> {
    match application.begin(call, actor.parties(), options).await.expected("begin starts the call")? {
        Step::Sign(request) => Ok(request),
        Step::Send(_) | Step::Answer(_) => {
            Err(Stop::NotApplicable("calls that write need no signature here".into()))
        }
    }
}

/// Begins a call of this actor.
async fn begun(trial: &mut Trial, application: &Application, actor: &Actor) -> Result<SignRequest, Stop> {
    let (amount, options) = (trial.amount(), trial.options());
    waiting(application, actor, trial.add(amount)?, options).await
}

async fn given_up(application: &Application, request: &SignRequest, what: &str) -> Checked {
    let abandoned = application.abandon(request.continuation.clone()).await;
    abandoned.expected(&format!("`abandon` succeeds for {what}"))
}

/// The actor's next call is taken, and takes effect at once.
async fn next_is_taken(trial: &mut Trial, application: &Application, actor: &Actor, after: &str) -> Checked {
    let counter = trial.counter(application, actor).await?;
    let (amount, options) = (trial.amount(), trial.options());
    let expected = format!("the next call of the account is taken after {after}");
    match application.write_well(trial.add(amount)?, actor, options).await {
        Err(Stop::Fail(fault)) => return fail(expected, fault.actual),
        other => other?,
    };
    trial.advance(1).await?;
    counter.grew_by(trial, application, amount.into(), &expected).await
}

async fn giving_up_works(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let request = begun(trial, &application, &actor).await?;
    given_up(&application, &request, "a call that waits for its signature").await?;
    given_up(&application, &request, "a call that was abandoned before").await?;
    given_up(
        &application.restarted().await?,
        &request,
        "a call that was abandoned before, by another instance",
    )
    .await?;
    let request = begun(trial, &application, &actor).await?;
    given_up(&application.restarted().await?, &request, "a call that another instance began").await?;
    // Another application never reserved anything for it.
    let stranger = trial.application().await?;
    given_up(&stranger, &request, "a call that reserved nothing").await?;
    let request = begun(trial, &application, &actor).await?;
    if Trial::where_it_can(trial.pass(&application, &request.valid_until).await)? {
        given_up(&application, &request, "a call that has expired").await?;
    }
    next_is_taken(trial, &application, &actor, "calls that were given up").await
}

async fn forgotten(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let mut last = begun(trial, &application, &actor).await?.valid_until;
    for _ in 0..3 {
        // While a call waits the account may have no other; afterwards it must not matter.
        let (amount, options) = (trial.amount(), trial.options());
        let instance = application.restarted().await?;
        let began = instance.begin(trial.add(amount)?, actor.parties(), options).await;
        if let Ok(Step::Sign(request)) = began {
            last = request.valid_until;
        }
    }
    trial.pass(&application, &last).await?;
    next_is_taken(
        trial,
        &application,
        &actor,
        "calls that nobody resumed or abandoned, past their `valid-until`",
    )
    .await
}

async fn a_few(trial: &mut Trial) -> Checked {
    abandoned(trial, 5).await
}

async fn a_hundred(trial: &mut Trial) -> Checked {
    abandoned(trial, HUNDRED).await
}

async fn abandoned(trial: &mut Trial, count: usize) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let mut requests = Vec::new();
    for number in 0..count {
        let (amount, options) = (trial.amount(), trial.options());
        let (call, parties) = (trial.add(amount)?, actor.parties());
        let mut began = application.begin(call.clone(), parties.clone(), options.clone()).await;
        if began.is_err() {
            // While others wait the account may have no more; once they are given up it must not matter.
            for request in requests.drain(..) {
                given_up(&application, &request, "one of many calls").await?;
            }
            began = application.begin(call, parties, options).await;
        }
        let what = format!("begin of call {} of {count} that are abandoned", number + 1);
        match began.expected(&what)? {
            Step::Sign(request) => requests.push(request),
            Step::Send(_) | Step::Answer(_) => {
                return Err(Stop::NotApplicable("calls that write need no signature here".into()));
            }
        }
        // Some are given up while others wait, in whatever order.
        if trial.below(3) > 0 {
            let choice = trial.below(requests.len());
            given_up(&application, &requests.swap_remove(choice), "one of many calls").await?;
        }
    }
    for request in requests {
        given_up(&application, &request, "one of many calls").await?;
    }
    next_is_taken(trial, &application, &actor, &format!("{count} calls that were begun and abandoned")).await
}

/// A fault unless `resume` answers `expired`.
async fn expired(application: &Application, actor: &Actor, request: SignRequest, what: &str) -> Checked {
    let signatures = actor.sign(&request)?;
    let expected = format!("`expired` for resume {what}");
    let error = application.resume(request.continuation, signatures).await.refused(&expected)?;
    ensure(error.code == ErrorCode::Expired, expected, || error.to_string())
}

async fn resumed_after_abandon(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let request = begun(trial, &application, &actor).await?;
    given_up(&application, &request, "a call that waits for its signature").await?;
    expired(&application.restarted().await?, &actor, request.clone(), "after `abandon`").await?;
    next_is_taken(trial, &application, &actor, "a call that was given up").await?;
    expired(&application, &actor, request, "after `abandon`").await
}

async fn resumed_late(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let request = begun(trial, &application, &actor).await?;
    if !trial.pass(&application, &request.valid_until).await? {
        return Err(Stop::NotApplicable("a continuation has no end here".into()));
    }
    expired(&application.restarted().await?, &actor, request, "past the continuation's `valid-until`")
        .await?;
    next_is_taken(trial, &application, &actor, "a call that came too late").await
}

async fn late_beside_newer(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let counter = trial.counter(&application, &actor).await?;
    let late = begun(trial, &application, &actor).await?;
    if !trial.pass(&application, &late.valid_until).await? {
        return Err(Stop::NotApplicable("a continuation has no end here".into()));
    }
    let amount = trial.amount();
    let options = trial.options();
    let newer = application.envelope(trial.add(amount)?, &actor, options).await?;
    // The late signature comes between the newer call's and its sending.
    let signatures = actor.sign(&late)?;
    if let Ok(step) = application.resume(late.continuation, signatures).await {
        let Signed::Envelope(envelope) = application.sign(&actor, step).await? else {
            return fail("a call that writes ends in send", "an answer");
        };
        application.try_send(&envelope).await?.ok();
        let sent = application.try_send(&newer).await?;
        return fail(
            "`expired` for a signature that comes after the continuation's `valid-until`",
            format!("an envelope; the newer call's send then came to {sent:?}"),
        );
    }
    same(&Ok(()), &application.try_send(&newer).await?, "sending the newer call's envelope")?;
    application.included(&newer).await?;
    trial.advance(1).await?;
    counter.grew_by(trial, &application, amount.into(), "the newer call, beside a late signature").await
}

fn reservation_ends(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    if !matches!(call.function, Function::Begin | Function::Resume | Function::Replace) {
        return None;
    }
    let Step::Sign(request) = call.success()? else { return None };
    let reserved = call.exchanges.iter().any(|exchange| {
        exchange.import == Import::StateSwap
            && exchange.answer.as_ref().is_some_and(|answer| json(answer).as_bool() == Some(true))
    });
    Some(if reserved && request.valid_until == Validity::Unbounded {
        Err(Fault::new(
            "a `valid-until` other than `unbounded` where the call reserves something of its account",
            format!("{} wrote to the state, and its continuation is unbounded", call.function),
        ))
    } else {
        Ok(())
    })
}
