//! Everything that a participant sends and the gateway decodes: bodies, paths, queries, idempotency keys, positions of events,
//! continuations, signatures, PEM. Whatever it is, it is answered, held to the OpenAPI document, and never taken for a fault of
//! the node. Seeded; `PROPTEST_CASES` says how many.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

mod support;

use std::{
    fmt::Debug,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use adapter_spec::types::SignatureScheme;
use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, header},
};
use berth_crypto::SigningKey;
use berth_gateway::{
    KeyMode,
    http::{self, PeerCertificate},
};
use http_body_util::BodyExt as _;
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::Index,
    test_runner::{RngSeed, TestRunner},
};
use serde_json::{Value, json};
use support::{Answer, Participant, World, insert, order, request, upload};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// Problems with a status from 500 that are no fault of the node: of an adapter that does not offer what was asked for.
const NO_FAULT: [&str; 1] = ["unsupported"];

static NEXT: AtomicU64 = AtomicU64::new(0);

struct Ground {
    runtime: Runtime,
    world: World,
    alice: Participant,
}

impl Ground {
    /// `trust`, where the node holds keys, and `own`, where participants do.
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (world, alice) = runtime.block_on(async {
            let world = World::new().await;
            let alice = world.enrol("alice").await;
            for (name, key_mode) in [("trust", KeyMode::Trust), ("own", KeyMode::Upload)] {
                let mut order = order(name, &world.url, "alice");
                order.key_mode = key_mode;
                order.quotas.transactions_per_second = 0;
                order.quotas.open_transactions = 0;
                if key_mode == KeyMode::Trust {
                    world.application_of(order, &alice).await;
                } else {
                    world.gateway.create(order).await.unwrap();
                }
            }
            let key = SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
            world.ledger.fund_key(&key.public_key(), 1 << 60);
            let put = upload(&world, &alice, "own", &key).await;
            assert_eq!(put.status, 200, "{put:?}");
            (world, alice)
        });
        Ground { runtime, world, alice }
    }

    /// A request of Alice's, as on a connection where she has shown her certificate.
    fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Request<Body> {
        let mut request = request(None, method, "/", &[], None);
        *request.uri_mut() = path.parse().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let key = format!("k{}", NEXT.fetch_add(1, Ordering::Relaxed));
        headers.insert("idempotency-key", HeaderValue::from_str(&key).unwrap());
        *request.body_mut() = Body::from(body);
        request.extensions_mut().insert(PeerCertificate(self.alice.signer.fingerprint()));
        request
    }

    /// What is answered, which must not be a fault of the node.
    fn ask(&self, request: Request<Body>) -> Answer {
        let told = format!("{} {}", request.method(), request.uri());
        let answer = self.runtime.block_on(self.world.raw(request));
        let code = answer.body["code"].as_str().unwrap_or_default();
        assert!(answer.status.as_u16() < 500 || NO_FAULT.contains(&code), "{told}: {answer:?}");
        answer
    }
}

fn run<T: Debug>(cases: u32, strategy: impl Strategy<Value = T>, test: impl Fn(T)) {
    let config = ProptestConfig {
        rng_seed: RngSeed::Fixed(11),
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    };
    TestRunner::new(config)
        .run(&strategy, |input| {
            test(input);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        vec(any::<char>(), 0..12).prop_map(|text| text.into_iter().collect()),
        "(0x)?[0-9a-f]{0,40}",
        "[ -~]{0,20}",
        "[0-9]{1,40}",
        Just("x".repeat(5_000)),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// What is done to a body that is right.
#[derive(Clone, Debug)]
enum Harm {
    /// Another body altogether.
    Json(Value),
    /// Bytes that need not be JSON.
    Bytes(Vec<u8>),
    /// A value somewhere in it becomes another.
    Value(Index, Value),
    /// A value somewhere in it is doubled, inside a list of its own.
    Nested(Index),
    /// A field that nobody knows.
    Field(String, Value),
    /// A byte becomes another.
    Byte(Index, u8),
    /// It ends too early.
    Cut(Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        any_json().prop_map(Harm::Json),
        vec(any::<u8>(), 0..200).prop_map(Harm::Bytes),
        (any::<Index>(), any_json()).prop_map(|(place, value)| Harm::Value(place, value)),
        any::<Index>().prop_map(Harm::Nested),
        (text(), any_json()).prop_map(|(name, value)| Harm::Field(name, value)),
        (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Harm::Byte(place, byte)),
        any::<Index>().prop_map(Harm::Cut),
    ]
}

/// The places of all values in a value.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    let name = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(number, value)| places(value, &format!("{at}/{number}"), all));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| places(value, &format!("{at}/{}", name(key)), all));
        }
        _ => {}
    }
}

