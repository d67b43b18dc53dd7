//! What applications used, written down so that a bill can be checked: records that are signed and chained.
//!
//! Each application has a chain of its own. A record holds the totals so far; the text that is signed names the digest of the
//! record before it, so that none can be left out, put in, or changed without the chain telling.

use adapter_spec::types::{PublicKey, Signature, SignatureScheme, SigningInput};
use berth_crypto::SigningKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{
    records::{RecordError, Records},
    usage::Usage,
};

const FOLDER: &str = "node/usage/";
const HEADS: &str = "node/usage-head/";

/// What is signed, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEntry {
    /// The application's id.
    pub application: String,
    /// From 0, growing by one.
    pub number: u64,
    /// Where the record before ended; of the first one, when the application was created.
    pub from: Timestamp,
    /// When it was written.
    pub to: Timestamp,
    /// All that was used since the application was created.
    pub total: Usage,
    /// SHA-256 of the record before, hexadecimal; empty for the first one.
    pub previous: String,
}

/// A record: the text that is signed, and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// The JSON of a [`UsageEntry`], as it was signed.
    pub entry: String,
    /// ECDSA on P-256 over SHA-256 of the text: r and s, 32 bytes each, hexadecimal.
    pub signature: String,
}

impl UsageRecord {
    /// SHA-256 of text and signature, hexadecimal: what the next record names.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.entry.as_bytes());
        hasher.update([0]);
        hasher.update(self.signature.as_bytes());
        hex::encode(hasher.finalize())
    }
}

/// Why a chain is not taken for what it says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BillError {
    /// The record does not decode.
    #[error("record {0} does not decode")]
    Malformed(u64),
    /// The record is not signed by the node's key.
    #[error("record {0} is not signed by this key")]
    Signature(u64),
    /// The record does not follow the one before.
    #[error("record {0} does not follow the one before it: one was left out, put in, or changed")]
    Chain(u64),
    /// Totals fall, or time does.
    #[error("record {0} has less than the one before it")]
    Falls(u64),
    /// The record is another application's.
    #[error("record {0} is of another application")]
    OtherApplication(u64),
}

/// Looks whether records are one application's whole chain from its beginning, signed by this key. Gives the last entry;
/// none where there are no records.
///
/// # Errors
/// The first record that does not hold.
pub fn verify_usage(key: &PublicKey, records: &[UsageRecord]) -> Result<Option<UsageEntry>, BillError> {
    let mut before: Option<(UsageEntry, String)> = None;
    for (number, record) in (0_u64..).zip(records) {
        let input = SigningInput::Message(record.entry.as_bytes().to_vec());
        let bytes = hex::decode(&record.signature).map_err(|_| BillError::Malformed(number))?;
        if !berth_crypto::verify(key, &input, &Signature { bytes, recovery_id: None }) {
            return Err(BillError::Signature(number));
        }
        let entry: UsageEntry =
            serde_json::from_str(&record.entry).map_err(|_| BillError::Malformed(number))?;
        let (previous, follows) = match &before {
            None => (String::new(), true),
            Some((last, digest)) => {
                if last.application != entry.application {
                    return Err(BillError::OtherApplication(number));
                }
                if entry.to < last.to || !entry.total.is_at_least(&last.total) {
                    return Err(BillError::Falls(number));
                }
                (digest.clone(), entry.from == last.to)
            }
        };
        if entry.number != number || entry.previous != previous || !follows {
            return Err(BillError::Chain(number));
        }
        before = Some((entry, record.digest()));
    }
    Ok(before.map(|(entry, _)| entry))
}

/// Where an application's chain ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The next record's number.
    next: u64,
    digest: String,
    to: Option<Timestamp>,
    pub(crate) total: Usage,
}

/// Writes the chains.
pub(crate) struct Bills {
    records: Records,
    key: SigningKey,
}

