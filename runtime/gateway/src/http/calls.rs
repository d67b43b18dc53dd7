//! Calls of an application: reads, writes, blocks, the preset store.

use std::time::Duration;

use adapter_spec::types::{
    Block, BlockSelector, Call, Confidence, Estimate, Goal, LedgerStatus, Output, PlannedCall,
};
use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    extract::{Json, Parameters, PathParameters},
    openapi::{Operation, Routes},
    participants::{Member, answer},
    trusted_keys::trusted,
};
use crate::{
    application::Role,
    calls::{self, DeployRequest, FunctionRequest, NativeRequest, OptionsRequest, Until, Written},
    gateway::Gateway,
    problem::Problem,
    store::{self, StoreRequest, Stored},
};

/// The area of reads, writes and what is known of them.
pub(super) const CALLS: &str = "Calls";
/// The area of the ledger itself.
const LEDGER: &str = "Ledger";

/// Below an application, for its members.
pub(super) fn routes() -> Routes {
    reads().merge(writes())
}

fn reads() -> Routes {
    Routes::default()
        .route(
            Operation::get("/status", LEDGER, "status", "Where the ledger stands")
                .answer::<LedgerStatus>("Its newest and its final block")
                .asks_adapter(),
            status,
        )
        .route(
            Operation::get("/blocks/{block}", LEDGER, "block", "A block")
                .answer::<Block>("The block")
                .asks_adapter(),
            block,
        )
        .route(
            Operation::post("/evaluate", CALLS, "evaluate", "Read with a function of a contract")
                .body::<FunctionRequest>()
                .example(
                    "get",
                    json!({"contract": "preset", "function": "get(text)", "arguments": [{"text": "k"}]}),
                )
                .answer::<Output>("What the function answered")
                .of_one_key_mode()
                .asks_adapter(),
            evaluate,
        )
        .route(
            Operation::post("/estimate", CALLS, "estimate", "What a call would cost")
                .body::<FunctionRequest>()
                .example("insert", insert_example())
                .answer::<Estimate>("The cost, as far as the ledger knows it")
                .of_one_key_mode()
                .asks_adapter(),
            estimate,
        )
        .route(
            Operation::post("/plan", CALLS, "plan", "The calls that lead to a goal")
                .body::<PlanRequest>()
                .example("preset", json!({"goal": "preset"}))
                .answer::<Planned>("The calls, in order")
                .asks_adapter(),
            plan,
        )
        .route(
            Operation::get("/calls/{key}", CALLS, "call", "How far a write has come")
                .query::<WaitParameters>()
                .answer::<Written>("How far it has come")
                .asks_adapter(),
            call,
        )
}

fn writes() -> Routes {
    Routes::default()
        .route(
            Operation::post("/invoke", CALLS, "invoke", "Write with a function of a contract")
                .text("The node signs with the key that it holds in trust.")
                .writes()
                .query::<WaitParameters>()
                .body::<FunctionRequest>()
                .example("insert", insert_example())
                .answer::<Written>("How far it has come")
                .of_one_key_mode()
                .asks_adapter(),
            invoke,
        )
        .route(
            Operation::post("/deploy", CALLS, "deploy", "Put a contract on the ledger")
                .writes()
                .query::<WaitParameters>()
                .body::<DeployRequest>()
                .example("contract", json!({"name": "notes", "version": "1", "code": "0x6e6f746573"}))
                .answer::<Written>("How far it has come")
                .of_one_key_mode()
                .asks_adapter(),
            deploy,
        )
        .route(
            Operation::post("/native", CALLS, "native", "An operation that only this framework has")
                .writes()
                .query::<WaitParameters>()
                .body::<NativeRequest>()
                .example("operation", json!({"name": "rename-account", "arguments": {"to": "shop"}}))
                .answer::<Written>("How far it has come")
                .of_one_key_mode()
                .asks_adapter(),
            native,
        )
        .route(
            Operation::post("/store", "Preset store", "store", "The key-value store that every framework offers alike")
                .text("`get` and `history` read; `insert`, `update` and `delete` write, and need an idempotency key.")
                .may_write()
                .query::<WaitParameters>()
                .body::<StoreRequest>()
                .example("insert", json!({"operation": {"insert": {"key": "order-17", "value": "0x76"}}}))
                .example("get", json!({"operation": {"get": "k"}}))
                .answer::<Stored>("What it came to")
                .of_one_key_mode()
                .asks_adapter(),
            preset,
        )
}

