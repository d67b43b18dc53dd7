//! X.509 certificates (RFC 5280), as far as Fabric's MSPs look at them.

use adapter_sdk::{
    Imports,
    types::{PublicKey, SignatureScheme, SigningInput},
};
use der::{
    Decode as _, DecodePem as _, Encode as _, EncodePem as _, asn1::ObjectIdentifier, pem::LineEnding,
};
use x509_cert::Certificate as Decoded;

use crate::signature;

/// `id-ecPublicKey` (RFC 5480, section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// `secp256r1` (RFC 5480, section 2.1.1.1).
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// `ecdsa-with-SHA256` (RFC 5758, section 3.2).
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
/// `id-at-organizationalUnitName` (X.520).
const ORGANISATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

/// The most authorities between a certificate and its root.
const DEEPEST: usize = 8;

/// A certificate with a key on P-256.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// Its bytes.
    pub(crate) der: Vec<u8>,
    /// Its key.
    pub(crate) key: PublicKey,
    /// The organisational units of its subject.
    pub(crate) units: Vec<String>,
    signed: Vec<u8>,
    signature: Vec<u8>,
    signed_with_p256: bool,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    /// First and last moment, milliseconds since 1970.
    validity: (u64, u64),
}

impl Certificate {
    /// Reads DER; none where it is no certificate or its key is not on P-256.
    pub(crate) fn from_der(bytes: &[u8]) -> Option<Self> {
        Certificate::of(Decoded::from_der(bytes).ok()?)
    }

    /// Reads PEM, as identities and configurations have it.
    pub(crate) fn from_pem(pem: &[u8]) -> Option<Self> {
        Certificate::of(Decoded::from_pem(pem).ok()?)
    }

    fn of(decoded: Decoded) -> Option<Self> {
        let body = decoded.tbs_certificate();
        let key = body.subject_public_key_info();
        let curve: ObjectIdentifier = key.algorithm.parameters.as_ref()?.decode_as().ok()?;
        if key.algorithm.oid != EC_PUBLIC_KEY || curve != P256 {
            return None;
        }
        let point = key.subject_public_key.as_bytes()?.to_vec();
        if point.len() != 65 || point.first() != Some(&4) {
            return None;
        }
        let der = decoded.to_der().ok()?;
        let millis = |time: &x509_cert::time::Time| {
            u64::try_from(time.to_unix_duration().as_millis()).unwrap_or(u64::MAX)
        };
        let units = body
            .subject()
            .iter()
            .filter(|attribute| attribute.oid == ORGANISATIONAL_UNIT)
            .filter_map(|attribute| String::from_utf8(attribute.value.value().to_vec()).ok())
            .collect();
        Some(Certificate {
            key: PublicKey {
                scheme: SignatureScheme::EcdsaP256Sha256,
                point,
                certificate: Some(der.clone()),
            },
            der,
            units,
            signed: body.to_der().ok()?,
            signature: decoded.signature().as_bytes()?.to_vec(),
            signed_with_p256: decoded.signature_algorithm().oid == ECDSA_SHA256,
            subject: body.subject().to_der().ok()?,
            issuer: body.issuer().to_der().ok()?,
            validity: (millis(&body.validity().not_before), millis(&body.validity().not_after)),
        })
    }

    /// In PEM, as Fabric's identities have it: lines of 64 characters, ending with a line feed.
    pub(crate) fn to_pem(&self) -> Option<Vec<u8>> {
        let mut pem = Decoded::from_der(&self.der).ok()?.to_pem(LineEnding::LF).ok()?;
        if !pem.ends_with('\n') {
            pem.push('\n');
        }
        Some(pem.into_bytes())
    }

    /// The last moment at which it holds, milliseconds since 1970.
    pub(crate) fn not_after(&self) -> u64 {
        self.validity.1
    }

    fn holds_at(&self, millis: u64) -> bool {
        (self.validity.0..=self.validity.1).contains(&millis)
    }

    /// Whether this certificate's key made `signature` (DER, s in the lower half) over `message`.
    pub(crate) fn signed(&self, host: &dyn Imports, message: &[u8], signature: &[u8]) -> bool {
        signature::from_der(signature).is_some_and(|signature| {
            host.verify(&self.key, &SigningInput::Message(message.to_vec()), &signature)
        })
    }

    fn issued(&self, host: &dyn Imports, other: &Certificate) -> bool {
        self.subject == other.issuer
            && other.signed_with_p256
            && signature::from_any_der(&other.signature).is_some_and(|signature| {
                host.verify(&self.key, &SigningInput::Message(other.signed.clone()), &signature)
            })
    }

    /// Whether a chain leads from this certificate to one of the roots, by way of intermediates, and all of it but the
    /// root holds at that moment. A root itself is no identity.
    pub(crate) fn is_issued_by(
        &self,
        host: &dyn Imports,
        roots: &[Certificate],
        intermediates: &[Certificate],
        millis: u64,
    ) -> bool {
        let mut leaf = self;
        for _ in 0..DEEPEST {
            if !leaf.holds_at(millis) {
                return false;
            }
            if roots.iter().any(|root| root.issued(host, leaf)) {
                return true;
            }
            match intermediates.iter().find(|issuer| issuer.der != leaf.der && issuer.issued(host, leaf)) {
                Some(issuer) => leaf = issuer,
                None => return false,
            }
        }
        false
    }
}
