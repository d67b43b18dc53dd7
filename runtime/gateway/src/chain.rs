//! Writes chains of signed records; [`berth_api`] says what they are, and verifies them.

use std::marker::PhantomData;

use adapter_spec::types::{PublicKey, SignatureScheme, SigningInput};
use berth_api::{Entry, Place, SignedRecord};
use berth_crypto::SigningKey;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use crate::records::{RecordError, Records};

/// Records of one page.
const PAGE: usize = 1_000;

/// An entry that is written here.
pub(crate) trait Chained: Entry + Serialize {
    /// What the next entry needs of this one.
    type Rest: Clone + Default + Serialize + DeserializeOwned;

    /// That.
    fn rest(&self) -> Self::Rest;
}

/// Where an application's chain ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head<R> {
    /// The next record's number.
    next: u64,
    digest: String,
    #[serde(flatten)]
    pub(crate) rest: R,
}

/// Where chains of one kind are kept.
pub(crate) struct Folders {
    /// The records.
    pub(crate) records: &'static str,
    /// Notes of where chains end,
    pub(crate) heads: &'static str,
    /// one for so many records: a start reads at most so many, and a record is written without one.
    pub(crate) note_every: u64,
}

/// The chains of one kind, one for each application.
pub(crate) struct Chains<E> {
    records: Records,
    key: SigningKey,
    folders: Folders,
    entries: PhantomData<fn() -> E>,
}

impl<E: Chained> Chains<E> {
    pub(crate) fn new(records: Records, key: SigningKey, folders: Folders) -> Self {
        Chains { records, key, folders, entries: PhantomData }
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    fn place(&self, application: &str, number: u64) -> String {
        format!("{}{application}/{number:020}", self.folders.records)
    }

    /// Where the chain ends: behind the last note, and what was written since.
    pub(crate) async fn head(&self, application: &str) -> Result<Head<E::Rest>, RecordError> {
        let noted = self.records.get(&format!("{}{application}", self.folders.heads)).await?;
        let mut head: Head<E::Rest> = noted.unwrap_or_default();
        while let Some(record) = self.records.get::<SignedRecord>(&self.place(application, head.next)).await?
        {
            let Ok(entry) = serde_json::from_str::<E>(&record.entry) else { break };
            head = after(&record, &entry);
        }
        Ok(head)
    }

    /// Writes one more record, which is durable then; false where there is one in its place, and the head is behind that one
    /// now: the caller before was broken off between the two. The head is held meanwhile, since no record may be durable before
    /// the one that it names.
    pub(crate) async fn append(
        &self,
        application: &str,
        head: &mut Head<E::Rest>,
        entry: impl FnOnce(Place, &E::Rest) -> E,
    ) -> Result<bool, RecordError> {
        let place =
            Place { application: application.to_owned(), number: head.next, previous: head.digest.clone() };
        let entry = entry(place, &head.rest);
        let place = self.place(application, head.next);
        let text = serde_json::to_string(&entry)
            .map_err(|source| RecordError::Damaged { key: place.clone(), source })?;
        let signature = self
            .key
            .sign(&SigningInput::Message(text.as_bytes().to_vec()))
            .map_err(|_| RecordError::NotSigned { key: place.clone() })?;
        let record = SignedRecord { entry: text, signature: hex::encode(signature.bytes) };
        if !self.records.add(&place, &record).await? {
            *head = self.head(application).await?;
            return Ok(false);
        }
        *head = after(&record, &entry);
        if head.next.is_multiple_of(self.folders.note_every) {
            self.records.put(&format!("{}{application}", self.folders.heads), head).await?;
        }
        Ok(true)
    }

    /// A page of the chain, from the record with this number on, and the number that the next page begins with.
    pub(crate) async fn page(
        &self,
        application: &str,
        from: u64,
    ) -> Result<(Vec<SignedRecord>, Option<u64>), RecordError> {
        let prefix = format!("{}{application}/", self.folders.records);
        let page = self.records.page(&prefix, &self.place(application, from), PAGE).await?;
        let (records, more): (Vec<SignedRecord>, _) = page;
        let next = from.saturating_add(records.len() as u64);
        Ok((records, more.then_some(next)))
    }

    /// The whole chain.
    pub(crate) async fn chain(&self, application: &str) -> Result<Vec<SignedRecord>, RecordError> {
        let all = self.records.all(&format!("{}{application}/", self.folders.records)).await?;
        Ok(all.into_iter().map(|(_, record)| record).collect())
    }
}

fn after<E: Chained>(record: &SignedRecord, entry: &E) -> Head<E::Rest> {
    Head { next: entry.place().number + 1, digest: record.digest(), rest: entry.rest() }
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
