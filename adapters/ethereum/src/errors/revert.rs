//! What nodes answer when a contract failed.

use adapter_evm_abi::revert::of_data;
use adapter_sdk::types::{Error, ErrorCode, transport::JsonRpcError};
use alloy_primitives::{Bytes, hex};

use super::readable;

/// The error object of a call that the contract failed; none if it says something else.
pub(crate) fn of_answer(error: &JsonRpcError) -> Option<Error> {
    let said = error.message.to_lowercase();
    // Code 3 is the execution API's; -32015 with "VM execution error" is Nethermind's and OpenEthereum's.
    let reverted = error.code == 3 || said.contains("revert") || said.contains("vm execution error");
    if !reverted {
        return None;
    }
    match data_of(error) {
        Some(data) if !data.is_empty() => Some(of_data(&data)),
        // Some nodes give only the text.
        _ => match error.message.split_once("reverted: ") {
            Some((_, reason)) => Some(
                Error::new(ErrorCode::Reverted, format!("the contract reverted: {}", readable(reason)))
                    .with_native(format!("{}: {}", error.code, readable(&error.message))),
            ),
            None => Some(of_data(&[])),
        },
    }
}

/// The returned bytes in an error object: a string, after "Reverted " with some nodes, or inside an object.
fn data_of(error: &JsonRpcError) -> Option<Bytes> {
    let value: serde_json::Value = serde_json::from_str(error.data.as_deref()?).ok()?;
    let text = value.as_str().or_else(|| value.get("data")?.as_str())?;
    let digits = text.strip_prefix("Reverted ").unwrap_or(text);
    hex::decode(digits).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    fn encoded(text: &str) -> Vec<u8> {
        let value = alloy_dyn_abi::DynSolValue::Tuple(vec![alloy_dyn_abi::DynSolValue::String(text.into())]);
        [keccak256("Error(string)")[..4].to_vec(), value.abi_encode_params()].concat()
    }

    #[test]
    fn error_objects_of_several_clients_are_understood() {
        let answer = |code, message: &str, data: Option<&str>| {
            of_answer(&JsonRpcError { code, message: message.into(), data: data.map(Into::into) })
        };
        let data = format!("\"{}\"", hex::encode_prefixed(encoded("why")));
        assert!(answer(3, "execution reverted: why", Some(&data)).unwrap().message.contains("why"));
        let nethermind = format!("\"Reverted {}\"", hex::encode_prefixed(encoded("why")));
        assert!(answer(-32015, "VM execution error.", Some(&nethermind)).unwrap().message.contains("why"));
        assert!(answer(-32000, "execution reverted: why", None).unwrap().message.contains("why"));
        assert!(answer(-32000, "nonce too low", None).is_none());
    }
}
