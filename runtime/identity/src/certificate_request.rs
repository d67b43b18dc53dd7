//! Certificate signing requests (PKCS#10, RFC 2986) of keys that others hold, for the authorities of ledgers.

use p256::ecdsa::Signature;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, Error, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SignatureAlgorithm, SigningKey,
};

use crate::AuthorityError;

/// A P-256 key that signs somewhere else.
struct Remote<'a, S> {
    point: &'a [u8],
    sign: S,
}

impl<S> PublicKeyData for Remote<'_, S> {
    fn der_bytes(&self) -> &[u8] {
        self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl<S: Fn(&[u8]) -> Option<Vec<u8>>> SigningKey for Remote<'_, S> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = (self.sign)(message).ok_or(Error::RemoteKeyError)?;
        let signature = Signature::from_slice(&signature).map_err(|_| Error::RemoteKeyError)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }
}

/// A request, in PEM, for a certificate of this name: `point` is the key's, SEC1 uncompressed; `sign` signs a message with it,
/// ECDSA with SHA-256, and gives r and s, 32 bytes each.
///
/// # Errors
/// Where nothing was signed.
pub fn certificate_request(
    name: &str,
    point: &[u8],
    sign: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<String, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let request = params.serialize_request(&Remote { point, sign }).map_err(AuthorityError::Issue)?;
    request.pem().map_err(AuthorityError::Issue)
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::{SigningKey, signature::Signer as _};

    use super::*;
    use crate::Authority;

    #[test]
    fn an_authority_takes_a_request_that_another_holder_of_the_key_signed() {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let point = key.verifying_key().to_sec1_point(false);
        let sign = |message: &[u8]| {
            let signature: Signature = key.sign(message);
            Some(signature.to_bytes().to_vec())
        };
        let request = certificate_request("alice", point.as_bytes(), sign).unwrap();
        let now = jiff::Timestamp::now();
        let enrolled = Authority::create("ledger", now).unwrap().enrol(&request, "alice", 30, now).unwrap();
        assert_eq!(enrolled.point, point.as_bytes());
        let of_another = certificate_request("alice", point.as_bytes(), |message| {
            let signature: Signature = SigningKey::from_slice(&[8; 32]).unwrap().sign(message);
            Some(signature.to_bytes().to_vec())
        });
        assert!(
            Authority::create("ledger", now).unwrap().enrol(&of_another.unwrap(), "alice", 30, now).is_err()
        );
        assert!(certificate_request("alice", point.as_bytes(), |_| None).is_err());
    }
}
