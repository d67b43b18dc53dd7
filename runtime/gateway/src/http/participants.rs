//! What participants reach.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use adapter_spec::types::{BlockSelector, Call, Confidence, Goal, SignatureScheme};
use axum::{
    Extension, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response, sse},
    routing::{get, post},
};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    authenticate::authenticate,
    extract::{Json, Parameters},
};
use crate::{
    application::{Application, KeyMode, Role},
    calls::{self, DeployRequest, FunctionRequest, NativeRequest, OptionsRequest, Until},
    events::{self, EventParameters, Told},
    gateway::Gateway,
    participants::Caller,
    problem::Problem,
    store::{self, StoreRequest},
    upload::{self, KeyRequest, ResumeRequest},
};

/// Everything below `/v1`.
pub fn router(gateway: &Gateway) -> Router {
    let application = Router::new()
        .route("/", get(show))
        .route("/status", get(status))
        .route("/account", get(account))
        .route("/evaluate", post(evaluate))
        .route("/invoke", post(invoke))
        .route("/deploy", post(deploy))
        .route("/plan", post(plan))
        .route("/estimate", post(estimate))
        .route("/native", post(native))
        .route("/keys", axum::routing::put(put_key))
        .route("/begin", post(begin))
        .route("/resume", post(resume))
        .route("/abandon", post(abandon))
        .route("/calls/{key}", get(call))
        .route("/blocks/{block}", get(block))
        .route("/store", post(preset))
        .route("/events", get(events))
        .route("/events/{subscription}", axum::routing::delete(unsubscribe))
        .route("/members", get(members))
        .route("/members/{participant}", axum::routing::put(set_roles).delete(remove_member))
        .route_layer(middleware::from_fn_with_state(gateway.clone(), member));
    Router::new()
        .route("/v1/applications", get(list))
        .nest("/v1/applications/{application}", application)
        .layer(middleware::from_fn_with_state(gateway.clone(), authenticate))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .with_state(gateway.clone())
}

/// Whether the node can take calls: its store answers, and it is not being stopped.
async fn ready(State(gateway): State<Gateway>) -> Result<&'static str, Problem> {
    gateway.ready().await.map(|()| "ready\n")
}

async fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-resource", "There is nothing here", "look at the path")
}

async fn other_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method",
        "Not with this method",
        "the path is right; what reads is a GET, what writes a POST, PUT or DELETE",
    )
}

/// A member of an application, with the roles that they have there.
#[derive(Clone)]
struct Member {
    name: Arc<str>,
    roles: Arc<BTreeSet<Role>>,
    application: Arc<Application>,
}

impl Member {
    fn must(&self, role: Role) -> Result<(), Problem> {
        if self.roles.contains(&role) { Ok(()) } else { Err(Problem::forbidden(role.name())) }
    }
}

#[derive(Deserialize)]
struct InApplication {
    application: String,
}

/// Lets members of the application in; to everybody else it is not there. Counts what goes in and out.
async fn member(
    State(gateway): State<Gateway>,
    Extension(caller): Extension<Caller>,
    Path(InApplication { application }): Path<InApplication>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = gateway.find(&application).map(|application| {
        let roles = application.roles(&caller.name);
        (application, roles)
    });
    let Some((application, roles)) = found.filter(|(_, roles)| !roles.is_empty()) else {
        return Problem::no_application().into_response();
    };
    let record = application.record();
    if let Some(reason) = &record.suspended {
        return Problem::new(
            StatusCode::FORBIDDEN,
            "suspended",
            "The application is suspended",
            format!("the operator suspended it: {reason}; transactions that are under way are followed to their end"),
        )
        .into_response();
    }
    let length = |size: Option<u64>| usize::try_from(size.unwrap_or(0)).unwrap_or(usize::MAX);
    let usage = application.meter.usage();
    let quotas = record.order.quotas;
    let transferred = usage.bytes_in.saturating_add(usage.bytes_out);
    if (quotas.transferred_bytes > 0 && transferred >= quotas.transferred_bytes)
        || (quotas.instance_millis > 0 && usage.instance_micros / 1_000 >= quotas.instance_millis)
    {
        let error = adapter_spec::types::Error::new(
            adapter_spec::types::ErrorCode::QuotaExceeded,
            "the application's quota of transferred bytes or instance time is used up: ask its operator for more",
        );
        return Problem::from(error).into_response();
    }
    application.meter.request(length(exact(request.body())));
    let meter = application.clone();
    request.extensions_mut().insert(Member { name: caller.name, roles: Arc::new(roles), application });
    let response = next.run(request).await;
    meter.meter.answer(length(exact(response.body())));
    response
}

/// The bytes of a body that is whole.
fn exact(body: &axum::body::Body) -> Option<u64> {
    use axum::body::HttpBody as _;
    body.size_hint().exact()
}

fn answer(body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => Problem::trouble(format!("the answer could not be written: {error}")).into_response(),
    }
}

async fn list(State(gateway): State<Gateway>, Extension(caller): Extension<Caller>) -> Response {
    let mine = gateway.all().into_iter().filter_map(|application| {
        let roles = application.roles(&caller.name);
        let record = application.record();
        (!roles.is_empty())
            .then(|| json!({"name": record.order.name, "adapter": record.order.adapter, "roles": roles}))
    });
    answer(&json!({"participant": &*caller.name, "applications": mine.collect::<Vec<_>>()}))
}

async fn show(State(gateway): State<Gateway>, Extension(member): Extension<Member>) -> Response {
    let record = member.application.record();
    let offered = gateway.adapters().get(&record.order.adapter);
    answer(&json!({
        "name": record.order.name,
        "adapter": record.order.adapter,
        "adapter_version": offered.map(|offered| offered.descriptor.version.clone()),
        "key_mode": record.order.key_mode,
        "owner": record.order.owner,
        "your_roles": &*member.roles,
        "quotas": record.order.quotas,
        "usage": member.application.meter.usage(),
        "under_way": member.application.follower.open(),
    }))
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

async fn members(Extension(member): Extension<Member>) -> Response {
    answer(&member.application.record().members)
}

#[derive(Deserialize)]
struct MemberPath {
    participant: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesRequest {
    roles: BTreeSet<Role>,
}

async fn set_roles(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(MemberPath { participant }): Path<MemberPath>,
    Json(RolesRequest { roles }): Json<RolesRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Administer)?;
    if roles.is_empty() {
        return Err(Problem::invalid("roles: at least one; DELETE takes all away"));
    }
    if gateway.shared.participants.get(&participant).is_none_or(|found| found.revoked.is_some()) {
        return Err(Problem::invalid(format!("no participant {participant:.64?} is enrolled on this node")));
    }
    set(&gateway, &member, participant, roles).await
}

async fn remove_member(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Path(MemberPath { participant }): Path<MemberPath>,
) -> Result<Response, Problem> {
    member.must(Role::Administer)?;
    set(&gateway, &member, participant, BTreeSet::new()).await
}

async fn set(
    gateway: &Gateway,
    member: &Member,
    participant: String,
    roles: BTreeSet<Role>,
) -> Result<Response, Problem> {
    let record = gateway.change(&member.application, |record| {
        if participant == record.order.owner {
            return Err(Problem::invalid("the owner has all roles, and keeps them"));
        }
        match roles.is_empty() {
            true => record.members.remove(&participant),
            false => record.members.insert(participant.clone(), roles.clone()),
        };
        Ok(())
    });
    Ok(answer(&record.await?.members))
}
