//! Grants: one application reads of another what both owners have agreed to, and nothing else.
//!
//! The owner of the application that gives proposes a grant, the owner of the one that takes accepts it; until then, after it
//! has expired, and once either has revoked it, nothing comes through. Every call is written down on both sides before it
//! is made. The value of a preset key comes with its proof where the adapter gives such proofs: the node verifies it against
//! the anchor that the accepting owner trusts, and hands nothing over that does not verify.

use std::{collections::BTreeSet, sync::Arc};

use adapter_spec::types::{
    Claim, ContractCall, Error, ErrorCode, Output, PresetValue, Proof, StoreAnswer, StoreOperation,
};
use axum::http::StatusCode;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    application::{Application, KeyMode, lend, new_id},
    calls::{self, HexBytes, OptionsRequest},
    gateway::{Shared, not_written},
    problem::Problem,
    store::{self, StoreRequest},
};

const FOLDER: &str = "node/grant/";
const CALLS: &str = "node/grant-call/";
/// The most functions, and the most keys, of one grant.
const MOST: usize = 100;
/// The most bytes of each name in a grant.
const MOST_NAME: usize = 1_024;
/// The most grants that one application proposes, those that have ended among them.
const MOST_GRANTS: usize = 1_000;
/// The capability of an adapter that proves what the preset contract holds.
const PROVES: &str = "preset-value";

/// A function of a contract that may be called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantedFunction {
    /// The contract, exactly as calls have to name it.
    pub contract: String,
    /// The function, exactly as calls have to name it.
    pub function: String,
}

/// What an owner proposes to give.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantRequest {
    /// The application that takes.
    pub to: String,
    /// Functions that may be evaluated.
    #[serde(default)]
    pub functions: BTreeSet<GrantedFunction>,
    /// Keys of the preset store that may be read.
    #[serde(default)]
    pub keys: BTreeSet<String>,
    /// When it ends by itself.
    pub expires: Timestamp,
}

/// What the other owner says to a proposal.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptRequest {
    /// What proofs are verified against, hexadecimal with `0x`: needed for keys where the adapter proves their values.
    #[serde(default)]
    pub anchor: Option<HexBytes>,
}

/// A grant as it is kept. Owners see it whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// 32 random hexadecimal digits.
    pub id: String,
    /// The application that gives.
    pub from: String,
    /// The application that takes.
    pub to: String,
    from_id: String,
    to_id: String,
    /// Functions that may be evaluated.
    pub functions: BTreeSet<GrantedFunction>,
    /// Keys of the preset store that may be read.
    pub keys: BTreeSet<String>,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// When the owner of the application that takes accepted it; none before.
    pub accepted: Option<Timestamp>,
    /// What proofs are verified against, hexadecimal.
    pub anchor: Option<String>,
    /// Which application's owner revoked it.
    pub revoked: Option<String>,
}

/// One read under a grant.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum GrantedRead {
    /// Evaluate a function.
    Function(ContractCall),
    /// The value of a key of the preset store, of the contract that the giving application's settings name.
    Key(String),
}

/// What a read came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GrantedAnswer {
    /// Of a function. The standard has no proofs of what functions answer.
    Output(Output),
    /// Of a key, with the proof that was verified; none where the adapter proves no values.
    Value {
        /// The value.
        answer: StoreAnswer,
        /// Its proof.
        proof: Option<Box<Proof>>,
    },
}

/// A read under a grant, as both sides have it written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantCall {
    /// The grant.
    pub grant: String,
    /// When.
    pub at: Timestamp,
    /// A member of the application that takes.
    pub participant: String,
    /// The application that gives.
    pub from: String,
    /// The application that takes.
    pub to: String,
    /// The function, or the key.
    pub what: String,
}

fn random() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Problem::trouble("the system gives no randomness"))?;
    Ok(hex::encode(bytes))
}

/// One answer for everything that is not granted, so that nobody learns what there is.
fn not_granted() -> Problem {
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
    if request.functions.is_empty() && request.keys.is_empty() {
        return Err(Problem::invalid("functions, keys: a grant names at least one"));
    }
    if request.functions.len() > MOST || request.keys.len() > MOST {
        return Err(Problem::invalid(format!("functions, keys: at most {MOST} each")));
    }
    let names = request.functions.iter().flat_map(|one| [&one.contract, &one.function]);
    if names.chain(&request.keys).chain([&request.to]).any(|name| name.len() > MOST_NAME) {
        return Err(Problem::invalid(format!("to, functions, keys: at most {MOST_NAME} bytes in each name")));
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
            "the node holds no keys of this application, so it cannot read for others",
        ));
    }
    let to_id = match to {
        Some(to) => to.id.to_string(),
        None => new_id(&request.to)?,
    };
    // Held, so that no burst comes to more.
    let _one = shared.changing_grants.lock().await;
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
        keys: request.keys,
        expires: request.expires,
        accepted: None,
        anchor: None,
        revoked: None,
    };
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

