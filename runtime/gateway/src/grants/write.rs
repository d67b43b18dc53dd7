//! Writes under grants: carried out once, through the journal of the application that gives.

use std::sync::Arc;

use adapter_spec::types::{Call, ContractCall, PublicKey, SignatureScheme};
use berth_api::GrantedUse;
use berth_journal::EntryKey;

use super::{
    as_granted, holding, named, not_granted, of,
    record::{self, About},
};
use crate::{
    application::Application,
    calls::{self, OptionsRequest, Written},
    gateway::Shared,
    problem::Problem,
};

/// The place of a write under a grant in the journal of the application that gives. No participant's name begins with `~`, and
/// grants have ids of their own: it meets nobody else's.
pub(crate) fn entry_key(
    from: &Application,
    grant: &str,
    participant: &str,
    key: &str,
) -> Result<EntryKey, Problem> {
    from.entry_key(&format!("~{grant}/{participant}"), key)
}

/// Writes at the application that gives, for a member of the one that takes. The same request again, under the same key, goes on
/// where it was, while the grant holds; afterwards [`written`] tells how it went.
pub(crate) async fn invoke(
    shared: &Arc<Shared>,
    from: &Arc<Application>,
    to: &Application,
    participant: &str,
    id: &str,
    key: &str,
    (call, options): (ContractCall, OptionsRequest),
) -> Result<Written, Problem> {
    let entry = entry_key(from, id, participant, key)?;
    let (_, call) = holding(shared, from, to, id, |grant| as_granted(&grant.writes, call)).await?;
    let what = named(&call);
    // The application that takes has a key of its own there: it acts as none of the other's members.
    let admitted = calls::admit(from, &to.id, entry.clone(), key, (Call::Invoke(call), options))?;
    // What the journal knows was written down before.
    if shared.journal.entry(&entry).await?.is_none() {
        let does = GrantedUse::Write;
        record::write_down(shared, About { grant: id, from, to, participant, does, what, key: Some(key) })
            .await?;
    }
    calls::write(shared, from, admitted).await
}

/// What became of a write under a grant, also of one that does not hold any more: the write is under way anyway. Each member sees
/// their own.
pub(crate) async fn written(
    shared: &Shared,
    from: &Application,
    to: &Application,
    participant: &str,
    id: &str,
    key: &str,
) -> Result<Written, Problem> {
    let entry = entry_key(from, id, participant, key)?;
    let grant = of(shared, to, id).await?;
    if *grant.from_id != *from.id || *grant.to_id != *to.id {
        return Err(not_granted());
    }
    calls::written(shared, from, &entry, key).await
}

/// The key by which the application that takes acts at the one that gives, and its accounts there, which may need currency.
pub(crate) async fn account(
    shared: &Shared,
    from: &Application,
    to: &Application,
    id: &str,
    scheme: Option<SignatureScheme>,
) -> Result<(PublicKey, Vec<String>), Problem> {
    holding(shared, from, to, id, |_| Some(())).await?;
    calls::account(shared, from, &to.id, scheme).await
}

/// A request in PEM for a certificate of that key, for an authority of the ledger.
pub(crate) async fn certificate_request(
    shared: &Shared,
    from: &Application,
    to: &Application,
    id: &str,
) -> Result<String, Problem> {
    holding(shared, from, to, id, |_| Some(())).await?;
    calls::certificate_request(shared, from, &to.id).await
}

/// Gives that key its certificate. Gives it with the accounts that it has on the ledger now.
pub(crate) async fn certify(
    shared: &Shared,
    from: &Application,
    to: &Application,
    id: &str,
    scheme: Option<SignatureScheme>,
    certificate: &[u8],
) -> Result<(PublicKey, Vec<String>), Problem> {
    holding(shared, from, to, id, |_| Some(())).await?;
    calls::certify(shared, from, &to.id, scheme, certificate).await
}