fn harmed(good: &Value, harm: Harm) -> Vec<u8> {
    let mut value = good.clone();
    let mut all = Vec::new();
    places(good, "", &mut all);
    let mut bytes = good.to_string().into_bytes();
    match harm {
        Harm::Json(other) => return other.to_string().into_bytes(),
        Harm::Bytes(other) => return other,
        Harm::Value(place, other) => *value.pointer_mut(&all[place.index(all.len())]).unwrap() = other,
        Harm::Nested(place) => {
            let place = value.pointer_mut(&all[place.index(all.len())]).unwrap();
            *place = json!([place.clone(), place.clone()]);
        }
        Harm::Field(name, other) => {
            if let Value::Object(fields) = &mut value {
                fields.insert(name, other);
            }
        }
        Harm::Byte(place, byte) => {
            let place = place.index(bytes.len());
            bytes[place] = byte;
            return bytes;
        }
        Harm::Cut(place) => {
            bytes.truncate(place.index(bytes.len()));
            return bytes;
        }
    }
    value.to_string().into_bytes()
}

/// Right bodies, or nearly, with the method and the path that each is for.
fn bodies() -> Vec<(Method, String, Value)> {
    let mut all = Vec::new();
    let document = http::openapi_document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(content) = operation["requestBody"]["content"].as_object() else { continue };
            let examples = content["application/json"]["examples"].as_object();
            let mut good: Vec<_> =
                examples.into_iter().flatten().map(|(_, example)| example["value"].clone()).collect();
            let key = json!({"scheme": "ecdsa-p256-sha256", "point": format!("0x04{}", "11".repeat(64)),
                "certificate": "0x3003020100", "signature": format!("0x{}", "22".repeat(64))});
            let one_more = match operation["operationId"].as_str().unwrap() {
                // To an address that is refused in any case: nothing is to be sent from here.
                "createWebhook" => {
                    good.clear();
                    json!({"url": "https://169.254.0.1/", "filter": {"contract": "c"}, "confidence": "safe",
                        "start": {"cursor": "0x00"}})
                }
                "resume" | "abandon" => {
                    json!({"continuation": "00ff", "signatures": [{"bytes": "0x1122", "recovery_id": 1}]})
                }
                "putKey" => key,
                "putCertificate" => json!({"certificate": "0x3003020100"}),
                "begin" => json!({"native": {"name": "n", "arguments": {"a": [1, null]}, "amount": "1"}}),
                "setRoles" => json!({"roles": ["read", "administer"]}),
                _ => json!({}),
            };
            good.push(one_more);
            let method: Method = method.to_uppercase().parse().unwrap();
            for application in ["trust", "own"] {
                let path = path.replace("{application}", application);
                let path = path.replace("{participant}", "bob").replace("{grant}", &"0".repeat(32));
                all.extend(good.iter().map(|good| (method.clone(), path.clone(), good.clone())));
            }
        }
    }
    assert!(all.len() > 40, "{all:?}");
    all
}

#[test]
fn whatever_a_body_is_it_is_answered() {
    let (ground, bodies) = (Ground::new(), bodies());
    run(3_000, (any::<Index>(), harm()), |(which, harm)| {
        let (method, path, good) = &bodies[which.index(bodies.len())];
        let answer = ground.ask(ground.request(method.clone(), path, harmed(good, harm)));
        // No harm was done where it is taken; whatever was refused has a code for programs.
        assert!(answer.status.is_success() || answer.body["code"].is_string(), "{answer:?}");
    });
}

#[test]
fn a_body_that_is_nested_without_end_is_refused() {
    let ground = Ground::new();
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        let deep = |before: &str, after: &str| format!("{before}{}{after}", open.repeat(50_000)).into_bytes();
        for body in [deep("", ""), deep(r#"{"contract":"c","function":"f","arguments":"#, "}")] {
            let answer = ground.ask(ground.request(Method::POST, "/v1/applications/trust/evaluate", body));
            assert_eq!(answer.status, 400, "{answer:?}");
        }
    }
}

/// Bytes as they stand in an address, some of them as they are.
fn escaped(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'~' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    bytes.iter().map(escape).collect()
}

