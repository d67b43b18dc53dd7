//! Calls of an application: reads, writes, both key modes, blocks, the preset store, events.

use std::time::Duration;

use adapter_spec::types::{
    Block, BlockSelector, Call, Confidence, Estimate, Event, Goal, LedgerStatus, Output, PlannedCall,
    PublicKey, SignatureScheme,
};
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response, sse},
};
use futures_util::StreamExt as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    extract::{Json, Parameters},
    openapi::{Operation, Routes},
    participants::{Member, answer},
};
use crate::{
    application::{KeyMode, Role},
    calls::{self, DeployRequest, FunctionRequest, HexBytes, NativeRequest, OptionsRequest, Until, Written},
    events::{self, EventParameters, Told},
    gateway::Gateway,
    problem::Problem,
    store::{self, StoreRequest, Stored},
    upload::{self, KeyRequest, Next, ResumeRequest},
};

/// The area of reads, writes and what is known of them.
const CALLS: &str = "Calls";
/// The area of participants who hold their own keys.
const OWN_KEYS: &str = "Own keys";
/// The area of the ledger itself.
const LEDGER: &str = "Ledger";
/// The area of what contracts announce.
pub(super) const EVENTS: &str = "Events";

/// Below an application, for its members.
pub(super) fn routes() -> Routes {
    reads().merge(trusted_keys()).merge(writes()).merge(own_keys()).merge(events_told())
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

fn trusted_keys() -> Routes {
    Routes::default()
        .route(
            Operation::get(
                "/account",
                CALLS,
                "account",
                "The key that the node holds in trust for you, and its accounts",
            )
            .text("Where accounts come from certificates, there are none before the key has one.")
            .query::<AccountParameters>()
            .answer::<AccountShown>("The key, and what it is called on the ledger")
            .of_one_key_mode()
            .asks_adapter(),
            account,
        )
        .route(
            Operation::get(
                "/account/certificate-request",
                CALLS,
                "certificateRequest",
                "A request for a certificate of that key, for an authority of the ledger",
            )
            .text("Of keys on P-256 alone.")
            .answer::<RequestShown>("PKCS#10, signed with the key")
            .of_one_key_mode()
            .asks_adapter(),
            certificate_request,
        )
        .route(
            Operation::put(
                "/account/certificate",
                CALLS,
                "putCertificate",
                "Say which certificate that key has got from an authority of the ledger",
            )
            .body::<CertificateRequest>()
            .answer::<AccountShown>("The key, and what it is called on the ledger now")
            .of_one_key_mode()
            .asks_adapter(),
            put_certificate,
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

fn own_keys() -> Routes {
    Routes::default()
        .route(
            Operation::put("/keys", OWN_KEYS, "putKey", "Say which key is yours, and that you have it")
                .text("Only where participants hold their own keys, as all of this area.")
                .body::<KeyRequest>()
                .answer::<AccountShown>("The key, and what it is called on the ledger")
                .of_one_key_mode()
                .asks_adapter(),
            put_key,
        )
        .route(
            Operation::post("/begin", OWN_KEYS, "begin", "Begin a call, and get what is to be signed")
                .text("`evaluate` reads, everything else writes and needs an idempotency key.")
                .may_write()
                .body::<BeginRequest>()
                .example("insert", json!({"invoke": insert_example()}))
                .answer::<Next>("How it goes on")
                .of_one_key_mode()
                .asks_adapter(),
            begin,
        )
        .route(
            Operation::post("/resume", OWN_KEYS, "resume", "Go on with the signatures")
                .text("A continuation is taken once.")
                .body::<ResumeRequest>()
                .answer::<Next>("How it goes on")
                .of_one_key_mode()
                .asks_adapter(),
            resume,
        )
        .route(
            Operation::post("/abandon", OWN_KEYS, "abandon", "Give a call up that is not signed")
                .body::<ResumeRequest>()
                .done("It is given up")
                .of_one_key_mode()
                .asks_adapter(),
            abandon,
        )
}

fn events_told() -> Routes {
    Routes::default()
        .route(
            Operation::get("/events", EVENTS, "events", "Events as they come, as a stream of server-sent events")
                .text(
                    "`event` has an event, and the last one of a page has an id, which is the position after it; `scanned` says up to which \
                     block everything was looked at; `problem` ends the stream.",
                )
                .query::<EventParameters>()
                .stream("Events, until one side ends it")
                .event::<Event>("event")
                .event::<Scanned>("scanned")
                .event::<Problem>("problem")
                .asks_adapter(),
            events,
        )
        .route(
            Operation::delete("/events/{subscription}", EVENTS, "unsubscribe", "Forget the position of a subscription")
                .done("It is forgotten")
                .problems(&[400]),
            unsubscribe,
        )
}

pub(super) fn insert_example() -> Value {
    json!({"contract": "preset", "function": "insert(text,bytes)", "arguments": [{"text": "k"}, {"bytes": "0x76"}]})
}

/// A key, and what it is called on the ledger.
#[derive(Serialize, JsonSchema)]
pub(super) struct AccountShown {
    pub(super) key: PublicKey,
    /// One key may have many.
    pub(super) accounts: Vec<String>,
}

/// The calls that lead to a goal.
#[derive(Serialize, JsonSchema)]
struct Planned {
    /// In order.
    calls: Vec<PlannedCall>,
}

/// Nothing matched up to a block.
#[derive(Serialize, JsonSchema)]
struct Scanned {
    /// Its height.
    block: u64,
}

async fn status(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let opened = member.application.open(&gateway.shared.ground).await?;
    Ok(answer(&opened.ledger.status().await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountParameters {
    /// The key's scheme; the adapter's first where it is left out.
    #[serde(default)]
    pub(super) scheme: Option<SignatureScheme>,
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
    Ok(answer(&AccountShown { key, accounts }))
}

/// A request for a certificate.
#[derive(Serialize, JsonSchema)]
struct RequestShown {
    /// PKCS#10, PEM.
    request_pem: String,
}

/// The certificate that an authority of the ledger gave the caller's key in trust.
#[derive(Deserialize, JsonSchema)]
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
    Ok(answer(&AccountShown { key, accounts }))
}

async fn certificate_request(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    trusted(&member)?;
    let pem = calls::certificate_request(&gateway.shared, &member.application, &member.name).await?;
    Ok(answer(&RequestShown { request_pem: pem }))
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
fn check_sent_key(member: &Member, headers: &HeaderMap) -> Result<(), Problem> {
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
    Ok(answer(&AccountShown { key, accounts }))
}

/// A call to be signed by whoever holds the key.
#[derive(Deserialize, JsonSchema)]
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
    check_sent_key(&member, &headers)?;
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
            Told::Scanned(block) => ("scanned", data(&json!(Scanned { block: *block })), None),
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