/// The reads under grants that an application made or that were made of it, oldest first.
pub(crate) async fn calls_of(shared: &Shared, application: &Application) -> Result<Vec<GrantCall>, Problem> {
    let all = shared.records.all(&format!("{CALLS}{}/", application.id)).await.map_err(not_written)?;
    Ok(all.into_iter().map(|(_, call)| call).collect())
}

/// The id of the application that gives.
pub(crate) async fn giver(shared: &Shared, to: &Application, id: &str) -> Result<Arc<str>, Problem> {
    Ok(of(shared, to, id).await?.from_id.into())
}

fn proves(opened: &crate::application::Opened) -> bool {
    opened.offered.adapter.interfaces().proofs
        && opened.offered.descriptor.capabilities.iter().any(|capability| capability == PROVES)
}

/// Reads of the application that gives, for a member of the one that takes.
pub(crate) async fn read(
    shared: &Shared,
    from: &Application,
    to: &Application,
    participant: &str,
    id: &str,
    read: GrantedRead,
) -> Result<GrantedAnswer, Problem> {
    let grant = of(shared, to, id).await?;
    let now = Timestamp::now();
    let holds = grant.accepted.is_some() && grant.revoked.is_none() && now < grant.expires;
    let sides = *grant.from_id == *from.id && *grant.to_id == *to.id && from.record().suspended.is_none();
    let (covered, what) = match &read {
        GrantedRead::Function(call) => {
            let named = GrantedFunction { contract: call.contract.clone(), function: call.function.clone() };
            (grant.functions.contains(&named), format!("{} {}", named.contract, named.function))
        }
        GrantedRead::Key(key) => (grant.keys.contains(key), key.clone()),
    };
    if !(holds && sides && covered) {
        return Err(not_granted());
    }
    // Before it is made: a call that is not written down on both sides does not happen.
    let call = GrantCall {
        grant: grant.id,
        at: now,
        participant: participant.into(),
        from: grant.from,
        to: grant.to,
        what,
    };
    let place = format!("{:020}-{}", now.as_nanosecond().max(0), random()?);
    for side in [&from.id, &to.id] {
        shared.records.put(&format!("{CALLS}{side}/{place}"), &call).await.map_err(not_written)?;
    }
    // The application that takes has a key of its own there: it acts as none of the other's members.
    let actor = &*to.id;
    match read {
        GrantedRead::Function(call) => {
            let output = calls::evaluate(shared, from, actor, call, OptionsRequest::default()).await?;
            Ok(GrantedAnswer::Output(output))
        }
        GrantedRead::Key(key) => {
            let operation = StoreOperation::Get(key.clone());
            let request = StoreRequest { contract: String::new(), operation };
            let answer = store::read(shared, from, actor, request).await?.answer;
            let Some(answer @ StoreAnswer::Value(_)) = answer else {
                return Err(Problem::trouble("the adapter answers a read with something else than a value"));
            };
            let proof = proved(shared, from, &key, &answer, grant.anchor.as_deref()).await?;
            Ok(GrantedAnswer::Value { answer, proof: proof.map(Box::new) })
        }
    }
}

/// The proof of a value, verified; none where the adapter gives none.
async fn proved(
    shared: &Shared,
    from: &Application,
    key: &str,
    answer: &StoreAnswer,
    anchor: Option<&str>,
) -> Result<Option<Proof>, Problem> {
    let opened = from.open(&shared.ground).await?;
    if !proves(&opened) {
        return Ok(None);
    }
    let unproved = |why: String| {
        Problem::new(
            StatusCode::BAD_GATEWAY,
            "not-proved",
            "The answer is not proved, and not handed over",
            why,
        )
    };
    let anchor = anchor.and_then(|anchor| hex::decode(anchor).ok());
    let anchor =
        anchor.ok_or_else(|| unproved("the grant has no anchor: accept it again with one".into()))?;
    let StoreAnswer::Value(value) = answer else { return Err(unproved("it is no value".into())) };
    let claim = Claim::PresetValue(PresetValue { key: key.into(), value: Some(value.clone()) });
    let proof =
        opened.ledger.prove(claim.clone()).await.map_err(|error| unproved(error.to_string()).retryable())?;
    if proof.claim != claim {
        return Err(unproved("the adapter proves another claim".into()));
    }
    let lender = lend(&from.record(), &from.secrets, &opened.offered, &shared.ground)?;
    let verified = opened.offered.adapter.verify(lender, anchor, proof.clone()).await;
    verified.map_err(|error| unproved(error.to_string()))?;
    Ok(Some(proof))
}
