//! Which requests are traced, and what of that which the node does of its own accord.
//!
//! A caller's `traceparent` decides what a trace is called, and never how many there are: its ids are taken over, while the node's own dice
//! and a bounded number a second decide. Only the parent is taken over: `tracestate` and baggage could be of any size, and would be
//! in every span.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{FutureExt as _, TraceContextExt as _},
};
use opentelemetry_sdk::{
    propagation::TraceContextPropagator,
    trace::{IdGenerator as _, RandomIdGenerator},
};
use tracing::{Metadata, Subscriber, subscriber::Interest};
use tracing_subscriber::{
    filter::LevelFilter,
    layer::{Context as Spans, Filter},
    registry::LookupSpan,
};

/// The target of all spans that traces are made of.
const TARGET: &str = "berth::trace";
/// The span that a request's trace begins with.
const REQUEST: &str = "request";
/// Those that begin a trace of what the node does of its own accord: looks at what is under way, deliveries to webhooks.
const OWN: [&str; 2] = ["follow", "deliver"];
/// The header with the parent.
const TRACEPARENT: &str = "traceparent";
/// Its bytes in version 00; later ones may have more.
const LENGTH: usize = 55;
/// Its bytes in any version.
const MAX_LENGTH: usize = 128;

/// In the context of a request that is traced.
struct Traced;

/// Decides what is traced.
pub(super) struct Sampling {
    share: f64,
    asked: Mutex<Bucket>,
}

/// How many more callers may ask for a trace now.
struct Bucket {
    per_second: f64,
    left: f64,
    filled: Instant,
}

impl Bucket {
    fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + since * self.per_second).min(self.per_second);
        self.filled = now;
        let is_left = self.left >= 1.0;
        if is_left {
            self.left -= 1.0;
        }
        is_left
    }
}

impl Sampling {
    pub(super) fn new(share: f64, asked_per_second: u32) -> Self {
        let per_second = f64::from(asked_per_second);
        let asked = Mutex::new(Bucket { per_second, left: per_second, filled: Instant::now() });
        Sampling { share, asked }
    }

    /// The context of a request that is traced; none of another.
    fn of(&self, headers: &HeaderMap, now: Instant) -> Option<Context> {
        let context = parent(headers);
        let asks = || context.span().span_context().is_sampled();
        let may_ask = || self.asked.lock().unwrap_or_else(PoisonError::into_inner).take(now);
        (self.is_in_share() || (asks() && may_ask())).then(|| context.with_value(Traced))
    }

    /// Draws whether something is in the share that is traced. Not by the trace's id, which a caller can choose.
    fn is_in_share(&self) -> bool {
        let [a, b, c, d, ..] = RandomIdGenerator::default().new_span_id().to_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) < self.share * (f64::from(u32::MAX) + 1.0)
    }
}

/// Has a request be traced, or not.
pub(super) async fn sample(State(sampling): State<Arc<Sampling>>, request: Request, next: Next) -> Response {
    match sampling.of(request.headers(), Instant::now()) {
        None => next.run(request).await,
        Some(context) => next.run(request).with_context(context).await,
    }
}

/// The context with the caller's span as parent; an empty one where there is none, or it is malformed.
fn parent(headers: &HeaderMap) -> Context {
    let mut all = headers.get_all(TRACEPARENT).iter();
    let (Some(one), None) = (all.next(), all.next()) else { return Context::new() };
    match one.to_str() {
        Ok(text) if is_traceparent(text) => {
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Parent(text))
        }
        _ => Context::new(),
    }
}

/// The form of the header. The library's own decoder takes shorter ids and signs before them.
fn is_traceparent(text: &str) -> bool {
    let bytes = text.as_bytes();
    let form = bytes.iter().enumerate().take(LENGTH).all(|(at, byte)| match at {
        2 | 35 | 52 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    });
    let length = match bytes.get(LENGTH) {
        None => bytes.len() == LENGTH,
        Some(next) => !text.starts_with("00") && *next == b'-' && bytes.len() <= MAX_LENGTH,
    };
    form && length && !text.starts_with("ff")
}

