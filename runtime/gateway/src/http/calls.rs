//! Calls of an application: reads, writes, both key modes, blocks, the preset store, events.

use std::time::Duration;

use adapter_spec::types::{BlockSelector, Call, Confidence, Goal, SignatureScheme};
use axum::{
    Extension, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response, sse},
    routing::{delete, get, post, put},
};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::json;

use super::{
    extract::{Json, Parameters},
    participants::{Member, answer},
};
use crate::{
    application::{KeyMode, Role},
    calls::{self, DeployRequest, FunctionRequest, HexBytes, NativeRequest, OptionsRequest, Until},
    events::{self, EventParameters, Told},
    gateway::Gateway,
    problem::Problem,
    store::{self, StoreRequest},
    upload::{self, KeyRequest, ResumeRequest},
};

/// Below an application, for its members.
pub(super) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/status", get(status))
        .route("/account", get(account))
        .route("/account/certificate", put(put_certificate))
        .route("/account/certificate-request", get(certificate_request))
        .route("/evaluate", post(evaluate))
        .route("/invoke", post(invoke))
        .route("/deploy", post(deploy))
        .route("/plan", post(plan))
        .route("/estimate", post(estimate))
        .route("/native", post(native))
        .route("/keys", put(put_key))
        .route("/begin", post(begin))
        .route("/resume", post(resume))
        .route("/abandon", post(abandon))
        .route("/calls/{key}", get(call))
        .route("/blocks/{block}", get(block))
        .route("/store", post(preset))
        .route("/events", get(events))
        .route("/events/{subscription}", delete(unsubscribe))
}

