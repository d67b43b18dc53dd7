//! What is to stay private.

use adapter_spec::types::{Call, ContractCall, ErrorCode, Step, Value};
use berth_lending::recording::Import;

use super::{super::find, begin::refusal};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Trial, observed::json},
};

pub(super) async fn stay_private(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (name, secret) = (trial.name(), hex::encode(trial.bytes(16)).into_bytes());
    let call = trial.function("private", vec![Value::Text(name)])?;
    let call = ContractCall { private_arguments: vec![("secret".into(), secret.clone())], ..call };
    let options = trial.options();
    let begun = application.begin(Call::Invoke(call), actor.parties(), options).await;
    let mut step = begun.expected("begin takes private arguments")?;
    let shows = |bytes: &[u8]| find::holds(bytes, &secret);
    let keeps = |bytes: &[u8], place: &str| {
        ensure(!shows(bytes), "private arguments are secret from the ledger and from whoever reads", || {
            format!("they are in the {place} in clear")
        })
    };
    let mut envelope = None;
    for _ in 0..=16 {
        match step {
            Step::Sign(request) => {
                keeps(request.summary.as_bytes(), "summary")?;
                let signatures = actor.sign(&request)?;
                step = application
                    .resume(request.continuation, signatures)
                    .await
                    .expected("resume goes on with good signatures")?;
            }
            Step::Send(signed) => {
                envelope = Some(signed);
                break;
            }
            Step::Answer(_) => return fail("a write ends in send", "an answer"),
        }
    }
    let Some(envelope) = envelope else { return fail("at most 16 rounds of signatures", "more") };
    keeps(&envelope.tracking, "tracking")?;
    keeps(envelope.transaction.as_bytes(), "transaction's id")?;
    application.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
    application.included(&envelope).await?;
    // An error that quotes its arguments tells them as well.
    let mut spoilt = envelope;
    spoilt.bytes.truncate(spoilt.bytes.len() / 2);
    application.try_send(&spoilt).await?.ok();
    for call in application.calls() {
        if let Some(error) = call.error() {
            keeps(error.to_string().as_bytes(), "error")?;
        }
        for exchange in call.exchanges.iter() {
            let written = json(&exchange.request).to_string();
            match exchange.import {
                Import::Log => keeps(written.as_bytes(), "log")?,
                Import::StateSwap => keeps(written.as_bytes(), "state")?,
                _ => {}
            }
        }
    }
    Ok(())
}

pub(super) async fn unsupported_where_there_are_none(trial: &mut Trial) -> Checked {
    let testbed = &trial.facts.testbed;
    if !testbed.absent.contains_key("private") {
        let offered = testbed.probe.functions.contains_key("private");
        return Err(if offered {
            Stop::NotApplicable("the framework has private arguments".into())
        } else {
            Stop::Unknown("the test bed does not say whether there are private arguments".into())
        });
    }
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let call = trial.function("add", vec![Value::Integer("1".into())])?;
    let private_arguments = vec![(trial.name(), trial.bytes(8))];
    let call = Call::Invoke(ContractCall { private_arguments, ..call });
    let error = refusal(trial, &application, actor.parties(), call).await?;
    let code = error.as_ref().map(|error| error.code);
    ensure(
        code == Some(ErrorCode::Unsupported),
        "any private argument answers unsupported where the framework has none",
        || error.map_or("begin goes on".into(), |error| error.to_string()),
    )
}
