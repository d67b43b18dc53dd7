//! Keys that the node holds in trust: accounts and certificates.

use adapter_spec::types::{PublicKey, SignatureScheme};
use axum::{Extension, extract::State, http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    calls::CALLS,
    extract::{Json, Parameters},
    openapi::{Operation, Routes},
    participants::{Member, answer},
};
use crate::{
    application::{KeyMode, Role},
    calls::{self, HexBytes},
    gateway::Gateway,
    problem::Problem,
};

/// Below an application, for its members.
pub(super) fn routes() -> Routes {
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

/// A key, and what it is called on the ledger.
#[derive(Serialize, JsonSchema)]
pub(super) struct AccountShown {
    pub(super) key: PublicKey,
    /// One key may have many.
    pub(super) accounts: Vec<String>,
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
pub(super) struct RequestShown {
    /// PKCS#10, PEM.
    pub(super) request_pem: String,
}

/// The certificate that an authority of the ledger gave a key in trust.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CertificateRequest {
    /// The key's scheme; the adapter's first where it is left out.
    #[serde(default)]
    pub(super) scheme: Option<SignatureScheme>,
    /// X.509, DER, hexadecimal.
    pub(super) certificate: HexBytes,
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
pub(super) fn trusted(member: &Member) -> Result<(), Problem> {
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
