//! Who sent a request.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use berth_identity::{
    Fingerprint,
    request::{Presented, check_digest},
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;

use super::{server::PeerCertificate, trace};
use crate::{
    gateway::Gateway,
    participants::{Caller, nobody},
    problem::Problem,
};

/// Lets in who is enrolled: adds the [`Caller`], and the whole body, bounded and, where it was signed, checked.
pub(super) async fn authenticate(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = match who(&gateway, &parts) {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    let body = match whole(body, gateway.shared.max_body).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    if Presented::is_signed(&parts.headers) && !body.is_empty() {
        let digest = parts.headers.get("content-digest").map(|header| header.as_bytes());
        if let Err(error) = check_digest(digest.unwrap_or_default(), &body) {
            return refuse("digest", error.to_string()).into_response();
        }
    }
    trace::caller(&caller.name);
    parts.extensions.insert(caller);
    next.run(Request::from_parts(parts, Body::from(body))).await
}

fn refuse(code: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, code, "The request's signature is not taken", detail)
}

fn who(gateway: &Gateway, parts: &Parts) -> Result<Caller, Problem> {
    let now = Timestamp::now();
    if Presented::is_signed(&parts.headers) {
        return signer(gateway, parts, now);
    }
    let certificate = parts.extensions.get::<PeerCertificate>().ok_or_else(Problem::unauthenticated)?;
    // The chain was verified as TLS was agreed on; whether it is still good is looked up for each request.
    let known = gateway.shared.participants.known(&certificate.0, now);
    let known = known.ok_or_else(Problem::unauthenticated)?;
    Ok(Caller { name: known.name })
}

fn signer(gateway: &Gateway, parts: &Parts, now: Timestamp) -> Result<Caller, Problem> {
    let length = parts.headers.get(header::CONTENT_LENGTH).map(|length| length.as_bytes() != b"0");
    let has_body = length.unwrap_or(parts.headers.contains_key(header::TRANSFER_ENCODING))
        || parts.headers.contains_key("content-digest");
    let presented = Presented::of(&parts.method, &parts.uri, &parts.headers, has_body)
        .map_err(|error| refuse("signature", error.to_string()))?;
    let known = gateway.shared.participants.known(&presented.signer, now);
    // As much work for a signer that nobody knows as for one whose signature is wrong, and the same answer.
    let point = known.as_ref().map_or_else(|| Arc::from(nobody()), |known| known.point.clone());
    let verified = presented.verify(&point);
    let known = known.filter(|_| verified).ok_or_else(Problem::unauthenticated)?;
    let taken = gateway.shared.nonces.take(&presented, now.as_second());
    taken.map_err(|refused| refuse("replay", refused.to_string()))?;
    Ok(Caller { name: known.name })
}

/// The whole body, if it is not too long.
async fn whole(body: Body, most: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Too many bytes",
            format!("a request's body has at most {most} bytes"),
        )),
        Err(error) => Err(Problem::invalid(format!("the body broke off: {error}"))),
    }
}

impl From<Fingerprint> for PeerCertificate {
    fn from(fingerprint: Fingerprint) -> Self {
        PeerCertificate(fingerprint)
    }
}