pub(super) fn insert_example() -> Value {
    json!({"contract": "preset", "function": "insert(text,bytes)", "arguments": [{"text": "k"}, {"bytes": "0x76"}]})
}

/// The calls that lead to a goal.
#[derive(Serialize, JsonSchema)]
struct Planned {
    /// In order.
    calls: Vec<PlannedCall>,
}

async fn status(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let opened = member.application.open(&gateway.shared.ground).await?;
    Ok(answer(&opened.ledger.status().await?))
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

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitParameters {
    /// How far a write has to have come before it is answered.
    #[serde(default)]
    pub(super) until: Until,
    /// After so long it is answered anyway, with how far it is; at most 60 s.
    #[serde(default = "default_wait")]
    wait_millis: u64,
}

impl WaitParameters {
    /// How long to wait.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_millis(self.wait_millis)
    }
}

fn default_wait() -> u64 {
    30_000
}

/// The idempotency key of a write; empty, which no key is, where there is none.
pub(super) fn idempotency_key(headers: &HeaderMap) -> &str {
    headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default()
}

/// An idempotency key that is sent has to be one, also with a read that needs none.
pub(super) fn check_sent_key(member: &Member, headers: &HeaderMap) -> Result<(), Problem> {
    if headers.contains_key("idempotency-key") {
        member.application.entry_key(&member.name, idempotency_key(headers))?;
    }
    Ok(())
}

async fn write(
    gateway: &Gateway,
    member: &Member,
    headers: &HeaderMap,
    parameters: &WaitParameters,
    call: Call,
    options: OptionsRequest,
) -> Result<Response, Problem> {
    let (shared, application) = (&gateway.shared, &member.application);
    let key = idempotency_key(headers);
    // What is wrong with the request itself goes first.
    let entry = application.entry_key(&member.name, key)?;
    trusted(member)?;
    let admitted = calls::admit(application, &member.name, entry.clone(), key, (call, options))?;
    let written = calls::write(shared, application, admitted).await?;
    let written =
        calls::wait(shared, application, &entry, written, parameters.until, parameters.patience()).await?;
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
#[derive(Deserialize, JsonSchema)]
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
    Ok(answer(&Planned { calls: opened.ledger.plan(goal).await? }))
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

#[derive(Deserialize)]
struct CallPath {
    key: String,
}

async fn call(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(CallPath { key }): PathParameters<CallPath>,
    Parameters(parameters): Parameters<WaitParameters>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let (shared, application) = (&gateway.shared, &member.application);
    let entry = application.entry_key(&member.name, &key)?;
    let written = calls::written(shared, application, &entry, &key).await?;
    let written =
        calls::wait(shared, application, &entry, written, parameters.until, parameters.patience()).await?;
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
    PathParameters(BlockPath { block }): PathParameters<BlockPath>,
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
    check_sent_key(&member, &headers)?;
    trusted(&member)?;
    let (shared, application) = (&gateway.shared, &member.application);
    if !store::writes(&request.operation) {
        member.must(Role::Read)?;
        return Ok(answer(&store::read(shared, application, &member.name, request).await?));
    }
    member.must(Role::Write)?;
    let key = idempotency_key(&headers);
    let entry = application.entry_key(&member.name, key)?;
    let call = store::call(shared, application, &request).await?;
    let call = (call, OptionsRequest::default());
    let admitted = calls::admit(application, &member.name, entry.clone(), key, call)?;
    let written = calls::write(shared, application, admitted).await?;
    let written =
        calls::wait(shared, application, &entry, written, parameters.until, parameters.patience()).await?;
    Ok(answer(&store::outcome(shared, application, request.operation, written).await?))
}
