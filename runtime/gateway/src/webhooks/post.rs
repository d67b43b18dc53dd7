//! One request to a receiver: signed, bounded, sent once.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use berth_crypto::SigningKey;
use berth_identity::{
    Fingerprint,
    request::{Said, content_digest, sign_message},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use thiserror::Error;

use super::target::{self, Resolver};

/// From the connection's beginning to the answer's headers,
const PATIENCE: Duration = Duration::from_secs(10);
/// and for its body, which changes nothing any more.
const LAST_WORDS: Duration = Duration::from_secs(1);
const NOT_REACHED: &str = "no answer: the receiver is not reached, its certificate is of no authority that this node trusts, or it broke off";
/// Connections without a request are closed after this.
const IDLE: Duration = Duration::from_secs(60);
/// Bytes of an answer's body that are read, so that the connection can be used again. Nothing looks at them.
const MAX_ANSWER: usize = 1 << 10;
/// What the signature covers, beside its own parameters `created`, `keyid` and `alg`.
const COVERED: [&str; 5] = ["@method", "@target-uri", "content-digest", "content-type", "webhook-id"];

/// Which receivers webhooks may go to: those that a public certificate authority knows.
#[derive(Clone, Debug)]
pub struct Receivers {
    local: bool,
    roots: RootCertStore,
}

/// Why authorities of receivers are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReceiversError {
    /// Nothing in it is a certificate.
    #[error("no certificate in PEM is in it")]
    Nothing,
    /// One of them does not decode.
    #[error("the certificate at place {0}, counted from 1, does not decode")]
    Malformed(usize),
}

impl Receivers {
    /// `local`: the node's own machine may be reached too, also as `http://`.
    #[must_use]
    pub fn new(local: bool) -> Self {
        Receivers { local, roots: RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() } }
    }

    /// Also those that these authorities know: certificates in PEM.
    ///
    /// # Errors
    /// When there is none, or one does not decode.
    pub fn trusting(mut self, authorities_pem: &str) -> Result<Self, ReceiversError> {
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(authorities_pem.as_bytes()) {
            found += 1;
            let added = certificate.ok().and_then(|certificate| self.roots.add(certificate).ok());
            added.ok_or(ReceiversError::Malformed(found))?;
        }
        if found == 0 { Err(ReceiversError::Nothing) } else { Ok(self) }
    }
}

/// What one request carries.
pub(crate) struct Parcel {
    /// The receiver's address, checked.
    pub(crate) url: String,
    /// The same each time that the same events are sent.
    pub(crate) id: String,
    /// JSON.
    pub(crate) body: Bytes,
}

/// Sends to receivers. Follows no redirects, knows no proxies and no cookies.
pub(crate) struct Poster {
    client: Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    local: bool,
}

impl Poster {
    /// The address in its normal form, where requests may go to it; otherwise what is wrong with it.
    pub(super) fn check(&self, url: &str) -> Result<String, String> {
        target::check(url, self.local)
    }

    pub(crate) fn new(Receivers { local, roots }: Receivers) -> Result<Self, rustls::Error> {
        let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(local));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(PATIENCE));
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(connector.enable_all_versions().wrap_connector(tcp));
        Ok(Poster { client, local })
    }

    /// Sends once. Otherwise why the receiver has not taken it, without its address, which may hold a secret.
    pub(crate) async fn post(&self, key: &SigningKey, parcel: Parcel, created: i64) -> Result<(), String> {
        // Once more: the operator may have changed their mind since the webhook was made.
        self.check(&parcel.url).map_err(|why| format!("its address is not allowed: {why}"))?;
        let request = request(key, parcel, created)?;
        let answer = tokio::time::timeout(PATIENCE, self.client.request(request)).await;
        let answer = answer.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?;
        // Which of a machine's ports are open is not for whoever makes a webhook to hear.
        let (head, body) = answer.map_err(|_| NOT_REACHED.to_owned())?.into_parts();
        let _ = tokio::time::timeout(LAST_WORDS, Limited::new(body, MAX_ANSWER).collect()).await;
        match head.status.is_success() {
            true => Ok(()),
            false => Err(format!("the receiver answered with the status {}", head.status.as_u16())),
        }
    }
}

