//! Traces of the real program, as a collector gets them: what they connect, what is in none of them, and whom they delay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod collector;
mod notebook_service;
mod support;

use std::{fs, process::Stdio, time::Duration};

use berth_identity::request::Signer;
use collector::{Collector, Manner, Seen, attribute};
use http_body_util::BodyExt as _;
use notebook_service::NotebookService;
use serde_json::{Value, json};
use support::{
    Berth,
    running::{Life, city, client, enrol, let_everything_in, node, send_with},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";
const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// For twenty writes: far more than they need, far less than a collector's time for each would be.
const PROMPT: Duration = Duration::from_secs(60);

/// A node with an application that keeps notes, and its owner.
struct Notes {
    berth: Berth,
    life: Life,
    alice: Signer,
}

impl Notes {
    /// With these lines in the section `[traces]`; `None` where the component was not built.
    fn begin(traces: &str, service: &NotebookService) -> Option<Self> {
        Self::begin_logging("warn", traces, service)
    }

    /// The same with this in `RUST_LOG`.
    fn begin_logging(log_level: &str, traces: &str, service: &NotebookService) -> Option<Self> {
        let component = support::component("notebook")?;
        let traces = format!("\n[traces]\n{traces}\n\n[[adapters]]\nfile = {component:?}\n");
        let berth = city(&traces);
        let_everything_in(&berth);
        let log = fs::File::create(berth.folder.path().join("log")).unwrap();
        let life = Life::begin_with(&berth, |command| {
            command
                .stderr(Stdio::from(log))
                .env("RUST_LOG", log_level)
                .env("COLLECTOR_TOKEN", "collectors-secret");
        });
        let alice = enrol(&berth, "alice");
        let folder = berth.folder.path();
        fs::write(folder.join("token"), "Bearer endpoints-secret").unwrap();
        let lend = format!(
            "[[endpoints]]\nneed = \"service\"\nname = \"town-hall\"\nurl = \"{}/urls-secret\"\n\
             headers = {{ authorization = {{ file = \"token\" }} }}\n",
            service.address
        );
        fs::write(folder.join("lend.toml"), lend).unwrap();
        let create = ["app", "create", "notes", "--adapter", "notebook", "--owner", "alice"];
        let created = node(&berth, &[&create[..], &["--lend", "lend.toml"]].concat());
        assert_eq!(created.code, 0, "{}", created.stderr);
        Some(Notes { berth, life, alice })
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let path = format!("/v1/applications/notes/{path}");
        let client = client();
        let sent = send_with(&client, &self.life.address, &self.alice, "POST", &path, headers, Some(body));
        sent.await.expect("the node answers")
    }

    /// The numbers for Prometheus.
    async fn numbers(&self) -> String {
        let answer = client().get(format!("{}metrics", self.life.page).parse().unwrap()).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Writes a note, once.
    async fn write(&self, key: &str, traceparent: Option<&str>) {
        self.write_until(key, "sent", traceparent).await;
    }

    /// Writes twenty notes, which nothing delays.
    async fn write_twenty(&self) {
        let written = async {
            for number in 0..20 {
                self.write(&number.to_string(), None).await;
            }
        };
        tokio::time::timeout(PROMPT, written).await.expect("nothing waits for traces");
    }

    /// Writes a note, and waits until it is so far; it is settled then.
    async fn write_until(&self, key: &str, until: &str, traceparent: Option<&str>) {
        let mut headers = vec![("idempotency-key", key)];
        headers.extend(traceparent.map(|parent| ("traceparent", parent)));
        headers.push(("tracestate", "vendor=states-secret"));
        headers.push(("baggage", "user=baggages-secret"));
        let body =
            json!({"contract": "notebook", "function": "add", "arguments": [{"text": "arguments-secret"}]});
        let (status, body) = self.send(&format!("invoke?until={until}"), &headers, &body).await;
        assert_eq!((status, body["state"].as_str()), (200, Some("settled")), "{body}");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.berth.folder.path().join("log")).unwrap()
    }

    /// Stops it, in time.
    async fn stop(&mut self) {
        let began = std::time::Instant::now();
        tokio::task::block_in_place(|| assert!(self.life.stop(), "a stop is no failure"));
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}

fn to(collector: &Collector, more: &str) -> String {
    format!(
        "endpoint = \"{}\"\nheaders = {{ authorization = {{ env = \"COLLECTOR_TOKEN\" }} }}\n{more}",
        collector.address
    )
}

/// The one span with this name.
fn named<'a>(spans: &'a [Seen], name: &str) -> &'a Seen {
    let mut found = spans.iter().filter(|span| span.name == name);
    let one = found.next().unwrap_or_else(|| panic!("no {name} in {:#?}", names(spans)));
    assert!(found.next().is_none(), "{name} is there twice: {:#?}", names(spans));
    one
}