/// The one header that is looked at.
struct Parent<'a>(&'a str);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// Lets spans through that belong to a trace: of a request that was chosen before, or of the node's own doing, chosen here.
pub(super) struct Chosen(pub(super) Arc<Sampling>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for Chosen {
    fn enabled(&self, metadata: &Metadata<'_>, spans: &Spans<'_, S>) -> bool {
        if !metadata.is_span() || metadata.target() != TARGET {
            return false;
        }
        match metadata.name() {
            REQUEST => Context::map_current(|context| context.get::<Traced>().is_some()),
            own if OWN.contains(&own) => self.0.is_in_share(),
            _ => spans.lookup_current().is_some(),
        }
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.is_span() && metadata.target() == TARGET {
            true => Interest::sometimes(),
            false => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::HeaderValue;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(TRACEPARENT, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn continues(values: &[&str]) -> bool {
        let context = parent(&headers(values));
        let span = context.span().span_context().clone();
        assert!(!span.is_valid() || span.trace_id().to_string() == TRACE, "{values:?}");
        span.is_valid()
    }

    #[test]
    fn a_parent_is_taken_over_where_it_is_well_formed() {
        assert!(continues(&[SAMPLED]));
        assert!(continues(&[&SAMPLED.replace("-01", "-00")]));
        assert!(continues(&[&SAMPLED.replacen("00-", "01-", 1)]), "a later version of the same form");
        assert!(continues(&[&format!("{}-more", SAMPLED.replacen("00-", "cc-", 1))]));
    }

    #[test]
    fn a_malformed_parent_is_as_good_as_none() {
        let zeros = |of: &str| SAMPLED.replace(of, &"0".repeat(of.len()));
        let too_long = format!("{}-{}", SAMPLED.replacen("00-", "01-", 1), "a".repeat(100));
        for malformed in [
            "",
            "00",
            "00-1-2-01",
            "---",
            &SAMPLED[..54],
            &format!("{SAMPLED}-"),
            &format!("{SAMPLED}-more"),
            &format!("{SAMPLED}0"),
            &SAMPLED.replacen("00-", "01-", 1).replace("-01", "-01x"),
            &SAMPLED.replacen("00-", "ff-", 1),
            &SAMPLED.replacen("00-", "+0-", 1),
            &SAMPLED.replace("0af7", "+af7"),
            &SAMPLED.replace("0af7", "0AF7"),
            &SAMPLED.replace("0af7", "0gf7"),
            &SAMPLED.replace("-b7", "-+7"),
            &SAMPLED.replace("-01", "-+1"),
            &SAMPLED.replace('-', "_"),
            &zeros(TRACE),
            &zeros("b7ad6b7169203331"),
            &too_long,
            &format!("00-{}", "é".repeat(26)),
            &"0".repeat(60_000),
        ] {
            assert!(!continues(&[malformed]), "{malformed:.80}");
        }
        assert!(!continues(&[SAMPLED, SAMPLED]), "there is one parent");
    }

    #[test]
    fn the_share_decides_and_a_callers_choice_of_ids_does_not() {
        let now = Instant::now();
        let traced = |sampling: &Sampling, headers: &HeaderMap| {
            (0..1000).filter(|_| sampling.of(headers, now).is_some()).count()
        };
        let not_sampled = headers(&[&SAMPLED.replace("-01", "-00")]);
        let none = HeaderMap::new();
        for headers in [&none, &not_sampled] {
            assert_eq!(traced(&Sampling::new(0.0, 10), headers), 0);
            assert_eq!(traced(&Sampling::new(1.0, 10), headers), 1000);
            let some = traced(&Sampling::new(0.5, 10), headers);
            assert!((300..700).contains(&some), "{some}");
        }
    }

    #[test]
    fn callers_who_ask_get_so_many_traces_a_second_and_no_more() {
        let sampling = Sampling::new(0.0, 10);
        let (asking, now) = (headers(&[SAMPLED]), Instant::now());
        let traced = |now| (0..1000).filter(|_| sampling.of(&asking, now).is_some()).count();
        assert_eq!(traced(now), 10);
        assert_eq!(traced(now + Duration::from_millis(500)), 5);
        assert_eq!(traced(now + Duration::from_secs(3600)), 10, "an hour of silence is not saved up");
        let nobody = Sampling::new(0.0, 0);
        assert!(nobody.of(&asking, now + Duration::from_secs(3600)).is_none());
    }

    #[test]
    fn a_trace_takes_over_the_callers_ids_and_nothing_else() {
        let mut sent = headers(&[SAMPLED]);
        sent.insert("tracestate", HeaderValue::from_static("vendor=hunter2"));
        sent.insert("baggage", HeaderValue::from_static("key=hunter2"));
        let context = Sampling::new(1.0, 0).of(&sent, Instant::now()).unwrap();
        let span = context.span().span_context().clone();
        assert_eq!((span.trace_id().to_string().as_str(), span.is_remote()), (TRACE, true));
        assert_eq!(span.trace_state().header(), "");
        assert!(!format!("{context:?}").contains("hunter2"));
    }
}
