//! Arguments and results of system contracts.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, Bytes, I256};

use crate::{
    evm::{error_text, system::SystemResult},
    suite::Suite,
};

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
        // Texts are encoded as bytes are, and nodes take any bytes for text.
        let kinds = signature.get(signature.find('(')?..)?.replace("string", "bytes");
        match DynSolType::parse(&kinds).ok()?.abi_decode_params(arguments).ok()? {
            DynSolValue::Tuple(values) => Some(Arguments(values)),
            one => Some(Arguments(vec![one])),
        }
    }

    /// A text.
    pub fn text(&self, index: usize) -> String {
        String::from_utf8_lossy(self.bytes(index)).into_owned()
    }

    /// A text's bytes.
    pub fn bytes(&self, index: usize) -> &[u8] {
        self.0.get(index).and_then(DynSolValue::as_bytes).unwrap_or_default()
    }

    /// An address.
    pub fn address(&self, index: usize) -> Address {
        self.0.get(index).and_then(DynSolValue::as_address).unwrap_or_default()
    }

    /// A number in decimal digits.
    pub fn decimal(&self, index: usize) -> String {
        match self.0.get(index) {
            Some(DynSolValue::Int(number, _)) => number.to_string(),
            Some(DynSolValue::Uint(number, _)) => number.to_string(),
            _ => String::new(),
        }
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

/// A failure with the reason that the node gives for it.
pub(super) fn failed(reason: &str) -> SystemResult {
    SystemResult::Failed { output: error_text(reason) }
}
