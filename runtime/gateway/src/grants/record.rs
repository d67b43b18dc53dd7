//! Calls under grants, written down on both sides: a chain of signed records for each application.

use adapter_spec::types::PublicKey;
use berth_api::{GrantCall, GrantCalls, GrantEntry, GrantedUse, Place, SignedRecord};
use berth_crypto::SigningKey;
use futures_util::future::try_join;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::random;
use crate::{
    application::Application,
    chain::{Chained, Chains, Folders, Head},
    gateway::{Shared, not_written},
    problem::Problem,
    records::{RecordError, Records},
};

const FOLDERS: Folders =
    Folders { records: "node/grant-record/", heads: "node/grant-record-head/", note_every: 64 };
/// Calls from before there were chains.
const UNCHAINED: &str = "node/grant-call/";

/// What the next record needs of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recorded {
    at: Option<Timestamp>,
}

/// Where an application's chain ends.
pub(crate) type GrantHead = Head<Recorded>;

impl Chained for GrantEntry {
    type Rest = Recorded;

    fn rest(&self) -> Recorded {
        Recorded { at: Some(self.call.at) }
    }
}

/// Writes the chains.
pub(crate) struct GrantRecords(Chains<GrantEntry>);

impl GrantRecords {
    pub(crate) fn new(records: Records, key: SigningKey) -> Self {
        GrantRecords(Chains::new(records, key, FOLDERS))
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    async fn write(&self, side: &Application, call: &GrantCall) -> Result<(), RecordError> {
        let entry = |place: Place, before: &Recorded| {
            // A clock that was set back makes no record that is earlier than the one before.
            let at = before.at.map_or(call.at, |before| call.at.max(before));
            GrantEntry { place, call: GrantCall { at, ..call.clone() } }
        };
        let mut known = side.granted.lock().await;
        loop {
            // Taken out: whoever fails or is broken off leaves none, and the next one looks where the chain ends.
            let mut head = match known.take() {
                Some(head) => head,
                None => self.0.head(&side.id).await?,
            };
            let is_written = self.0.append(&side.id, &mut head, entry).await?;
            *known = Some(head);
            if is_written {
                return Ok(());
            }
        }
    }

    async fn page(
        &self,
        application: &str,
        from: u64,
    ) -> Result<(Vec<SignedRecord>, Option<u64>), RecordError> {
        self.0.page(application, from).await
    }
}

/// What is about to happen under a grant.
pub(super) struct About<'a> {
    pub(super) grant: &'a str,
    pub(super) from: &'a Application,
    pub(super) to: &'a Application,
    pub(super) participant: &'a str,
    pub(super) does: GrantedUse,
    pub(super) what: String,
    pub(super) key: Option<&'a str>,
}

/// Writes a call down on both sides. Comes before the call: what is not written down does not happen.
pub(super) async fn write_down(shared: &Shared, about: About<'_>) -> Result<(), Problem> {
    let About { grant, from, to, participant, does, what, key } = about;
    let call = GrantCall {
        id: random()?,
        grant: grant.to_owned(),
        at: Timestamp::now(),
        participant: participant.to_owned(),
        from: from.record().order.name.clone(),
        to: to.record().order.name.clone(),
        does,
        what,
        key: key.map(str::to_owned),
    };
    let records = &shared.grant_records;
    try_join(records.write(from, &call), records.write(to, &call)).await.map_err(not_written)?;
    Ok(())
}

/// The calls under grants that an application made or that were made of it: one page, from the record with this number on.
pub(crate) async fn calls_of(
    shared: &Shared,
    application: &Application,
    from: u64,
) -> Result<GrantCalls, Problem> {
    let unchained = match from {
        0 => shared.records.all(&format!("{UNCHAINED}{}/", application.id)).await.map_err(not_written)?,
        _ => Vec::new(),
    };
    let (records, next) = shared.grant_records.page(&application.id, from).await.map_err(not_written)?;
    let said = records.iter().filter_map(|record| serde_json::from_str::<GrantEntry>(&record.entry).ok());
    let calls = unchained.into_iter().map(|(_, call)| call).chain(said.map(|entry| entry.call)).collect();
    Ok(GrantCalls { calls, key: shared.grant_records.public_key(), records, next })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use berth_api::verify_grant_calls;
    use berth_journal::MemoryStore;

    use super::*;
    use crate::chain::signing_key;

    #[tokio::test]
    async fn a_chain_of_many_calls_comes_in_pages_that_are_whole_together() {
        let records = Records::new(Arc::new(MemoryStore::new()));
        let written = GrantRecords::new(records, signing_key(&[7; 32]).unwrap());
        let mut head = written.0.head("shop~1").await.unwrap();
        let call = GrantCall {
            id: "1".into(),
            grant: "2".into(),
            at: Timestamp::UNIX_EPOCH,
            participant: "bob".into(),
            from: "shop".into(),
            to: "bank".into(),
            does: GrantedUse::Read,
            what: "key".into(),
            key: None,
        };
        for _ in 0..2_345 {
            let entry = |place, _: &Recorded| GrantEntry { place, call: call.clone() };
            assert!(written.0.append("shop~1", &mut head, entry).await.unwrap());
        }
        let (mut all, mut pages, mut next) = (Vec::new(), Vec::new(), Some(0));
        while let Some(from) = next {
            let (page, after) = written.page("shop~1", from).await.unwrap();
            pages.push(page.len());
            all.extend(page);
            next = after;
        }
        assert_eq!(pages, [1_000, 1_000, 345]);
        assert_eq!(verify_grant_calls(&written.public_key(), &all, None).unwrap().len(), 2_345);
        assert_eq!(written.page("shop~1", 9_999).await.unwrap(), (Vec::new(), None));
    }
}
