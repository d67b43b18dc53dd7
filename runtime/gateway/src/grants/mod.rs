//! Grants: one application reads and writes at another what both owners have agreed to, and nothing else.
//!
//! The owner of the application that gives proposes a grant, the owner of the one that takes accepts it; until then, after it
//! has expired, and once either has revoked it, nothing comes through.
//!
//! - `record`: every call is written down on both sides before it is made, in chains of signed records.
//! - `read`: functions, and keys of the preset store, whose values come with their proofs where the adapter gives such.
//! - `write`: functions that write.
//!
//! # Who pays
//!
//! The application that gives: what is carried out at its ledger counts against its quotas and is on its bill, as for a call
//! of its own; its owner can revoke the grant. The one that takes pays for the requests that its members send. Fees of the
//! ledger are paid by the account that acts: the application that takes has a key of its own there.

mod read;
mod record;
mod write;

use std::{collections::BTreeSet, sync::Arc};

use adapter_spec::types::{ContractCall, Error, ErrorCode};
use axum::http::StatusCode;
pub use berth_api::{
    Grant, GrantCall, GrantCalls, GrantEntry, GrantRequest, GrantedAnswer, GrantedFunction, GrantedRead,
    GrantedUse, verify_grant_calls,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use self::{
    read::read,
    record::{GrantHead, GrantRecords, calls_of},
    write::{account, certificate_request, certify, entry_key, invoke, written},
};
use crate::{
    application::{Application, KeyMode, new_id},
    calls::HexBytes,
    gateway::{Gateway, Shared, not_written},
    problem::Problem,
    quota,
};

const FOLDER: &str = "node/grant/";
/// The most functions to evaluate, functions to invoke, and keys of one grant: so many each.
const MOST: usize = 100;
/// The most bytes of each name in a grant.
const MOST_NAME: usize = 1_024;
/// The most bytes of each interface description in a grant.
const MOST_ABI: usize = 16_384;
/// The most bytes of a grant as it is kept.
const MOST_BYTES: usize = 128 << 10;
/// The most grants that one application proposes, those that have ended among them.
const MOST_GRANTS: usize = 1_000;
/// The capability of an adapter that proves what the preset contract holds.
const PROVES: &str = "preset-value";

/// What the other owner says to a proposal.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    /// What proofs are verified against, hexadecimal with `0x`: needed for keys where the adapter proves their values.
    #[serde(default)]
    pub anchor: Option<HexBytes>,
}

impl Gateway {
    /// The grants that an application gives or takes. Nobody but its owner changes them.
    ///
    /// # Errors
    /// Where there is no such application, or the store fails.
    pub async fn grants(&self, name: &str) -> Result<Vec<Grant>, Problem> {
        let application = self.find(name).ok_or_else(Problem::no_application)?;
        all(&self.shared, &application).await
    }

    /// The calls under grants that an application made, or that were made of it, and the chain of signed records that says so: one
    /// page, from the record with this number on.
    ///
    /// # Errors
    /// Where there is no such application, or the store fails.
    pub async fn grant_calls(&self, name: &str, from: u64) -> Result<GrantCalls, Problem> {
        let application = self.find(name).ok_or_else(Problem::no_application)?;
        calls_of(&self.shared, &application, from).await
    }
}

fn random() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Problem::trouble("the system gives no randomness"))?;
    Ok(hex::encode(bytes))
}

/// One answer for everything that is not granted, so that nobody learns what there is.
pub(crate) fn not_granted() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "not-granted",
        "This is not granted",
        "no grant that both owners agreed to, and that holds now, covers this",
    )
}

/// Only the owner agrees for an application.
pub(crate) fn must_own(application: &Application, participant: &str) -> Result<(), Problem> {
    if application.record().order.owner == participant {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "not-owner",
        "Only the owner may",
        "grants are the owner's to give and take",
    ))
}

