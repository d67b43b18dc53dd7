//! One application's settings, and their JSON Schema.

use adapter_sdk::types::{Error, ErrorCode};
use alloy_primitives::Address;
use serde::Deserialize;

use crate::{crypto::Crypto, quorum::Sealer};

/// JSON Schema of [`Settings`]; part of the descriptor.
pub(crate) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["generation", "chain", "group"],
  "properties": {
    "generation": {"type": "integer", "enum": [2, 3], "description": "2 for FISCO BCOS 2.x, 3 for 3.x; compared with the node's"},
    "chain": {"type": "string", "pattern": "^[0-9A-Za-z_]{1,64}$",
      "description": "Chain id, of 2.x a decimal number such as 1, of 3.x a name such as chain0; compared with the node's"},
    "group": {"type": "string", "pattern": "^[0-9A-Za-z_]{1,64}$",
      "description": "The group that is this application's ledger, of 2.x a decimal number such as 1, of 3.x a name such as group0"},
    "crypto": {"enum": ["standard", "sm"], "default": "standard",
      "description": "standard: secp256k1 and Keccak-256; sm: SM2 and SM3. Compared with the node's"},
    "sealers": {"type": "array", "minItems": 1, "maxItems": 500, "description":
      "The sealers whose signatures make a block final. Without them each block's own list counts, which the node could make up",
      "items": {"type": "object", "additionalProperties": false, "required": ["key"], "properties": {
        "key": {"type": "string", "pattern": "^[0-9a-f]{128}$", "description": "Node id: the public key without its first byte"},
        "weight": {"type": "integer", "minimum": 1, "maximum": 1000000000, "default": 1}}}},
    "block_limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 500,
      "description": "How many blocks after the newest one a transaction may still enter"},
    "preset_contract": {"type": "string", "pattern": "^0x[0-9a-fA-F]{40}$",
      "description": "Address of the preset store, where it is deployed already"},
    "preset_table": {"type": "string", "pattern": "^[A-Za-z][0-9A-Za-z_]{0,39}$",
      "description": "Name of a key-value table that is to be made with the preset store and holds its values; without it its storage does"}
  },
  "if": {"properties": {"generation": {"const": 2}}},
  "then": {"properties": {"chain": {"pattern": "^(0|[1-9][0-9]{0,8})$"}, "group": {"pattern": "^[1-9][0-9]{0,4}$"}}}
}"#;

/// Which of the two protocols is spoken: they share words and hardly any byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u8")]
pub(crate) enum Generation {
    /// FISCO BCOS 2.x: RLP.
    Two,
    /// FISCO BCOS 3.x: tars.
    Three,
}

impl TryFrom<u8> for Generation {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            2 => Ok(Generation::Two),
            3 => Ok(Generation::Three),
            other => Err(format!("there is no generation {other}: it is 2 or 3")),
        }
    }
}

/// One application's view of one group.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The protocol.
    pub(crate) generation: Generation,
    /// Chain id as the node writes it.
    pub(crate) chain: String,
    /// Group id as the node writes it.
    pub(crate) group: String,
    /// Signatures and hashes.
    #[serde(default)]
    pub(crate) crypto: Crypto,
    /// Whose signatures count; none: those that a block names.
    #[serde(default)]
    pub(crate) sealers: Vec<Sealer>,
    /// How many blocks after the newest one a transaction may enter.
    #[serde(default = "default_block_limit")]
    pub(crate) block_limit: u64,
    /// The preset store, where it is deployed already.
    #[serde(default, deserialize_with = "given")]
    pub(crate) preset_contract: Option<Address>,
    /// The table that is made with the preset store for its values.
    #[serde(default, deserialize_with = "given")]
    pub(crate) preset_table: Option<String>,
}

/// The most bytes of a table's name: 3.x takes 50 with `/tables/` (`USER_TABLE_NAME_MAX_LENGTH_S`), 2.x more.
const MAX_TABLE: usize = 40;

/// What is given is not null: the schema has no null.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn default_block_limit() -> u64 {
    500
}

