//! DSSE envelopes, version 1.0: a payload, its type, and signatures over both.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    digest::Digest,
    json::{self, JsonError},
    keys::{KeyId, PrivateKey, PublicKey, SignatureFault, decode_signature},
};

/// Bytes of an envelope's JSON, at most.
pub const MAX_ENVELOPE_BYTES: usize = 512 << 10;
/// Bytes of a payload, at most.
pub const MAX_PAYLOAD_BYTES: usize = 256 << 10;
/// Signatures on one envelope, at most. With as many keys it bounds the work that a hostile envelope makes.
pub const MAX_SIGNATURES: usize = 16;
/// Bytes of one signature or of a payload type, at most.
const MAX_SMALL: usize = 256;

/// A payload with its type and signatures. Nothing of it is to be believed before [`Envelope::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The signed bytes.
    pub payload: Vec<u8>,
    /// Who signed, as far as the envelope claims.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// Which key to try. Not authenticated, and never counted.
    pub key_id: Option<String>,
    /// DER, when it is a good one.
    pub signature: Vec<u8>,
}

/// Why bytes are no envelope.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not the JSON of an envelope.
    #[error("not a DSSE envelope: {0}")]
    Json(#[from] JsonError),
    /// A field is not base64, standard or URL-safe, padded.
    #[error("{0} is not base64")]
    Base64(&'static str),
    /// A field has more bytes or elements than are read.
    #[error("{what}: {size}; at most {allowed}")]
    TooLarge {
        /// Which.
        what: &'static str,
        /// What it has.
        size: usize,
        /// What is allowed.
        allowed: usize,
    },
}

/// Fewer trusted keys signed than are needed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{valid} of {needed} needed trusted keys signed{}", describe(.refused))]
pub struct ThresholdNotMet {
    /// How many different keys must sign.
    pub needed: usize,
    /// How many different trusted keys did.
    pub valid: usize,
    /// The signatures that did not count, by their place in the envelope.
    pub refused: Vec<(usize, SignatureFault)>,
}

fn describe(refused: &[(usize, SignatureFault)]) -> String {
    refused.iter().map(|(place, fault)| format!("; signature {place}: {fault}")).collect()
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Wire {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

/// What is signed: `DSSEv1 LEN(type) type LEN(payload) payload`, single spaces between, lengths in decimal.
#[must_use]
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// An envelope that nobody has signed yet.
    #[must_use]
    pub fn unsigned(payload_type: impl Into<String>, payload: Vec<u8>) -> Self {
        Envelope { payload_type: payload_type.into(), payload, signatures: Vec::new() }
    }

    /// Adds a key's signature; replaces an earlier one under the same key id.
    pub fn sign(&mut self, key: &PrivateKey) {
        let signature = key.sign(&pre_authentication_encoding(&self.payload_type, &self.payload));
        let key_id = Some(key.public().id().to_string());
        self.signatures.retain(|other| other.key_id != key_id);
        self.signatures.push(EnvelopeSignature { key_id, signature });
    }

    /// The digest of the payload: what a statement is called by, whoever signed it and however it was encoded.
    #[must_use]
    pub fn payload_digest(&self) -> Digest {
        Digest::of(&self.payload)
    }

    /// The keys that signed, each once however often it did, if they are at least `threshold`.
    ///
    /// A key id that names a trusted key has only that key tried; any other is no help, and all are tried.
    ///
    /// # Errors
    /// [`ThresholdNotMet`], also when `threshold` is zero.
    pub fn verify(&self, keys: &[PublicKey], threshold: usize) -> Result<Vec<KeyId>, ThresholdNotMet> {
        let message = pre_authentication_encoding(&self.payload_type, &self.payload);
        let mut signers: Vec<&PublicKey> = Vec::new();
        let mut refused = Vec::new();
        for (place, EnvelopeSignature { key_id, signature }) in
            self.signatures.iter().take(MAX_SIGNATURES).enumerate()
        {
            let decoded = match decode_signature(signature) {
                Ok(decoded) => decoded,
                Err(fault) => {
                    refused.push((place, fault));
                    continue;
                }
            };
            let named = key_id.as_deref().and_then(|id| id.parse::<Digest>().ok());
            let hinted = keys.iter().find(|key| Some(key.id()) == named);
            let signer = match hinted {
                Some(key) => key.made(&message, &decoded).then_some(key),
                None => keys.iter().find(|key| key.made(&message, &decoded)),
            };
            match signer {
                // By the key itself: a second key id does not make a second signer.
                Some(key) if signers.contains(&key) => {}
                Some(key) => signers.push(key),
                None => refused.push((place, SignatureFault::NoTrustedKey)),
            }
        }
        if threshold == 0 || signers.len() < threshold {
            return Err(ThresholdNotMet { needed: threshold, valid: signers.len(), refused });
        }
        Ok(signers.into_iter().map(PublicKey::id).collect())
    }

    /// Reads an envelope's JSON.
    ///
    /// # Errors
    /// [`EnvelopeError`]
    pub fn from_json(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        json::from_slice::<Wire>(bytes, MAX_ENVELOPE_BYTES)?.try_into()
    }

    /// Its JSON in the one form that goes into the log: no white space, fields in the order `payload`, `payloadType`,
    /// `signatures` with `keyid` (left out when there is none) and `sig`, standard base64 with padding.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings in structs always serialise.
        serde_json::to_vec(&Wire::from(self.clone())).unwrap_or_default()
    }
}

impl From<Envelope> for Wire {
    fn from(envelope: Envelope) -> Self {
        Wire {
            payload: STANDARD.encode(&envelope.payload),
            payload_type: envelope.payload_type,
            signatures: envelope
                .signatures
                .into_iter()
                .map(|one| WireSignature { keyid: one.key_id, sig: STANDARD.encode(one.signature) })
                .collect(),
        }
    }
}

impl TryFrom<Wire> for Envelope {
    type Error = EnvelopeError;

    fn try_from(wire: Wire) -> Result<Self, EnvelopeError> {
        let bound = |what, size, allowed| match size > allowed {
            true => Err(EnvelopeError::TooLarge { what, size, allowed }),
            false => Ok(()),
        };
        bound("signatures", wire.signatures.len(), MAX_SIGNATURES)?;
        bound("payloadType", wire.payload_type.len(), MAX_SMALL)?;
        let payload = decode_base64("payload", &wire.payload)?;
        bound("payload", payload.len(), MAX_PAYLOAD_BYTES)?;
        let signatures = wire
            .signatures
            .into_iter()
            .map(|one| {
                bound("keyid", one.keyid.as_ref().map_or(0, String::len), MAX_SMALL)?;
                let signature = decode_base64("sig", &one.sig)?;
                bound("sig", signature.len(), MAX_SMALL)?;
                // An empty field is an absent one.
                Ok(EnvelopeSignature { key_id: one.keyid.filter(|id| !id.is_empty()), signature })
            })
            .collect::<Result<_, EnvelopeError>>()?;
        Ok(Envelope { payload_type: wire.payload_type, payload, signatures })
    }
}

/// Standard or URL-safe, one or the other, with padding and without stray bits.
fn decode_base64(what: &'static str, text: &str) -> Result<Vec<u8>, EnvelopeError> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(|_| EnvelopeError::Base64(what))
}

impl Serialize for Envelope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire::from(self.clone()).serialize(serializer)
    }
}
