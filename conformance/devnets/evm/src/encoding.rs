//! Hexadecimal text as the frameworks' JSON has it.

use alloy_primitives::{Address, B256, Bytes, U256};

/// A number without leading zeros: `0x0`, `0x1f`.
#[must_use]
pub fn quantity(number: impl TryInto<U256>) -> String {
    format!("0x{:x}", number.try_into().unwrap_or_default())
}

/// Bytes, two digits each: `0x`, `0x00ff`.
#[must_use]
pub fn data(bytes: impl AsRef<[u8]>) -> String {
    format!("0x{}", hex::encode(bytes))
}

/// The bytes of hexadecimal text, with or without `0x`.
#[must_use]
pub fn parse_data(text: &str) -> Option<Bytes> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text)).ok().map(Bytes::from)
}

/// An address of 20 bytes.
#[must_use]
pub fn parse_address(text: &str) -> Option<Address> {
    let bytes = parse_data(text)?;
    (bytes.len() == 20).then(|| Address::from_slice(&bytes))
}

/// A hash of 32 bytes.
#[must_use]
pub fn parse_hash(text: &str) -> Option<B256> {
    let bytes = parse_data(text)?;
    (bytes.len() == 32).then(|| B256::from_slice(&bytes))
}

/// A number, hexadecimal after `0x`, else decimal.
#[must_use]
pub fn parse_number(text: &str) -> Option<U256> {
    match text.strip_prefix("0x") {
        Some("") => None,
        Some(digits) => U256::from_str_radix(digits, 16).ok(),
        None => U256::from_str_radix(text, 10).ok(),
    }
}
