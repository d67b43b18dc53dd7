//! From a signature back to its signer.

use adapter_spec::types::{Signature, SignatureScheme};

use crate::{secp256k1, verify::is_canonical};

/// The point that signed `digest` (32 bytes): SEC1 uncompressed, 65 bytes. None for a scheme that is not on
/// secp256k1, without a recovery id of 0 or 1, and for anything malformed.
#[must_use]
pub fn recover(scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
    recover_point(scheme, digest.try_into().ok()?, signature).map(|point| point.to_vec())
}

pub(crate) fn recover_point(
    scheme: SignatureScheme,
    digest: &[u8; 32],
    signature: &Signature,
) -> Option<[u8; 65]> {
    match scheme {
        SignatureScheme::EcdsaSecp256k1Keccak256 => {}
        SignatureScheme::EcdsaSecp256k1Sha256Canonical if is_canonical(&signature.bytes) => {}
        _ => return None,
    }
    // The standard's id is a parity. An x beyond the curve's order would need a third bit; its odds are 2^-127.
    let parity = signature.recovery_id.filter(|parity| *parity <= 1)?;
    secp256k1::recovered(digest, &signature.bytes, parity)
}
