//! Exactly once: send, envelope, salt.

use adapter_spec::{Function, types::EndpointNeed};

use crate::{
    boxed,
    check::{Check, Checked, Facts, Fault, rule, same, scenario},
    trial::{Observed, Trial},
};

pub(super) const CHECKS: &[Check] = &[
    rule("ONCE-1", "only-send-asks-for-more-than-reads", &[], only_send_writes),
    scenario("ONCE-3", "many-sends-make-one-transaction", &[], boxed!(many_sends_make_one)),
];

fn is_read(needs: &[EndpointNeed], method: &str) -> bool {
    needs.iter().flat_map(|need| &need.reads).any(|read| match read.strip_suffix('*') {
        Some(prefix) => method.starts_with(prefix),
        None if read.contains('/') && read.contains(' ') => method.starts_with(read.as_str()),
        None => method == read,
    })
}

fn only_send_writes(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    if call.function == Function::Send {
        return None;
    }
    let requests = call.requests();
    let foreign = requests.iter().find(|request| !is_read(&facts.descriptor.endpoints, &request.method));
    Some(foreign.map_or(Ok(()), |foreign| {
        Err(Fault::new(
            "only send asks an endpoint for more than the declared reads",
            format!("{} asked for {}", call.function, foreign.method),
        ))
    }))
}

async fn many_sends_make_one(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (call, options) = (trial.add(7)?, trial.options());
    let written = application.write_well(call, &actor, options).await?;
    for _ in 0..3 {
        let again = application.restarted().await?.try_send(&written.envelope).await?;
        same(&Ok(()), &again, "sending an envelope again")?;
    }
    trial.advance(1).await?;
    same(&"7".to_owned(), &trial.count(&application, &actor).await?, "the counter after one addition of 7")
}

/// Clauses that nothing can look at from outside, and why.
pub(super) const REASONS: &[(&str, &str)] = &[];
