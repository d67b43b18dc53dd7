//! The sender's side.

use http::{HeaderMap, HeaderValue, Method, Uri};
use p256::{
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    pkcs8::DecodePrivateKey as _,
};
use sfv::{BareItem, InnerList, Item, Key, Parameters};
use thiserror::Error;

use super::{content_digest, signature};
use crate::{authority::Authority, fingerprint::Fingerprint};

/// The label of the one signature.
const LABEL: &str = "berth";

/// Why a request was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignerError {
    /// No P-256 key in PKCS#8 PEM.
    #[error("the key is not a P-256 private key in PKCS#8 PEM (\"BEGIN PRIVATE KEY\")")]
    Key,
    /// No certificate in PEM.
    #[error("the certificate is not PEM")]
    Certificate,
    /// The request has no host, or a header that cannot be covered.
    #[error("the request cannot be signed: it has no host, or a header twice")]
    Request,
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    Random,
    /// The key made no signature.
    #[error("the key made no signature")]
    Signature,
}

/// What a signature says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Seconds since 1970.
    pub created: i64,
    /// What the key is known by.
    pub keyid: &'a str,
    /// What makes it differ from every other one, where something else does not.
    pub nonce: Option<&'a str>,
}

/// Adds `Signature-Input` and `Signature` to a request: an `ecdsa-p256-sha256` signature over the components of these names,
/// made by `sign`, which gets the signature base and gives r and s, 32 bytes each. A body is covered by its `content-digest`,
/// which must be there already.
///
/// # Errors
/// [`SignerError`]
pub fn sign_message(
    method: &Method,
    uri: &Uri,
    headers: &mut HeaderMap,
    names: &[&str],
    said: Said<'_>,
    sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> Result<(), SignerError> {
    let input = input(names, said).ok_or(SignerError::Request)?;
    let written = signature::written(&input).ok_or(SignerError::Request)?;
    let mut base = String::new();
    for name in names {
        let value = signature::component(method, uri, headers, name).ok_or(SignerError::Request)?;
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {written}"));
    let signature = sign(base.as_bytes()).ok_or(SignerError::Signature)?;
    let header = |text: String| HeaderValue::from_str(&text).map_err(|_| SignerError::Request);
    headers.insert("signature-input", header(format!("{LABEL}={written}"))?);
    headers.insert("signature", header(signature::signature_header(LABEL, &signature))?);
    Ok(())
}

fn input(names: &[&str], said: Said<'_>) -> Option<InnerList> {
    let text = |text: &str| sfv::String::from_string(text.to_owned()).ok().map(BareItem::String);
    let items = names.iter().map(|name| text(name).map(Item::new)).collect::<Option<Vec<_>>>()?;
    let mut parameters = Parameters::new();
    let key = |name: &str| Key::from_string(name.to_owned()).ok();
    parameters.insert(key("created")?, BareItem::Integer(said.created.try_into().ok()?));
    parameters.insert(key("keyid")?, text(said.keyid)?);
    parameters.insert(key("alg")?, text("ecdsa-p256-sha256")?);
    if let Some(nonce) = said.nonce {
        parameters.insert(key("nonce")?, text(nonce)?);
    }
    Some(InnerList::with_params(items, parameters))
}

/// Signs requests with a participant's key.
pub struct Signer {
    key: SigningKey,
    fingerprint: Fingerprint,
}

impl Signer {
    /// A participant's certificate, and the key that belongs to it.
    ///
    /// # Errors
    /// When one of them does not decode.
    pub fn new(certificate_pem: &str, key_pem: &str) -> Result<Self, SignerError> {
        let der = Authority::der_of(certificate_pem).ok_or(SignerError::Certificate)?;
        let key = SigningKey::from_pkcs8_pem(key_pem).map_err(|_| SignerError::Key)?;
        Ok(Signer { key, fingerprint: Fingerprint::of(&der) })
    }

    /// What the certificate is known by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Adds `Content-Digest`, `Signature-Input` and `Signature` to a request with this body, signed at `created` (seconds
    /// since 1970) with a random nonce. `Host` must be there, unless the address has it.
    ///
    /// # Errors
    /// [`SignerError`]
    pub fn sign(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &mut HeaderMap,
        body: &[u8],
        created: i64,
    ) -> Result<(), SignerError> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| SignerError::Random)?;
        let mut names = vec!["@method", "@authority", "@path", "@query"];
        let header = |text: String| HeaderValue::from_str(&text).map_err(|_| SignerError::Request);
        if !body.is_empty() {
            headers.insert("content-digest", header(content_digest(body))?);
            names.push("content-digest");
        }
        if headers.contains_key("idempotency-key") {
            names.push("idempotency-key");
        }
        let (nonce, keyid) = (hex::encode(nonce), self.fingerprint.to_string());
        let said = Said { created, keyid: &keyid, nonce: Some(&nonce) };
        sign_message(method, uri, headers, &names, said, |base| {
            let signature: Signature = self.key.sign(base);
            Some(signature.to_bytes().to_vec())
        })
    }
}
