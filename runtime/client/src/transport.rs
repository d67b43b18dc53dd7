//! One request, and whether it may be sent again.

use std::{sync::Arc, time::Duration};

use berth_identity::request::Signer;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{ClientError, Problem},
    key::IdempotencyKey,
    retry::BackOff,
};

/// The most bytes of an answer.
const MOST: usize = 64 << 20;
/// For an answer, beyond what the node was asked to wait.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the node is asked to wait, each time.
pub(crate) const NODE_WAITS: Duration = Duration::from_secs(30);

/// What is asked.
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    pub(crate) key: Option<IdempotencyKey>,
    pub(crate) last_event_id: Option<String>,
    body: Bytes,
    /// Whether it may be sent again when nobody knows what became of it.
    repeatable: bool,
}

impl Ask {
    pub(crate) fn get(path: String) -> Self {
        Ask {
            method: Method::GET,
            path,
            key: None,
            last_event_id: None,
            body: Bytes::new(),
            repeatable: true,
        }
    }

    /// What is taken away twice is gone, too.
    pub(crate) fn delete(path: String) -> Self {
        Ask { method: Method::DELETE, ..Ask::get(path) }
    }

    pub(crate) fn new(method: Method, path: String, body: &impl Serialize) -> Result<Self, ClientError> {
        let body = serde_json::to_vec(body).map_err(ClientError::Request)?;
        Ok(Ask { method, body: body.into(), ..Ask::get(path) })
    }

    pub(crate) fn post(path: String, body: &impl Serialize) -> Result<Self, ClientError> {
        Ask::new(Method::POST, path, body)
    }

    pub(crate) fn with_key(self, key: Option<&IdempotencyKey>) -> Self {
        Ask { key: key.cloned(), ..self }
    }

    /// It is taken once: where nobody knows what became of it, its caller has to find out.
    pub(crate) fn once(self) -> Self {
        Ask { repeatable: false, ..self }
    }
}

/// The way to one node.
pub(crate) struct Transport {
    pub(crate) http: Http<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Scheme, host and port.
    pub(crate) address: String,
    pub(crate) host: HeaderValue,
    pub(crate) signer: Option<Arc<Signer>>,
    pub(crate) patience: Duration,
}

/// Why one try came to nothing.
enum Failed {
    /// It may be tried again: why, and whether the node has not even begun with it.
    Later {
        error: ClientError,
        untouched: bool,
    },
    Now(ClientError),
}

impl Transport {
    /// What is answered, as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, ClientError> {
        let (status, body) = self.bytes(&ask).await?;
        serde_json::from_slice(&body).map_err(|source| answer(status, Some(source)))
    }

    /// The same, where there is nothing to be read.
    pub(crate) async fn done(&self, ask: Ask) -> Result<(), ClientError> {
        self.bytes(&ask).await.map(drop)
    }

    async fn bytes(&self, ask: &Ask) -> Result<(StatusCode, Bytes), ClientError> {
        let mut back_off = BackOff::new(self.patience);
        loop {
            let (error, untouched) = match self.whole(ask).await {
                Ok(answered) => return Ok(answered),
                Err(Failed::Now(error)) => return Err(error),
                Err(Failed::Later { error, untouched }) => (error, untouched),
            };
            if !(ask.repeatable || untouched) || !back_off.pause().await {
                return Err(error);
            }
        }
    }

    async fn whole(&self, ask: &Ask) -> Result<(StatusCode, Bytes), Failed> {
        let asked = async {
            let response = self.send(ask).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MOST).collect().await;
            let body = body.map_err(|error| self.later(error, false))?.to_bytes();
            if status.is_success() { Ok((status, body)) } else { Err(refused(status, &body)) }
        };
        match tokio::time::timeout(NODE_WAITS + PATIENCE, asked).await {
            Ok(asked) => asked,
            Err(elapsed) => Err(self.later(elapsed.into(), false)),
        }
    }

    /// An answer that goes on, of which only the beginning has come.
    pub(crate) async fn stream(&self, ask: &Ask) -> Result<Incoming, ClientError> {
        let mut back_off = BackOff::new(self.patience);
        loop {
            let began = async {
                let response = self.send(ask).await?;
                let status = response.status();
                if status.is_success() {
                    return Ok(response.into_body());
                }
                let body = Limited::new(response.into_body(), MOST).collect().await;
                let body = body.map_err(|error| self.later(error, false))?.to_bytes();
                Err(refused(status, &body))
            };
            let error = match tokio::time::timeout(PATIENCE, began).await {
                Ok(Ok(body)) => return Ok(body),
                Ok(Err(Failed::Now(error))) => return Err(error),
                Ok(Err(Failed::Later { error, .. })) => error,
                Err(elapsed) => self.unreachable(elapsed.into()),
            };
            if !back_off.pause().await {
                return Err(error);
            }
        }
    }

    async fn send(&self, ask: &Ask) -> Result<http::Response<Incoming>, Failed> {
        let request = self.request(ask).map_err(Failed::Now)?;
        self.http.request(request).await.map_err(|error| {
            let untouched = error.is_connect();
            self.later(error.into(), untouched)
        })
    }

    fn request(&self, ask: &Ask) -> Result<Request<Full<Bytes>>, ClientError> {
        let uri: Uri = format!("{}{}", self.address, ask.path).parse().map_err(|_| ClientError::Address)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, self.host.clone());
        if !ask.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = &ask.key {
            let key = HeaderValue::from_str(key.as_str()).map_err(|_| ClientError::IdempotencyKey)?;
            headers.insert("idempotency-key", key);
        }
        if let Some(last) = &ask.last_event_id {
            let last = HeaderValue::from_str(last).map_err(|_| answer(StatusCode::OK, None))?;
            headers.insert("last-event-id", last);
        }
        // Each try anew: a signature is taken once.
        if let Some(signer) = &self.signer {
            let now = jiff::Timestamp::now().as_second();
            signer.sign(&ask.method, &uri, &mut headers, &ask.body, now)?;
        }
        let mut request = Request::new(Full::new(ask.body.clone()));
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    pub(crate) fn unreachable(&self, source: Box<dyn std::error::Error + Send + Sync>) -> ClientError {
        ClientError::Unreachable { address: self.address.clone(), source }
    }

    fn later(&self, source: Box<dyn std::error::Error + Send + Sync>, untouched: bool) -> Failed {
        Failed::Later { error: self.unreachable(source), untouched }
    }
}

fn answer(status: StatusCode, source: Option<serde_json::Error>) -> ClientError {
    ClientError::Answer { status: status.as_u16(), source }
}

/// What a status other than success says.
fn refused(status: StatusCode, body: &[u8]) -> Failed {
    let unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => {
            // The node or its ledger is not there now; and a node takes no signature of the second in which it started.
            let untouched = problem.code == "replay";
            let not_now = unavailable || status == StatusCode::TOO_MANY_REQUESTS;
            let later = untouched || (not_now && problem.retryable);
            let error = ClientError::Problem(Box::new(problem));
            if later { Failed::Later { error, untouched } } else { Failed::Now(error) }
        }
        // Of something between here and the node.
        Err(_) if unavailable => Failed::Later { error: answer(status, None), untouched: false },
        Err(_) => Failed::Now(answer(status, None)),
    }
}