/// Proposes a grant of this application to another. One that does not exist is answered alike, with a grant that nobody can
/// accept: what other applications there are is nobody's to find out.
pub(crate) async fn propose(
    shared: &Shared,
    from: &Application,
    to: Option<&Application>,
    request: GrantRequest,
) -> Result<Grant, Problem> {
    let numbers = [request.functions.len(), request.writes.len(), request.keys.len()];
    if numbers.iter().all(|number| *number == 0) {
        return Err(Problem::invalid("functions, writes, keys: a grant names at least one"));
    }
    if numbers.iter().any(|number| *number > MOST) {
        return Err(Problem::invalid(format!("functions, writes, keys: at most {MOST} each")));
    }
    let functions = || request.functions.iter().chain(&request.writes);
    let names = functions().flat_map(|one| [&one.contract, &one.function]);
    if names.chain(&request.keys).chain([&request.to]).any(|name| name.len() > MOST_NAME) {
        let what = format!("to, functions, writes, keys: at most {MOST_NAME} bytes in each name");
        return Err(Problem::invalid(what));
    }
    if functions().any(|one| one.abi.as_ref().is_some_and(|abi| abi.len() > MOST_ABI)) {
        return Err(Problem::invalid(format!("functions, writes: at most {MOST_ABI} bytes in each abi")));
    }
    if request.expires <= Timestamp::now() {
        return Err(Problem::invalid("expires: it has passed already"));
    }
    if to.is_some_and(|to| to.id == from.id) {
        return Err(Problem::invalid("to: an application needs no grant of itself"));
    }
    let record = from.record();
    if record.order.key_mode == KeyMode::Upload {
        return Err(Problem::invalid(
            "the node holds no keys of this application, so it cannot act there for others",
        ));
    }
    let to_id = match to {
        Some(to) => to.id.to_string(),
        None => new_id(&request.to)?,
    };
    // Held, so that no burst comes to more; the application's own, so that nobody else's revocation waits for it.
    let _one = from.changing.lock().await;
    let made = all(shared, from).await?.into_iter().filter(|grant| *grant.from_id == *from.id).count();
    if made >= MOST_GRANTS {
        let what = format!("{MOST_GRANTS} grants were proposed, which is the most of an application");
        return Err(Error::new(ErrorCode::QuotaExceeded, what).into());
    }
    let grant = Grant {
        id: random()?,
        from: record.order.name.clone(),
        to: request.to,
        from_id: from.id.to_string(),
        to_id,
        functions: request.functions,
        writes: request.writes,
        keys: request.keys,
        expires: request.expires,
        accepted: None,
        anchor: None,
        revoked: None,
    };
    if serde_json::to_vec(&grant).map_or(usize::MAX, |grant| grant.len()) > MOST_BYTES {
        return Err(Problem::invalid(format!(
            "a grant has at most {MOST_BYTES} bytes with all that it names"
        )));
    }
    let added = shared.records.add(&format!("{FOLDER}{}", grant.id), &grant).await.map_err(not_written)?;
    if added { Ok(grant) } else { Err(Problem::trouble("the same random number came twice")) }
}

/// The grant of this id, if the application is a side of it.
async fn of(shared: &Shared, application: &Application, id: &str) -> Result<Grant, Problem> {
    let hexadecimal = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hexadecimal {
        return Err(not_granted());
    }
    let grant: Option<Grant> = shared.records.get(&format!("{FOLDER}{id}")).await.map_err(not_written)?;
    let is_side = |grant: &Grant| *grant.from_id == *application.id || *grant.to_id == *application.id;
    grant.filter(is_side).ok_or_else(not_granted)
}

/// Changes a grant. `changing` is held, so that a revocation is never overwritten.
async fn change(
    shared: &Shared,
    application: &Application,
    id: &str,
    change: impl FnOnce(&mut Grant) -> Result<(), Problem>,
) -> Result<Grant, Problem> {
    let _one = shared.changing_grants.lock().await;
    let mut grant = of(shared, application, id).await?;
    change(&mut grant)?;
    shared.records.put(&format!("{FOLDER}{id}"), &grant).await.map_err(not_written)?;
    Ok(grant)
}

