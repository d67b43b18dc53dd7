//! What goes with a call.

use adapter_spec::types::SignatureScheme;
use serde::{Deserialize, Serialize};

/// Who acts, and what goes with a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OptionsRequest {
    /// The framework's name of the account; where the key alone decides it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The key's scheme; the adapter's first where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<SignatureScheme>,
    /// Native currency sent along, smallest unit, decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The most the caller pays, smallest unit, decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_fee: Option<String>,
}
