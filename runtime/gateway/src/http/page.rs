//! What the operator looks at: a page and numbers, read only, on an address of this machine.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::operator::{described, metrics};
use crate::{gateway::Gateway, problem::Problem};

/// What gives the last lines of the operator's audit log, the newest first, as they are kept: `time`, and an `event` with its `kind`.
pub type RecentAudit = Arc<dyn Fn() -> Vec<Value> + Send + Sync>;

/// The page at `/`, its `overview.json`, `/metrics`, `/healthz` and `/readyz`. It shows names and numbers to whoever reaches it: it
/// belongs on a loopback address. A browser that was led here under another name is refused.
pub fn page_router(gateway: &Gateway, audit: RecentAudit) -> Router {
    Router::new()
        .route("/", get(page))
        .route(
            "/overview.json",
            get(move |State(gateway): State<Gateway>| async move { overview(&gateway, audit()) }),
        )
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .layer(middleware::from_fn(own_name))
        .with_state(gateway.clone())
}

/// Only requests to an IP address or to localhost: a page of a stranger whose name resolves to this machine gets nothing.
async fn own_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let is_ours = host.is_some_and(|host| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name == "localhost"
            || host.parse::<std::net::SocketAddr>().is_ok()
            || host.parse::<std::net::IpAddr>().is_ok()
    });
    if !is_ours {
        let detail = "reach it by its IP address or as localhost";
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, "host", "Not under this name", detail)
            .into_response();
    }
    next.run(request).await
}

async fn page() -> Response {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                  frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(include_str!("page.html"))).into_response()
}

async fn ready(State(gateway): State<Gateway>) -> Result<&'static str, Problem> {
    gateway.ready().await.map(|()| "ready\n")
}

fn overview(gateway: &Gateway, audit: Vec<Value>) -> Response {
    let applications: Vec<_> = gateway
        .all()
        .iter()
        .map(|application| {
            let record = application.record();
            json!({
                "name": record.order.name,
                "adapter": record.order.adapter,
                "owner": record.order.owner,
                "suspended": record.suspended,
                "members": record.members.len(),
                "under_way": application.follower.open(),
                "reserved_instances": application.meter.reserved(),
                "usage": application.meter.usage(),
            })
        })
        .collect();
    let adapters: Vec<_> = gateway.adapters().each(described);
    axum::Json(json!({
        "applications": applications,
        "adapters": adapters,
        "participants": gateway.participants(),
        "audit": audit,
    }))
    .into_response()
}
