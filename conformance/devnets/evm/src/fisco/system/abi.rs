//! Arguments and results of system contracts.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Bytes, I256};

use crate::{evm::system::SystemResult, suite::Suite};

/// A call's arguments.
pub(super) struct Arguments(Vec<DynSolValue>);

impl Arguments {
    /// The arguments, where the input calls this function, e.g. `setValueByKey(string,string)`. Selectors are made with
    /// the chain's hash.
    pub fn of(suite: Suite, signature: &str, input: &[u8]) -> Option<Self> {
        let (selector, arguments) = input.split_at_checked(4)?;
        if suite.hash(signature.as_bytes()).get(..4)? != selector {
            return None;
        }
        let kinds = signature.get(signature.find('(')?..)?;
        match DynSolType::parse(kinds).ok()?.abi_decode_params(arguments).ok()? {
            DynSolValue::Tuple(values) => Some(Arguments(values)),
            one => Some(Arguments(vec![one])),
        }
    }

    /// A text.
    pub fn text(&self, index: usize) -> String {
        self.0.get(index).and_then(DynSolValue::as_str).unwrap_or_default().to_owned()
    }
}

/// A result of these values.
pub(super) fn returned(values: Vec<DynSolValue>, gas: u64) -> SystemResult {
    SystemResult::Returned { output: DynSolValue::Tuple(values).abi_encode_params().into(), gas }
}

/// A number, negative where it is an error's code.
pub(super) fn code(code: i64, gas: u64) -> SystemResult {
    let number = I256::try_from(code).unwrap_or_default();
    returned(vec![DynSolValue::Int(number, 256)], gas)
}

/// A text.
pub(super) fn text(text: String, gas: u64) -> SystemResult {
    returned(vec![DynSolValue::String(text)], gas)
}

/// A function that is not there: nothing is returned.
pub(super) fn undefined() -> SystemResult {
    SystemResult::Returned { output: Bytes::new(), gas: 0 }
}

/// What may not be written in a call that only reads.
pub(super) fn read_only() -> SystemResult {
    SystemResult::Failed { output: Bytes::new() }
}
