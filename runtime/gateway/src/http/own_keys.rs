//! Keys that participants hold themselves: calls whose signatures they give.

use adapter_spec::types::Call;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::{
    calls::{check_sent_key, idempotency_key, insert_example},
    extract::Json,
    openapi::{Operation, Routes},
    participants::{Member, answer},
    trusted_keys::AccountShown,
};
use crate::{
    application::{KeyMode, Role},
    calls::{DeployRequest, FunctionRequest, NativeRequest},
    gateway::Gateway,
    problem::Problem,
    upload::{self, KeyRequest, Next, ResumeRequest},
};

/// The area of participants who hold their own keys.
const OWN_KEYS: &str = "Own keys";

/// Below an application, for its members.
pub(super) fn routes() -> Routes {
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
    let (key, accounts) =
        upload::put_key(&gateway.shared, &member.application, &member.name, request).await?;
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
    let next =
        upload::begin(&gateway.shared, &member.application, &member.name, (role, key), call, options).await?;
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
