//! ECDSA signatures on P-256 between Fabric's form, DER, and the standard's, r then s.

use adapter_sdk::types::Signature;
use der::{Decode as _, Encode as _, Sequence, asn1::Uint};

/// Half of the order of P-256's group, rounded down (FIPS 186-5; SEC 2, section 2.4.2).
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde,
    0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// The order of P-256's group.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// `Ecdsa-Sig-Value` (RFC 3279, section 2.2.3).
#[derive(Sequence)]
struct EcdsaSignature {
    r: Uint,
    s: Uint,
}

/// The standard's form of a signature in DER; none where it is not DER, or r or s has more than 32 bytes.
pub(crate) fn from_der(bytes: &[u8]) -> Option<Signature> {
    let signature = EcdsaSignature::from_der(bytes).ok()?;
    let mut joined = padded(signature.r.as_bytes())?.to_vec();
    joined.extend(padded(signature.s.as_bytes())?);
    Some(Signature { bytes: joined, recovery_id: None })
}

/// The same, with s brought into the lower half. Only for certificates: authorities do not keep Fabric's rule.
pub(crate) fn from_any_der(bytes: &[u8]) -> Option<Signature> {
    let mut signature = from_der(bytes)?;
    let s = signature.bytes.get_mut(32..)?;
    if *s > HALF_ORDER[..] {
        let mut borrow = 0i16;
        for (byte, order) in s.iter_mut().zip(ORDER).rev() {
            let difference = i16::from(order) - i16::from(*byte) - borrow;
            borrow = i16::from(difference < 0);
            *byte = u8::try_from(difference.rem_euclid(256)).unwrap_or_default();
        }
    }
    Some(signature)
}

/// DER of a signature whose s is in the lower half, as peers want it; none of any other.
pub(crate) fn to_der(signature: &Signature) -> Option<Vec<u8>> {
    let (r, s) = (signature.bytes.get(..32)?, signature.bytes.get(32..)?);
    if s.len() != 32 || *s > HALF_ORDER[..] {
        return None;
    }
    EcdsaSignature { r: Uint::new(r).ok()?, s: Uint::new(s).ok()? }.to_der().ok()
}

fn padded(number: &[u8]) -> Option<[u8; 32]> {
    let start = 32usize.checked_sub(number.len())?;
    let mut padded = [0; 32];
    padded.get_mut(start..)?.copy_from_slice(number);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(r: [u8; 32], s: [u8; 32]) -> Signature {
        Signature { bytes: [r, s].concat(), recovery_id: None }
    }

    #[test]
    fn a_signature_in_the_upper_half_is_no_signature_for_a_peer() {
        assert!(to_der(&signature([1; 32], HALF_ORDER)).is_some());
        let mut above = HALF_ORDER;
        above[31] += 1;
        assert_eq!(to_der(&signature([1; 32], above)), None);
        let lowered = from_any_der(
            &EcdsaSignature { r: Uint::new(&[1]).unwrap(), s: Uint::new(&above).unwrap() }.to_der().unwrap(),
        );
        assert_eq!(lowered.unwrap().bytes[32..], HALF_ORDER);
    }

    #[test]
    fn numbers_are_minimal_in_der() {
        let mut small = [0; 32];
        small[31] = 5;
        assert_eq!(to_der(&signature(small, small)).unwrap(), [0x30, 6, 2, 1, 5, 2, 1, 5]);
        // Not minimal, cut off, with something behind it, or no sequence.
        for wrong in [
            &[0x30, 7, 2, 2, 0, 5, 2, 1, 5][..],
            &[0x30, 6, 2, 1, 5, 2, 1],
            &[0x30, 6, 2, 1, 5, 2, 1, 5, 0],
            &[],
        ] {
            assert_eq!(from_der(wrong), None, "{wrong:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_signature_comes_back_as_it_was(r: [u8; 32], mut s: [u8; 32]) {
            s[0] &= 0x3f;
            let signature = signature(r, s);
            proptest::prop_assert_eq!(from_der(&to_der(&signature).unwrap()), Some(signature));
        }

        #[test]
        fn any_bytes_are_a_signature_or_none(bytes: Vec<u8>) {
            if let Some(signature) = from_der(&bytes) {
                proptest::prop_assert!(to_der(&signature).is_none_or(|der| der == bytes));
            }
        }
    }
}
