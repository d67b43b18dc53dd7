//! What of the network an adapter asks for.

use std::collections::BTreeMap;

use adapter_spec::types::{EndpointNeed, Transport, transport::Lent};
use berth_lending::recording::Import;

use super::super::reads::{is_read, is_taken};
use crate::{
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail},
    trial::{Application, Observed, Trial, observed::json},
};

/// The needs that a call asked for, each with what is lent under it.
fn lent(call: &Observed) -> Vec<(String, Vec<Lent>)> {
    let asked = call.exchanges.iter().filter(|exchange| exchange.import == Import::LentAs);
    asked
        .filter_map(|exchange| {
            let need = json(&exchange.request).as_str()?.to_owned();
            let lent = exchange.answer.as_ref().and_then(|lent| serde_json::from_value(json(lent)).ok());
            Some((need, lent.unwrap_or_default()))
        })
        .collect()
}

fn spoken(import: Import) -> Option<Transport> {
    match import {
        Import::Http => Some(Transport::Http),
        Import::JsonRpc => Some(Transport::JsonRpc),
        Import::Grpc | Import::GrpcStream => Some(Transport::Grpc),
        _ => None,
    }
}

pub(super) fn only_declared_ones(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    let declared = |need: &str| facts.descriptor.endpoints.iter().find(|declared| declared.name == need);
    let lent = lent(call);
    if lent.is_empty() {
        return None;
    }
    let mut transports = BTreeMap::new();
    for (need, endpoints) in &lent {
        let Some(declared) = declared(need) else {
            let expected = "every endpoint that is asked for is declared in endpoints";
            let actual = format!("{} asks for {need:?}, which is not declared", call.function);
            return Some(Err(Fault::new(expected, actual)));
        };
        transports.extend(endpoints.iter().map(|endpoint| (endpoint.endpoint.clone(), declared.transport)));
    }
    for request in call.requests().iter() {
        let import = call.exchanges.get(request.exchange).map(|exchange| exchange.import);
        let (Some(spoken), Some(declared)) =
            (import.and_then(spoken), transports.get(&request.endpoint).copied())
        else {
            continue;
        };
        if spoken != declared {
            let expected =
                format!("{:?} is spoken to in its declared transport {declared:?}", request.endpoint);
            return Some(Err(Fault::new(expected, format!("it is spoken to in {spoken:?}"))));
        }
    }
    Some(Ok(()))
}

pub(super) fn uses_the_first(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    let single = |need: &str| {
        facts.descriptor.endpoints.iter().any(|declared| declared.name == need && !declared.many)
    };
    let others: Vec<_> = lent(call)
        .into_iter()
        .filter(|(need, _)| single(need))
        .flat_map(|(_, lent)| lent.into_iter().skip(1))
        .map(|lent| lent.endpoint)
        .collect();
    if others.is_empty() {
        return None;
    }
    let requests = call.requests();
    let other = requests.iter().find(|request| others.contains(&request.endpoint));
    Some(other.map_or(Ok(()), |other| {
        Err(Fault::new(
            "the first endpoint is used where one is wanted",
            format!("{} asks {:?}", call.function, other.endpoint),
        ))
    }))
}

/// A write and a read: the least that an application needs.
async fn works(trial: &mut Trial, application: &Application) -> Checked {
    application.status().await.expected("status answers")?;
    let actor = trial.actor(application).await?;
    let before = trial.count(application, &actor).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    application.write_well(call, &actor, options).await?;
    let after = trial.count(application, &actor).await?;
    ensure(before != after, "a write has its effect", || format!("the counter is {after} as before"))
}

/// The same, with the situation in what is expected.
pub(super) fn where_it<T>(result: Result<T, Stop>, situation: &str) -> Result<T, Stop> {
    result.map_err(|stop| match stop {
        Stop::Fail(fault) => {
            Stop::Fail(Fault { expected: format!("{situation}: {}", fault.expected), ..fault })
        }
        other => other,
    })
}

pub(super) async fn works_without_optional_ones(trial: &mut Trial) -> Checked {
    let needs = &trial.facts.descriptor.endpoints;
    let optional: Vec<_> = needs.iter().filter(|need| !need.required).map(|need| need.name.clone()).collect();
    if optional.is_empty() {
        return Err(Stop::NotApplicable("the adapter declares no optional endpoint".into()));
    }
    let settings = serde_json::Value::Object(trial.facts.testbed.settings.clone()).to_string();
    for need in optional {
        let situation = format!("it works without {need:?}, which is declared as not required");
        let opened = trial.application_without(&settings, &[need.as_str()]).await?;
        let application = opened.expected(&situation)?;
        let result = works(trial, &application).await;
        where_it(result, &situation)?;
    }
    Ok(())
}

pub(super) async fn one_is_enough(trial: &mut Trial) -> Checked {
    if !trial.facts.descriptor.endpoints.iter().any(|need| need.many) {
        return Err(Stop::NotApplicable("the adapter wants no more than one endpoint under any name".into()));
    }
    let settings = serde_json::Value::Object(trial.facts.testbed.settings.clone()).to_string();
    let application =
        trial.application_with(&settings, 1).await?.expected("open succeeds with one endpoint")?;
    let result = works(trial, &application).await;
    where_it(result, "it works with one endpoint where many are taken")?;
    let application = trial.application().await?;
    let result = works(trial, &application).await;
    where_it(result, "it works with all endpoints that the test bed lends")
}

pub(super) async fn no_read_submits(trial: &mut Trial) -> Checked {
    let reads: Vec<_> = trial.facts.descriptor.endpoints.iter().flat_map(|need| &need.reads).collect();
    for submit in &trial.facts.testbed.submits {
        let method = submit.trim_end_matches('*');
        let writing = reads.iter().find(|read| is_taken(read, method) || is_taken(submit, read));
        if let Some(writing) = writing {
            return fail(
                "reads lists only methods that cannot change the ledger",
                format!("{writing:?} is among the reads, and {submit:?} submits transactions"),
            );
        }
    }
    Ok(())
}

fn has_form(need: &EndpointNeed, read: &str) -> bool {
    let name = read.strip_suffix('*').unwrap_or(read);
    if name.is_empty() || name.contains('*') {
        return false;
    }
    match need.transport {
        Transport::JsonRpc => !name.contains(char::is_whitespace),
        Transport::Grpc => name.starts_with('/') && !name.contains(char::is_whitespace),
        Transport::Http => match read.split_once(' ') {
            None => read.starts_with('/'),
            Some((method, path)) => {
                path.starts_with('/')
                    && !method.is_empty()
                    && method.bytes().all(|byte| byte.is_ascii_uppercase())
            }
        },
    }
}

pub(super) async fn reads_have_their_form(trial: &mut Trial) -> Checked {
    for need in &trial.facts.descriptor.endpoints {
        for read in &need.reads {
            ensure(
                has_form(need, read),
                "reads: method names, or \"METHOD /path-prefix\" for HTTP; not every method",
                || format!("{:?} has the read {read:?}", need.name),
            )?;
        }
    }
    Ok(())
}

pub(super) async fn what_submits_is_no_read(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(1)?, trial.options());
    let envelope = application.envelope(call, &actor, options).await?;
    application.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
    let requests = application.last_call()?.requests();
    application.included(&envelope).await?;
    let needs = &trial.facts.descriptor.endpoints;
    let submits = requests.iter().any(|request| !is_read(needs, &request.method));
    ensure(submits, "the method that submits a transaction is not among the reads", || {
        let asked: Vec<_> = requests.iter().map(|request| request.method.as_str()).collect();
        format!("send submitted one by declared reads alone: {}", asked.join(", "))
    })
}
