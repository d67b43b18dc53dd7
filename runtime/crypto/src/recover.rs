//! From a signature back to its signer.

use adapter_spec::types::{Signature, SignatureScheme};
use k256::ecdsa::{RecoveryId, VerifyingKey};

use crate::verify::{is_canonical, secp256k1_signature};

/// The point that signed `digest` (32 bytes): SEC1 uncompressed, 65 bytes. None for a scheme that is not on
/// secp256k1, without a recovery id of 0 or 1, and for anything malformed.
#[must_use]
pub fn recover(scheme: SignatureScheme, digest: &[u8], signature: &Signature) -> Option<Vec<u8>> {
    let digest: &[u8; 32] = digest.try_into().ok()?;
    let key = recover_key(scheme, digest, signature)?;
    Some(key.to_sec1_point(false).as_bytes().to_vec())
}

pub(crate) fn recover_key(
    scheme: SignatureScheme,
    digest: &[u8; 32],
    signature: &Signature,
) -> Option<VerifyingKey> {
    match scheme {
        SignatureScheme::EcdsaSecp256k1Keccak256 => {}
        SignatureScheme::EcdsaSecp256k1Sha256Canonical if is_canonical(&signature.bytes) => {}
        _ => return None,
    }
    // The standard's id is a parity. An x beyond the curve's order would need a third bit; its odds are 2^-127.
    let parity = signature.recovery_id.filter(|parity| *parity <= 1)?;
    let parsed = secp256k1_signature(&signature.bytes)?;
    VerifyingKey::recover_from_prehash(digest, &parsed, RecoveryId::from_byte(parity)?).ok()
}
