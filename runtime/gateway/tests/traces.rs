//! Spans of what the gateway does of its own accord.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use berth_model::MAIN_SPACE;
use serde_json::json;
use support::{World, insert, receiver::Receiver};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

/// A span as it was made, with what was noted in it since.
#[derive(Clone, Debug)]
struct Seen {
    name: &'static str,
    /// Its parent's name.
    within: Option<&'static str>,
    fields: BTreeMap<&'static str, String>,
}

#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<(Id, Seen)>>>);

impl Spans {
    fn named(&self, name: &str) -> Vec<Seen> {
        let seen = self.0.lock().unwrap();
        seen.iter().filter(|(_, seen)| seen.name == name).map(|(_, seen)| seen.clone()).collect()
    }
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().target() != "berth::trace" {
            return;
        }
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        let within = context.span(id).unwrap().parent().map(|parent| parent.name());
        let seen = Seen { name: attributes.metadata().name(), within, fields };
        self.0.lock().unwrap().push((id.clone(), seen));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut seen = self.0.lock().unwrap();
        if let Some((_, seen)) = seen.iter_mut().rfind(|(of, _)| of == id) {
            values.record(&mut Fields(&mut seen.fields));
        }
    }
}

/// Everything of a test runs on its own thread, which is heard here.
fn heard() -> (Spans, tracing::subscriber::DefaultGuard) {
    let spans = Spans::default();
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(spans.clone()));
    (spans, guard)
}

#[tokio::test]
async fn a_look_at_what_is_under_way_begins_a_trace_also_where_the_request_that_it_is_of_runs() {
    let (spans, _guard) = heard();
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let invoke = "/v1/applications/shop/invoke";
    let written = world.post(&alice, invoke, Some("w"), insert("k", "v")).await;
    assert_eq!(written.body["state"], "under-way", "{written:?}");
    world.ledger.mine(MAIN_SPACE, 5);
    let call = "/v1/applications/shop/calls/w?until=settled";
    let settled = world.get(&alice, call).await;
    assert_eq!(settled.body["state"], "settled", "{settled:?}");

    let follows = spans.named("follow");
    assert!(!follows.is_empty());
    for follow in follows {
        assert_eq!(follow.within, None);
        assert_eq!(follow.fields, BTreeMap::from([("berth.application", "\"shop\"".to_owned())]));
    }
    let looks = spans.named("journal.look");
    assert!(looks.iter().any(|look| look.within == Some("follow")), "{looks:?}");
}

#[tokio::test]
async fn a_delivery_is_a_trace_that_says_how_much_and_whether_it_went_and_never_whereto() {
    let (spans, _guard) = heard();
    let world = World::new().await;
    let alice = world.enrol("alice").await;
    world.application("shop", &alice).await;
    let mut receiver = Receiver::new().await;
    let url = format!("{}/addresses-secret", receiver.url);
    let made = world.post(&alice, "/v1/applications/shop/webhooks", None, json!({"url": url})).await;
    assert_eq!(made.status, 201, "{made:?}");
    world.post(&alice, "/v1/applications/shop/invoke", Some("w"), insert("k", "v")).await;
    world.ledger.mine(MAIN_SPACE, 5);
    let first = receiver.next().await;
    let bytes = first.body.len().to_string();
    first.answer(500);
    // The second comes when the first has been heard.
    let again = receiver.next().await;

    let delivered = spans.named("deliver");
    assert_eq!(delivered.len(), 2, "{delivered:?}");
    for (delivery, status) in delivered.iter().zip([Some("\"ERROR\""), None]) {
        assert_eq!(delivery.within, None);
        assert_eq!(delivery.fields["berth.application"], "\"shop\"");
        assert_eq!(delivery.fields["berth.request_bytes"], bytes);
        assert_eq!(delivery.fields.get("otel.status_code").map(String::as_str), status);
        assert!(!format!("{delivery:?}").contains("addresses-secret"), "{delivery:?}");
    }
    again.answer(200);
}
