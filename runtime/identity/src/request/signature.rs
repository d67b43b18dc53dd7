//! What a signed request says, and whether its key signed it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, Method, Uri, header};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use sfv::{Dictionary, InnerList, ListEntry, Parser};
use thiserror::Error;

use crate::fingerprint::Fingerprint;

/// The most bytes of a nonce. At least 8.
pub const MAX_NONCE: usize = 64;
/// The most bytes of `Signature-Input` and of `Signature`.
const MAX_HEADER: usize = 2 << 10;
/// Covered always.
const ALWAYS: [&str; 4] = ["@method", "@authority", "@path", "@query"];
/// May be covered. Anything else is refused: what is not understood protects nothing.
const FIELDS: [&str; 4] = ["content-digest", "content-type", "content-length", "idempotency-key"];

/// The parameters that are understood (RFC 9421, section 2.3, without `tag`).
const PARAMETERS: [&str; 5] = ["alg", "created", "expires", "keyid", "nonce"];

/// Why a request's signature is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The headers do not decode, are too long, or there are several signatures.
    #[error("Signature-Input and Signature are not one signature after RFC 9421")]
    Malformed,
    /// Something is covered that this node does not know.
    #[error(
        "the signature covers something else than @method, @authority, @path, @query, content-digest, \
         content-type, content-length and idempotency-key, or with parameters"
    )]
    Component,
    /// Not enough is covered.
    #[error("the signature does not cover {0}")]
    NotCovered(&'static str),
    /// What is covered is not there, or more than once.
    #[error("the signature covers a header that is not there exactly once")]
    NotThere,
    /// A parameter is missing or malformed.
    #[error("the signature's parameter {0} is missing or malformed")]
    Parameter(&'static str),
    /// A parameter that this node does not know: what is not understood may limit what the signature is good for.
    #[error("the signature has other parameters than alg, created, expires, keyid and nonce")]
    Unknown,
    /// Another algorithm.
    #[error("the signature's algorithm is not ecdsa-p256-sha256")]
    Algorithm,
}

/// A signed request, as it says of itself. Nothing of it is true before [`Presented::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Who says to have signed it.
    pub signer: Fingerprint,
    /// When: seconds since 1970, UTC.
    pub created: i64,
    /// Until when it may be taken, where the signer says so: seconds since 1970, UTC.
    pub expires: Option<i64>,
    /// What makes it differ from every other one of the same signer.
    pub nonce: String,
    base: String,
    signature: Vec<u8>,
}

impl Presented {
    /// Whether the request has a signature at all.
    #[must_use]
    pub fn is_signed(headers: &HeaderMap) -> bool {
        headers.contains_key("signature-input") || headers.contains_key("signature")
    }

    /// Reads what a request says. `has_body` tells whether a body has to be covered.
    ///
    /// # Errors
    /// [`SignatureError`]
    pub fn of(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        has_body: bool,
    ) -> Result<Self, SignatureError> {
        let inputs = dictionary(headers, "signature-input")?;
        let signatures = dictionary(headers, "signature")?;
        let mut inputs = inputs.into_iter();
        let (Some((label, ListEntry::InnerList(input))), None) = (inputs.next(), inputs.next()) else {
            return Err(SignatureError::Malformed);
        };
        let signature = match (signatures.get(&label), signatures.len()) {
            (Some(ListEntry::Item(item)), 1) => {
                item.bare_item.as_byte_sequence().ok_or(SignatureError::Malformed)?.to_vec()
            }
            _ => return Err(SignatureError::Malformed),
        };
        let covered = covered(&input)?;
        let must = |name: &'static str, needed: bool| match needed && !covered.contains(&name) {
            true => Err(SignatureError::NotCovered(name)),
            false => Ok(()),
        };
        for name in ALWAYS {
            must(name, true)?;
        }
        must("content-digest", has_body)?;
        must("idempotency-key", headers.contains_key("idempotency-key"))?;
        let base = base(method, uri, headers, &covered, &input)?;
        let Parameters { signer, created, expires, nonce } = parameters(&input)?;
        Ok(Presented { signer, created, expires, nonce, base, signature })
    }

    /// Whether this key signed it; `point` is SEC1, uncompressed.
    #[must_use]
    pub fn verify(&self, point: &[u8]) -> bool {
        // r and s, 32 bytes each (RFC 9421, section 3.3.4). Each signed request is verified, most of what a read costs: ring takes
        // a fifth of p256's time.
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(self.base.as_bytes(), &self.signature)
            .is_ok()
    }
}

