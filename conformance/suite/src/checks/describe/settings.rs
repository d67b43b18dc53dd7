//! What `open` takes.

use adapter_spec::{CallError, Function, types::ErrorCode};
use berth_lending::recording::Import;
use serde_json::Value;

use super::schema::{Schema, Wrong};
use crate::{
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure, fail},
    trial::{Disturbance, Observed, Trial, Which},
};

pub(super) async fn schema_is_one(trial: &mut Trial) -> Checked {
    let schema = Schema::read(&trial.facts.descriptor.settings_schema)?;
    ensure(
        !schema.takes(&Value::Array(Vec::new())) && !schema.takes(&Value::Null),
        "a schema of an object",
        || "it takes settings that are no object".into(),
    )?;
    let own = Value::Object(trial.facts.testbed.settings.clone());
    ensure(schema.takes(&own), "a schema that the settings in use fit", || format!("it does not take {own}"))
}

/// What the adapter says to settings that do not fit.
async fn refuses(trial: &mut Trial, wrong: &Wrong) -> Checked {
    let what = &wrong.what;
    let expected = format!("open answers invalid-argument to settings that do not fit: {what}");
    match trial.application_with(&wrong.settings, usize::MAX).await? {
        Ok(_) => fail(expected, "it opens with them"),
        Err(CallError::Ended(ended)) => fail(expected, ended.to_string()),
        Err(CallError::Answered(error)) if error.code != ErrorCode::InvalidArgument => {
            fail(expected, error.to_string())
        }
        Err(CallError::Answered(error)) => {
            let is_named = wrong.named.iter().any(|name| error.message.contains(name.as_str()));
            let is_named = is_named || (wrong.named.is_empty() && !error.message.trim().is_empty());
            ensure(is_named, format!("a message that names what does not fit: {what}"), || {
                format!("the message names nothing of it: {:?}", error.message)
            })
        }
    }
}

pub(super) async fn wrong_settings_are_refused(trial: &mut Trial) -> Checked {
    for settings in trial.facts.testbed.wrong_settings.clone() {
        let what = settings.clone();
        refuses(trial, &Wrong { settings, named: Vec::new(), what }).await?;
    }
    Ok(())
}

pub(super) async fn what_the_schema_excludes_is_refused(trial: &mut Trial) -> Checked {
    let schema = Schema::read(&trial.facts.descriptor.settings_schema)?;
    let misfits = schema.misfits(trial);
    if misfits.is_empty() {
        return Err(Stop::NotApplicable("the schema takes whatever is an object".into()));
    }
    for wrong in misfits {
        refuses(trial, &wrong).await?;
    }
    Ok(())
}

pub(super) async fn what_is_no_json_is_refused(trial: &mut Trial) -> Checked {
    let own = Value::Object(trial.facts.testbed.settings.clone()).to_string();
    let cut: String = own.chars().take(own.chars().count().saturating_sub(1)).collect();
    let word = trial.name();
    let cases = [
        (String::new(), "no text at all".to_owned()),
        (cut.clone(), format!("{cut:?}, which breaks off")),
        (format!("{own}{word}"), "something behind the object".into()),
        (word.clone(), format!("{word:?}, which is no JSON")),
        ("[]".into(), "a list".into()),
        ("null".into(), "null".into()),
    ];
    for (settings, what) in cases {
        refuses(trial, &Wrong { settings, named: Vec::new(), what }).await?;
    }
    Ok(())
}

pub(super) fn open_asks_for_nothing(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::Open {
        return None;
    }
    // To compute is no input; a log line is heard by nobody but the operator.
    let is_input = |import: Import| {
        !matches!(import, Import::Hash | Import::Verify | Import::Recover | Import::Log | Import::LentAs)
    };
    let asked = call.exchanges.iter().find(|exchange| is_input(exchange.import));
    Some(asked.map_or(Ok(()), |asked| {
        Err(Fault::new("open does no input or output", format!("open asks for {:?}", asked.import)))
    }))
}

pub(super) async fn whatever_fits_is_taken(trial: &mut Trial) -> Checked {
    let schema = Schema::read(&trial.facts.descriptor.settings_schema)?;
    let own = trial.facts.testbed.settings.clone();
    let fitting = schema.fitting(&own);
    // One JSON value has many texts.
    let spaced = serde_json::to_string_pretty(&Value::Object(own)).unwrap_or_default();
    let texts = fitting.iter().map(Value::to_string).chain([spaced]);
    for settings in texts {
        trial
            .application_with(&settings, usize::MAX)
            .await?
            .expected(&format!("open takes settings that fit the schema: {settings}"))?;
    }
    Ok(())
}

pub(super) async fn opens_while_the_node_is_down(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    application.disturb(Which::all(), Disturbance::Unreachable);
    let opened = application.restarted().await;
    application.calm();
    match opened {
        Ok(_) => Ok(()),
        Err(Stop::Fail(fault)) => fail("open succeeds whatever the state of the node", fault.actual),
        Err(other) => Err(other),
    }
}
