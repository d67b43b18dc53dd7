//! What webhooks are delivered to: hands each request to the test, which answers it.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{Response, StatusCode, request::Parts},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use berth_gateway::http::{Listening, listen};
use http_body_util::BodyExt as _;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};
use tokio_util::sync::CancellationToken;

pub struct Receiver {
    pub url: String,
    requests: UnboundedReceiver<Received>,
    stop: CancellationToken,
    _listening: Listening,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub struct Received {
    pub parts: Parts,
    pub body: Bytes,
    answer: oneshot::Sender<Response<Body>>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Receiver {
    pub async fn new() -> Self {
        let (sender, requests) = unbounded_channel();
        let stop = CancellationToken::new();
        let router = Router::new().fallback(take).with_state(sender);
        let listening = listen("127.0.0.1:0".parse().unwrap(), None, router, stop.clone()).await.unwrap();
        Receiver { url: format!("http://{}", listening.address), requests, stop, _listening: listening }
    }

    /// The next request.
    pub async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), self.requests.recv());
        next.await.expect("nothing came").unwrap()
    }

    /// Whether nothing has come that was not looked at.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

async fn take(State(sender): State<UnboundedSender<Received>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let (answer, answered) = oneshot::channel();
    let _ = sender.send(Received { parts, body, answer });
    answered.await.unwrap_or_else(|_| {
        let unanswered = StatusCode::SERVICE_UNAVAILABLE;
        Response::builder().status(unanswered).body(Body::empty()).unwrap()
    })
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.parts.headers[name].to_str().unwrap()
    }

    pub fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn events(&self) -> Vec<Value> {
        self.json()["events"].as_array().unwrap().clone()
    }

    pub fn answer(self, status: u16) {
        let status = StatusCode::from_u16(status).unwrap();
        self.answer_with(Response::builder().status(status).body(Body::empty()).unwrap());
    }

    pub fn answer_with(self, answer: Response<Body>) {
        // Whoever was stopped waits for no answer.
        let _ = self.answer.send(answer);
    }

    /// Whether this key signed it, after the text of RFC 9421 and with another library than the node's.
    pub fn is_signed_by(&self, point: &[u8], url: &str) -> bool {
        let input = self.header("signature-input").strip_prefix("berth=").unwrap();
        let covered = r#"("@method" "@target-uri" "content-digest" "content-type" "webhook-id");created="#;
        assert!(input.starts_with(covered), "{input}");
        let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(&self.body)));
        assert_eq!(self.header("content-digest"), digest);
        let base = format!(
            "\"@method\": POST\n\"@target-uri\": {url}\n\"content-digest\": {digest}\n\
             \"content-type\": application/json\n\"webhook-id\": {}\n\"@signature-params\": {input}",
            self.id()
        );
        let signature = self.header("signature").strip_prefix("berth=:").unwrap().strip_suffix(':').unwrap();
        let signature = BASE64_STANDARD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(base.as_bytes(), &signature).is_ok()
    }
}
