//! Who somebody is, and whether to believe it: the checks of Fabric's MSP that matter to a client.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, RwLock},
};

use p256::ecdsa;
use prost::Message as _;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};
use x509_cert::{
    Certificate,
    der::{Decode as _, DecodePem as _, Encode as _},
};

use super::Role;
use crate::{clock::Clock, proto::msp::SerializedIdentity};

/// The object identifier of an organisational unit in a name (X.520).
const ORGANISATIONAL_UNIT: &str = "2.5.4.11";

/// The most identities that are remembered.
const REMEMBERED: usize = 4096;

/// Why an identity is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityFault {
    /// It does not decode, or its organisation is unknown.
    Unknown,
    /// It is not of that organisation's authority.
    Invalid,
    /// Its time is over, or has not come.
    Expired,
    /// A signature is not its own, or not with s in the lower half of the order.
    Signature,
}

/// Somebody with a certificate of an organisation's authority.
#[derive(Debug)]
pub struct Identity {
    /// The organisation's MSP id.
    pub msp_id: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    point: Vec<u8>,
    units: Vec<String>,
    not_before: u64,
    not_after: u64,
}

impl Identity {
    /// Whether the certificate gives it this role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.units.iter().any(|unit| unit == role.unit())
    }

    /// The account that the probe counts for: the MSP id, a slash, and SHA-256 of the certificate's DER, hexadecimal.
    #[must_use]
    pub fn account(&self) -> String {
        format!("{}/{}", self.msp_id, hex::encode(Sha256::digest(&self.certificate)))
    }

    /// Checks its signature over a message, as a peer does.
    ///
    /// # Errors
    /// When the signature is malformed, another's, or has a high s.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), IdentityFault> {
        let parsed = ecdsa::Signature::from_der(signature).map_err(|_| IdentityFault::Signature)?;
        if parsed.normalize_s() != parsed {
            return Err(IdentityFault::Signature);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point)
            .verify(message, signature)
            .map_err(|_| IdentityFault::Signature)
    }

    fn is_in_time(&self, now: u64) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

/// The organisations of a network, by which identities are judged.
#[derive(Default)]
pub struct Identities {
    /// MSP id → the authority's public point.
    authorities: BTreeMap<String, Vec<u8>>,
    /// Identities whose certificates were found good but for their time, by their bytes.
    known: RwLock<HashMap<Vec<u8>, Arc<Identity>>>,
    /// By which certificates are in their time.
    pub clock: Clock,
}

impl Identities {
    /// Adds an organisation with its authority's public point.
    pub fn add(&mut self, msp_id: impl Into<String>, authority: &[u8]) {
        self.authorities.insert(msp_id.into(), authority.to_vec());
    }

    /// Whether this is an organisation of the network.
    #[must_use]
    pub fn has(&self, msp_id: &str) -> bool {
        self.authorities.contains_key(msp_id)
    }

    /// Who this serialised identity is.
    ///
    /// # Errors
    /// When it is malformed, of an unknown organisation, not of its organisation's authority, or out of its time.
    pub fn identify(&self, serialized: &[u8]) -> Result<Arc<Identity>, IdentityFault> {
        let known = self.known.read().ok().and_then(|known| known.get(serialized).cloned());
        let identity = match known {
            Some(identity) => identity,
            None => {
                let identity = Arc::new(self.judge(serialized)?);
                if let Ok(mut known) = self.known.write() {
                    if known.len() >= REMEMBERED {
                        known.clear();
                    }
                    known.insert(serialized.to_vec(), identity.clone());
                }
                identity
            }
        };
        if identity.is_in_time(self.clock.seconds()) { Ok(identity) } else { Err(IdentityFault::Expired) }
    }

    fn judge(&self, serialized: &[u8]) -> Result<Identity, IdentityFault> {
        let SerializedIdentity { mspid, id_bytes } =
            SerializedIdentity::decode(serialized).map_err(|_| IdentityFault::Unknown)?;
        let authority = self.authorities.get(&mspid).ok_or(IdentityFault::Unknown)?;
        let certificate = Certificate::from_pem(&id_bytes)
            .or_else(|_| Certificate::from_der(&id_bytes))
            .map_err(|_| IdentityFault::Unknown)?;
        let signed = certificate.tbs_certificate();
        let encoded = signed.to_der().map_err(|_| IdentityFault::Unknown)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, authority)
            .verify(&encoded, certificate.signature().raw_bytes())
            .map_err(|_| IdentityFault::Invalid)?;
        let point = signed.subject_public_key_info().subject_public_key.raw_bytes().to_vec();
        let units = signed
            .subject()
            .iter()
            .filter(|attribute| attribute.oid.to_string() == ORGANISATIONAL_UNIT)
            .filter_map(|attribute| String::from_utf8(attribute.value.value().to_vec()).ok())
            .collect();
        let validity = signed.validity();
        Ok(Identity {
            msp_id: mspid,
            point,
            units,
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
            certificate: certificate.to_der().map_err(|_| IdentityFault::Unknown)?,
        })
    }
}
