//! Participants who hold their own keys.

use adapter_spec::types::{Output, SignItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Written;

/// What a key signs to show that its owner has it, as a message: application, participant and point, in lines.
#[must_use]
pub fn possession(application_id: &str, participant: &str, point: &[u8]) -> String {
    format!("berth key\n{application_id}\n{participant}\n{}\n", hex::encode(point))
}

/// What is to be signed before a call goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToSign {
    /// One signature each, in this order.
    pub items: Vec<SignItem>,
    /// The adapter's claim of what is signed. A claim: it may be wrong.
    pub summary_claim: String,
    /// The most that what is signed can cost, smallest unit, decimal.
    pub max_fee: Option<String>,
    /// When the continuation stops being taken at the latest.
    pub expires: Timestamp,
    /// To be handed back with the signatures; hexadecimal.
    pub continuation: String,
}

/// How a call in upload mode goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Next {
    /// Sign, and resume.
    Sign(ToSign),
    /// It is on its way.
    Written(Box<Written>),
    /// A read is done.
    Answer(Output),
}