fn word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 1..20),
        text().prop_map(String::into_bytes).prop_filter("not empty", |bytes| !bytes.is_empty()),
        proptest::sample::select(vec!["trust", "own", "alice", "latest", "0x00", "deploy", "key"])
            .prop_map(|word| word.as_bytes().to_vec()),
    ]
}

#[test]
fn whatever_stands_in_a_path_or_a_query_it_is_answered() {
    let ground = Ground::new();
    let document = http::openapi_document();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            // A stream without end; the test of positions reads it.
            if operation["operationId"] != "events" {
                operations.push((method.to_uppercase().parse::<Method>().unwrap(), path.clone()));
            }
        }
    }
    let names = vec!["until", "wait_millis", "scheme", "from", "x", "%FF", "%", ""];
    let query = vec((proptest::sample::select(names), word()), 0..3);
    let input = (any::<Index>(), any::<bool>(), vec(word(), 3), query);
    run(1_500, input, |(which, ours, words, query)| {
        let (method, path) = &operations[which.index(operations.len())];
        // Half of them in an application of hers, so that they come through to what stands behind it.
        let path = if ours { path.replace("{application}", "trust") } else { path.clone() };
        let mut words = words.iter().map(|word| escaped(word));
        let parts = path.split('/').map(|part| match part.starts_with('{') {
            true => words.next().unwrap(),
            false => part.to_owned(),
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let address = format!("{path}?{}", query.join("&"));
        // Alice stays in her own application.
        if address.contains("/members/alice") && *method == Method::DELETE {
            return;
        }
        ground.ask(ground.request(method.clone(), &address, b"{}".to_vec()));
    });
}

#[test]
fn whatever_an_idempotency_key_is_the_write_is_taken_or_refused() {
    let ground = Ground::new();
    let path = "/v1/applications/trust/invoke";
    run(300, prop_oneof![vec(any::<u8>(), 0..200), "[!-~]{1,140}".prop_map(String::into_bytes)], |key| {
        let Ok(value) = HeaderValue::from_bytes(&key) else { return };
        let mut request = ground.request(Method::POST, path, insert("k", "v").to_string().into_bytes());
        request.headers_mut().insert("idempotency-key", value);
        let answer = ground.ask(request);
        let fits = (1..=128).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        match answer.body["code"].as_str() {
            Some("idempotency-key") => assert!(!fits, "{answer:?}"),
            code => assert!(fits, "{key:?} {code:?}"),
        }
    });
}

#[test]
fn whatever_a_position_of_events_is_the_stream_begins_or_says_why_not() {
    let ground = Ground::new();
    let path = "/v1/applications/trust/events?confidence=latest&from=0";
    let first = |request: Request<Body>| {
        ground.runtime.block_on(async {
            let answer = ground.world.router.clone().oneshot(request).await.unwrap();
            let status = answer.status().as_u16();
            let mut body = answer.into_body();
            // One that is taken may have nothing to tell for now.
            let frame = tokio::time::timeout(Duration::from_millis(20), body.frame()).await;
            let data = frame.ok().flatten().and_then(Result::ok).and_then(|frame| frame.into_data().ok());
            (status, String::from_utf8_lossy(&data.unwrap_or_default()).into_owned())
        })
    };
    let events = (0..4).map(|number| {
        let body = insert(&format!("e{number}"), "v").to_string().into_bytes();
        ground.ask(ground.request(Method::POST, "/v1/applications/trust/invoke", body))
    });
    assert!(events.into_iter().all(|answer| answer.status == 200));
    // A position that the gateway gave.
    let good = ground.runtime.block_on(async {
        let request = ground.request(Method::GET, path, Vec::new());
        let mut body = ground.world.router.clone().oneshot(request).await.unwrap().into_body();
        let mut told = String::new();
        let read = async {
            loop {
                let frame = body.frame().await.expect("the stream goes on").unwrap();
                told.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
                if let Some((_, rest)) = told.split_once("id: ") {
                    break rest.lines().next().unwrap().to_owned();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("an event has a position")
    });
    let harmed = (any::<Index>(), any::<u8>(), any::<bool>());
    let input = prop_oneof![
        vec(any::<u8>(), 0..60),
        "[0-9a-f]{0,80}".prop_map(String::into_bytes),
        harmed.prop_map(move |(place, byte, cut)| {
            let mut bytes = hex::decode(&good).unwrap();
            let place = place.index(bytes.len());
            if cut {
                bytes.truncate(place)
            } else {
                bytes[place] = byte
            }
            hex::encode(bytes).into_bytes()
        }),
    ];
    run(200, input, |position| {
        let Ok(value) = HeaderValue::from_bytes(&position) else { return };
        let mut request = ground.request(Method::GET, path, Vec::new());
        request.headers_mut().insert("last-event-id", value);
        let (status, told) = first(request);
        assert!([200, 400].contains(&status), "{status} {told}");
        for fault in ["node-trouble", "adapter-ended", "\"internal\"", "corrupt-response"] {
            assert!(!told.contains(fault), "{position:?}: {told}");
        }
    });
}

#[test]
fn a_continuation_that_was_changed_is_not_taken() {
    let ground = Ground::new();
    let body = json!({ "invoke": insert("k", "v") }).to_string().into_bytes();
    let begun = ground.ask(ground.request(Method::POST, "/v1/applications/own/begin", body));
    let good = begun.body["sign"]["continuation"].as_str().unwrap().to_owned();
    let input = (any::<Index>(), any::<u8>(), any::<Index>(), any::<bool>(), any::<bool>());
    run(300, input, |(place, byte, end, cut, resumes)| {
        let mut bytes = hex::decode(&good).unwrap();
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(end.index(bytes.len()))
        } else {
            bytes[place] ^= byte.max(1)
        }
        let body = json!({"continuation": hex::encode(bytes), "signatures": []}).to_string().into_bytes();
        let path = format!("/v1/applications/own/{}", if resumes { "resume" } else { "abandon" });
        let answer = ground.ask(ground.request(Method::POST, &path, body));
        assert_eq!(answer.body["code"], "expired", "{answer:?}");
    });
}

#[test]
fn whatever_signature_headers_are_nobody_comes_in_by_them() {
    let ground = Ground::new();
    let path = "/v1/applications/trust/status";
    let input = (vec(any::<u8>(), 0..200), vec(any::<u8>(), 0..100), vec(any::<u8>(), 0..60));
    let damage = (any::<Index>(), any::<u8>(), any::<bool>());
    run(400, (input, damage, any::<bool>()), |((input, signature, digest), (place, byte, cut), random)| {
        let mut request = request(Some(&ground.alice), Method::GET, path, &[], None);
        let set = |request: &mut Request<Body>, name: &'static str, bytes: &[u8]| {
            if let Ok(value) = HeaderValue::from_bytes(bytes) {
                request.headers_mut().insert(name, value);
                return true;
            }
            false
        };
        let was = request.headers()["signature-input"].as_bytes().to_vec();
        let harmed = if random {
            set(&mut request, "content-digest", &digest);
            set(&mut request, "signature", &signature) | set(&mut request, "signature-input", &input)
        } else {
            let mut bytes = was.clone();
            let place = place.index(bytes.len());
            if cut {
                bytes.truncate(place)
            } else {
                bytes[place] = byte
            }
            // The label's name and its spelling are not covered.
            let label = place < 6;
            bytes != was && !label && set(&mut request, "signature-input", &bytes)
        };
        let answer = ground.ask(request);
        if harmed {
            assert_eq!(answer.status, 401, "{answer:?}");
        }
    });
}

#[test]
fn whatever_pem_an_operator_gives_it_is_refused_or_taken() {
    let ground = Ground::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let good = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    let good_chain = ground.alice.certificate_pem.clone();
    let key = ground.alice.key_pem.clone();
    run(400, (text(), any::<Index>(), any::<u8>(), 0..4_u8), |(other, place, byte, how)| {
        let damaged = |good: &str| match how {
            0 => other.clone(),
            1 => format!("-----BEGIN CERTIFICATE-----\n{other}\n-----END CERTIFICATE-----\n"),
            2 => good.chars().take(place.index(good.len())).collect(),
            _ => {
                let mut bytes = good.as_bytes().to_vec();
                let place = place.index(bytes.len());
                bytes[place] = byte;
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        if let Err(problem) = ground.runtime.block_on(ground.world.gateway.enrol("bob", &damaged(&good), 1)) {
            assert_eq!(problem.code, "invalid-argument", "{problem:?}");
        }
        let _ = http::tls(&damaged(&good_chain), &key, &good_chain);
        let _ = http::tls(&good_chain, &damaged(&key), &damaged(&good_chain));
    });
}