fn names(spans: &[Seen]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_write_is_one_trace_from_its_caller_to_the_ledgers_node_and_no_secret_is_in_it() {
    let (collector, service) = (Collector::begin(Manner::Takes).await, NotebookService::begin().await);
    let Some(mut notes) = Notes::begin(&to(&collector, "share = 0.0"), &service) else { return };
    notes.write("keys-secret", Some(SAMPLED)).await;
    notes.stop().await;

    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.trace == TRACE), "{:#?}", names(&spans));
    let request = named(&spans, "POST /v1/applications/{application}/invoke");
    assert_eq!((request.parent.as_str(), request.kind), (PARENT, 2), "a server's, under the caller's");
    for (name, value) in [
        ("http.route", "/v1/applications/{application}/invoke"),
        ("http.request.method", "POST"),
        ("http.response.status_code", "200"),
        ("berth.application", "notes"),
        ("berth.participant", "alice"),
    ] {
        assert_eq!(attribute(request, name).as_deref(), Some(value), "{name}");
    }
    for step in ["journal.begin", "journal.sign", "journal.bind", "journal.send", "journal.look"] {
        assert_eq!(named(&spans, step).parent, request.id, "{step}");
    }
    assert_eq!(named(&spans, "journal.settle").parent, named(&spans, "journal.look").id);

    let component = fs::read(support::component("notebook").unwrap()).unwrap();
    for (call, step) in [
        ("begin", "journal.sign"),
        ("resume", "journal.sign"),
        ("send", "journal.send"),
        ("receipt", "journal.look"),
    ] {
        let call = named(&spans, &format!("notebook core.ledger.{call}"));
        assert_eq!(call.parent, named(&spans, step).id, "{call:?}");
        let digest = berth_admission::Digest::of(&component).to_string();
        let told = attribute(call, "berth.adapter_digest").unwrap();
        assert!(digest.ends_with(&told) && told.len() == 64, "{told}");
        assert_eq!(attribute(call, "berth.adapter").as_deref(), Some("notebook"));
        assert!(attribute(call, "berth.compute_micros").is_some(), "{call:?}");
        assert!(
            attribute(call, "berth.instance").is_some_and(|of| of == "warm" || of == "fresh"),
            "{call:?}"
        );
    }
    for (method, status, call) in [("POST", "201", "send"), ("GET", "200", "receipt")] {
        let request = named(&spans, method);
        assert_eq!(request.parent, named(&spans, &format!("notebook core.ledger.{call}")).id);
        assert_eq!(request.kind, 3, "a client's");
        assert_eq!(attribute(request, "berth.endpoint").as_deref(), Some("town-hall"));
        assert_eq!(attribute(request, "berth.response_code").as_deref(), Some(status));
        assert!(attribute(request, "berth.response_bytes").is_some(), "{request:?}");
    }
    assert!(service.headers().iter().all(|headers| !headers.contains_key("traceparent")), "it is others'");
    assert_eq!(collector.authorizations(), ["collectors-secret"], "the collector itself is told who sends");
    let resource = collector.resource();
    assert!(resource.contains(&("service.name".into(), "berth".into())), "{resource:?}");

    let log = notes.log();
    for secret in ["keys", "arguments", "endpoints", "urls", "collectors", "states", "baggages"] {
        let secret = format!("{secret}-secret");
        assert!(!collector.contains(&secret), "{secret} is exported");
        assert!(!log.contains(&secret), "{secret} is logged: {log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_node_does_of_its_own_accord_is_traced_apart_from_the_request_that_it_goes_on_with() {
    let (collector, service) = (Collector::begin(Manner::Takes).await, NotebookService::begin().await);
    let Some(mut notes) = Notes::begin(&to(&collector, "share = 1"), &service) else { return };
    service.overlook();
    notes.write_until("keys-secret", "settled", Some(SAMPLED)).await;
    notes.stop().await;

    let spans = collector.spans();
    let request = named(&spans, "POST /v1/applications/{application}/invoke");
    assert_eq!(request.trace, TRACE);
    // It may look again before the ledger's node has the note.
    let follows: Vec<_> = spans.iter().filter(|span| span.name == "follow").collect();
    let last = follows.last().expect("the request did not hear the end of it");
    assert_eq!(attribute(last, "berth.application").as_deref(), Some("notes"));
    assert!(follows.iter().all(|follow| follow.parent.is_empty() && follow.trace != TRACE), "{follows:?}");
    let settles = named(&spans, "journal.settle");
    assert!(follows.iter().any(|follow| follow.trace == settles.trace), "{:#?}", names(&spans));
    assert!(!collector.contains("keys-secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_traced_with_its_code_and_nothing_that_its_caller_wrote() {
    let (collector, service) = (Collector::begin(Manner::Takes).await, NotebookService::begin().await);
    let Some(mut notes) = Notes::begin(&to(&collector, "share = 1"), &service) else { return };
    let private = json!({
        "contract": "contracts-secret", "function": "functions-secret", "arguments": [{"text": "arguments-secret"}],
        "private_arguments": [["names-secret", "0x70726976617465732d736563726574"]],
    });
    let (status, _) = notes.send("evaluate?query=querys-secret", &[], &private).await;
    assert_eq!(status, 404);
    let (status, _) =
        notes.send("paths-secret", &[("traceparent", "00-malformed-parents-secret")], &private).await;
    assert_eq!(status, 404);
    let stranger = client()
        .get(format!("http://{}/v1/applications/notes/status", notes.life.address).parse().unwrap())
        .await
        .unwrap();
    assert_eq!(stranger.status(), 401);
    notes.stop().await;

    let spans = collector.spans();
    let evaluate = named(&spans, "POST /v1/applications/{application}/evaluate");
    assert_eq!(attribute(evaluate, "error.type").as_deref(), Some("not-found"));
    let begin = named(&spans, "notebook core.ledger.begin");
    assert_eq!((&begin.parent, &begin.trace), (&evaluate.id, &evaluate.trace));
    assert_eq!(attribute(begin, "error.type").as_deref(), Some("not-found"));
    let nothing = named(&spans, "POST nothing");
    assert_eq!(attribute(nothing, "error.type").as_deref(), Some("no-resource"));
    let unknown = named(&spans, "GET /v1/applications/{application}/status");
    assert_eq!(attribute(unknown, "error.type").as_deref(), Some("unauthenticated"));
    assert!(
        attribute(unknown, "berth.participant").is_none()
            && attribute(unknown, "berth.application").is_none()
    );
    for first in [evaluate, nothing, unknown] {
        assert_eq!(first.parent, "", "a malformed parent, or none, begins a trace of its own");
    }
    for of in ["contracts", "functions", "arguments", "names", "privates", "querys", "paths", "parents"] {
        assert!(!collector.contains(&format!("{of}-secret")), "{of}-secret is exported");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_shows_no_spans_of_traces_and_what_it_shows_decides_nothing_about_them() {
    for (level, has_lines) in [("off", false), ("trace", true)] {
        let (collector, service) = (Collector::begin(Manner::Takes).await, NotebookService::begin().await);
        let traces = to(&collector, "share = 1");
        let Some(mut notes) = Notes::begin_logging(level, &traces, &service) else { return };
        notes.write("first", None).await;
        notes.stop().await;
        named(&collector.spans(), "journal.send");
        let log = notes.log();
        // The library that speaks HTTP writes lines in the middle of a request to the ledger's node.
        assert_eq!(log.contains("hyper"), has_lines, "{log}");
        for of_spans in ["journal.send", "adapter.call", "endpoint.request", "berth.endpoint"] {
            assert!(!log.contains(of_spans), "{of_spans}: {log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_cannot_have_more_traced_than_the_operator_wants() {
    let (collector, service) = (Collector::begin(Manner::Takes).await, NotebookService::begin().await);
    let none = to(&collector, "share = 0\nasked_per_second = 0");
    let Some(mut notes) = Notes::begin(&none, &service) else { return };
    for number in 0..5 {
        notes.write(&number.to_string(), Some(SAMPLED)).await;
    }
    notes.stop().await;
    assert_eq!(names(&collector.spans()), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_never_answers_delays_no_request_and_no_stop() {
    let (collector, service) = (Collector::begin(Manner::Hangs).await, NotebookService::begin().await);
    let Some(mut notes) = Notes::begin(&to(&collector, "share = 1"), &service) else { return };
    notes.write("first", None).await;
    collector.was_asked().await;
    notes.write_twenty().await;
    notes.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_that_a_collector_does_not_take_are_counted_and_delay_nothing() {
    let (collector, service) = (Collector::begin(Manner::Refuses).await, NotebookService::begin().await);
    let Some(mut notes) = Notes::begin(&to(&collector, "share = 1"), &service) else { return };
    notes.write("first", None).await;
    collector.was_asked().await;
    // Counted once the node has heard the answer.
    let dropped = async {
        loop {
            let numbers = notes.numbers().await;
            let line = numbers.lines().find(|line| line.starts_with("berth_spans_dropped_total ")).unwrap();
            if !line.ends_with(" 0") {
                return numbers;
            }
            tokio::task::yield_now().await;
        }
    };
    let numbers = tokio::time::timeout(Duration::from_secs(20), dropped).await.unwrap();
    assert!(numbers.contains("\nberth_spans_sent_total 0\n"), "{numbers}");
    notes.write("second", None).await;
    notes.stop().await;
    assert!(notes.log().contains("does not take spans"), "{}", notes.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_delays_no_request_and_no_stop() {
    let service = NotebookService::begin().await;
    let nobody = "endpoint = \"http://127.0.0.1:1\"\nshare = 1";
    let Some(mut notes) = Notes::begin(nobody, &service) else { return };
    notes.write_twenty().await;
    notes.stop().await;
}
