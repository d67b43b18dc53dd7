//! Events that are delivered.

use axum::{
    Extension, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    extract::Json,
    participants::{Member, answer},
};
use crate::{
    application::Role,
    gateway::{Gateway, Shared},
    problem::Problem,
    webhooks::{self, WebhookRequest},
};

/// Below an application, for its members.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/webhooks", get(list).post(create))
        .route("/webhooks/key", get(key))
        .route("/webhooks/{webhook}", get(show).delete(remove))
}

#[derive(Deserialize)]
struct WebhookPath {
    webhook: String,
}

/// The node's key as receivers need it; `jwk` is that of RFC 7517.
async fn signed_by(shared: &Shared) -> Result<Value, Problem> {
    let (key_id, key) = webhooks::public_key(shared).await?;
    // SEC1 uncompressed: a 4, then x and y of 32 bytes each.
    let half = |from: usize| {
        let bytes = key.point.get(from..from + 32).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    };
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": key_id, "x": half(1), "y": half(33)});
    Ok(json!({"keyid": key_id, "alg": "ecdsa-p256-sha256", "key": key, "jwk": jwk}))
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
    let made = webhooks::create(&gateway.shared, &member.application, &member.name, request).await?;
    Ok((StatusCode::CREATED, answer(&json!({"webhook": made, "signed_by": signed_by}))).into_response())
}

async fn list(Extension(member): Extension<Member>) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    Ok(answer(&json!({ "webhooks": webhooks::list(&member.application, &member.name) })))
}

async fn show(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(WebhookPath { webhook }): Path<WebhookPath>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let shown = webhooks::show(&member.application, &member.name, &webhook)?;
    Ok(answer(&json!({"webhook": shown, "signed_by": signed_by(&gateway.shared).await?})))
}

async fn remove(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(WebhookPath { webhook }): Path<WebhookPath>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    webhooks::remove(&gateway.shared, &member.application, &member.name, &webhook).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
