//! Spans on their way to the collector: bounded, counted, and never waited for.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::runtime::Handle;

/// Spans that wait to be sent; further ones are dropped.
pub(super) const QUEUE: usize = 4096;
/// For the collector to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Connections without a request are closed after this.
const IDLE: Duration = Duration::from_secs(60);
/// Bytes of the collector's answer, of which nothing is needed.
const MAX_ANSWER: usize = 64 << 10;

/// What became of spans.
#[derive(Clone, Default)]
pub(super) struct Counts {
    waiting: Arc<AtomicUsize>,
    /// Taken by the collector.
    pub(super) sent: Arc<AtomicU64>,
    /// Not sent: too many waited, or the collector did not take them.
    pub(super) dropped: Arc<AtomicU64>,
}

/// Lets spans through as long as not too many wait: the processor behind it drops in silence.
pub(super) struct Counted {
    pub(super) counts: Counts,
    pub(super) processor: BatchSpanProcessor,
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counted")
    }
}

impl SpanProcessor for Counted {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        if self.counts.waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}

/// Counts what the collector takes, and says in the log when it stops and when it begins again.
pub(super) struct Counting<E> {
    pub(super) counts: Counts,
    pub(super) exporter: E,
    pub(super) is_away: AtomicBool,
}

impl<E> fmt::Debug for Counting<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The exporter holds the operator's headers.
        f.write_str("Counting")
    }
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        self.counts.waiting.fetch_sub(spans, Ordering::Relaxed);
        let counted = if result.is_ok() { &self.counts.sent } else { &self.counts.dropped };
        counted.fetch_add(spans as u64, Ordering::Relaxed);
        if self.is_away.swap(result.is_err(), Ordering::Relaxed) != result.is_err() {
            match &result {
                Ok(()) => tracing::warn!("the collector takes spans again"),
                // The error's own words may be the collector's.
                Err(_) => tracing::warn!("the collector does not take spans; they are dropped"),
            }
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// Sends to the collector. The exporter's thread has no runtime of its own, so requests run on the node's.
pub(super) struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    headers: Vec<(HeaderName, HeaderValue)>,
    runtime: Handle,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Collector {
    /// A client with these headers, which trusts these authorities in PEM, or the public ones; otherwise what is wrong with them.
    pub(super) fn new(
        headers: Vec<(HeaderName, HeaderValue)>,
        authority_pem: Option<&str>,
        runtime: Handle,
    ) -> Result<Self, String> {
        let tls = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots(authority_pem)?)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(PATIENCE));
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_all_versions();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(connector.wrap_connector(tcp));
        Ok(Collector { client, headers, runtime })
    }
}

fn roots(authority_pem: Option<&str>) -> Result<RootCertStore, String> {
    let Some(pem) = authority_pem else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| "it is not PEM".to_owned())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() { Err("it has no certificate in PEM".into()) } else { Ok(roots) }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = request.map(Full::new);
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let answer = self.client.request(request);
        let whole = async {
            let (head, body) = answer.await?.into_parts();
            let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        let sent = self.runtime.spawn(async { tokio::time::timeout(PATIENCE, whole).await });
        sent.await??
    }
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::HeaderMap, routing::post};
    use berth_gateway::http;
    use berth_identity::Authority;
    use jiff::Timestamp;
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[tokio::test]
    async fn a_collector_is_spoken_to_over_tls_where_the_operators_authority_knows_it() {
        let authority = Authority::create("collectors", Timestamp::now()).unwrap();
        let server = authority.issue_server(&["localhost".to_owned()], 1, Timestamp::now()).unwrap();
        let tls = http::tls(&server.chain_pem, &server.key_pem, authority.certificate_pem()).unwrap();
        // Says what it was shown.
        let shown = |headers: HeaderMap| async move {
            headers.get("authorization").map(|value| value.as_bytes().to_vec()).unwrap_or_default()
        };
        let router = Router::new().route("/v1/traces", post(shown));
        let stop = CancellationToken::new();
        let address = "127.0.0.1:0".parse().unwrap();
        let listening = http::listen(address, Some(tls), router, stop.clone()).await.unwrap();
        let url = format!("https://localhost:{}/v1/traces", listening.address.rsplit(':').next().unwrap());
        let send = async |authority_pem: Option<&str>| {
            let header = (HeaderName::from_static("authorization"), HeaderValue::from_static("Bearer 1"));
            let collector = Collector::new(vec![header], authority_pem, Handle::current()).unwrap();
            collector.send_bytes(Request::post(&url).body(Bytes::new()).unwrap()).await
        };
        let answer = send(Some(authority.certificate_pem())).await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.body()[..]), (200, &b"Bearer 1"[..]));
        assert!(send(None).await.is_err(), "no public authority knows it");
        let other = Authority::create("others", Timestamp::now()).unwrap();
        assert!(send(Some(other.certificate_pem())).await.is_err());
        stop.cancel();
    }

    #[tokio::test]
    async fn authorities_that_are_none_are_not_taken() {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "no certificate", broken] {
            assert!(Collector::new(Vec::new(), Some(pem), Handle::current()).is_err(), "{pem:?}");
        }
    }
}
