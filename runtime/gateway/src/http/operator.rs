//! What the operator reaches: on a socket that only the operator's own user can open. Whoever can, may all of this.

use adapter_spec::types::{Error, ErrorCode, SignatureScheme};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    extract::{Json, Parameters, PathParameters},
    grants::PageParameters,
};
use crate::{
    adapters::Slot,
    application::{ApplicationRecord, Order},
    gateway::Gateway,
    lent::{LentSecrets, Secret},
    operate::Standing,
    problem::Problem,
};

/// The operator's requests.
pub fn operator_router(gateway: &Gateway) -> Router {
    Router::new()
        .route("/applications", get(list).post(create))
        .route("/applications/{name}", get(show).delete(remove))
        .route("/applications/{name}/suspend", post(suspend))
        .route("/applications/{name}/go-on", post(go_on))
        .route("/participants", get(participants).post(enrol))
        .route("/participants/{name}/revoke", post(revoke))
        .route("/applications/{name}/usage", get(usage))
        .route("/applications/{name}/keys", post(import_key))
        .route("/applications/{name}/grants", get(grants))
        .route("/applications/{name}/grants/calls", get(grant_calls))
        .route("/adapters", get(adapters))
        .route("/metrics", get(metrics))
        .with_state(gateway.clone())
}

fn answer(body: &Value) -> Response {
    axum::Json(body).into_response()
}

fn shown(record: &crate::application::ApplicationRecord) -> Value {
    json!(record)
}

async fn list(State(gateway): State<Gateway>) -> Response {
    let all: Vec<_> = gateway.applications().iter().map(|record| shown(record)).collect();
    answer(&json!({ "applications": all }))
}

/// An application to be created, with what it is lent and nobody may see.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    order: Order,
    #[serde(default)]
    secrets: LentSecrets,
}

async fn create(
    State(gateway): State<Gateway>,
    Json(Creation { order, secrets }): Json<Creation>,
) -> Result<Response, Problem> {
    let record = gateway.create_with(order, secrets).await?;
    Ok((StatusCode::CREATED, axum::Json(shown(&record))).into_response())
}

/// An application, and how it stands.
#[derive(Serialize)]
struct Shown<'a> {
    application: &'a ApplicationRecord,
    #[serde(flatten)]
    standing: Standing,
}

async fn show(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
) -> Result<Response, Problem> {
    let (record, standing) = gateway.application(&name).ok_or_else(Problem::no_application)?;
    Ok(answer(&json!(Shown { application: &record, standing })))
}

async fn remove(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
) -> Result<Response, Problem> {
    gateway.remove(&name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

async fn suspend(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<Response, Problem> {
    Ok(answer(&shown(&*gateway.suspend(&name, Some(reason)).await?)))
}

async fn go_on(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
) -> Result<Response, Problem> {
    Ok(answer(&shown(&*gateway.suspend(&name, None).await?)))
}

async fn participants(State(gateway): State<Gateway>) -> Response {
    answer(&json!({ "participants": gateway.participants() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolment {
    name: String,
    request_pem: String,
    #[serde(default = "a_year")]
    days: u32,
}

fn a_year() -> u32 {
    365
}

async fn enrol(
    State(gateway): State<Gateway>,
    Json(Enrolment { name, request_pem, days }): Json<Enrolment>,
) -> Result<Response, Problem> {
    let (participant, certificate_pem) = gateway.enrol(&name, &request_pem, days).await?;
    Ok(answer(&json!({"participant": participant, "certificate_pem": certificate_pem})))
}

async fn revoke(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
    Json(Reason { reason }): Json<Reason>,
) -> Result<Response, Problem> {
    Ok(answer(&json!({ "participant": gateway.revoke(&name, &reason).await? })))
}

/// A key that was made elsewhere, for a member of an application.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportedKey {
    participant: String,
    scheme: SignatureScheme,
    /// 32 bytes, hexadecimal.
    secret: Secret,
}

async fn import_key(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
    Json(ImportedKey { participant, scheme, secret }): Json<ImportedKey>,
) -> Result<Response, Problem> {
    let bytes = hex::decode(secret.reveal().trim()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| Problem::invalid("secret: it is not hexadecimal"))?;
    if !gateway.import_key(&name, &participant, scheme, &bytes).await? {
        let why = format!("the node holds a key of {participant} for this scheme already, and gives none up");
        return Err(Error::new(ErrorCode::AlreadyExists, why).into());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn usage(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
) -> Result<Response, Problem> {
    let (key, records) = gateway.usage(&name).await?;
    Ok(answer(&json!({"key": key, "records": records})))
}

/// What owners agreed to. To agree is theirs alone.
async fn grants(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
) -> Result<Response, Problem> {
    Ok(answer(&json!({ "grants": gateway.grants(&name).await? })))
}

async fn grant_calls(
    State(gateway): State<Gateway>,
    PathParameters(name): PathParameters<String>,
    Parameters(PageParameters { from }): Parameters<PageParameters>,
) -> Result<Response, Problem> {
    Ok(answer(&json!(gateway.grant_calls(&name, from).await?)))
}

/// For Prometheus.
pub(super) async fn metrics(State(gateway): State<Gateway>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], gateway.metrics()).into_response()
}

/// An adapter, as it is shown.
pub(super) fn described(slot: &Slot) -> Value {
    let offered = slot.current();
    json!({
        "name": offered.descriptor.name,
        "version": offered.descriptor.version,
        "framework": offered.descriptor.framework,
        "permissioned": offered.descriptor.permissioned,
        "sandboxed": offered.sandboxed,
        "digest": offered.digest,
        "certificate": offered.certificate,
        "trial": slot.trial.as_ref().map(|trial| json!({
            "version": slot.offered.descriptor.version,
            "before": trial.before.descriptor.version,
            "until": trial.until,
            "failure": trial.failure(),
        })),
        "taken_back": slot.taken_back,
    })
}

async fn adapters(State(gateway): State<Gateway>) -> Response {
    answer(&json!({ "adapters": gateway.adapters().each(described) }))
}
