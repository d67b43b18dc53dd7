//! Grants between applications.

use axum::{
    Extension,
    extract::{Path, State},
    response::Response,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    extract::Json,
    openapi::{Operation, Routes},
    participants::{Member, answer},
};
use crate::{
    application::Role,
    gateway::Gateway,
    grants::{self, AcceptRequest, Grant, GrantCall, GrantRequest, GrantedAnswer, GrantedRead},
    problem::Problem,
};

/// The area of what one application reads of another.
const GRANTS: &str = "Grants";

/// Below an application, for its members.
pub(super) fn routes() -> Routes {
    Routes::default()
        .route(
            Operation::get("/grants", GRANTS, "grants", "What the application gives and takes")
                .answer::<Grants>("The grants, those that have ended among them"),
            list,
        )
        .route(
            Operation::post("/grants", GRANTS, "propose", "Propose to let another application read")
                .text("Only the owner proposes, accepts and revokes.")
                .body::<GrantRequest>()
                .example("key", json!({"to": "warehouse", "keys": ["k"], "expires": "2100-01-01T00:00:00Z"}))
                .answer::<Grant>("The grant, which nobody has accepted")
                .problems(&[400, 429]),
            propose,
        )
        .route(
            Operation::get("/grants/calls", GRANTS, "grantCalls", "The reads under grants, on both sides")
                .answer::<GrantCalls>("The reads, oldest first"),
            made,
        )
        .route(
            Operation::delete("/grants/{grant}", GRANTS, "revoke", "Revoke a grant, on either side")
                .answer::<Grant>("The grant, which does not hold any more"),
            revoke,
        )
        .route(
            Operation::post("/grants/{grant}/accept", GRANTS, "accept", "Accept what was proposed")
                .body::<AcceptRequest>()
                .example("without proofs", json!({}))
                .answer::<Grant>("The grant, which holds")
                .asks_adapter(),
            accept,
        )
        .route(
            Operation::post("/grants/{grant}/read", GRANTS, "readGranted", "Read what is granted")
                .body::<GrantedRead>()
                .example("key", json!({"key": "k"}))
                .answer::<GrantedAnswer>("What was read")
                .asks_adapter(),
            read,
        )
}

/// The grants that an application gives or takes.
#[derive(Serialize, JsonSchema)]
struct Grants {
    grants: Vec<Grant>,
}

/// The reads under grants that an application made or that were made of it.
#[derive(Serialize, JsonSchema)]
struct GrantCalls {
    /// Oldest first.
    calls: Vec<GrantCall>,
}

#[derive(Deserialize)]
struct GrantPath {
    grant: String,
}

async fn list(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    grants::must_own(&member.application, &member.name)?;
    Ok(answer(&Grants { grants: grants::all(&gateway.shared, &member.application).await? }))
}

async fn made(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    grants::must_own(&member.application, &member.name)?;
    Ok(answer(&GrantCalls { calls: grants::calls_of(&gateway.shared, &member.application).await? }))
}

async fn propose(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(request): Json<GrantRequest>,
) -> Result<Response, Problem> {
    grants::must_own(&member.application, &member.name)?;
    let to = gateway.find(&request.to);
    Ok(answer(&grants::propose(&gateway.shared, &member.application, to.as_deref(), request).await?))
}

async fn accept(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(GrantPath { grant }): Path<GrantPath>,
    Json(request): Json<AcceptRequest>,
) -> Result<Response, Problem> {
    grants::must_own(&member.application, &member.name)?;
    let shared = &gateway.shared;
    let from = gateway.by_id(&grants::giver(shared, &member.application, &grant).await?);
    Ok(answer(&grants::accept(shared, &member.application, from.as_deref(), &grant, request).await?))
}

async fn revoke(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(GrantPath { grant }): Path<GrantPath>,
) -> Result<Response, Problem> {
    grants::must_own(&member.application, &member.name)?;
    Ok(answer(&grants::revoke(&gateway.shared, &member.application, &grant).await?))
}

async fn read(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(GrantPath { grant }): Path<GrantPath>,
    Json(request): Json<GrantedRead>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let shared = &gateway.shared;
    let from = gateway.by_id(&grants::giver(shared, &member.application, &grant).await?);
    let from = from.ok_or_else(Problem::no_application)?;
    let read = grants::read(shared, &from, &member.application, &member.name, &grant, request).await?;
    Ok(answer(&read))
}
