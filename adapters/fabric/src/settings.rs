//! One application's settings, and their JSON Schema.

use adapter_sdk::types::Error;
use serde::Deserialize;

use crate::errors::invalid;

/// JSON Schema of [`Settings`]; part of the descriptor.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["channel", "msp_id"],
  "properties": {
    "channel": {"type": "string", "pattern": "^[a-z][a-z0-9.-]{0,248}$",
      "description": "The channel, which is the application's ledger"},
    "msp_id": {"type": "string", "minLength": 1, "maxLength": 255,
      "description": "The MSP of parties whose account names none"},
    "service_msp_id": {"type": "string", "minLength": 1, "maxLength": 255,
      "description": "The MSP of the service key's certificate, where it is another one"},
    "endorsing_organisations": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255},
      "maxItems": 64, "uniqueItems": true, "default": [],
      "description": "The MSPs whose peers must endorse; without any, the gateway chooses by the chaincode's policy"},
    "preset_chaincode": {"type": "string", "pattern": "^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$", "maxLength": 255,
      "description": "The preset store's chaincode, where it is on the channel already"}
  }
}"#;

/// One application's view of one channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The channel.
    pub(crate) channel: String,
    /// The MSP of parties whose account names none.
    pub(crate) msp_id: String,
    /// The MSP of the service key's certificate, where it is another one.
    #[serde(default, deserialize_with = "given")]
    pub(crate) service_msp_id: Option<String>,
    /// The MSPs whose peers must endorse; empty: the gateway chooses.
    #[serde(default)]
    pub(crate) endorsing_organisations: Vec<String>,
    /// The preset store's chaincode, where it is on the channel already.
    #[serde(default, deserialize_with = "given")]
    pub(crate) preset_chaincode: Option<String>,
}

/// What is given is not null: the schema has no null.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Fabric's rule for a channel's name (`common/configtx`, `validateChannelID`).
fn is_channel(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.' || byte == b'-';
    name.len() <= 249
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(rest)
}

/// Fabric's rule for a chaincode's name (`core/chaincode/lifecycle`).
pub(crate) fn is_chaincode(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name
            .split(['-', '_'])
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

impl Settings {
    /// Reads the settings and checks their forms.
    pub(crate) fn parse(json: &str) -> Result<Self, Error> {
        let refuse = |why: String| invalid(format!("settings: {why}"));
        let settings: Settings = serde_json::from_str(json)
            .map_err(|error| refuse(misfit(json).unwrap_or_else(|| error.to_string())))?;
        if !is_channel(&settings.channel) {
            let rule = "1 to 249 lower-case letters, digits, dots and hyphens, the first a letter";
            return Err(refuse(format!("`channel` must be {rule}")));
        }
        let fits = |msp: &String| !msp.is_empty() && msp.chars().count() <= 255;
        let named = settings.service_msp_id.iter().chain(&settings.endorsing_organisations).all(fits);
        if !named || !fits(&settings.msp_id) {
            return Err(refuse(
                "`msp_id`, `service_msp_id` and `endorsing_organisations` have MSP ids of 1 to 255 characters"
                    .into(),
            ));
        }
        let organisations = &settings.endorsing_organisations;
        let twice = organisations
            .iter()
            .enumerate()
            .any(|(place, name)| organisations.get(..place).is_some_and(|before| before.contains(name)));
        if organisations.len() > 64 || twice {
            return Err(refuse("`endorsing_organisations` has at most 64 MSP ids, each once".into()));
        }
        if settings.preset_chaincode.as_deref().is_some_and(|name| !is_chaincode(name)) {
            return Err(refuse("`preset_chaincode` is no chaincode's name".into()));
        }
        Ok(settings)
    }

    /// The MSP of the service key.
    pub(crate) fn service_msp(&self) -> &str {
        self.service_msp_id.as_deref().unwrap_or(&self.msp_id)
    }
}

/// The setting that does not fit, by name. The decoder says only where in the text it is.
fn misfit(json: &str) -> Option<String> {
    let given: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).ok()?;
    given.into_iter().find_map(|(name, value)| {
        // Alone beside what is required, so that only this one can be wrong.
        let required = [("channel".to_owned(), "c".into()), ("msp_id".to_owned(), "m".into())];
        let mut alone = serde_json::Map::from_iter(required);
        alone.insert(name.clone(), value);
        let fault = serde_json::from_value::<Settings>(alone.into()).err()?;
        Some(format!("`{name}` does not fit: {fault}"))
    })
}

#[cfg(test)]
mod tests {
    use adapter_sdk::types::ErrorCode;

    use super::*;

    #[test]
    fn settings_that_do_not_fit_are_refused_by_name() {
        assert!(Settings::parse(r#"{"channel": "mychannel", "msp_id": "Org1MSP"}"#).is_ok());
        for (wrong, named) in [
            ("", ""),
            ("{}", "channel"),
            (r#"{"channel": "My", "msp_id": "m"}"#, "channel"),
            (r#"{"channel": 1, "msp_id": "m"}"#, "channel"),
            (r#"{"channel": "c", "msp_id": ""}"#, "msp_id"),
            (r#"{"channel": "c", "msp_id": "m", "colour": 1}"#, "colour"),
            (r#"{"channel": "c", "msp_id": "m", "service_msp_id": null}"#, "service_msp_id"),
            (r#"{"channel": "c", "msp_id": "m", "endorsing_organisations": ["a", "a"]}"#, "endorsing"),
            (r#"{"channel": "c", "msp_id": "m", "preset_chaincode": "-"}"#, "preset_chaincode"),
        ] {
            let error = Settings::parse(wrong).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument);
            assert!(error.message.contains(named), "{wrong}: {error}");
        }
    }

    #[test]
    fn the_schema_names_every_setting() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let all = r#"{"channel": "c", "msp_id": "m", "service_msp_id": "n", "endorsing_organisations": ["a"],
            "preset_chaincode": "preset"}"#;
        assert!(Settings::parse(all).is_ok());
        let given: serde_json::Value = serde_json::from_str(all).unwrap();
        let names: Vec<_> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, given.as_object().unwrap().keys().collect::<Vec<_>>());
    }
}
