//! The revocation list: what is no longer to be loaded, signed by the certifiers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    digest::Digest,
    dsse::{Envelope, EnvelopeError, MAX_PAYLOAD_BYTES, ThresholdNotMet},
    json::{self, JsonError},
    keys::PublicKey,
};

/// The payload type of an envelope that holds a revocation list. A name of this project's own, not registered.
pub const PAYLOAD_TYPE: &str = "urn:berth:revocation-list:v1";

/// Fields that this verifier understands: what a list's `critical` may name.
const FIELDS: [&str; 6] =
    ["number", "issued", "nextUpdate", "minimumSecurityVersions", "revoked", "critical"];

/// What is revoked. Every list replaces the one before it and is complete by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevocationList {
    /// Counts the lists. A verifier never takes a lower one than it has seen.
    pub number: u64,
    /// When it was made.
    pub issued: Timestamp,
    /// By when there will be a newer one; from this moment on this one is stale.
    pub next_update: Timestamp,
    /// The lowest security version that may still be loaded, by adapter name.
    #[serde(default)]
    pub minimum_security_versions: BTreeMap<String, u64>,
    /// What is revoked.
    pub revoked: Vec<Revoked>,
    /// Fields that a verifier has to understand.
    #[serde(default)]
    pub critical: Vec<String>,
}

/// One thing that is revoked. It holds from the moment that the list is known, whatever `when` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// What the digest is of.
    pub kind: RevokedKind,
    /// Digest of the component's file, or of the payload of the certificate's envelope.
    pub digest: Digest,
    /// Why; shown to operators.
    pub reason: String,
    /// When it was revoked.
    pub when: Timestamp,
}

/// What is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevokedKind {
    /// A file, whatever certificate it has.
    Component,
    /// One certificate; the file may get another.
    Certificate,
}

/// Why a list is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ListError {
    /// No envelope.
    #[error("the revocation list is {0}")]
    Envelope(#[from] EnvelopeError),
    /// Not signed by enough certifiers.
    #[error("the revocation list is not signed as the policy demands: {0}")]
    Signatures(#[from] ThresholdNotMet),
    /// Another kind of payload.
    #[error("the payload type is {found:?}, not {PAYLOAD_TYPE:?}")]
    PayloadType {
        /// What it is.
        found: String,
    },
    /// Not the JSON of a list.
    #[error("the revocation list does not decode: {0}")]
    Json(#[from] JsonError),
    /// It rests on a field that this verifier does not know.
    #[error("the revocation list rests on the field {0:?}, which this verifier does not know")]
    UnknownCritical(String),
    /// Its next update is not after its issue.
    #[error("the revocation list is stale from the start")]
    Dates,
}

impl RevocationList {
    /// An envelope around it that nobody has signed yet.
    ///
    /// # Errors
    /// None that is known; the encoder can fail by its type.
    pub fn to_envelope(&self) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope::unsigned(PAYLOAD_TYPE, serde_json::to_vec(self)?))
    }

    /// Reads a list that at least `threshold` of the keys signed.
    ///
    /// # Errors
    /// [`ListError`]
    pub fn verify(envelope: &Envelope, keys: &[PublicKey], threshold: usize) -> Result<Self, ListError> {
        envelope.verify(keys, threshold)?;
        Self::unverified(envelope)
    }

    /// What a list says, whoever signed it: to make the next one from, never to be believed.
    ///
    /// # Errors
    /// [`ListError`]
    pub fn unverified(envelope: &Envelope) -> Result<Self, ListError> {
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(ListError::PayloadType { found: envelope.payload_type.clone() });
        }
        let list: RevocationList = json::from_slice(&envelope.payload, MAX_PAYLOAD_BYTES)?;
        if let Some(field) = list.critical.iter().find(|field| !FIELDS.contains(&field.as_str())) {
            return Err(ListError::UnknownCritical(field.clone()));
        }
        if list.next_update <= list.issued {
            return Err(ListError::Dates);
        }
        Ok(list)
    }

    /// Why a file or its certificate is revoked, if one of them is.
    #[must_use]
    pub fn find(&self, component: Digest, certificate: Option<Digest>) -> Option<&Revoked> {
        self.revoked.iter().find(|entry| match entry.kind {
            RevokedKind::Component => entry.digest == component,
            RevokedKind::Certificate => Some(entry.digest) == certificate,
        })
    }
}
