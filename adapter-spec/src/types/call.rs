//! Calls, and the steps that carry them out.

use serde::{Deserialize, Serialize};
#[cfg(feature = "component")]
use wasmtime::component::{ComponentType, Lift, Lower};

use super::{BlockRef, BlockSelector, Extension, Output, PublicKey, SigningInput};

/// One argument of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Value {
    /// Text, UTF-8.
    #[cfg_attr(feature = "component", component(name = "text"))]
    Text(String),
    /// Bytes as they are.
    #[cfg_attr(feature = "component", component(name = "bytes"))]
    Bytes(
        #[serde(with = "crate::types::hex_bytes")]
        #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
        Vec<u8>,
    ),
    /// Decimal, any size, optional leading minus.
    #[cfg_attr(feature = "component", component(name = "integer"))]
    Integer(String),
    /// True or false.
    #[cfg_attr(feature = "component", component(name = "boolean"))]
    Boolean(bool),
    /// Arrays and structures, as JSON.
    #[cfg_attr(feature = "component", component(name = "json"))]
    Json(String),
}

/// A function of a contract, with its arguments.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ContractCall {
    /// Contract address, name or chaincode.
    pub contract: String,
    /// Function name, or its signature where the framework needs types.
    pub function: String,
    /// In the order of the function's parameters.
    pub arguments: Vec<Value>,
    /// Interface description, where the caller has one.
    pub abi: Option<String>,
    /// Never written to the ledger, never recorded in clear (Fabric transient data).
    #[cfg_attr(feature = "component", component(name = "private-arguments"))]
    #[serde(with = "crate::types::hex_bytes::named")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<(String, crate::types::hex_bytes::Hex)>"))]
    pub private_arguments: Vec<(String, Vec<u8>)>,
}

/// A contract to be put on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Deployment {
    /// Its name, where the ledger names contracts.
    pub name: String,
    /// Its version, where the ledger keeps versions.
    pub version: String,
    /// The code as the ledger takes it.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub code: Vec<u8>,
    /// Interface description, in the framework's form.
    pub abi: Option<String>,
    /// Of the constructor.
    pub arguments: Vec<Value>,
}

/// An operation that only this framework has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NativeCall {
    /// A name among the descriptor's capabilities.
    pub name: String,
    /// Its arguments, JSON.
    pub json: String,
}

/// What a caller wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Call {
    /// Changes the ledger.
    #[cfg_attr(feature = "component", component(name = "invoke"))]
    Invoke(ContractCall),
    /// Reads; must not change the ledger.
    #[cfg_attr(feature = "component", component(name = "evaluate"))]
    Evaluate(ContractCall),
    /// Puts a contract on the ledger; only where the capability `deploy` is declared.
    #[cfg_attr(feature = "component", component(name = "deploy"))]
    Deploy(Deployment),
    /// A declared operation of the framework's own: name and JSON.
    #[cfg_attr(feature = "component", component(name = "native"))]
    Native(NativeCall),
}

impl Call {
    /// The bytes that the descriptor's `max-payload` bounds: code, arguments and private arguments together, of an
    /// argument its text or data, one for a boolean.
    #[must_use]
    pub fn payload(&self) -> u64 {
        let argument = |value: &Value| match value {
            Value::Text(text) | Value::Integer(text) | Value::Json(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Boolean(_) => 1,
        };
        let bytes: usize = match self {
            Call::Invoke(call) | Call::Evaluate(call) => {
                let private = call.private_arguments.iter().map(|(name, value)| name.len() + value.len());
                call.arguments.iter().map(argument).chain(private).sum()
            }
            Call::Deploy(deployment) => {
                deployment.code.len() + deployment.arguments.iter().map(argument).sum::<usize>()
            }
            Call::Native(native) => native.json.len(),
        };
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// What goes with a call and is not the contract's business.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallOptions {
    /// Fixed by the host for one idempotency key: the source of every random id in the transaction.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub salt: Vec<u8>,
    /// Native currency sent along, smallest unit, decimal.
    pub amount: Option<String>,
    /// The most the caller pays, smallest unit, decimal.
    #[cfg_attr(feature = "component", component(name = "max-fee"))]
    pub max_fee: Option<String>,
    /// For evaluate: the block to read at.
    pub at: Option<BlockSelector>,
    /// Additions.
    pub extensions: Vec<Extension>,
}

/// Until when something is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Validity {
    /// Up to and including this block.
    #[cfg_attr(feature = "component", component(name = "block"))]
    Block(u64),
    /// Milliseconds since 1970, UTC.
    #[cfg_attr(feature = "component", component(name = "millis"))]
    Millis(u64),
    /// No limit.
    #[cfg_attr(feature = "component", component(name = "unbounded"))]
    Unbounded,
}

/// A signed transaction, ready to send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Envelope {
    /// Known before the ledger sees it; the adapter's own where the ledger gives ids only on acceptance.
    pub transaction: String,
    /// Signed, ready to send. The host journals it before it is sent.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub bytes: Vec<u8>,
    /// When it must have been sent for the first time.
    #[cfg_attr(feature = "component", component(name = "valid-until"))]
    pub valid_until: Validity,
    /// What `receipt` needs to find it again (a first block to look at).
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub tracking: Vec<u8>,
}

