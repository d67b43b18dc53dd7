//! One application's settings, and their JSON Schema.

use adapter_sdk::types::{Error, ErrorCode};
use serde_json::{Map, Value};

use crate::wire::{Hash, PRESET, sha256};

/// JSON Schema of [`Settings`]; part of the descriptor.
pub(super) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["chain"],
  "properties": {
    "chain": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$", "description": "The ledger's name"},
    "space": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$", "default": "main",
      "description": "The application's space on the ledger"},
    "finality_depth": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 3,
      "description": "Under how many blocks, its own included, a block is final"},
    "window_blocks": {"type": "integer", "minimum": 1, "maximum": 900, "default": 100,
      "description": "For how many blocks a transaction may enter the chain"},
    "lease_seconds": {"type": "integer", "minimum": 1, "maximum": 86400, "default": 120,
      "description": "How long a nonce stays reserved for a call that waits for its signature, or to be sent"},
    "preset_contract": {"type": "string", "pattern": "^[a-z0-9]{1,64}$", "default": "preset",
      "description": "Address of the preset contract"}
  }
}"#;

/// One application's view of one space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) chain: String,
    pub(super) space: String,
    pub(super) finality_depth: u64,
    pub(super) window_blocks: u64,
    pub(super) lease_millis: u64,
    pub(super) preset_contract: String,
}

fn refuse<T>(why: String) -> Result<T, Error> {
    Err(Error::new(ErrorCode::InvalidArgument, format!("settings: {why}")))
}

/// A name that is a setting, or names a space.
pub(super) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn text(given: &mut Map<String, Value>, name: &str, default: Option<&str>) -> Result<String, Error> {
    match (given.remove(name), default) {
        (Some(Value::String(text)), _) if is_name(&text) => Ok(text),
        (Some(_), _) => refuse(format!("`{name}` must be 1 to 64 lower-case letters, digits and hyphens")),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => refuse(format!("`{name}` is missing")),
    }
}

fn number(given: &mut Map<String, Value>, name: &str, default: u64, most: u32) -> Result<u64, Error> {
    let Some(value) = given.remove(name) else { return Ok(default) };
    // JSON Schema calls 3.0 an integer too. Numbers this small are exact.
    let whole = |number: &f64| number.fract() == 0.0 && (1.0..=f64::from(most)).contains(number);
    match value.as_f64().filter(whole) {
        Some(number) => Ok(number as u64),
        None => refuse(format!("`{name}` must be a whole number from 1 to {most}")),
    }
}

impl Settings {
    /// Reads the settings and checks their bounds.
    pub(super) fn parse(json: &str) -> Result<Self, Error> {
        let mut given = match serde_json::from_str(json) {
            Ok(Value::Object(given)) => given,
            Ok(_) => return refuse("they must be a JSON object".into()),
            Err(error) => return refuse(format!("they are not JSON: {error}")),
        };
        let settings = Settings {
            chain: text(&mut given, "chain", None)?,
            space: text(&mut given, "space", Some("main"))?,
            finality_depth: number(&mut given, "finality_depth", 3, 1000)?,
            window_blocks: number(&mut given, "window_blocks", 100, 900)?,
            lease_millis: number(&mut given, "lease_seconds", 120, 86_400)?.saturating_mul(1000),
            preset_contract: text(&mut given, "preset_contract", Some(PRESET))?,
        };
        if settings.preset_contract.contains('-') {
            return refuse("`preset_contract` must be 1 to 64 lower-case letters and digits".into());
        }
        match given.keys().next() {
            Some(unknown) => {
                let unknown: String = unknown.chars().take(100).collect();
                refuse(format!("`{}` is no setting", unknown.escape_default()))
            }
            None => Ok(settings),
        }
    }

    /// What marks a cursor as this space's.
    pub(super) fn digest(&self) -> Hash {
        sha256(&[self.chain.as_bytes(), b" ", self.space.as_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_defaults_and_whatever_does_not_fit_is_named() {
        let settings = Settings::parse(r#"{"chain": "model", "finality_depth": 3.0}"#).unwrap();
        assert_eq!((settings.space.as_str(), settings.finality_depth), ("main", 3));
        for (wrong, named) in [
            ("", "JSON"),
            ("[]", "object"),
            ("{}", "chain"),
            (r#"{"chain": 1}"#, "chain"),
            (r#"{"chain": "A"}"#, "chain"),
            (r#"{"chain": "a", "space": ""}"#, "space"),
            (r#"{"chain": "a", "finality_depth": 0}"#, "finality_depth"),
            (r#"{"chain": "a", "finality_depth": 1.5}"#, "finality_depth"),
            (r#"{"chain": "a", "window_blocks": 901}"#, "window_blocks"),
            (r#"{"chain": "a", "lease_seconds": "1"}"#, "lease_seconds"),
            (r#"{"chain": "a", "preset_contract": "a-b"}"#, "preset_contract"),
            (r#"{"chain": "a", "colour": 1}"#, "colour"),
        ] {
            let error = Settings::parse(wrong).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{wrong}");
            assert!(error.message.contains(named), "{wrong}: {error}");
        }
    }

    #[test]
    fn the_schema_is_json_and_names_every_setting() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let names: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names.len(), 6);
        let all = r#"{"chain": "a", "space": "b", "finality_depth": 1, "window_blocks": 900, "lease_seconds": 1,
            "preset_contract": "c0"}"#;
        assert!(Settings::parse(all).is_ok());
        let given: Value = serde_json::from_str(all).unwrap();
        assert!(given.as_object().unwrap().keys().all(|name| names.contains(name)));
    }
}