/// What a key that signs webhooks is known by: SHA-256 of its SEC1 uncompressed point, hexadecimal.
pub(crate) fn key_id(key: &SigningKey) -> String {
    Fingerprint::of(&key.public_key().point).to_string()
}

fn request(key: &SigningKey, parcel: Parcel, created: i64) -> Result<Request<Full<Bytes>>, String> {
    let uri: Uri = parcel.url.parse().map_err(|_| "its address does not decode".to_owned())?;
    let mut headers = HeaderMap::new();
    let text = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("berth-webhook"));
    headers.insert("content-digest", text(&content_digest(&parcel.body))?);
    headers.insert("webhook-id", text(&parcel.id)?);
    let said = Said { created, keyid: &key_id(key), nonce: None };
    sign_message(&Method::POST, &uri, &mut headers, &COVERED, said, |base| {
        let input = adapter_spec::types::SigningInput::Message(base.to_vec());
        key.sign(&input).ok().map(|signature| signature.bytes)
    })
    .map_err(|error| error.to_string())?;
    let mut request = Request::new(Full::new(parcel.body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use adapter_spec::types::SignatureScheme;
    use axum::{Router, body::Body, routing::post};
    use berth_identity::Authority;
    use futures_util::stream;
    use jiff::Timestamp;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn a_receivers_certificate_is_looked_at_and_its_answer_not_read_to_its_end() {
        let authority = Authority::create("receivers", Timestamp::now()).unwrap();
        let server = authority.issue_server(&["localhost".to_owned()], 1, Timestamp::now()).unwrap();
        let tls = crate::http::tls(&server.chain_pem, &server.key_pem, authority.certificate_pem()).unwrap();
        let endless = || async {
            Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 512]))))
        };
        let silent = || async { Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()) };
        let router = Router::new().route("/endless", post(endless)).route("/silent", post(silent));
        let stop = CancellationToken::new();
        let address = "127.0.0.1:0".parse().unwrap();
        let listening = crate::http::listen(address, Some(tls), router, stop.clone()).await.unwrap();
        let port = listening.address.rsplit(':').next().unwrap();

        let key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
        let parcel = |path: &str| Parcel {
            url: format!("https://localhost:{port}{path}"),
            id: "1".into(),
            body: Bytes::from_static(b"{}"),
        };
        let receivers = Receivers::new(true).trusting(authority.certificate_pem()).unwrap();
        let knows = Poster::new(receivers).unwrap();
        for path in ["/endless", "/silent"] {
            assert_eq!(knows.post(&key, parcel(path), 1).await, Ok(()), "{path}");
        }
        let nothing = knows.post(&key, parcel("/nothing"), 1).await;
        assert_eq!(nothing, Err("the receiver answered with the status 404".into()));
        let public = Poster::new(Receivers::new(true)).unwrap();
        assert_eq!(public.post(&key, parcel("/endless"), 1).await, Err(NOT_REACHED.into()));
        let kept_away =
            Poster::new(Receivers::new(false)).unwrap().post(&key, parcel("/endless"), 1).await.unwrap_err();
        assert!(kept_away.starts_with("its address is not allowed"), "{kept_away}");
        stop.cancel();
    }

    #[test]
    fn authorities_that_are_none_are_told_by_their_place() {
        let authority = Authority::create("receivers", Timestamp::now()).unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let trusting = |pem: &str| Receivers::new(false).trusting(pem).map(drop);
        assert_eq!(trusting("no certificate"), Err(ReceiversError::Nothing));
        let second = format!("{}{broken}", authority.certificate_pem());
        assert_eq!(trusting(&second), Err(ReceiversError::Malformed(2)));
    }
}
