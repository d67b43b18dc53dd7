//! What forgers make of signatures.

use p256::ecdsa::Signature;

/// The other spelling of a signature: s replaced by the order of the curve less s.
pub fn high_s(der: &[u8]) -> Vec<u8> {
    let signature = Signature::from_der(der).unwrap();
    let (r, s) = signature.split_scalars();
    let other = Signature::from_scalars(*r, -*s).unwrap();
    assert_ne!(other, signature);
    other.to_der().as_bytes().to_vec()
}

/// r and s as 32 bytes each.
pub fn halves(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let bytes = Signature::from_der(der).unwrap().to_bytes();
    (bytes[..32].to_vec(), bytes[32..].to_vec())
}

/// A DER sequence of two integers with exactly these content bytes.
pub fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let mut body = vec![0x02, r.len() as u8];
    body.extend_from_slice(r);
    body.extend_from_slice(&[0x02, s.len() as u8]);
    body.extend_from_slice(s);
    let mut whole = vec![0x30, body.len() as u8];
    whole.extend_from_slice(&body);
    whole
}

/// An integer's content bytes as DER wants them.
pub fn minimal(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len() - 1);
    let digits = &number[start..];
    if digits[0] >= 0x80 { [&[0], digits].concat() } else { digits.to_vec() }
}

/// The order of P-256.
pub const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