/// Accepts what was proposed to this application.
pub(crate) async fn accept(
    shared: &Shared,
    to: &Application,
    from: Option<&Application>,
    id: &str,
    request: AcceptRequest,
) -> Result<Grant, Problem> {
    let proves = match from {
        None => return Err(not_granted()),
        Some(from) => proves(&*from.open(&shared.ground).await?),
    };
    let anchor = request.anchor.map(HexBytes::into_bytes);
    change(shared, to, id, |grant| {
        if *grant.to_id != *to.id || grant.revoked.is_some() || grant.expires <= Timestamp::now() {
            return Err(not_granted());
        }
        if proves && !grant.keys.is_empty() && anchor.is_none() {
            return Err(Problem::invalid(
                "anchor: values come with proofs here; say what they are verified against",
            ));
        }
        grant.accepted.get_or_insert_with(Timestamp::now);
        grant.anchor = anchor.map(hex::encode);
        Ok(())
    })
    .await
}

/// Revokes a grant, from the next call on.
pub(crate) async fn revoke(shared: &Shared, application: &Application, id: &str) -> Result<Grant, Problem> {
    let name = application.record().order.name.clone();
    change(shared, application, id, |grant| {
        grant.revoked.get_or_insert(name);
        Ok(())
    })
    .await
}

/// The grants that an application gives or takes, the proposed, revoked and expired ones among them.
pub(crate) async fn all(shared: &Shared, application: &Application) -> Result<Vec<Grant>, Problem> {
    let all = shared.records.all::<Grant>(FOLDER).await.map_err(not_written)?;
    let grants = all.into_iter().map(|(_, grant)| grant);
    Ok(grants.filter(|grant| *grant.from_id == *application.id || *grant.to_id == *application.id).collect())
}

/// The id of the application that gives.
pub(crate) async fn giver(shared: &Shared, to: &Application, id: &str) -> Result<Arc<str>, Problem> {
    Ok(of(shared, to, id).await?.from_id.into())
}

fn proves(opened: &crate::application::Opened) -> bool {
    opened.offered.adapter.interfaces().proofs
        && opened.offered.descriptor.capabilities.iter().any(|capability| capability == PROVES)
}

/// A grant that holds now, by which one application takes of the other, and what it covers of what is asked for. The giving one
/// pays, so there has to be something left of its quotas.
async fn holding<T>(
    shared: &Shared,
    from: &Application,
    to: &Application,
    id: &str,
    covered: impl FnOnce(&Grant) -> Option<T>,
) -> Result<(Grant, T), Problem> {
    let grant = of(shared, to, id).await?;
    let holds = grant.accepted.is_some() && grant.revoked.is_none() && Timestamp::now() < grant.expires;
    let sides = *grant.from_id == *from.id && *grant.to_id == *to.id && from.record().suspended.is_none();
    let covered = (holds && sides).then(|| covered(&grant)).flatten().ok_or_else(not_granted)?;
    quota::let_in(from)?;
    Ok((grant, covered))
}

/// The call with the interface description of the function that is granted; none where none of these is the call's. A
/// description of the caller's own could make another function of the same name.
fn as_granted(functions: &BTreeSet<GrantedFunction>, call: ContractCall) -> Option<ContractCall> {
    let is_it = |granted: &&GrantedFunction| {
        granted.contract == call.contract
            && granted.function == call.function
            && (call.abi.is_none() || call.abi == granted.abi)
    };
    let abi = functions.iter().find(is_it)?.abi.clone();
    Some(ContractCall { abi, ..call })
}

fn named(call: &ContractCall) -> String {
    format!("{} {}", call.contract, call.function)
}
