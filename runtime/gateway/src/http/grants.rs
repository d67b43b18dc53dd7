//! Grants between applications.

use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    calls::{WaitParameters, idempotency_key, insert_example},
    extract::{Json, Parameters, PathParameters},
    openapi::{Operation, Routes},
    participants::{Member, answer},
    trusted_keys::{AccountParameters, AccountShown, CertificateRequest, RequestShown},
};
use crate::{
    application::{Application, Role},
    calls::{self, FunctionRequest, Written},
    gateway::Gateway,
    grants::{self, AcceptRequest, Grant, GrantCalls, GrantRequest, GrantedAnswer, GrantedRead},
    problem::Problem,
};

/// The area of what one application reads and writes at another.
const GRANTS: &str = "Grants";

/// Below an application, for its members.
pub(super) fn routes() -> Routes {
    Routes::default()
        .route(
            Operation::get("/grants", GRANTS, "grants", "What the application gives and takes")
                .answer::<Grants>("The grants, those that have ended among them"),
            list,
        )
        .route(
            Operation::post("/grants", GRANTS, "propose", "Propose to let another application read and write")
                .text("Only the owner proposes, accepts and revokes.")
                .body::<GrantRequest>()
                .example("key", json!({"to": "warehouse", "keys": ["k"], "expires": "2100-01-01T00:00:00Z"}))
                .example(
                    "write",
                    json!({
                        "to": "warehouse",
                        "writes": [{"contract": "preset", "function": "insert(text,bytes)"}],
                        "expires": "2100-01-01T00:00:00Z",
                    }),
                )
                .answer::<Grant>("The grant, which nobody has accepted")
                .problems(&[400, 429]),
            propose,
        )
        .route(
            Operation::get("/grants/calls", GRANTS, "grantCalls", "The calls under grants, on both sides")
                .text(
                    "Each call is in the chains of both applications before it is made. Whoever keeps the digest of the last record \
                     notices later where the chain was cut or written anew. In pages: `next` is the `from` of the one that follows.",
                )
                .query::<PageParameters>()
                .answer::<GrantCalls>("The calls, and the chain of signed records that says so"),
            made,
        )
        .route(
            Operation::delete("/grants/{grant}", GRANTS, "revoke", "Revoke a grant, on either side")
                .answer::<Grant>("The grant, which does not hold any more"),
            revoke,
        )
        .route(
            Operation::post("/grants/{grant}/accept", GRANTS, "accept", "Accept what was proposed")
                .body::<AcceptRequest>()
                .example("without proofs", json!({}))
                .answer::<Grant>("The grant, which holds")
                .asks_adapter(),
            accept,
        )
        .route(
            Operation::post("/grants/{grant}/read", GRANTS, "readGranted", "Read what is granted")
                .body::<GrantedRead>()
                .example("key", json!({"key": "k"}))
                .answer::<GrantedAnswer>("What was read")
                .asks_adapter(),
            read,
        )
        .merge(writes())
}

fn writes() -> Routes {
    Routes::default()
        .route(
            Operation::get(
                "/grants/{grant}/account",
                GRANTS,
                "grantAccount",
                "The key by which the application acts at the one that gives, and its accounts there",
            )
            .text("Fees of the ledger are paid by these accounts. The node holds the key in trust for the application.")
            .query::<AccountParameters>()
            .answer::<AccountShown>("The key, and what it is called on the ledger")
            .asks_adapter(),
            account,
        )
        .route(
            Operation::get(
                "/grants/{grant}/account/certificate-request",
                GRANTS,
                "grantCertificateRequest",
                "A request for a certificate of that key, for an authority of the ledger",
            )
            .text("Of keys on P-256 alone.")
            .answer::<RequestShown>("PKCS#10, signed with the key")
            .asks_adapter(),
            certificate_request,
        )
        .route(
            Operation::put(
                "/grants/{grant}/account/certificate",
                GRANTS,
                "putGrantCertificate",
                "Say which certificate that key has got from an authority of the ledger",
            )
            .body::<CertificateRequest>()
            .answer::<AccountShown>("The key, and what it is called on the ledger now")
            .asks_adapter(),
            put_certificate,
        )
        .route(
            Operation::post("/grants/{grant}/invoke", GRANTS, "invokeGranted", "Write what is granted")
                .text(
                    "It counts against the quotas of the application that gives. Idempotency keys are each member's own, for each \
                     grant.",
                )
                .writes()
                .query::<WaitParameters>()
                .body::<FunctionRequest>()
                .example("insert", insert_example())
                .answer::<Written>("How far it has come")
                .asks_adapter(),
            invoke,
        )
        .route(
            Operation::get(
                "/grants/{grant}/calls/{key}",
                GRANTS,
                "grantedCall",
                "How far a write under a grant has come",
            )
            .text("Also when the grant has expired or was revoked. Each member sees their own.")
            .query::<WaitParameters>()
            .answer::<Written>("How far it has come")
            .asks_adapter(),
            written,
        )
}

