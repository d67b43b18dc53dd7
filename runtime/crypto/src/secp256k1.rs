//! Verification and recovery on secp256k1, by libsecp256k1: some five times as fast as `k256`, and what is looked at is public.
//! Signing is `k256`'s, whose keys are zeroized.

use std::sync::LazyLock;

use secp256k1::{
    Message, PublicKey, Secp256k1, VerifyOnly,
    ecdsa::{RecoverableSignature, RecoveryId, Signature},
};

/// The library's tables.
static LIBRARY: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// Whether `signature` (r and s) is of this key (SEC1 uncompressed) and digest, with s in the lower half.
pub(crate) fn verifies(point: &[u8; 65], digest: &[u8; 32], signature: &[u8]) -> Option<()> {
    let key = PublicKey::from_slice(point).ok()?;
    // The library takes no s of the upper half.
    let signature = Signature::from_compact(signature).ok()?;
    LIBRARY.verify_ecdsa(Message::from_digest(*digest), &signature, &key).ok()
}

/// The point (SEC1 uncompressed) whose y has this parity, 0 or 1, and which signed `digest` with `signature` (r and s), where s
/// is in the lower half.
pub(crate) fn recovered(digest: &[u8; 32], signature: &[u8], parity: u8) -> Option<[u8; 65]> {
    let id = RecoveryId::try_from(i32::from(parity)).ok()?;
    let signature = RecoverableSignature::from_compact(signature, id).ok()?;
    // The library recovers from an s of the upper half too.
    let given = signature.to_standard();
    let mut low = given;
    low.normalize_s();
    if low != given {
        return None;
    }
    let key = LIBRARY.recover_ecdsa(Message::from_digest(*digest), &signature).ok()?;
    Some(key.serialize_uncompressed())
}
