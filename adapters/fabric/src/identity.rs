//! Who acts: an MSP and a certificate.

use adapter_sdk::{
    Imports,
    types::{Error, ErrorCode, HashAlgorithm, Party, PublicKey, SignatureScheme},
};
use prost::Message as _;

use crate::{
    certificate::Certificate,
    errors::{cut, invalid},
    hex,
    proto::msp::SerializedIdentity,
    settings::Settings,
};

/// The most bytes of an account's name in a message: an MSP's id and 64 digits are shorter.
const MOST_SHOWN: usize = 256;

/// Somebody who signs.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Its MSP.
    pub(crate) msp: String,
    /// Its certificate.
    pub(crate) certificate: Certificate,
    /// A `SerializedIdentity`: how transactions name it.
    pub(crate) serialized: Vec<u8>,
}

impl Identity {
    /// The identity of a certificate in an MSP.
    pub(crate) fn new(msp: &str, certificate: Certificate) -> Result<Self, Error> {
        let pem = certificate.to_pem().ok_or_else(|| invalid("the certificate cannot be written as PEM"))?;
        let serialized = SerializedIdentity { mspid: msp.into(), id_bytes: pem }.encode_to_vec();
        Ok(Identity { msp: msp.into(), certificate, serialized })
    }

    /// What a transaction names; none where it is malformed.
    pub(crate) fn decode(serialized: &[u8]) -> Option<Self> {
        let named = SerializedIdentity::decode(serialized).ok()?;
        let certificate = Certificate::from_pem(&named.id_bytes)?;
        Some(Identity { msp: named.mspid, certificate, serialized: serialized.to_vec() })
    }
}

/// The certificate of a key that Fabric takes.
pub(crate) fn certificate_of(key: &PublicKey) -> Result<Certificate, Error> {
    if key.scheme != SignatureScheme::EcdsaP256Sha256 {
        return Err(invalid("Fabric takes keys of the scheme ecdsa-p256-sha256 only"));
    }
    if key.point.len() != 65 || key.point.first() != Some(&4) {
        return Err(invalid("the key must be an uncompressed point: 65 bytes, the first of them 4"));
    }
    let certificate =
        key.certificate.as_deref().ok_or_else(|| invalid("Fabric needs the key's X.509 certificate"))?;
    let certificate = Certificate::from_der(certificate)
        .ok_or_else(|| invalid("the certificate is no X.509 certificate, in DER, of a key on P-256"))?;
    if certificate.key.point != key.point {
        return Err(invalid("the certificate is of another key"));
    }
    Ok(certificate)
}

/// An account's name: the MSP's id, a slash, and the hexadecimal SHA-256 of the certificate, which is what `openssl x509
/// -fingerprint -sha256` shows. Fabric has no accounts of its own; its chaincodes tell callers apart by both.
pub(crate) fn account(host: &dyn Imports, msp: &str, certificate: &Certificate) -> String {
    format!("{msp}/{}", hex::encode(&host.hash(HashAlgorithm::Sha256, &certificate.der)))
}

/// The one who makes a call.
pub(crate) fn caller(settings: &Settings, host: &dyn Imports, parties: &[Party]) -> Result<Identity, Error> {
    let [party] = parties else {
        return Err(invalid(format!("a call has one party, not {}", parties.len())));
    };
    let [key] = party.keys.as_slice() else {
        return Err(invalid(format!("an identity has one key, not {}", party.keys.len())));
    };
    let certificate = certificate_of(key)?;
    let Some(named) = &party.account else { return Identity::new(&settings.msp_id, certificate) };
    // What a caller says is told back only as far as an account's name goes.
    let shown = cut(named, MOST_SHOWN);
    let Some((msp, _)) = named.rsplit_once('/') else {
        return Err(invalid(format!(
            "{shown:?} is no account: an MSP's id, a slash, a certificate's SHA-256"
        )));
    };
    let own = account(host, msp, &certificate);
    if *named != own {
        let own = cut(&own, MOST_SHOWN);
        return Err(Error::new(
            ErrorCode::PermissionDenied,
            format!("the key does not speak for {shown}: its account is {own}"),
        ));
    }
    Identity::new(msp, certificate)
}
