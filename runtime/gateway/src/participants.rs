//! Who is enrolled.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

use berth_identity::{Authority, Enrolled, Fingerprint};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::records::{RecordError, Records};

const FOLDER: &str = "node/participant/";

/// A participant: a name, and the one certificate that is theirs now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Participant {
    /// The name.
    pub name: String,
    /// SHA-256 of the certificate, hexadecimal: the `keyid` of signed requests.
    pub fingerprint: String,
    /// The certificate's key: SEC1 uncompressed point, hexadecimal.
    pub point: String,
    /// When the certificate stops being good.
    pub not_after: Timestamp,
    /// Why it was revoked; none where it is good.
    pub revoked: Option<String>,
}

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The participant's name.
    pub name: Arc<str>,
}

/// A certificate as it is looked up for each request.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) name: Arc<str>,
    pub(crate) point: Arc<[u8]>,
    pub(crate) not_after: Timestamp,
}

/// All participants, in memory and in the store.
pub(crate) struct Participants {
    records: Records,
    by_name: RwLock<BTreeMap<String, Participant>>,
    /// Those that are good; who is revoked is not here.
    by_fingerprint: RwLock<HashMap<Fingerprint, Known>>,
}

impl Participants {
    pub(crate) async fn open(records: Records) -> Result<Self, RecordError> {
        let participants =
            Participants { records, by_name: RwLock::default(), by_fingerprint: RwLock::default() };
        for (_, participant) in participants.records.all::<Participant>(FOLDER).await? {
            participants.remember(participant);
        }
        Ok(participants)
    }

    fn remember(&self, participant: Participant) {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let mut by_fingerprint = self.by_fingerprint.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = by_name.get(&participant.name)
            && let Ok(fingerprint) = old.fingerprint.parse()
        {
            by_fingerprint.remove(&fingerprint);
        }
        if participant.revoked.is_none()
            && let (Ok(fingerprint), Ok(point)) =
                (participant.fingerprint.parse(), hex::decode(&participant.point))
        {
            let name = participant.name.as_str().into();
            let known = Known { name, point: point.into(), not_after: participant.not_after };
            by_fingerprint.insert(fingerprint, known);
        }
        by_name.insert(participant.name.clone(), participant);
    }

    /// Whose certificate this is, if it is good now.
    pub(crate) fn known(&self, fingerprint: &Fingerprint, now: Timestamp) -> Option<Known> {
        let known = self.by_fingerprint.read().unwrap_or_else(PoisonError::into_inner);
        known.get(fingerprint).filter(|known| now < known.not_after).cloned()
    }

    /// Whether a participant's certificate is still the one with this fingerprint, and good now.
    pub(crate) fn still(&self, name: &str, fingerprint: &str, now: Timestamp) -> bool {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.get(name).is_some_and(|participant| {
            participant.fingerprint == fingerprint
                && participant.revoked.is_none()
                && now < participant.not_after
        })
    }

    pub(crate) fn get(&self, name: &str) -> Option<Participant> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Participant> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Enrols a participant, or gives one another certificate; the old one is no longer taken.
    pub(crate) async fn enrol(&self, name: &str, enrolled: &Enrolled) -> Result<Participant, RecordError> {
        let participant = Participant {
            name: name.into(),
            fingerprint: enrolled.fingerprint.to_string(),
            point: hex::encode(&enrolled.point),
            not_after: enrolled.not_after,
            revoked: None,
        };
        self.records.put(&format!("{FOLDER}{name}"), &participant).await?;
        self.remember(participant.clone());
        Ok(participant)
    }

    /// Revokes a participant's certificate; none where there is no such participant. It is refused from the next request
    /// on, on open connections too.
    pub(crate) async fn revoke(&self, name: &str, reason: &str) -> Result<Option<Participant>, RecordError> {
        let Some(participant) = self.get(name) else { return Ok(None) };
        let participant = Participant { revoked: Some(reason.into()), ..participant };
        self.records.put(&format!("{FOLDER}{name}"), &participant).await?;
        self.remember(participant.clone());
        Ok(Some(participant))
    }
}

/// The point of a certificate that nobody has: what is verified where the signer is not known, so that this takes as long.
pub(crate) fn nobody() -> Vec<u8> {
    // The base point of P-256 (SEC 2, section 2.4.2): whose private key is 1, and no participant is enrolled with it.
    const BASE: &str = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e16\
                        2bce33576b315ececbb6406837bf51f5";
    hex::decode(BASE).unwrap_or_default()
}

/// Checks a participant's name.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    berth_identity::check_name(name).map_err(|error| error.to_string())
}

/// The fingerprint of a certificate in PEM.
#[must_use]
pub fn fingerprint_of(certificate_pem: &str) -> Option<Fingerprint> {
    Authority::der_of(certificate_pem).map(|der| Fingerprint::of(&der))
}