async fn status(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let opened = member.application.open(&gateway.shared.ground).await?;
    Ok(answer(&opened.ledger.status().await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountParameters {
    #[serde(default)]
    scheme: Option<SignatureScheme>,
}

async fn account(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Parameters(parameters): Parameters<AccountParameters>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    trusted(&member)?;
    let (key, accounts) =
        calls::account(&gateway.shared, &member.application, &member.name, parameters.scheme).await?;
    Ok(answer(&json!({"key": key, "accounts": accounts})))
}

/// The certificate that an authority of the ledger gave the caller's key in trust.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CertificateRequest {
    /// The key's scheme; the adapter's first where it is left out.
    #[serde(default)]
    scheme: Option<SignatureScheme>,
    /// X.509, DER, hexadecimal.
    certificate: HexBytes,
}

async fn put_certificate(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(CertificateRequest { scheme, certificate }): Json<CertificateRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    trusted(&member)?;
    let certificate = certificate.into_bytes();
    let (shared, application) = (&gateway.shared, &member.application);
    let (key, accounts) = calls::certify(shared, application, &member.name, scheme, &certificate).await?;
    Ok(answer(&json!({"key": key, "accounts": accounts})))
}

async fn certificate_request(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    trusted(&member)?;
    let pem = calls::certificate_request(&gateway.shared, &member.application, &member.name).await?;
    Ok(answer(&json!({ "request_pem": pem })))
}

/// Whether the node holds the keys of this application.
fn trusted(member: &Member) -> Result<(), Problem> {
    match member.application.record().order.key_mode {
        KeyMode::Trust => Ok(()),
        KeyMode::Upload => Err(Problem::new(
            StatusCode::CONFLICT,
            "key-mode",
            "The node holds no keys of this application",
            "its participants hold their own keys: use begin and resume",
        )),
    }
}

async fn evaluate(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(request): Json<FunctionRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    trusted(&member)?;
    let (call, options) = request.into_call();
    let output = calls::evaluate(&gateway.shared, &member.application, &member.name, call, options).await?;
    Ok(answer(&output))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaitParameters {
    #[serde(default)]
    until: Until,
    #[serde(default = "default_wait")]
    wait_millis: u64,
}

fn default_wait() -> u64 {
    30_000
}

/// The idempotency key of a write; empty, which no key is, where there is none.
fn idempotency_key(headers: &HeaderMap) -> &str {
    headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default()
}

async fn write(
    gateway: &Gateway,
    member: &Member,
    headers: &HeaderMap,
    parameters: &WaitParameters,
    call: Call,
    options: OptionsRequest,
) -> Result<Response, Problem> {
    trusted(member)?;
    let (shared, application) = (&gateway.shared, &member.application);
    let key = idempotency_key(headers);
    let written = calls::write(shared, application, &member.name, key, call, options).await?;
    let patience = Duration::from_millis(parameters.wait_millis);
    let written = calls::wait(shared, application, &member.name, written, parameters.until, patience).await?;
    Ok(answer(&written))
}

async fn invoke(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<WaitParameters>,
    Json(request): Json<FunctionRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    let (call, options) = request.into_call();
    write(&gateway, &member, &headers, &parameters, Call::Invoke(call), options).await
}

async fn deploy(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<WaitParameters>,
    Json(request): Json<DeployRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Deploy)?;
    let (call, options) = request.into_call();
    write(&gateway, &member, &headers, &parameters, call, options).await
}

/// What somebody wants to reach.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanRequest {
    goal: Goal,
}

async fn plan(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(PlanRequest { goal }): Json<PlanRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let opened = member.application.open(&gateway.shared.ground).await?;
    Ok(answer(&json!({ "calls": opened.ledger.plan(goal).await? })))
}

async fn estimate(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(request): Json<FunctionRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    trusted(&member)?;
    let (call, options) = request.into_call();
    let (shared, application) = (&gateway.shared, &member.application);
    let call = Call::Invoke(call);
    Ok(answer(&calls::estimate(shared, application, &member.name, call, options).await?))
}

async fn native(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<WaitParameters>,
    Json(request): Json<NativeRequest>,
) -> Result<Response, Problem> {
    // Only the adapter knows whether it writes.
    member.must(Role::Write)?;
    let (call, options) = request.into_call();
    write(&gateway, &member, &headers, &parameters, call, options).await
}

/// Whether participants hold the keys of this application.
fn uploaded(member: &Member) -> Result<(), Problem> {
    match member.application.record().order.key_mode {
        KeyMode::Upload => Ok(()),
        KeyMode::Trust => Err(Problem::new(
            StatusCode::CONFLICT,
            "key-mode",
            "The node holds the keys of this application",
            "the node signs for you: use invoke, deploy and evaluate",
        )),
    }
}

async fn put_key(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(request): Json<KeyRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    uploaded(&member)?;
    let key = upload::put_key(&gateway.shared, &member.application, &member.name, request).await?;
    let opened = member.application.open(&gateway.shared.ground).await?;
    let accounts = opened.ledger.accounts(key.clone()).await?;
    Ok(answer(&json!({"key": key, "accounts": accounts})))
}

/// A call to be signed by whoever holds the key.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum BeginRequest {
    Invoke(FunctionRequest),
    Evaluate(FunctionRequest),
    Deploy(DeployRequest),
    Native(NativeRequest),
}

async fn begin(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    headers: HeaderMap,
    Json(request): Json<BeginRequest>,
) -> Result<Response, Problem> {
    uploaded(&member)?;
    let (role, (call, options)) = match request {
        BeginRequest::Evaluate(request) => {
            let (call, options) = request.into_call();
            (Role::Read, (Call::Evaluate(call), options))
        }
        BeginRequest::Invoke(request) => {
            let (call, options) = request.into_call();
            (Role::Write, (Call::Invoke(call), options))
        }
        BeginRequest::Deploy(request) => (Role::Deploy, request.into_call()),
        BeginRequest::Native(request) => (Role::Write, request.into_call()),
    };
    member.must(role)?;
    let key = (role != Role::Read).then(|| idempotency_key(&headers));
    let next = upload::begin(&gateway.shared, &member.application, &member.name, key, call, options).await?;
    Ok(answer(&next))
}

async fn resume(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(request): Json<ResumeRequest>,
) -> Result<Response, Problem> {
    uploaded(&member)?;
    let next = upload::resume(&gateway.shared, &member.application, &member.name, request).await?;
    Ok(answer(&next))
}