impl Bills {
    pub(crate) fn new(records: Records, key: SigningKey) -> Self {
        Bills { records, key }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Where the chain ends. A crash may have come between a record and the note of it.
    pub(crate) async fn head(&self, application: &str) -> Result<Head, RecordError> {
        let mut head: Head = self.records.get(&format!("{HEADS}{application}")).await?.unwrap_or_default();
        while let Some(record) = self.records.get::<UsageRecord>(&place(application, head.next)).await? {
            let Ok(entry) = serde_json::from_str::<UsageEntry>(&record.entry) else { break };
            head = after(&record, &entry);
        }
        Ok(head)
    }

    /// Writes one more record, if anything was used since the last one.
    pub(crate) async fn write(
        &self,
        application: &str,
        created: Timestamp,
        head: &mut Head,
        total: Usage,
        now: Timestamp,
    ) -> Result<(), RecordError> {
        if total == head.total {
            return Ok(());
        }
        let from = head.to.unwrap_or(created);
        let entry = UsageEntry {
            application: application.to_owned(),
            number: head.next,
            from,
            // A clock that was set back makes no record that ends before it begins.
            to: now.max(from),
            total,
            previous: head.digest.clone(),
        };
        let Ok(text) = serde_json::to_string(&entry) else { return Ok(()) };
        let Ok(signature) = self.key.sign(&SigningInput::Message(text.as_bytes().to_vec())) else {
            return Ok(());
        };
        let record = UsageRecord { entry: text, signature: hex::encode(signature.bytes) };
        if !self.records.add(&place(application, head.next), &record).await? {
            // Somebody else wrote it; the next round goes on behind.
            *head = self.head(application).await?;
            return Ok(());
        }
        *head = after(&record, &entry);
        self.records.put(&format!("{HEADS}{application}"), head).await
    }

    /// The whole chain.
    pub(crate) async fn chain(&self, application: &str) -> Result<Vec<UsageRecord>, RecordError> {
        let all = self.records.all::<UsageRecord>(&format!("{FOLDER}{application}/")).await?;
        Ok(all.into_iter().map(|(_, record)| record).collect())
    }
}

fn after(record: &UsageRecord, entry: &UsageEntry) -> Head {
    Head { next: entry.number + 1, digest: record.digest(), to: Some(entry.to), total: entry.total }
}

fn place(application: &str, number: u64) -> String {
    format!("{FOLDER}{application}/{number:020}")
}

/// The key that signs records, made of 32 secret bytes.
pub(crate) fn signing_key(secret: &[u8; 32]) -> Option<SigningKey> {
    // All but one in 2^32 secrets are keys; the others are hashed until they are.
    let mut bytes = zeroize::Zeroizing::new(*secret);
    for _ in 0..8 {
        if let Ok(key) = SigningKey::from_bytes(SignatureScheme::EcdsaP256Sha256, &*bytes) {
            return Some(key);
        }
        *bytes = Sha256::digest(*bytes).into();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use berth_journal::MemoryStore;

    use super::*;

    fn used(requests: u64) -> Usage {
        Usage { requests, ..Usage::default() }
    }

    async fn chain(numbers: &[u64]) -> (PublicKey, Vec<UsageRecord>) {
        let records = Records::new(Arc::new(MemoryStore::new()));
        let bills = Bills::new(records, signing_key(&[7; 32]).unwrap());
        let mut head = bills.head("shop~1").await.unwrap();
        for (second, number) in (1..).zip(numbers) {
            let now = Timestamp::from_second(second).unwrap();
            bills.write("shop~1", Timestamp::UNIX_EPOCH, &mut head, used(*number), now).await.unwrap();
            assert_eq!(bills.head("shop~1").await.unwrap(), head);
        }
        (bills.public_key(), bills.chain("shop~1").await.unwrap())
    }

    #[tokio::test]
    async fn a_chain_verifies_and_nothing_used_writes_nothing() {
        let (key, records) = chain(&[1, 1, 5, 9]).await;
        assert_eq!(records.len(), 3);
        let last = verify_usage(&key, &records).unwrap().unwrap();
        assert_eq!((last.number, last.total.requests), (2, 9));
        assert_eq!(verify_usage(&key, &[]), Ok(None));
    }

    #[tokio::test]
    async fn what_is_left_out_put_in_or_changed_is_noticed() {
        let (key, records) = chain(&[1, 5, 9]).await;
        let without = |number: usize| {
            let mut records = records.clone();
            records.remove(number);
            verify_usage(&key, &records).unwrap_err()
        };
        assert_eq!(without(0), BillError::Chain(0));
        assert_eq!(without(1), BillError::Chain(1));
        let mut twice = records.clone();
        twice.insert(1, records[0].clone());
        assert_eq!(verify_usage(&key, &twice).unwrap_err(), BillError::Chain(1));
        let mut changed = records.clone();
        changed[1].entry = changed[1].entry.replace("\"requests\":5", "\"requests\":4");
        assert_eq!(verify_usage(&key, &changed).unwrap_err(), BillError::Signature(1));
        let other = signing_key(&[8; 32]).unwrap().public_key();
        assert_eq!(verify_usage(&other, &records).unwrap_err(), BillError::Signature(0));
    }

    #[tokio::test]
    async fn a_record_whose_note_a_crash_took_is_found_again() {
        let records = Records::new(Arc::new(MemoryStore::new()));
        let bills = Bills::new(records.clone(), signing_key(&[7; 32]).unwrap());
        let mut head = Head::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        bills.write("shop~1", at(0), &mut head, used(1), at(1)).await.unwrap();
        let noted = head.clone();
        bills.write("shop~1", at(0), &mut head, used(2), at(2)).await.unwrap();
        records.put("node/usage-head/shop~1", &noted).await.unwrap();
        assert_eq!(bills.head("shop~1").await.unwrap(), head);
        let mut head = bills.head("shop~1").await.unwrap();
        bills.write("shop~1", at(0), &mut head, used(3), at(3)).await.unwrap();
        let chain = bills.chain("shop~1").await.unwrap();
        assert_eq!(verify_usage(&bills.public_key(), &chain).unwrap().unwrap().total, used(3));
    }
}
