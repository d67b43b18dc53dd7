//! A collector of OTLP over HTTP, in memory. It decodes with OpenTelemetry's own messages.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;
use tokio::{net::TcpListener, sync::Notify};

/// How it treats what is sent.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    Takes,
    Refuses,
    Hangs,
}

#[derive(Default)]
struct Got {
    bodies: Vec<Bytes>,
    authorizations: Vec<String>,
}

pub struct Collector {
    pub address: String,
    got: Arc<Mutex<Got>>,
    asked: Arc<Notify>,
}

/// A span, with what tests look at.
#[derive(Debug)]
pub struct Seen {
    pub trace: String,
    pub id: String,
    /// Empty where there is none.
    pub parent: String,
    pub name: String,
    pub kind: i32,
    pub attributes: Vec<(String, String)>,
}

/// The value of an attribute, as text.
pub fn attribute(span: &Seen, name: &str) -> Option<String> {
    span.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

impl Collector {
    pub async fn begin(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (got, asked) = (Arc::<Mutex<Got>>::default(), Arc::new(Notify::new()));
        let (keep, notify) = (got.clone(), asked.clone());
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (keep, notify) = (keep.clone(), notify.clone());
                let service =
                    service_fn(move |request| answer(manner, request, keep.clone(), notify.clone()));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service),
                );
            }
        });
        Collector { address, got, asked }
    }

    /// Waits until something was sent.
    pub async fn was_asked(&self) {
        self.asked.notified().await;
    }

    /// All spans that came.
    pub fn spans(&self) -> Vec<Seen> {
        let spans = self.requests().into_iter().flat_map(|request| request.resource_spans);
        let spans = spans.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans);
        spans.map(seen).collect()
    }

    /// The attributes of what sends them, of the first request.
    pub fn resource(&self) -> Vec<(String, String)> {
        let request = self.requests().remove(0);
        request.resource_spans[0].resource.clone().unwrap().attributes.into_iter().map(pair).collect()
    }

    /// The different headers of this name.
    pub fn authorizations(&self) -> Vec<String> {
        let mut all = self.got.lock().unwrap().authorizations.clone();
        all.dedup();
        all
    }

    /// Whether these bytes came in any request.
    pub fn contains(&self, text: &str) -> bool {
        let got = self.got.lock().unwrap();
        got.bodies.iter().any(|body| body.windows(text.len()).any(|bytes| bytes == text.as_bytes()))
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let got = self.got.lock().unwrap();
        let decode = |body: &Bytes| ExportTraceServiceRequest::decode(body.clone()).unwrap();
        got.bodies.iter().map(decode).collect()
    }
}

async fn answer(
    manner: Manner,
    request: Request<Incoming>,
    got: Arc<Mutex<Got>>,
    asked: Arc<Notify>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
    let authorization =
        request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body = request.into_body().collect().await?.to_bytes();
    {
        let mut got = got.lock().unwrap();
        got.bodies.push(body);
        got.authorizations.extend(authorization);
    }
    asked.notify_one();
    if manner == Manner::Hangs {
        std::future::pending::<()>().await;
    }
    let status = if manner == Manner::Refuses { 403 } else { 200 };
    Ok(Response::builder().status(status).body(Full::default()).unwrap())
}

fn seen(span: Span) -> Seen {
    Seen {
        trace: hex::encode(span.trace_id),
        id: hex::encode(span.span_id),
        parent: hex::encode(span.parent_span_id),
        name: span.name,
        kind: span.kind,
        attributes: span.attributes.into_iter().map(pair).collect(),
    }
}

fn pair(attribute: KeyValue) -> (String, String) {
    let value = match attribute.value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    (attribute.key, value)
}