/// One signature that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignItem {
    /// By this key.
    pub key: PublicKey,
    /// Over this.
    pub input: SigningInput,
}

/// The signatures that a call needs before it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SignRequest {
    /// One signature each, in this order.
    pub items: Vec<SignItem>,
    /// Handed back with the signatures; the host seals it, binds it to the call and the parties, and takes it once.
    #[serde(with = "crate::types::hex_bytes")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::types::hex_bytes::Hex"))]
    pub continuation: Vec<u8>,
    /// When the continuation stops being taken.
    #[cfg_attr(feature = "component", component(name = "valid-until"))]
    pub valid_until: Validity,
    /// The most that what is signed can cost, smallest unit, decimal.
    #[cfg_attr(feature = "component", component(name = "max-fee"))]
    pub max_fee: Option<String>,
    /// The adapter's claim of what is signed; shown as a claim.
    pub summary: String,
}

/// How a call goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Step {
    /// These signatures are wanted; go on with `resume`.
    #[cfg_attr(feature = "component", component(name = "sign"))]
    Sign(SignRequest),
    /// Ready to be journalled and sent.
    #[cfg_attr(feature = "component", component(name = "send"))]
    Send(Envelope),
    /// A read is done.
    #[cfg_attr(feature = "component", component(name = "answer"))]
    Answer(Output),
}

/// Where the ledger stands, as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LedgerStatus {
    /// The newest block.
    pub head: BlockRef,
    /// The newest block that cannot disappear.
    pub finalized: BlockRef,
    /// False while the node is catching up.
    pub synced: bool,
    /// Other nodes that the node is connected to.
    pub peers: u32,
}

/// What a call would cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Estimate {
    /// In the ledger's units of work (gas), decimal.
    pub units: Option<String>,
    /// In the smallest unit of currency, decimal.
    pub fee: Option<String>,
}

/// What somebody wants to reach on the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(variant))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Goal {
    /// This contract is there.
    #[cfg_attr(feature = "component", component(name = "deploy"))]
    Deploy(Deployment),
    /// The preset contract.
    #[cfg_attr(feature = "component", component(name = "preset"))]
    Preset,
    /// This account is there.
    #[cfg_attr(feature = "component", component(name = "account"))]
    Account(String),
    /// The application's ledger space: a channel, a group, a chain.
    #[cfg_attr(feature = "component", component(name = "space"))]
    Space(String),
}

/// One call of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "component", derive(ComponentType, Lift, Lower), component(record))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedCall {
    /// The call.
    pub call: Call,
    /// Who must carry it out, in the framework's words ("administrator of Org1MSP").
    pub role: String,
    /// The lent endpoint that it must go through, where it matters.
    pub endpoint: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_counts_arguments_private_ones_and_code_and_not_the_names_of_contract_and_function() {
        let call = ContractCall {
            contract: "contract".into(),
            function: "function".into(),
            arguments: vec![
                Value::Text("\u{e9}".into()),
                Value::Bytes(vec![0; 3]),
                Value::Integer("-10".into()),
                Value::Boolean(true),
                Value::Json("[1]".into()),
            ],
            abi: Some("[]".into()),
            private_arguments: vec![("ab".into(), vec![0; 4])],
        };
        assert_eq!(Call::Invoke(call).payload(), 2 + 3 + 3 + 1 + 3 + 2 + 4);
        let deployment = Deployment {
            name: "name".into(),
            version: "1".into(),
            code: vec![0; 100],
            abi: None,
            arguments: vec![Value::Boolean(false)],
        };
        assert_eq!(Call::Deploy(deployment).payload(), 101);
        assert_eq!(Call::Native(NativeCall { name: "n".into(), json: "{}".into() }).payload(), 2);
    }
}
