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

    async fn chain(&self, application: &str) -> Result<Vec<SignedRecord>, RecordError> {
        self.0.chain(application).await
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

/// The calls under grants that an application made or that were made of it.
pub(crate) async fn calls_of(shared: &Shared, application: &Application) -> Result<GrantCalls, Problem> {
    let unchained =
        shared.records.all(&format!("{UNCHAINED}{}/", application.id)).await.map_err(not_written)?;
    let records = shared.grant_records.chain(&application.id).await.map_err(not_written)?;
    let said = records.iter().filter_map(|record| serde_json::from_str::<GrantEntry>(&record.entry).ok());
    let calls = unchained.into_iter().map(|(_, call)| call).chain(said.map(|entry| entry.call)).collect();
    Ok(GrantCalls { calls, key: shared.grant_records.public_key(), records })
}
