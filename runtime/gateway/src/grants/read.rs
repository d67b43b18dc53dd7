//! Reads under grants.

use adapter_spec::types::{Claim, PresetValue, Proof, StoreAnswer, StoreOperation};
use axum::http::StatusCode;
use berth_api::{Grant, GrantedAnswer, GrantedRead, GrantedUse};

use super::{
    as_granted, holding, named, proves,
    record::{self, About},
};
use crate::{
    application::{Application, lend},
    calls::{self, OptionsRequest},
    gateway::Shared,
    problem::Problem,
    store::{self, StoreRequest},
};

/// The read, as it is granted; none where it is not.
fn covered(grant: &Grant, read: GrantedRead) -> Option<GrantedRead> {
    match read {
        GrantedRead::Function(call) => as_granted(&grant.functions, call).map(GrantedRead::Function),
        GrantedRead::Key(key) => grant.keys.contains(&key).then_some(GrantedRead::Key(key)),
    }
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
    let (grant, read) = holding(shared, from, to, id, |grant| covered(grant, read)).await?;
    let what = match &read {
        GrantedRead::Function(call) => named(call),
        GrantedRead::Key(key) => key.clone(),
    };
    let about = About { grant: id, from, to, participant, does: GrantedUse::Read, what, key: None };
    record::write_down(shared, about).await?;
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

/// The proof of a value, verified; none where the adapter gives none and the owners agreed on none.
async fn proved(
    shared: &Shared,
    from: &Application,
    key: &str,
    answer: &StoreAnswer,
    anchor: Option<&str>,
) -> Result<Option<Proof>, Problem> {
    let opened = from.open(&shared.ground).await?;
    if !proves(&opened) && anchor.is_none() {
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
    if !proves(&opened) {
        return Err(unproved("the adapter gives no proofs any more: agree on another grant".into()));
    }
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