impl Settings {
    /// Reads the settings and checks their bounds.
    pub(crate) fn parse(json: &str) -> Result<Self, Error> {
        let refuse = |why: String| Error::new(ErrorCode::InvalidArgument, format!("settings: {why}"));
        let value: serde_json::Value =
            serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
        let settings: Settings =
            serde_path_to_error::deserialize(&value).map_err(|error| refuse(error.to_string()))?;
        let named = |name: &str, given: &str| {
            let word = given.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let number =
                given.bytes().all(|b| b.is_ascii_digit()) && (given == "0" || !given.starts_with('0'));
            let most = if name == "group" { 5 } else { 9 };
            let fits = match settings.generation {
                Generation::Two => number && given.len() <= most && !(name == "group" && given == "0"),
                Generation::Three => word && given.len() <= 64,
            };
            if fits && !given.is_empty() {
                return Ok(());
            }
            let form = match settings.generation {
                Generation::Two => "a decimal number",
                Generation::Three => "1 to 64 letters, digits and underscores",
            };
            Err(refuse(format!("`{name}` must be {form}")))
        };
        named("chain", &settings.chain)?;
        named("group", &settings.group)?;
        if !(1..=1000).contains(&settings.block_limit) {
            return Err(refuse("`block_limit` must be between 1 and 1000".into()));
        }
        if value.get("sealers").is_some() && !(1..=500).contains(&settings.sealers.len()) {
            return Err(refuse("`sealers` must be 1 to 500".into()));
        }
        if !settings.preset_table.as_deref().is_none_or(is_table) {
            let form = "a letter and then up to 39 letters, digits and underscores";
            return Err(refuse(format!("`preset_table` must be {form}")));
        }
        Ok(settings)
    }
}

/// Whether nodes of both generations take it for a table's name (`checkNameValidate`).
fn is_table(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= MAX_TABLE
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_the_wrong_type_is_named() {
        let wrong = r#"{"generation": 2, "chain": "1", "group": "1", "block_limit": {}}"#;
        assert!(Settings::parse(wrong).unwrap_err().message.contains("block_limit"));
        let deep = r#"{"generation": 2, "chain": "1", "group": "1", "sealers": [{"key": 1}]}"#;
        assert!(Settings::parse(deep).unwrap_err().message.contains("sealers[0].key"));
    }

    #[test]
    fn settings_have_defaults_and_wrong_ones_are_refused_by_name() {
        let settings = Settings::parse(r#"{"generation": 2, "chain": "1", "group": "1"}"#).unwrap();
        assert_eq!((settings.crypto, settings.block_limit), (Crypto::Standard, 500));
        let three =
            Settings::parse(r#"{"generation": 3, "chain": "chain0", "group": "group0", "crypto": "sm"}"#);
        assert_eq!(three.unwrap().crypto, Crypto::Sm);
        for (wrong, name) in [
            ("", ""),
            ("[]", ""),
            (r#"{"generation": 2, "chain": "1"}"#, "group"),
            (r#"{"generation": 4, "chain": "1", "group": "1"}"#, "generation"),
            (r#"{"generation": 2, "chain": "chain0", "group": "1"}"#, "chain"),
            (r#"{"generation": 2, "chain": "1", "group": "0"}"#, "group"),
            (r#"{"generation": 3, "chain": "chain0", "group": "a b"}"#, "group"),
            (r#"{"generation": 2, "chain": "1", "group": "1", "colour": 1}"#, "colour"),
            (r#"{"generation": 2, "chain": "1", "group": "1", "block_limit": 1001}"#, "block_limit"),
            (r#"{"generation": 2, "chain": "1", "group": "1", "sealers": []}"#, "sealers"),
            (r#"{"generation": 2, "chain": "1", "group": "1", "preset_contract": "0x12"}"#, ""),
            (r#"{"generation": 2, "chain": "1", "group": "1", "preset_table": ""}"#, "preset_table"),
            (r#"{"generation": 2, "chain": "1", "group": "1", "preset_table": "_t"}"#, "preset_table"),
            (
                r#"{"generation": 3, "chain": "chain0", "group": "group0", "preset_table": "a/b"}"#,
                "preset_table",
            ),
            (
                r#"{"generation": 3, "chain": "chain0", "group": "group0", "preset_table": null}"#,
                "preset_table",
            ),
        ] {
            let error = Settings::parse(wrong).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{wrong}");
            assert!(error.message.contains(name), "{wrong}: {}", error.message);
        }
    }

    #[test]
    fn the_schema_is_json() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        assert_eq!(schema["properties"].as_object().unwrap().len(), 8);
    }
}