/// A header that is there once and is a dictionary of structured values (RFC 9651).
fn dictionary(headers: &HeaderMap, name: &str) -> Result<Dictionary, SignatureError> {
    let value = single(headers, name).ok_or(SignatureError::Malformed)?;
    if value.len() > MAX_HEADER {
        return Err(SignatureError::Malformed);
    }
    Parser::new(value.as_bytes()).parse().map_err(|_| SignatureError::Malformed)
}

/// A header's value, where there is exactly one, in visible ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::trim),
        _ => None,
    }
}

/// The names of the covered components, each known, once, and without parameters.
fn covered(input: &InnerList) -> Result<Vec<&str>, SignatureError> {
    let mut names = Vec::with_capacity(input.items.len());
    for item in &input.items {
        let name = item.bare_item.as_string().ok_or(SignatureError::Component)?.as_str();
        let known = ALWAYS.contains(&name) || FIELDS.contains(&name);
        if !known || !item.params.is_empty() || names.contains(&name) {
            return Err(SignatureError::Component);
        }
        names.push(name);
    }
    Ok(names)
}

/// The signature base (RFC 9421, section 2.5).
fn base(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    covered: &[&str],
    input: &InnerList,
) -> Result<String, SignatureError> {
    let mut base = String::new();
    for name in covered {
        let value = component(method, uri, headers, name).ok_or(SignatureError::NotThere)?;
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str("\"@signature-params\": ");
    base.push_str(&written(input).ok_or(SignatureError::Malformed)?);
    Ok(base)
}

/// A component's value (RFC 9421, sections 2.1 and 2.2).
pub(super) fn component(method: &Method, uri: &Uri, headers: &HeaderMap, name: &str) -> Option<String> {
    match name {
        "@method" => Some(method.as_str().to_owned()),
        "@path" => Some(if uri.path().is_empty() { "/".to_owned() } else { uri.path().to_owned() }),
        "@query" => Some(format!("?{}", uri.query().unwrap_or_default())),
        // Of requests that this node sends; their addresses are whole.
        "@target-uri" => uri.scheme().map(|_| uri.to_string()),
        "@authority" => {
            // HTTP/2 has it in the address, HTTP/1.1 in a header.
            let authority = match uri.authority() {
                Some(authority) => authority.as_str(),
                None => single(headers, header::HOST.as_str())?,
            };
            let lower = authority.to_ascii_lowercase();
            // The default port is left out; which of the two is the default does not matter to anybody here.
            let plain = lower.strip_suffix(":443").or_else(|| lower.strip_suffix(":80"));
            Some(plain.map_or_else(|| lower.clone(), str::to_owned))
        }
        _ => single(headers, name).map(str::to_owned),
    }
}

/// The inner list as it was, in the one form that structured values have.
pub(super) fn written(input: &InnerList) -> Option<String> {
    let mut serializer = sfv::ListSerializer::new();
    serializer.members(std::iter::once(&ListEntry::InnerList(input.clone())));
    serializer.finish()
}

struct Parameters {
    signer: Fingerprint,
    created: i64,
    expires: Option<i64>,
    nonce: String,
}

fn parameters(input: &InnerList) -> Result<Parameters, SignatureError> {
    let parameter = |name: &'static str| input.params.get(name).ok_or(SignatureError::Parameter(name));
    let text = |name: &'static str| {
        let text = parameter(name)?.as_string().ok_or(SignatureError::Parameter(name))?;
        Ok::<_, SignatureError>(text.as_str())
    };
    if input.params.contains_key("alg") && text("alg")? != "ecdsa-p256-sha256" {
        return Err(SignatureError::Algorithm);
    }
    let understood = |name: &str| PARAMETERS.contains(&name);
    if !input.params.keys().all(|name| understood(name.as_str())) {
        return Err(SignatureError::Unknown);
    }
    let created = parameter("created")?.as_integer().ok_or(SignatureError::Parameter("created"))?;
    let expires = match input.params.get("expires") {
        None => None,
        Some(at) => Some(at.as_integer().ok_or(SignatureError::Parameter("expires"))?.into()),
    };
    let signer = text("keyid")?.parse().map_err(|_| SignatureError::Parameter("keyid"))?;
    let nonce = text("nonce")?;
    if !(8..=MAX_NONCE).contains(&nonce.len()) {
        return Err(SignatureError::Parameter("nonce"));
    }
    Ok(Parameters { signer, created: created.into(), expires, nonce: nonce.to_owned() })
}

/// The header `Signature` with one signature.
pub(super) fn signature_header(label: &str, signature: &[u8]) -> String {
    format!("{label}=:{}:", BASE64_STANDARD.encode(signature))
}
