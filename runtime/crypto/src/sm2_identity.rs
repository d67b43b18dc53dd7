//! What SM2 hashes before the message: who signs (GB/T 32918.2, section 5.5; the curve is GB/T 32918.5's).
//!
//! Written out because the `sm2` crate takes only text as an id, and an id is any bytes.

use sm3::{Digest as _, Sm3};

use crate::InputError;

/// The user id where a framework has none of its own (GM/T 0009).
pub const DEFAULT_SM2_ID: &[u8] = b"1234567812345678";

/// The recommended curve's a, b, and base point x and y, one after the other, big-endian.
const CURVE: &str = concat!(
    "fffffffeffffffffffffffffffffffffffffffff00000000fffffffffffffffc",
    "28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93",
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7",
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0",
);

/// SM3(ZA, data), for the signer at `point` (SEC1 uncompressed, 65 bytes).
pub(crate) fn message_digest(id: &[u8], point: &[u8], data: &[u8]) -> Result<[u8; 32], InputError> {
    let too_long = || InputError::Sm2IdLength(id.len());
    let bits = id.len().checked_mul(8).and_then(|bits| u16::try_from(bits).ok()).ok_or_else(too_long)?;
    let mut curve = [0; 128];
    // The constant is 256 digits; were it not, no signature would ever verify, and the standard's example tells.
    let _ = hex::decode_to_slice(CURVE, &mut curve);
    let identity = Sm3::new()
        .chain_update(bits.to_be_bytes())
        .chain_update(id)
        .chain_update(curve)
        .chain_update(point.get(1..).unwrap_or_default())
        .finalize();
    Ok(Sm3::new().chain_update(identity).chain_update(data).finalize().into())
}
