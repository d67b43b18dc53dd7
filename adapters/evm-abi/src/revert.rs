//! Why a contract's execution failed: the bytes that it gave back.

use adapter_sdk::types::{Error, ErrorCode};
use alloy_dyn_abi::DynSolType;
use alloy_primitives::{U256, hex};

use crate::{Hash, readable, selector};

/// Selector of `Error(string)`: Solidity's `revert` and `require` with a text.
const ERROR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// Selector of `Panic(uint256)`: Solidity's own checks.
const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
/// Selector of `AlreadyExists(string)`, which the preset store gives.
pub const ALREADY_EXISTS: [u8; 4] = [0x11, 0xae, 0x8b, 0x16];
/// Selector of `NotFound(string)`, which the preset store gives.
pub const NOT_FOUND: [u8; 4] = [0x60, 0x7b, 0xe5, 0xdc];

/// How much of the data is passed on as the framework's own code, bytes.
const MAX_NATIVE: usize = 260;

/// The signatures behind the selectors.
const SIGNATURES: [([u8; 4], &str); 4] = [
    (ERROR, "Error(string)"),
    (PANIC, "Panic(uint256)"),
    (ALREADY_EXISTS, "AlreadyExists(string)"),
    (NOT_FOUND, "NotFound(string)"),
];

/// The error that the returned bytes stand for, where names are hashed by Keccak-256.
pub fn of_data(data: &[u8]) -> Error {
    of_parts(data, data.first_chunk::<4>().copied())
}

/// The same where the chain hashes names in its own way. Compilers differ in what they then do with Solidity's own errors, so
/// their usual selectors are understood too.
pub fn of_data_under(data: &[u8], hash: Hash<'_>) -> Error {
    let given = data.first_chunk::<4>().copied();
    let known = SIGNATURES
        .into_iter()
        .find(|(_, signature)| given.is_some_and(|given| selector(signature, hash) == given));
    of_parts(data, known.map(|(known, _)| known).or(given))
}

fn of_parts(data: &[u8], selector: Option<[u8; 4]>) -> Error {
    let native = hex::encode_prefixed(data.get(..MAX_NATIVE).unwrap_or(data));
    let error = match selector.as_ref().zip(data.get(4..)) {
        None => Error::new(
            ErrorCode::Reverted,
            "the contract reverted without a reason; it may not have the function, or not take currency",
        ),
        Some((&ERROR, rest)) => {
            let reason = text(rest).unwrap_or_else(|| "a reason that does not decode".into());
            Error::new(ErrorCode::Reverted, format!("the contract reverted: {}", readable(&reason)))
        }
        Some((&PANIC, rest)) => {
            let code = rest.get(..32).map(U256::from_be_slice).unwrap_or_default();
            Error::new(
                ErrorCode::Reverted,
                format!("the contract reverted: {} (panic {code:#x})", panic(code)),
            )
        }
        Some((&ALREADY_EXISTS, rest)) => {
            let key = text(rest).unwrap_or_default();
            Error::new(
                ErrorCode::AlreadyExists,
                format!("there is a value under {:?} already", readable(&key)),
            )
        }
        Some((&NOT_FOUND, rest)) => {
            let key = text(rest).unwrap_or_default();
            Error::new(ErrorCode::NotFound, format!("there is no value under {:?}", readable(&key)))
        }
        Some((selector, _)) => Error::new(
            ErrorCode::Reverted,
            format!("the contract reverted with its own error {}", hex::encode_prefixed(selector)),
        ),
    };
    error.with_native(native)
}

/// The one text that follows a selector.
fn text(data: &[u8]) -> Option<String> {
    let decoded = DynSolType::String.abi_decode_params(data).ok()?;
    decoded.as_str().map(Into::into)
}

/// What Solidity's panic codes stand for (Solidity documentation, "Panic via assert and Error via require").
fn panic(code: U256) -> &'static str {
    match u64::try_from(code) {
        Ok(0x01) => "an assertion does not hold",
        Ok(0x11) => "an arithmetic operation overflows",
        Ok(0x12) => "division by zero",
        Ok(0x21) => "a value outside its enumeration",
        Ok(0x22) => "a storage byte array is badly encoded",
        Ok(0x31) => "pop of an empty array",
        Ok(0x32) => "an index out of bounds",
        Ok(0x41) => "too much memory",
        Ok(0x51) => "a call of an uninitialised function",
        _ => "a check of the compiler's failed",
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    fn encoded(selector: [u8; 4], text: &str) -> Vec<u8> {
        let value = alloy_dyn_abi::DynSolValue::Tuple(vec![alloy_dyn_abi::DynSolValue::String(text.into())]);
        [selector.to_vec(), value.abi_encode_params()].concat()
    }

    #[test]
    fn the_selectors_are_those_of_their_signatures() {
        for (selector, signature) in SIGNATURES {
            assert_eq!(selector, keccak256(signature)[..4], "{signature} {:x?}", &keccak256(signature)[..4]);
        }
    }

    #[test]
    fn reasons_are_read_from_the_returned_bytes() {
        assert!(of_data(&encoded(ERROR, "not enough")).message.contains("not enough"));
        assert_eq!(of_data(&encoded(ALREADY_EXISTS, "k")).code, ErrorCode::AlreadyExists);
        assert_eq!(of_data(&encoded(NOT_FOUND, "k")).code, ErrorCode::NotFound);
        let mut panic = PANIC.to_vec();
        panic.extend(U256::from(0x11).to_be_bytes::<32>());
        assert!(of_data(&panic).message.contains("overflows"));
        assert_eq!(of_data(&[]).code, ErrorCode::Reverted);
        assert_eq!(of_data(&[1, 2, 3, 4, 5]).native.as_deref(), Some("0x0102030405"));
    }

    #[test]
    fn selectors_of_another_hash_are_understood_and_so_are_the_usual_ones() {
        let other = |name: &[u8]| keccak256([b"other", name].concat());
        let mut theirs = [0; 4];
        theirs.copy_from_slice(&other(b"NotFound(string)")[..4]);
        for selector in [theirs, NOT_FOUND] {
            assert_eq!(of_data_under(&encoded(selector, "k"), &other).code, ErrorCode::NotFound);
        }
        assert_eq!(of_data(&encoded(theirs, "k")).code, ErrorCode::Reverted);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_error_and_never_a_panic(data: Vec<u8>, selector in 0usize..4) {
            let selectors = [ERROR, PANIC, ALREADY_EXISTS, NOT_FOUND];
            of_data(&data);
            of_data_under(&data, &|name| keccak256(name));
            of_data(&[selectors[selector].to_vec(), data].concat());
        }
    }
}
