//! The node's certificate authority.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use p256::ecdsa::VerifyingKey;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
    SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::fingerprint::Fingerprint;

/// The most bytes of a certificate signing request.
pub const MAX_REQUEST: usize = 16 << 10;
/// For how long the authority's own certificate is good.
const AUTHORITY_DAYS: i64 = 3_650;

/// Why the authority did not make a certificate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The request is too long, no request in PEM, or not signed by its own key.
    #[error("the certificate signing request is none, or is not signed by its own key")]
    Request,
    /// The request's key is of another kind.
    #[error("the key of a participant is on P-256; this request's is not")]
    OtherKey,
    /// Not a name that participants can have.
    #[error(
        "a name has 1 to 64 lower-case letters, digits, hyphens and dots, and begins with a letter or digit"
    )]
    Name,
    /// The authority's own certificate or key does not decode.
    #[error("the authority's {0} cannot be used: restore it from a backup, or make a new node")]
    Own(&'static str),
    /// The certificate could not be made.
    #[error("the certificate could not be made")]
    Issue(#[source] rcgen::Error),
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    Random,
}

/// A certificate for a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The certificate in PEM, for the participant.
    pub certificate_pem: String,
    /// What it is known by.
    pub fingerprint: Fingerprint,
    /// The participant's public key: SEC1 uncompressed point, 65 bytes.
    pub point: Vec<u8>,
    /// When it stops being good.
    pub not_after: Timestamp,
}

/// A certificate with its private key, for the node itself.
pub struct Issued {
    /// In PEM, with the authority's certificate behind it.
    pub chain_pem: String,
    /// PKCS#8 in PEM.
    pub key_pem: Zeroizing<String>,
}

/// The authority: a self-signed P-256 certificate, and the key that signs the others.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// Checks a participant's name: 1 to 64 lower-case letters, digits, hyphens and dots, the first a letter or digit.
///
/// # Errors
/// [`AuthorityError::Name`]
pub fn check_name(name: &str) -> Result<(), AuthorityError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let begins = name.bytes().next().is_some_and(plain);
    if begins && name.len() <= 64 && name.bytes().all(|byte| plain(byte) || matches!(byte, b'-' | b'.')) {
        return Ok(());
    }
    Err(AuthorityError::Name)
}

impl Authority {
    /// A new authority. `name` is what its certificate is issued to.
    ///
    /// # Errors
    /// [`AuthorityError`]
    pub fn create(name: &str, now: Timestamp) -> Result<Self, AuthorityError> {
        let key = new_key()?;
        let mut params = params(name, now, AUTHORITY_DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate_pem = params.self_signed(&key).map_err(AuthorityError::Issue)?.pem();
        Ok(Authority { certificate_pem, issuer: Issuer::new(params, key) })
    }

    /// The authority that was made before.
    ///
    /// # Errors
    /// [`AuthorityError::Own`]
    pub fn load(certificate_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key_pem).map_err(|_| AuthorityError::Own("key"))?;
        let issuer =
            Issuer::from_ca_cert_pem(certificate_pem, key).map_err(|_| AuthorityError::Own("certificate"))?;
        Ok(Authority { certificate_pem: certificate_pem.to_owned(), issuer })
    }

    /// Its certificate, which clients trust and participants' certificates are verified by.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its key in PKCS#8 PEM, to be sealed.
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// Enrols a participant: a certificate for the request's key, of this name, good for so many days. Whatever else
    /// the request asks for is not looked at: names, uses and extensions are the operator's decision.
    ///
    /// # Errors
    /// [`AuthorityError`]
    pub fn enrol(
        &self,
        request_pem: &str,
        name: &str,
        days: u32,
        now: Timestamp,
    ) -> Result<Enrolled, AuthorityError> {
        check_name(name)?;
        if request_pem.len() > MAX_REQUEST {
            return Err(AuthorityError::Request);
        }
        // Verifies the request's own signature: proof that whoever asks has the private key.
        let request =
            CertificateSigningRequestParams::from_pem(request_pem).map_err(|_| AuthorityError::Request)?;
        if request.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(AuthorityError::OtherKey);
        }
        let point = request.public_key.der_bytes();
        let key = VerifyingKey::from_sec1_bytes(point).map_err(|_| AuthorityError::OtherKey)?;
        let point = key.to_sec1_point(false).as_bytes().to_vec();
        let mut params = params(name, now, i64::from(days))?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate =
            params.signed_by(&request.public_key, &self.issuer).map_err(AuthorityError::Issue)?;
        Ok(Enrolled {
            fingerprint: Fingerprint::of(certificate.der()),
            certificate_pem: certificate.pem(),
            point,
            not_after: end(now, i64::from(days)),
        })
    }

    /// A certificate with a new key for the node's own listener, for these DNS names and IP addresses.
    ///
    /// # Errors
    /// [`AuthorityError`]
    pub fn issue_server(
        &self,
        names: &[String],
        days: u32,
        now: Timestamp,
    ) -> Result<Issued, AuthorityError> {
        let key = new_key()?;
        let mut params = params(names.first().map_or("node", String::as_str), now, i64::from(days))?;
        params.subject_alt_names =
            CertificateParams::new(names.to_vec()).map_err(AuthorityError::Issue)?.subject_alt_names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer).map_err(AuthorityError::Issue)?;
        Ok(Issued {
            chain_pem: format!("{}{}", certificate.pem(), self.certificate_pem),
            key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }

    /// The first certificate of a text in PEM, DER.
    #[must_use]
    pub fn der_of(certificate_pem: &str) -> Option<Vec<u8>> {
        CertificateDer::from_pem_slice(certificate_pem.as_bytes()).ok().map(|der| der.to_vec())
    }
}

fn new_key() -> Result<KeyPair, AuthorityError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(AuthorityError::Issue)
}

/// What all certificates have: the name, a random serial number, and a validity from the day before.
fn params(name: &str, now: Timestamp, days: i64) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|_| AuthorityError::Random)?;
    // Positive and of full length (RFC 5280, section 4.1.2.2).
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    // A clock that is a little behind still takes it.
    let date = |time: Timestamp| {
        let date = time.to_zoned(TimeZone::UTC).date();
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    params.not_before = date(now - SignedDuration::from_hours(24));
    params.not_after = date(end(now, days));
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Midnight, UTC, of the day so many days from now.
fn end(now: Timestamp, days: i64) -> Timestamp {
    let day = 24 * 60 * 60;
    let days = days.clamp(1, 36_500);
    Timestamp::from_second((now.as_second() / day + days) * day).unwrap_or(now)
}
