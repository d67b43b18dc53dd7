//! One application's settings, and their JSON Schema.

use adapter_sdk::types::{Error, ErrorCode};
use alloy_primitives::Address;
use serde::Deserialize;

/// JSON Schema of [`Settings`]; part of the descriptor.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["chain_id"],
  "properties": {
    "chain_id": {"type": "integer", "minimum": 1, "maximum": 9007199254740991,
      "description": "EIP-155 chain id; compared with the node's"},
    "finality": {"description": "When a block is final: by the node's tags, or under this many blocks, its own included",
      "oneOf": [{"const": "announced"}, {"type": "object", "additionalProperties": false, "required": ["depth"],
        "properties": {"depth": {"type": "integer", "minimum": 1, "maximum": 1000000}}}], "default": "announced"},
    "transaction_type": {"enum": ["eip1559", "legacy"], "default": "eip1559"},
    "preset_contract": {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$",
      "description": "Address of the preset store, where it is deployed already"},
    "lease_seconds": {"type": "integer", "minimum": 1, "maximum": 86400, "default": 120,
      "description": "How long a nonce stays reserved for a call that waits for its signature, or to be sent"},
    "logs_block_range": {"type": "integer", "minimum": 1, "maximum": 100000, "default": 1000,
      "description": "The most blocks that one request for logs spans"}
  }
}"#;

/// When a block counts as final.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum FinalityRule {
    /// By the node's tags `safe` and `finalized`.
    #[default]
    Announced,
    /// Under this many blocks, its own included.
    Depth(u64),
}

/// How transactions are priced and encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TransactionType {
    /// Type 2 with tip and cap (EIP-1559).
    #[default]
    Eip1559,
    /// With a gas price, signed after EIP-155.
    Legacy,
}

/// One application's view of one chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// EIP-155 chain id.
    pub(crate) chain_id: u64,
    /// When a block counts as final.
    #[serde(default)]
    pub(crate) finality: FinalityRule,
    /// How transactions are priced.
    #[serde(default)]
    pub(crate) transaction_type: TransactionType,
    /// The preset store, where it is deployed already.
    #[serde(default, deserialize_with = "given")]
    pub(crate) preset_contract: Option<Address>,
    /// How long a nonce stays reserved, seconds.
    #[serde(default = "default_lease_seconds")]
    pub(crate) lease_seconds: u64,
    /// The most blocks that one request for logs spans.
    #[serde(default = "default_logs_block_range")]
    pub(crate) logs_block_range: u64,
}

/// What is given is not null: the schema has no null.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    Address::deserialize(deserializer).map(Some)
}

fn default_lease_seconds() -> u64 {
    120
}

fn default_logs_block_range() -> u64 {
    1000
}

impl Settings {
    /// Reads the settings and checks their bounds.
    pub(crate) fn parse(json: &str) -> Result<Self, Error> {
        let refuse = |why: String| Error::new(ErrorCode::InvalidArgument, format!("settings: {why}"));
        let settings: Settings = serde_json::from_str(json)
            .map_err(|error| refuse(misfit(json).unwrap_or_else(|| error.to_string())))?;
        let bounded = |name: &str, value: u64, most: u64| {
            if (1..=most).contains(&value) {
                Ok(())
            } else {
                Err(refuse(format!("`{name}` is {value}; it must be between 1 and {most}")))
            }
        };
        // Beyond 2^53 JSON numbers are not exact everywhere; EIP-155's `v` stays far below 2^64 as well.
        bounded("chain_id", settings.chain_id, (1 << 53) - 1)?;
        bounded("lease_seconds", settings.lease_seconds, 86_400)?;
        bounded("logs_block_range", settings.logs_block_range, 100_000)?;
        if let FinalityRule::Depth(depth) = settings.finality {
            bounded("finality.depth", depth, 1_000_000)?;
        }
        Ok(settings)
    }

    /// How long a nonce stays reserved, milliseconds.
    pub(crate) fn lease_millis(&self) -> u64 {
        self.lease_seconds.saturating_mul(1000)
    }
}

/// The setting that does not fit, by name. The decoder says only where in the text it is.
fn misfit(json: &str) -> Option<String> {
    let given: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).ok()?;
    given.into_iter().find_map(|(name, value)| {
        // Alone beside what is required, so that only this one can be wrong.
        let mut alone = serde_json::Map::from_iter([("chain_id".to_owned(), 1.into())]);
        alone.insert(name.clone(), value);
        let fault = serde_json::from_value::<Settings>(alone.into()).err()?;
        Some(format!("`{name}` does not fit: {fault}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_defaults_and_unknown_ones_are_refused() {
        let settings = Settings::parse(r#"{"chain_id": 1}"#).unwrap();
        assert_eq!(settings.finality, FinalityRule::Announced);
        assert_eq!(settings.transaction_type, TransactionType::Eip1559);
        assert_eq!(settings.lease_millis(), 120_000);
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"chain_id": 0}"#,
            r#"{"chain_id": 1, "chainid": 2}"#,
            r#"{"chain_id": 1, "finality": {"depth": 0}}"#,
            r#"{"chain_id": 1, "finality": "soon"}"#,
            r#"{"chain_id": 1, "preset_contract": "0x12"}"#,
            r#"{"chain_id": 1, "lease_seconds": 0}"#,
        ] {
            assert_eq!(Settings::parse(wrong).unwrap_err().code, ErrorCode::InvalidArgument, "{wrong}");
        }
    }

    #[test]
    fn the_schema_is_json_and_names_every_setting() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let names: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(names.len(), 6);
        let all = r#"{"chain_id": 5, "finality": {"depth": 3}, "transaction_type": "legacy", "lease_seconds": 9,
            "preset_contract": "0x00000000000000000000000000000000000000aa", "logs_block_range": 10}"#;
        assert_eq!(Settings::parse(all).unwrap().finality, FinalityRule::Depth(3));
        let given: serde_json::Value = serde_json::from_str(all).unwrap();
        assert!(given.as_object().unwrap().keys().all(|name| names.contains(name)));
    }
}
