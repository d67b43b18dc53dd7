//! Several endpoints, and what is written into requests.

use std::collections::{BTreeMap, BTreeSet};

use adapter_spec::types::{BlockSelector, Call, CallOptions, Value, transport::Lent};
use berth_lending::recording::Import;

use super::failures::nothing_to_show;
use crate::{
    check::{Checked, Facts, Fault, Stop, ensure},
    checks::{
        deeds::{Day, READS, ended, facts},
        secrets::{Canary, confide},
    },
    trial::{Application, Disturbance, Ending, Observed, Trial, Which, observed::json},
};

/// The endpoints that were lent, by need.
fn lent(app: &Application) -> BTreeMap<String, BTreeSet<String>> {
    let mut lent: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for exchange in app.calls().iter().flat_map(|call| call.exchanges.to_vec()) {
        let answer = exchange.answer.as_ref().map(json).and_then(|lent| serde_json::from_value(lent).ok());
        if let (Import::LentAs, Some(endpoints)) = (exchange.import, answer) {
            let endpoints: Vec<Lent> = endpoints;
            let need = json(&exchange.request).as_str().unwrap_or_default().to_owned();
            lent.entry(need).or_default().extend(endpoints.into_iter().map(|lent| lent.endpoint));
        }
    }
    lent
}

/// Each endpoint in turn fails, and each read is answered all the same.
pub(super) async fn one_down(trial: &mut Trial) -> Checked {
    let needs = trial.facts.descriptor.endpoints.clone();
    if !needs.iter().any(|need| need.many) {
        return Err(nothing_to_show("the adapter asks for one endpoint only"));
    }
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    let lent = lent(&day.application);
    let several = lent.iter().filter(|(need, endpoints)| {
        endpoints.len() > 1 && needs.iter().any(|wanted| wanted.many && wanted.name == **need)
    });
    let endpoints: Vec<_> = several.flat_map(|(_, endpoints)| endpoints.clone()).collect();
    if endpoints.is_empty() {
        return match trial.facts.testbed.absent.get("several-endpoints") {
            Some(reason) => Err(Stop::NotApplicable(reason.clone())),
            None => Err(Stop::Unknown("the test bed lends one endpoint where several can be".into())),
        };
    }
    for endpoint in endpoints {
        for (disturbance, what) in [
            (Disturbance::Unreachable, "is down"),
            (Disturbance::Slow, "is slow"),
            (Disturbance::LostBefore, "breaks off"),
        ] {
            for deed in READS {
                if !day.can(trial, *deed) {
                    continue;
                }
                let which = Which { endpoint: Some(endpoint.clone()), ..Which::all() };
                let done = day.under(trial, *deed, &[(which, disturbance.clone())]).await?;
                let expected = format!("{}: an answer, though one of several endpoints {what}", deed.name());
                let is_answered = matches!(done.wrong.ending, Ending::Success(_));
                ensure(is_answered, expected.clone(), || ended(&done.wrong))?;
                let again = done.again.as_ref().and_then(|again| facts(*deed, again));
                ensure(facts(*deed, &done.wrong) == again, format!("{expected}, and the right one"), || {
                    ended(&done.wrong)
                })?;
            }
        }
    }
    Ok(())
}

/// Every request that a planted secret travels in, out or back, is called sensitive.
pub(super) async fn sensitive(trial: &mut Trial) -> Checked {
    let app = trial.application().await?;
    let (canary, echo) = (Canary::plant(trial), Canary::plant(trial));
    confide(trial, &app, &canary, &echo).await?;
    let mut carried = 0;
    for call in app.calls() {
        for request in call.requests().iter() {
            let answer = request.answer.as_ref().map(ToString::to_string).unwrap_or_default();
            let is_inside = canary.is_in_bytes(&request.content)
                || canary.is_in(&request.method)
                || canary.is_in(&answer);
            carried += usize::from(is_inside);
            ensure(!is_inside || request.is_sensitive, "a request with a secret is sensitive", || {
                format!("{} asked {} in clear with the planted secret", call.function, request.method)
            })?;
        }
    }
    if carried == 0 {
        return Err(Stop::Unknown(
            "no request carried the private argument in a form that is known here".into(),
        ));
    }
    Ok(())
}

/// Texts of callers that would lead elsewhere in a path.
fn hostile(name: &str) -> [String; 6] {
    [
        format!("{name}/../{name}"),
        format!("{name}/..%2f{name}"),
        format!("{name}?{name}=1"),
        format!("{name}#{name}"),
        format!("{name}\\..\\{name}"),
        format!("{name} {name}"),
    ]
}

/// Callers' text stands in no path but as one segment or one value.
pub(super) async fn paths(trial: &mut Trial) -> Checked {
    let app = trial.application().await?;
    let actor = trial.actor(&app).await?;
    let name = trial.name() + &trial.name();
    let is_http = |call: &Observed| call.exchanges.iter().any(|exchange| exchange.import == Import::Http);
    for text in hostile(&name) {
        drop(app.receipt(&text, Vec::new()).await);
        drop(app.contract_abi(&text).await);
        let mut call = trial.function("add", vec![Value::Text(text.clone())])?;
        call.contract.clone_from(&text);
        drop(app.begin(Call::Evaluate(call.clone()), actor.parties(), CallOptions::default()).await);
        call.contract.clone_from(&trial.contracts.probe);
        call.function.clone_from(&text);
        drop(app.begin(Call::Evaluate(call), actor.parties(), CallOptions::default()).await);
        let party = adapter_spec::types::Party { account: Some(text.clone()), ..actor.party.clone() };
        let read = trial.function("count", vec![Value::Text(text)])?;
        drop(app.begin(Call::Evaluate(read), vec![party], CallOptions::default()).await);
        if trial.facts.interfaces.blocks {
            drop(app.block(BlockSelector::Number(0)).await);
        }
    }
    let calls = app.calls();
    if !calls.iter().any(is_http) {
        return Err(nothing_to_show("the adapter makes no HTTP request"));
    }
    for call in calls.iter().filter(|call| is_http(call)) {
        for request in call.requests().iter() {
            let raw = hostile(&name).into_iter().find(|text| request.method.contains(text.as_str()));
            ensure(raw.is_none(), "callers' text in a path is checked or percent-encoded", || {
                format!("{} asked for {:?}", call.function, request.method)
            })?;
        }
    }
    Ok(())
}

/// No path of an HTTP request leads up, has a fragment, or a character that must be encoded.
pub(super) fn no_way_up(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    let is_http =
        |number: usize| call.exchanges.get(number).is_some_and(|exchange| exchange.import == Import::Http);
    let requests = call.requests();
    let requests: Vec<_> = requests.iter().filter(|request| is_http(request.exchange)).collect();
    let wrong = requests.iter().find(|request| {
        let path = request.method.split_once(' ').map_or("", |(_, path)| path);
        let places = path.split(['?', '/', '&']);
        places.clone().any(|part| part == "..")
            || path.contains(['#', '\\', ' ', '"', '<', '>'])
            || path.chars().any(|c| c.is_control() || !c.is_ascii())
    });
    (!requests.is_empty()).then(|| {
        wrong.map_or(Ok(()), |request| {
            let expected = "callers' text in a path is checked or percent-encoded";
            Err(Fault::new(expected, format!("{} asked for {:?}", call.function, request.method)))
        })
    })
}
