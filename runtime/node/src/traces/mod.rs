//! Traces of requests and of what the node does of its own accord, exported with OpenTelemetry's protocol.
//!
//! The node's parts make spans with `tracing`, all with one target, and know nothing of OpenTelemetry; here they are chosen (`sampling`) and
//! sent (`export`). Without a configuration there is no layer for them, and a span costs one look at a number.
//!
//! What is in a span: names that the operator gave (application, participant, endpoint, adapter), routes, functions and codes of the
//! standard, sizes, times. Never: addresses, headers, bodies, arguments, keys, idempotency keys, messages of errors.

mod config;
mod export;
mod sampling;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use axum::{Router, middleware};
use berth_gateway::Counter;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_subscriber::{Layer, registry::LookupSpan};

use crate::{
    config::Configuration,
    run::{NodeError, machine},
};
pub use config::TracesConfig;
use export::{Collector, Counted, Counting, Counts, PATIENCE, QUEUE};
use sampling::{Chosen, Sampling, sample};

/// How long a span waits for others to be sent with it.
const DELAY: Duration = Duration::from_secs(1);
/// For the last spans when the node is stopped.
const LAST_SPANS: Duration = Duration::from_secs(5);

/// Traces of one node, and what exports them.
pub struct Traces {
    provider: SdkTracerProvider,
    sampling: Arc<Sampling>,
    counts: Counts,
}

impl Traces {
    /// As the configuration says; none where it says nothing of them. To be called on the runtime that the node runs on.
    ///
    /// # Errors
    /// [`NodeError`]
    pub fn new(configuration: &Configuration) -> Result<Option<Self>, NodeError> {
        let Some(config) = &configuration.config.traces else { return Ok(None) };
        let ready = config.ready(configuration)?;
        let collector = Collector::new(ready.headers, ready.authority.as_deref(), Handle::current());
        let collector = collector.map_err(|what| match &config.authority {
            Some(authority) => configuration.wrong(authority, what),
            None => configuration.wrong(&config.endpoint, what),
        })?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(collector)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(ready.address)
            .with_timeout(PATIENCE)
            .build()
            .map_err(machine("traces cannot be exported"))?;
        let counts = Counts::default();
        let exporter = Counting { counts: counts.clone(), exporter, is_away: AtomicBool::new(false) };
        let batches = BatchConfigBuilder::default()
            // Twice, so that it is never full: what is too much is counted before it.
            .with_max_queue_size(2 * QUEUE)
            .with_max_export_batch_size(512)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = [
            KeyValue::new("service.name", config.service.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ];
        let provider = SdkTracerProvider::builder()
            // What is not to be traced does not come so far.
            .with_sampler(Sampler::AlwaysOn)
            // Of the configuration alone, not of environment variables.
            .with_resource(Resource::builder_empty().with_attributes(resource).build())
            .with_span_processor(Counted { counts: counts.clone(), processor })
            .build();
        let sampling = Arc::new(Sampling::new(*config.share.get_ref(), config.asked_per_second));
        Ok(Some(Traces { provider, sampling, counts }))
    }

    /// What takes the node's spans from `tracing`: a layer for the process's one subscriber.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("berth"))
            // A span's parent is the one around it in `tracing`; entering spans costs nothing then.
            .with_context_activation(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Chosen(self.sampling.clone()))
    }

    /// Decides before everything else which requests are traced.
    pub(crate) fn sampled(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self.sampling.clone(), sample))
    }

    /// What became of spans, for the node's numbers.
    pub(crate) fn counters(&self) -> Vec<Counter> {
        let counter = |name, help, count: &Arc<AtomicU64>| Counter { name, help, count: count.clone() };
        vec![
            counter("berth_spans_sent_total", "Spans of traces that the collector took", &self.counts.sent),
            counter(
                "berth_spans_dropped_total",
                "Spans that were not sent: too many waited, or the collector did not take them",
                &self.counts.dropped,
            ),
        ]
    }

    /// Sends what waits, as long as it does not take too long.
    pub(crate) async fn stop(self) {
        let provider = self.provider;
        // It waits in its thread, and by itself no longer than this.
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_SPANS)).await;
    }
}
