//! Events that are delivered.

use adapter_spec::types::PublicKey;
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    events::EVENTS,
    extract::{Json, PathParameters},
    openapi::{Operation, Routes},
    participants::{Member, answer},
};
use crate::{
    application::Role,
    gateway::{Gateway, Shared},
    problem::Problem,
    webhooks::{self, WebhookRequest, WebhookShown},
};

/// Below an application, for its members.
pub(super) fn routes() -> Routes {
    Routes::default()
        .route(
            Operation::get("/webhooks", EVENTS, "webhooks", "Your webhooks; all, where you administer the application")
                .answer::<Webhooks>("The webhooks"),
            list,
        )
        .route(
            Operation::post("/webhooks", EVENTS, "createWebhook", "Have events delivered to an address")
                .text(
                    "Pages of events are posted in order, each until it is answered with a 2xx, with the same `webhook-id` each time, and \
                     signed (RFC 9421).",
                )
                .body::<WebhookRequest>()
                .example("all events", json!({"url": "https://receiver.example/berth"}))
                .made::<WebhookAnswer>("The webhook, which delivers from now on")
                .asks_adapter(),
            create,
        )
        .route(
            Operation::get("/webhooks/key", EVENTS, "webhookKey", "The key that signs what is delivered")
                .answer::<WebhookKey>("The key, in the forms that receivers need"),
            key,
        )
        .route(
            Operation::get("/webhooks/{webhook}", EVENTS, "webhook", "How far a webhook is, and why it stands still")
                .answer::<WebhookAnswer>("The webhook"),
            show,
        )
        .route(
            Operation::delete("/webhooks/{webhook}", EVENTS, "removeWebhook", "End a webhook")
                .done("Nothing is sent to its address any more"),
            remove,
        )
}

/// The node's key as receivers need it.
#[derive(Serialize, JsonSchema)]
struct WebhookKey {
    /// What signatures call it.
    keyid: String,
    /// Of the signatures (RFC 9421).
    alg: &'static str,
    key: PublicKey,
    /// The same, after RFC 7517.
    jwk: Jwk,
}

/// A key of P-256 after RFC 7517.
#[derive(Serialize, JsonSchema)]
struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    kid: String,
    x: String,
    y: String,
}

/// A webhook, and the key that signs what it delivers.
#[derive(Serialize, JsonSchema)]
struct WebhookAnswer {
    webhook: WebhookShown,
    signed_by: WebhookKey,
}

/// A participant's webhooks.
#[derive(Serialize, JsonSchema)]
struct Webhooks {
    webhooks: Vec<WebhookShown>,
}

#[derive(Deserialize)]
struct WebhookPath {
    webhook: String,
}

/// The node's key.
async fn signed_by(shared: &Shared) -> Result<WebhookKey, Problem> {
    let (keyid, key) = webhooks::public_key(shared).await?;
    // SEC1 uncompressed: a 4, then x and y of 32 bytes each.
    let half = |from: usize| {
        let bytes = key.point.get(from..from + 32).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    };
    let jwk = Jwk { kty: "EC", crv: "P-256", alg: "ES256", kid: keyid.clone(), x: half(1), y: half(33) };
    Ok(WebhookKey { keyid, alg: "ecdsa-p256-sha256", key, jwk })
}

async fn key(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    Ok(answer(&signed_by(&gateway.shared).await?))
}

async fn create(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(request): Json<WebhookRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let signed_by = signed_by(&gateway.shared).await?;
    let webhook = webhooks::create(&gateway.shared, &member.application, &member.name, request).await?;
    Ok((StatusCode::CREATED, answer(&WebhookAnswer { webhook, signed_by })).into_response())
}

async fn list(Extension(member): Extension<Member>) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    Ok(answer(&Webhooks { webhooks: webhooks::list(&member.application, &member.name) }))
}

async fn show(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(WebhookPath { webhook }): PathParameters<WebhookPath>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let webhook = webhooks::show(&member.application, &member.name, &webhook)?;
    Ok(answer(&WebhookAnswer { webhook, signed_by: signed_by(&gateway.shared).await? }))
}

async fn remove(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(WebhookPath { webhook }): PathParameters<WebhookPath>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    webhooks::remove(&gateway.shared, &member.application, &member.name, &webhook).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
