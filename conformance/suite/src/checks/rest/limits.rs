//! What a call may use.

use std::collections::BTreeSet;

use adapter_spec::{
    Ended, Limit,
    types::{BlockSelector, Call, Confidence, EventFilter, EventStart, Step, Value},
};

use crate::{
    check::{Checked, Facts, Fault, Stop, ensure},
    checks::deeds::{Day, READS, ended},
    trial::{Disturbance, Ending, Observed, Request, Trial, Which},
};

/// The most requests of one call.
const MAX_REQUESTS: usize = 256;
/// The most requests of one list.
const MAX_LIST: usize = 64;

pub(super) fn none_reached(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    let Ending::Ended(Ended::LimitReached { limit, allowed }) = &call.ending else { return Some(Ok(())) };
    let is_own = matches!(limit, Limit::WallTime | Limit::ComputeTime | Limit::Memory | Limit::Table);
    is_own.then(|| {
        Err(Fault::new(
            "a call that ends within 10 seconds of computing, and within 64 MiB and eight times its payload",
            format!("{} reached the limit on {limit} ({allowed})", call.function),
        ))
    })
}

pub(super) fn requests(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    let requests = call.requests();
    let mut lists = std::collections::BTreeMap::<usize, usize>::new();
    for request in requests.iter() {
        *lists.entry(request.exchange).or_default() += 1;
    }
    let longest = lists.values().max().copied().unwrap_or_default();
    (!requests.is_empty()).then(|| {
        if requests.len() > MAX_REQUESTS {
            Err(Fault::new(
                format!("a call makes at most {MAX_REQUESTS} requests"),
                format!("{} made {}", call.function, requests.len()),
            ))
        } else if longest > MAX_LIST {
            Err(Fault::new(
                format!("a list has at most {MAX_LIST} requests"),
                format!("{} made one of {longest}", call.function),
            ))
        } else {
            Ok(())
        }
    })
}

fn judge(call: &Observed) -> Checked {
    match &call.ending {
        Ending::Ended(Ended::LimitReached { limit, allowed }) => ensure(
            false,
            "a call that ends within 10 seconds of computing, and within 64 MiB and eight times its payload",
            || format!("{} reached the limit on {limit} ({allowed})", call.function),
        ),
        Ending::Ended(ended) => {
            ensure(false, "an answer to a payload of max-payload", || format!("{}: {ended}", call.function))
        }
        _ => Ok(()),
    }
}

/// Payloads of exactly what is allowed, in each form.
pub(super) async fn largest_payload(trial: &mut Trial) -> Checked {
    let app = trial.application().await?;
    let actor = trial.actor(&app).await?;
    let most = usize::try_from(trial.facts.descriptor.max_payload).unwrap_or(0).min(16 << 20);
    let half = most / 2;
    let nested = format!("{}{}", "[".repeat(half), "]".repeat(half));
    let long = format!("[[{}]]", vec!["1"; half.saturating_sub(2)].join(","));
    for (function, value) in [
        ("echo-text", Value::Text("x".repeat(most))),
        ("echo-bytes", Value::Bytes(trial.bytes(most))),
        ("echo-integer", Value::Integer("9".repeat(most))),
        ("echo-json", Value::Json(nested)),
        ("echo-json", Value::Json(long)),
        ("put", Value::Text("\u{1}".repeat(most))),
    ] {
        // What the framework cannot have is not asked for.
        let Ok(call) = trial.function(function, vec![value]) else { continue };
        let is_write = function == "put";
        let call = if is_write { Call::Invoke(call) } else { Call::Evaluate(call) };
        let step = app.begin(call.clone(), actor.parties(), trial.options()).await;
        judge(&app.last_call()?)?;
        if let Ok(Step::Sign(request)) = step {
            drop(app.abandon(request.continuation).await);
            judge(&app.last_call()?)?;
        }
        drop(app.estimate(call, actor.parties(), trial.options()).await);
        judge(&app.last_call()?)?;
    }
    Ok(())
}

/// What would take most requests.
pub(super) async fn large_questions(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?;
    trial.advance(300).await?;
    let app = &day.application;
    for confidence in [Confidence::Latest, Confidence::Safe, Confidence::Final] {
        drop(app.block(BlockSelector::At(confidence)).await);
        let filter = EventFilter { contract: None, name: None, abi: None, confidence };
        drop(app.events(filter.clone(), EventStart::Earliest, 100_000, u32::MAX).await);
        drop(app.events(filter, EventStart::Block(day.block()), 100_000, u32::MAX).await);
    }
    let written = &day.written.envelope;
    drop(app.receipt(&written.transaction, written.tracking.clone()).await);
    drop(app.receipt(&written.transaction, Vec::new()).await);
    for call in app.calls() {
        if let Some(Err(fault)) = requests(&call, &trial.facts) {
            return Err(fault.into());
        }
    }
    Ok(())
}

/// The lists of requests, in order.
fn lists(call: &Observed) -> Vec<Vec<Request>> {
    let mut lists: Vec<Vec<Request>> = Vec::new();
    for request in call.requests().iter().cloned() {
        match lists.last_mut() {
            Some(list) if list.first().is_some_and(|first| first.exchange == request.exchange) => {
                list.push(request);
            }
            _ => lists.push(vec![request]),
        }
    }
    lists
}

fn asked(list: &[Request]) -> BTreeSet<(String, Vec<u8>)> {
    list.iter().map(|request| (request.method.clone(), request.content.clone())).collect()
}

/// A list that is asked with the answer to the list before it, and just so without, does not depend on it.
pub(super) async fn side_by_side(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    let mut seen = 0;
    for deed in READS {
        if !day.can(trial, *deed) {
            continue;
        }
        let calm = lists(&day.calmly(trial, *deed).await?);
        let mut before = 0;
        for (number, list) in calm.iter().enumerate() {
            seen += 1;
            let first = u32::try_from(before).unwrap_or(u32::MAX);
            before += list.len();
            let Some(next) = calm.get(number + 1) else { continue };
            // Other endpoints may be asked the same: that is no waste.
            let count = Some(u32::try_from(list.len()).unwrap_or(u32::MAX));
            let which = Which { from: first, count, ..Which::all() };
            let done = day.under(trial, *deed, &[(which, Disturbance::Page)]).await?;
            let after = lists(&done.wrong);
            let Some(then) = after.get(number + 1) else { continue };
            let is_independent = asked(then) == asked(next) && asked(next) != asked(list);
            ensure(
                !is_independent,
                format!("{}: what does not depend on an answer is asked beside it", deed.name()),
                || {
                    let methods: Vec<_> = next.iter().map(|request| request.method.as_str()).collect();
                    format!(
                        "{} is asked after an answer that it does not need; {}",
                        methods.join(", "),
                        ended(&done.wrong)
                    )
                },
            )?;
        }
    }
    if seen == 0 {
        return Err(Stop::NotApplicable("no call asks an endpoint".into()));
    }
    Ok(())
}
