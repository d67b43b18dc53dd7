//! Signatures that must not be taken.

use adapter_spec::types::{Signature, SignatureScheme};

/// Order of the group of P-256, big-endian (SEC 2, section 2.4.2).
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
/// Order of the group of secp256k1, big-endian (SEC 2, section 2.4.1).
const SECP256K1_ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/// The other signature that ECDSA's arithmetic takes for the same message: `s` replaced by the order less `s`. It turns a
/// lower half into an upper one and back. None where the scheme is not ECDSA, or the signature malformed.
#[must_use]
pub fn mirrored(scheme: SignatureScheme, signature: &Signature) -> Option<Signature> {
    let order = match scheme {
        SignatureScheme::EcdsaP256Sha256 => P256_ORDER,
        SignatureScheme::EcdsaSecp256k1Keccak256 | SignatureScheme::EcdsaSecp256k1Sha256Canonical => {
            SECP256K1_ORDER
        }
        SignatureScheme::Sm2Sm3 => return None,
    };
    let order = hex::decode(order).ok()?;
    let (r, s) = signature.bytes.split_at_checked(32)?;
    if s.len() != 32 {
        return None;
    }
    let mut difference = vec![0; 32];
    let mut borrow = 0;
    for ((digit, of), less) in difference.iter_mut().zip(&order).zip(s).rev() {
        let here = i16::from(*of) - i16::from(*less) - borrow;
        borrow = i16::from(here < 0);
        *digit = u8::try_from(here.rem_euclid(256)).ok()?;
    }
    let recovery_id = signature.recovery_id.map(|id| id ^ 1);
    (borrow == 0).then(|| Signature { bytes: [r, &difference].concat(), recovery_id })
}

/// Whether ECDSA's `s` is in the upper half of the order.
#[must_use]
pub fn is_upper(scheme: SignatureScheme, signature: &Signature) -> bool {
    let s = |signature: &Signature| signature.bytes.get(32..).map(<[u8]>::to_vec);
    mirrored(scheme, signature).is_some_and(|mirror| s(signature) > s(&mirror))
}

#[cfg(test)]
mod tests {
    use adapter_spec::types::SigningInput;
    use berth_crypto::SigningKey;

    use super::*;

    #[test]
    fn the_mirror_of_a_signature_is_in_the_other_half_and_its_mirror_is_the_signature() {
        for scheme in [SignatureScheme::EcdsaP256Sha256, SignatureScheme::EcdsaSecp256k1Keccak256] {
            let key = SigningKey::from_bytes(scheme, &[7; 32]).unwrap();
            let input = SigningInput::Message(b"a message".to_vec());
            let signature = key.sign(&input).unwrap();
            let mirror = mirrored(scheme, &signature).unwrap();
            assert!(!is_upper(scheme, &signature) && is_upper(scheme, &mirror));
            assert_eq!(mirrored(scheme, &mirror).unwrap(), signature);
            assert!(!berth_crypto::verify(&key.public_key(), &input, &mirror));
        }
        let short = Signature { bytes: vec![1; 63], recovery_id: None };
        assert_eq!(mirrored(SignatureScheme::EcdsaP256Sha256, &short), None);
    }

    #[test]
    fn the_mirror_is_the_order_less_s_and_the_other_recovery_id() {
        let scheme = SignatureScheme::EcdsaSecp256k1Keccak256;
        let of = |s: Vec<u8>, recovery_id| Signature { bytes: [vec![9; 32], s].concat(), recovery_id };
        let one = [vec![0; 31], vec![1]].concat();
        let order = hex::decode(SECP256K1_ORDER).unwrap();
        let mut order_less_one = order.clone();
        *order_less_one.last_mut().unwrap() -= 1;
        for (id, other) in [(None, None), (Some(0), Some(1)), (Some(1), Some(0))] {
            assert_eq!(mirrored(scheme, &of(one.clone(), id)), Some(of(order_less_one.clone(), other)));
            assert_eq!(mirrored(scheme, &of(order_less_one.clone(), id)), Some(of(one.clone(), other)));
        }
        // What is above the order has none.
        let mut above = order;
        *above.last_mut().unwrap() += 1;
        assert_eq!(mirrored(scheme, &of(above, None)), None);
        assert_eq!(mirrored(SignatureScheme::Sm2Sm3, &of(one, None)), None);
    }
}