async fn abandon(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Json(request): Json<ResumeRequest>,
) -> Result<Response, Problem> {
    uploaded(&member)?;
    let (shared, application) = (&gateway.shared, &member.application);
    upload::abandon(shared, application, &member.name, &request.continuation).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
struct CallPath {
    key: String,
}

async fn call(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(CallPath { key }): Path<CallPath>,
    Parameters(parameters): Parameters<WaitParameters>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let (shared, application) = (&gateway.shared, &member.application);
    let written = calls::written(shared, application, &member.name, &key).await?;
    let patience = Duration::from_millis(parameters.wait_millis);
    let written = calls::wait(shared, application, &member.name, written, parameters.until, patience).await?;
    Ok(answer(&written))
}

#[derive(Deserialize)]
struct BlockPath {
    block: String,
}

/// A height, a hash that begins with `0x`, or one of latest, safe and final.
fn selector(text: &str) -> Option<BlockSelector> {
    if let Some(digits) = text.strip_prefix("0x") {
        return hex::decode(digits).ok().map(BlockSelector::Hash);
    }
    match text {
        "latest" => Some(BlockSelector::At(Confidence::Latest)),
        "safe" => Some(BlockSelector::At(Confidence::Safe)),
        "final" => Some(BlockSelector::At(Confidence::Final)),
        number => number.parse().ok().map(BlockSelector::Number),
    }
}

async fn block(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(BlockPath { block }): Path<BlockPath>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let selector = selector(&block)
        .ok_or_else(|| Problem::invalid("a block is a height, a hash with 0x, or latest, safe or final"))?;
    let opened = member.application.open(&gateway.shared.ground).await?;
    Ok(answer(&opened.ledger.block(selector).await?))
}

async fn preset(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<WaitParameters>,
    Json(request): Json<StoreRequest>,
) -> Result<Response, Problem> {
    trusted(&member)?;
    let (shared, application) = (&gateway.shared, &member.application);
    if !store::writes(&request.operation) {
        member.must(Role::Read)?;
        return Ok(answer(&store::read(shared, application, &member.name, request).await?));
    }
    member.must(Role::Write)?;
    let key = idempotency_key(&headers);
    application.entry_key(&member.name, key)?;
    let call = store::call(shared, application, &request).await?;
    let options = OptionsRequest::default();
    let written = calls::write(shared, application, &member.name, key, call, options).await?;
    let patience = Duration::from_millis(parameters.wait_millis);
    let written = calls::wait(shared, application, &member.name, written, parameters.until, patience).await?;
    Ok(answer(&store::outcome(shared, application, request.operation, written).await?))
}

async fn events(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<EventParameters>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let last = headers.get("last-event-id").and_then(|last| last.to_str().ok());
    let (shared, application) = (&gateway.shared, &member.application);
    let told = events::subscribe(shared, application, &member.name, &parameters, last).await?;
    let meter = member.application.clone();
    let lines = told.map(move |told| {
        let data = |value: &serde_json::Value| value.to_string();
        let (kind, text, id) = match &told {
            Told::Event(event, position) => ("event", data(&json!(event)), position.clone()),
            Told::Scanned(block) => ("scanned", data(&json!({ "block": block })), None),
            Told::Ended(problem) => ("problem", data(&json!(problem)), None),
        };
        meter.meter.answer(text.len());
        let line = sse::Event::default().event(kind).data(text);
        Ok::<_, std::convert::Infallible>(match id {
            Some(id) => line.id(id),
            None => line,
        })
    });
    Ok(sse::Sse::new(lines).keep_alive(sse::KeepAlive::default()).into_response())
}

#[derive(Deserialize)]
struct SubscriptionPath {
    subscription: String,
}

async fn unsubscribe(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(SubscriptionPath { subscription }): Path<SubscriptionPath>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    events::unsubscribe(&gateway.shared, &member.application, &member.name, &subscription).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
