//! Additions to records.

use adapter_spec::types::{CallOptions, Extension, Step};
use serde_json::Value;

use crate::{
    check::{Checked, Expect as _, Facts, Fault},
    trial::{Ending, Observed, Trial},
};

pub(super) async fn unknown_are_ignored(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let prefix = trial.facts.descriptor.framework.clone();
    let (name, bare) = (trial.name(), trial.name());
    let extensions = vec![
        Extension { key: format!("{prefix}.{name}"), value: trial.bytes(9) },
        Extension { key: bare, value: Vec::new() },
    ];
    let account = trial.account(&application, &actor).await?;
    let read = trial.evaluate("count", vec![adapter_spec::types::Value::Text(account)])?;
    let options = CallOptions { extensions: extensions.clone(), ..trial.options() };
    application
        .read(read, &actor, options)
        .await
        .expected("a read with unknown extensions is carried out")?;
    let number = u32::try_from(1 + trial.below(1000)).unwrap_or(1);
    let options = CallOptions { extensions, ..trial.options() };
    let step = application
        .begin(trial.add(number)?, actor.parties(), options)
        .await
        .expected("a call with unknown extensions begins")?;
    if let Step::Sign(request) = step {
        application.abandon(request.continuation).await.expected("abandon frees a call")?;
    }
    Ok(())
}

/// The keys of all extensions in a value.
fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Object(fields) => {
            for (name, field) in fields {
                if let ("extensions", Value::Array(extensions)) = (name.as_str(), field) {
                    let key = |extension: &Value| Some(extension.get("key")?.as_str()?.to_owned());
                    found.extend(extensions.iter().filter_map(key));
                }
                keys(field, found);
            }
        }
        _ => {}
    }
}

pub(super) fn have_a_prefix(call: &Observed, facts: &Facts) -> Option<Result<(), Fault>> {
    let Ending::Success(answer) = &call.ending else { return None };
    let mut found = Vec::new();
    keys(answer, &mut found);
    if found.is_empty() {
        return None;
    }
    let of_framework = |prefix: &str| prefix == facts.descriptor.framework || prefix == facts.descriptor.name;
    let is_named = |key: &&String| match key.split_once('.') {
        Some((prefix, rest)) => !rest.is_empty() && (of_framework(prefix) || prefix == "bsn"),
        None => false,
    };
    let framework = &facts.descriptor.framework;
    Some(match found.iter().find(|key| !is_named(key)) {
        None => Ok(()),
        Some(key) => Err(Fault::new(
            format!("extensions' keys begin with {framework:?} or \"bsn\" and a dot"),
            format!("an extension has the key {key:?}"),
        )),
    })
}
