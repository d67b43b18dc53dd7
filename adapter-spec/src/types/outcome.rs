//! An optional outcome in JSON, with the cases written as in WIT: `{"ok": …}` and `{"err": …}`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Error, Output};

/// What is written and read; `Result` by itself would have capital letters.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Outcome"))]
pub(crate) enum Outcome<O, E> {
    Ok(O),
    Err(E),
}

pub(crate) fn serialize<S: Serializer>(
    outcome: &Option<Result<Output, Error>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let outcome = outcome.as_ref().map(|outcome| match outcome {
        Ok(output) => Outcome::Ok(output),
        Err(error) => Outcome::Err(error),
    });
    outcome.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Result<Output, Error>>, D::Error> {
    let outcome = Option::<Outcome<Output, Error>>::deserialize(deserializer)?;
    Ok(outcome.map(|outcome| match outcome {
        Outcome::Ok(output) => Ok(output),
        Outcome::Err(error) => Err(error),
    }))
}
