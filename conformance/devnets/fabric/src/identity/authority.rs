//! An organisation's certificate authority.

use std::net::{IpAddr, Ipv4Addr};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use sha2::{Digest as _, Sha256};

use super::Key;
use crate::error::NetworkError;

/// What somebody is in an organisation: the organisational unit of the certificate, by which node OUs tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Whoever submits transactions.
    Client,
    /// A peer.
    Peer,
    /// An administrator.
    Admin,
    /// An orderer.
    Orderer,
}

impl Role {
    /// The organisational unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Role::Client => "client",
            Role::Peer => "peer",
            Role::Admin => "admin",
            Role::Orderer => "orderer",
        }
    }
}

/// Who gets a certificate.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The common name.
    pub name: String,
    /// The organisational unit; none in certificates for TLS.
    pub role: Option<Role>,
    /// A host's name, in certificates for TLS.
    pub host: Option<String>,
    /// Whether the certificate ended long ago.
    pub expired: bool,
}

impl Subject {
    /// Somebody of an organisation.
    #[must_use]
    pub fn member(name: impl Into<String>, role: Role) -> Subject {
        Subject { name: name.into(), role: Some(role), host: None, expired: false }
    }

    /// A server on loopback.
    #[must_use]
    pub fn server(host: impl Into<String>) -> Subject {
        let host = host.into();
        Subject { name: host.clone(), role: None, host: Some(host), expired: false }
    }
}

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, Key>,
    organisation: String,
    point: Vec<u8>,
    /// Its own certificate, PEM.
    pub pem: String,
}

impl Authority {
    /// The authority of this name in the network of this seed.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn new(seed: &str, organisation: &str, name: &str) -> Result<Authority, NetworkError> {
        let made = |error| NetworkError::identity(format!("the authority {name}"), error);
        let key = Key::derive(seed, &format!("authority {name}"))?;
        let point = key.point().to_vec();
        let mut params = params(organisation, name, &point);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(made)?;
        let organisation = organisation.to_owned();
        Ok(Authority { issuer: Issuer::new(params, key), organisation, point, pem: certificate.pem() })
    }

    /// Its public point.
    #[must_use]
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    /// A certificate for a public point (SEC1, uncompressed), PEM. The same question has the same answer.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn issue(&self, subject: &Subject, point: &[u8]) -> Result<String, NetworkError> {
        let made = |error| NetworkError::identity(format!("a certificate for {}", subject.name), error);
        let mut params = params(&self.organisation, &subject.name, point);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.is_ca = IsCa::ExplicitNoCa;
        if let Some(role) = subject.role {
            params.distinguished_name.push(DnType::OrganizationalUnitName, role.unit());
        }
        if let Some(host) = &subject.host {
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            for name in [host.as_str(), "localhost"] {
                params.subject_alt_names.push(SanType::DnsName(name.try_into().map_err(made)?));
            }
            params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        }
        params.not_after = match subject.role {
            _ if subject.expired => date_time_ymd(2020, 1, 2),
            // Before those who run the network, as everywhere.
            Some(Role::Client) => date_time_ymd(2090, 1, 1),
            _ => params.not_after,
        };
        let certificate = params.signed_by(&Point(point), &self.issuer).map_err(made)?;
        Ok(certificate.pem())
    }
}

fn params(organisation: &str, name: &str, point: &[u8]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params.distinguished_name.push(DnType::CommonName, name);
    let digest = Sha256::new().chain_update(name.as_bytes()).chain_update(point).finalize();
    let mut serial: Vec<u8> = digest.iter().take(16).copied().collect();
    // Positive, and of a fixed length.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    params.serial_number = Some(SerialNumber::from(serial));
    params
}

/// A public key of which nothing but the point is known.
struct Point<'a>(&'a [u8]);

impl PublicKeyData for Point<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}