/// Where a page begins.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PageParameters {
    /// The number of its first record.
    #[serde(default)]
    pub(super) from: u64,
}

/// The grants that an application gives or takes.
#[derive(Serialize, JsonSchema)]
struct Grants {
    grants: Vec<Grant>,
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
    Ok(answer(&Grants { grants: grants::all(&gateway.shared, &member.application).await? }))
}

async fn made(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    Parameters(PageParameters { from }): Parameters<PageParameters>,
) -> Result<Response, Problem> {
    grants::must_own(&member.application, &member.name)?;
    Ok(answer(&grants::calls_of(&gateway.shared, &member.application, from).await?))
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
    PathParameters(GrantPath { grant }): PathParameters<GrantPath>,
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
    PathParameters(GrantPath { grant }): PathParameters<GrantPath>,
) -> Result<Response, Problem> {
    grants::must_own(&member.application, &member.name)?;
    Ok(answer(&grants::revoke(&gateway.shared, &member.application, &grant).await?))
}

async fn read(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(GrantPath { grant }): PathParameters<GrantPath>,
    Json(request): Json<GrantedRead>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let from = giver(&gateway, &member, &grant).await?;
    let (shared, to) = (&gateway.shared, &member.application);
    Ok(answer(&grants::read(shared, &from, to, &member.name, &grant, request).await?))
}

/// The application that gives. One that is gone gives nothing.
async fn giver(gateway: &Gateway, member: &Member, grant: &str) -> Result<Arc<Application>, Problem> {
    let id = grants::giver(&gateway.shared, &member.application, grant).await?;
    gateway.by_id(&id).ok_or_else(grants::not_granted)
}

async fn account(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(GrantPath { grant }): PathParameters<GrantPath>,
    Parameters(parameters): Parameters<AccountParameters>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    let from = giver(&gateway, &member, &grant).await?;
    let (shared, to) = (&gateway.shared, &member.application);
    let (key, accounts) = grants::account(shared, &from, to, &grant, parameters.scheme).await?;
    Ok(answer(&AccountShown { key, accounts }))
}

async fn certificate_request(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(GrantPath { grant }): PathParameters<GrantPath>,
) -> Result<Response, Problem> {
    member.must(Role::Administer)?;
    let from = giver(&gateway, &member, &grant).await?;
    let (shared, to) = (&gateway.shared, &member.application);
    let request_pem = grants::certificate_request(shared, &from, to, &grant).await?;
    Ok(answer(&RequestShown { request_pem }))
}

async fn put_certificate(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(GrantPath { grant }): PathParameters<GrantPath>,
    Json(CertificateRequest { scheme, certificate }): Json<CertificateRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Administer)?;
    let from = giver(&gateway, &member, &grant).await?;
    let (shared, to) = (&gateway.shared, &member.application);
    let certificate = certificate.into_bytes();
    let (key, accounts) = grants::certify(shared, &from, to, &grant, scheme, &certificate).await?;
    Ok(answer(&AccountShown { key, accounts }))
}

async fn invoke(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(GrantPath { grant }): PathParameters<GrantPath>,
    headers: HeaderMap,
    Parameters(parameters): Parameters<WaitParameters>,
    Json(request): Json<FunctionRequest>,
) -> Result<Response, Problem> {
    member.must(Role::Write)?;
    let key = idempotency_key(&headers);
    // What is wrong with the request itself goes first.
    member.application.entry_key(&member.name, key)?;
    let from = giver(&gateway, &member, &grant).await?;
    let (shared, to) = (&gateway.shared, &member.application);
    let call = request.into_call();
    let written = grants::invoke(shared, &from, to, &member.name, &grant, key, call).await?;
    waited(&gateway, &from, &member, &grant, written, &parameters).await
}

#[derive(Deserialize)]
struct WritePath {
    grant: String,
    key: String,
}

async fn written(
    State(gateway): State<Gateway>,
    Extension(member): Extension<Member>,
    PathParameters(WritePath { grant, key }): PathParameters<WritePath>,
    Parameters(parameters): Parameters<WaitParameters>,
) -> Result<Response, Problem> {
    member.must(Role::Read)?;
    let from = giver(&gateway, &member, &grant).await?;
    let (shared, to) = (&gateway.shared, &member.application);
    let written = grants::written(shared, &from, to, &member.name, &grant, &key).await?;
    waited(&gateway, &from, &member, &grant, written, &parameters).await
}

async fn waited(
    gateway: &Gateway,
    from: &Application,
    member: &Member,
    grant: &str,
    written: Written,
    parameters: &WaitParameters,
) -> Result<Response, Problem> {
    let entry = grants::entry_key(from, grant, &member.name, &written.key)?;
    let (until, patience) = (parameters.until, parameters.patience());
    Ok(answer(&calls::wait(&gateway.shared, from, &entry, written, until, patience).await?))
}
