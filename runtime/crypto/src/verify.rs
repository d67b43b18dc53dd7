//! Verification.

use adapter_spec::types::{PublicKey, Signature, SignatureScheme, SigningInput};
use p256::elliptic_curve::scalar::IsHigh;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sm2::dsa::signature::hazmat::PrehashVerifier as _;

use crate::{input, recover::recover_point, secp256k1};

/// Whether the signature is this key's over this input.
///
/// False for anything malformed: a point that is not 65 bytes or not on the curve, an input that the scheme does not
/// sign, an ECDSA signature with s in the upper half, one that is not canonical where the scheme asks for it, a
/// recovery id that is not this key's or that the scheme does not have. The key's certificate is not looked at.
#[must_use]
pub fn verify(key: &PublicKey, input: &SigningInput, signature: &Signature) -> bool {
    checked(key, input, signature).is_some()
}

fn checked(key: &PublicKey, input: &SigningInput, signature: &Signature) -> Option<()> {
    let point: &[u8; 65] = key.point.as_slice().try_into().ok()?;
    if point.first() != Some(&4) || signature.bytes.len() != 64 {
        return None;
    }
    let digest = input::digest(key.scheme, point, input).ok()?;
    match key.scheme {
        SignatureScheme::EcdsaP256Sha256 => {
            let parsed = p256::ecdsa::Signature::from_slice(&signature.bytes).ok()?;
            if signature.recovery_id.is_some() || bool::from(parsed.s().is_high()) {
                return None;
            }
            match input {
                // `ring` is several times as fast, and takes messages alone.
                SigningInput::Message(message) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                    .verify(message, &signature.bytes)
                    .ok(),
                _ => {
                    let known = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
                    known.verify_prehash(&digest, &parsed).ok()
                }
            }
        }
        SignatureScheme::EcdsaSecp256k1Keccak256 | SignatureScheme::EcdsaSecp256k1Sha256Canonical => {
            if key.scheme == SignatureScheme::EcdsaSecp256k1Sha256Canonical && !is_canonical(&signature.bytes)
            {
                return None;
            }
            if signature.recovery_id.is_some() {
                // Recovering costs what verifying costs, and tells whether the id is right too.
                return (recover_point(key.scheme, &digest, signature)? == *point).then_some(());
            }
            secp256k1::verifies(point, &digest, &signature.bytes)
        }
        SignatureScheme::Sm2Sm3 => {
            if signature.recovery_id.is_some() {
                return None;
            }
            let parsed = sm2::dsa::Signature::from_slice(&signature.bytes).ok()?;
            let public = sm2::PublicKey::from_sec1_bytes(point).ok()?;
            // The id is in the digest already, so that the one given here is not used.
            sm2::dsa::VerifyingKey::new("", public).ok()?.verify_prehash(&digest, &parsed).ok()
        }
    }
}

/// r and s both below 2^255.
pub(crate) fn is_canonical(signature: &[u8]) -> bool {
    let below = |at: usize| signature.get(at).is_some_and(|byte| *byte < 0x80);
    below(0) && below(32)
}
