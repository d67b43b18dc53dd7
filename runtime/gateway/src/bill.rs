//! What applications used, written down so that a bill can be checked: a chain of signed records for each application.
//!
//! A record holds the totals so far. Between two records the totals are noted unsigned, each second, for the start after a crash.

use std::collections::BTreeMap;

use adapter_spec::types::PublicKey;
use berth_api::{ChainError, Entry, Place, SignedRecord, verify_chain};
use berth_crypto::SigningKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    chain::{self, Chained, Chains, Folders},
    records::{RecordError, Records},
    usage::Usage,
};

const FOLDERS: Folders = Folders { records: "node/usage/", heads: "node/usage-head/", note_every: 1 };

/// Unsigned totals, later than the last record's.
const NOTES: &str = "node/usage-so-far/";

/// What is signed, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEntry {
    /// Where it is.
    #[serde(flatten)]
    pub place: Place,
    /// Where the record before ended; of the first one, when the application was created.
    pub from: Timestamp,
    /// When it was written.
    pub to: Timestamp,
    /// All that was used since the application was created.
    pub total: Usage,
}

/// What the next record needs of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Used {
    to: Option<Timestamp>,
    pub(crate) total: Usage,
}

/// Where an application's chain ends.
pub(crate) type Head = chain::Head<Used>;

impl Entry for UsageEntry {
    fn place(&self) -> &Place {
        &self.place
    }
}

impl Chained for UsageEntry {
    type Rest = Used;

    fn rest(&self) -> Used {
        Used { to: Some(self.to), total: self.total }
    }
}

/// Looks whether records are one application's whole chain from its beginning, signed by this key. Gives the last entry;
/// none where there are no records.
///
/// # Errors
/// The first record that does not hold.
pub fn verify_usage(key: &PublicKey, records: &[SignedRecord]) -> Result<Option<UsageEntry>, ChainError> {
    verify_chain(key, records, |before: Option<&UsageEntry>, entry: &UsageEntry| {
        let number = entry.place.number;
        match before {
            Some(last) if entry.to < last.to || !entry.total.is_at_least(&last.total) => {
                Err(ChainError::Falls(number))
            }
            Some(last) if entry.from != last.to => Err(ChainError::Order(number)),
            _ => Ok(()),
        }
    })
}

/// Writes the chains.
pub(crate) struct Bills {
    chains: Chains<UsageEntry>,
    records: Records,
}

impl Bills {
    pub(crate) fn new(records: Records, key: SigningKey) -> Self {
        Bills { chains: Chains::new(records.clone(), key, FOLDERS), records }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.chains.public_key()
    }

    /// Where the chain ends.
    pub(crate) async fn head(&self, application: &str) -> Result<Head, RecordError> {
        self.chains.head(application).await
    }

    /// Notes applications' totals for the start after a crash.
    pub(crate) async fn note(&self, totals: &[(&str, Usage)]) -> Result<(), RecordError> {
        for (application, total) in totals {
            self.records.put_unflushed(&format!("{NOTES}{application}"), total).await?;
        }
        if totals.is_empty() { Ok(()) } else { self.records.flush().await }
    }

    /// The totals that were noted last, by application. A record that was written since may have more.
    pub(crate) async fn notes(&self) -> Result<BTreeMap<String, Usage>, RecordError> {
        Ok(self.records.all(NOTES).await?.into_iter().collect())
    }

    /// Forgets the note of an application that is removed; its chain stays.
    pub(crate) async fn forget_note(&self, application: &str) -> Result<(), RecordError> {
        self.records.remove(&format!("{NOTES}{application}")).await
    }

    /// Writes one more record, if anything was used since the last one. Where somebody else wrote it, the next round goes on
    /// behind.
    pub(crate) async fn write(
        &self,
        application: &str,
        created: Timestamp,
        head: &mut Head,
        total: Usage,
        now: Timestamp,
    ) -> Result<(), RecordError> {
        if total == head.rest.total {
            return Ok(());
        }
        let entry = |place, used: &Used| {
            let from = used.to.unwrap_or(created);
            // A clock that was set back makes no record that ends before it begins.
            UsageEntry { place, from, to: now.max(from), total }
        };
        self.chains.append(application, head, entry).await.map(drop)
    }

    /// The whole chain.
    pub(crate) async fn chain(&self, application: &str) -> Result<Vec<SignedRecord>, RecordError> {
        self.chains.chain(application).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use berth_journal::MemoryStore;

    use super::*;
    use crate::chain::signing_key;

    fn used(requests: u64) -> Usage {
        Usage { requests, ..Usage::default() }
    }

    async fn chain(numbers: &[u64]) -> (PublicKey, Vec<SignedRecord>) {
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
        assert_eq!((last.place.number, last.total.requests), (2, 9));
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
        assert_eq!(without(0), ChainError::Order(0));
        assert_eq!(without(1), ChainError::Order(1));
        let mut twice = records.clone();
        twice.insert(1, records[0].clone());
        assert_eq!(verify_usage(&key, &twice).unwrap_err(), ChainError::Order(1));
        let mut changed = records.clone();
        changed[1].entry = changed[1].entry.replace("\"requests\":5", "\"requests\":4");
        assert_eq!(verify_usage(&key, &changed).unwrap_err(), ChainError::Signature(1));
        let other = signing_key(&[8; 32]).unwrap().public_key();
        assert_eq!(verify_usage(&other, &records).unwrap_err(), ChainError::Signature(0));
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

    #[tokio::test]
    async fn a_record_and_a_note_of_an_older_version_are_gone_on_from() {
        let records = Records::new(Arc::new(MemoryStore::new()));
        let key = signing_key(&[7; 32]).unwrap();
        let entry = format!(
            r#"{{"application":"shop~1","number":0,"from":"1970-01-01T00:00:00Z","to":"1970-01-01T00:00:01Z","total":{},"previous":""}}"#,
            serde_json::to_string(&used(1)).unwrap()
        );
        let signature = key.sign(&adapter_spec::types::SigningInput::Message(entry.clone().into())).unwrap();
        let record = SignedRecord { entry, signature: hex::encode(signature.bytes) };
        records.put("node/usage/shop~1/00000000000000000000", &record).await.unwrap();
        let noted = serde_json::json!({
            "next": 1, "digest": record.digest(), "to": "1970-01-01T00:00:01Z", "total": used(1),
        });
        records.put("node/usage-head/shop~1", &noted).await.unwrap();
        let bills = Bills::new(records, key);
        let mut head = bills.head("shop~1").await.unwrap();
        assert_eq!(head.rest.total, used(1));
        let now = Timestamp::from_second(2).unwrap();
        bills.write("shop~1", Timestamp::UNIX_EPOCH, &mut head, used(2), now).await.unwrap();
        let last = verify_usage(&bills.public_key(), &bills.chain("shop~1").await.unwrap()).unwrap().unwrap();
        assert_eq!((last.place.number, last.total.requests), (1, 2));
    }
}
