//! Grants between applications.

use axum::{
    Extension, Router,
    extract::{Path, State},
    response::Response,
    routing::{delete, get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    extract::Json,
    participants::{Member, answer},
};
use crate::{
    application::Role,
    gateway::Gateway,
    grants::{self, AcceptRequest, GrantRequest, GrantedRead},
    problem::Problem,
};

/// Below an application, for its members.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/grants", get(list).post(propose))
        .route("/grants/calls", get(made))
        .route("/grants/{grant}", delete(revoke))
        .route("/grants/{grant}/accept", post(accept))
        .route("/grants/{grant}/read", post(read))
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
    Ok(answer(&json!({ "grants": grants::all(&gateway.shared, &member.application).await? })))
}

async fn made(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    grants::must_own(&member.application, &member.name)?;
    Ok(answer(&json!({ "calls": grants::calls_of(&gateway.shared, &member.application).await? })))
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
