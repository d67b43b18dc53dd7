//! What is checked when an application's lending is built, and what it lends besides endpoints.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests and their helpers")]

mod support;

use std::sync::{Arc, Mutex};

use adapter_spec::{
    Ended, Function, Lender as _, Limit,
    types::{
        ErrorCode, HashAlgorithm, SignatureScheme, SigningInput, Sm2Message, Transport, transport::LogLevel,
    },
};
use berth_crypto::SigningKey;
use berth_lending::{
    Clock, Endpoint, Lending, LendingBuilder, LendingError, LogSink, MemoryState, Network, NoRandomness,
    Randomness, ServiceKey, StateLimits,
};
use support::descriptor;

fn rpc(name: &str, url: &str) -> Endpoint {
    Endpoint::new(name, "rpc", Transport::JsonRpc, url)
}

fn refused(builder: LendingBuilder) -> LendingError {
    builder.build(&descriptor(), &Network::new()).unwrap_err()
}

#[test]
fn what_does_not_fit_the_descriptor_is_refused_by_name() {
    let start = || Lending::builder("app");
    let node = "http://node";
    let web = |name| Endpoint::new(name, "web", Transport::Http, node);
    let undeclared = refused(start().endpoint(Endpoint::new("a", "none", Transport::Http, node)));
    assert!(matches!(undeclared, LendingError::Undeclared { .. }));
    assert!(undeclared.to_string().contains("web, rpc, peer"), "{undeclared}");
    assert!(matches!(
        refused(start().endpoint(Endpoint::new("a", "web", Transport::Grpc, node))),
        LendingError::OtherTransport { .. }
    ));
    assert!(matches!(refused(start().endpoint(web("a")).endpoint(web("b"))), LendingError::Several { .. }));
    assert!(matches!(
        refused(start().endpoint(rpc("a", node)).endpoint(rpc("a", node))),
        LendingError::SameName { .. }
    ));
    for url in ["node", "ftp://node", "http://user:canary@node", "http://node?key=canary"] {
        let error = refused(start().endpoint(rpc("a", url)));
        assert!(matches!(error, LendingError::Address { .. }), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    let mut header = rpc("a", node);
    header.headers.push(("bad name".into(), "canary".to_string().into()));
    let error = refused(start().endpoint(header));
    assert!(matches!(error, LendingError::Header { .. }) && !error.to_string().contains("canary"));
    assert!(matches!(refused(Lending::builder("")), LendingError::Application(0)));

    let mut needy = descriptor();
    needy.endpoints[1].required = true;
    let missing = Lending::builder("app").build(&needy, &Network::new()).unwrap_err();
    assert!(matches!(missing, LendingError::Missing { need, .. } if need == "rpc"));
}

#[tokio::test]
async fn service_keys_sign_under_their_declared_names_only() {
    let key = |name: &str, scheme| ServiceKey {
        name: name.into(),
        key: SigningKey::random(scheme).unwrap(),
        certificate: Some(vec![1]),
    };
    let p256 = SignatureScheme::EcdsaP256Sha256;
    let start = || Lending::builder("app");
    assert!(matches!(refused(start().service_key(key("none", p256))), LendingError::UndeclaredKey { .. }));
    assert!(matches!(refused(start().service_key(key("other", p256))), LendingError::OtherScheme { .. }));
    let lending = start().service_key(key("reader", p256)).build(&descriptor(), &Network::new()).unwrap();
    let imports = lending.imports(Function::Begin);
    let public = imports.service_public_key("reader").await.unwrap();
    assert_eq!(public.certificate, Some(vec![1]));
    let input = SigningInput::Message(b"read".to_vec());
    let signature = imports.service_sign("reader", input.clone()).await.unwrap();
    assert!(imports.verify(&public, &input, &signature));
    let other = SigningInput::Sm2(Sm2Message { id: vec![], data: vec![] });
    assert_eq!(imports.service_sign("reader", other).await.unwrap_err().code, ErrorCode::InvalidArgument);
    assert_eq!(imports.service_sign("other", input).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(imports.service_public_key("other").await.unwrap_err().code, ErrorCode::NotFound);
}

#[derive(Default)]
struct Fixed(Mutex<Vec<String>>);

impl Clock for Fixed {
    fn now_millis(&self) -> u64 {
        42
    }
}

impl Randomness for Fixed {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), NoRandomness> {
        buffer.fill(7);
        Ok(())
    }
}

impl LogSink for Fixed {
    fn log(&self, application: &str, level: LogLevel, message: &str) {
        self.0.lock().unwrap().push(format!("{application} {level:?} {message}"));
    }
}

#[tokio::test]
async fn clock_randomness_and_log_are_the_ones_given() {
    let fixed = Arc::new(Fixed::default());
    let lending = Lending::builder("app")
        .clock(fixed.clone())
        .randomness(fixed.clone())
        .log(fixed.clone())
        .build(&descriptor(), &Network::new())
        .unwrap();
    let imports = lending.imports(Function::Begin);
    assert_eq!(imports.now_millis(), 42);
    assert_eq!(imports.random(3), [7, 7, 7]);
    assert!(imports.random(u32::MAX).is_empty());
    imports.log(LogLevel::Warn, "a\nb");
    assert_eq!(*fixed.0.lock().unwrap(), ["app Warn a\\nb"]);
    assert_eq!(imports.hash(HashAlgorithm::Sm3, b"abc").len(), 32);
}

/// A clock that somebody sets back.
struct SetBack(Mutex<Vec<u64>>);

impl Clock for SetBack {
    fn now_millis(&self) -> u64 {
        self.0.lock().unwrap().remove(0)
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_stands_still_for_the_rest_of_the_call_and_the_next_call_sees_it() {
    let clock = Arc::new(SetBack(Mutex::new(vec![5_000, 3_000, 6_000, 2_000, 2_500, 2_600])));
    let lending = Lending::builder("app").clock(clock).build(&descriptor(), &Network::new()).unwrap();
    let call = lending.imports(Function::Begin);
    let times: Vec<_> = (0..4).map(|_| call.now_millis()).collect();
    assert_eq!(times, [5_000, 5_000, 6_000, 6_000]);
    let next = lending.imports(Function::Begin);
    assert_eq!([next.now_millis(), next.now_millis()], [2_500, 2_600]);
}

#[tokio::test]
async fn a_state_that_is_full_refuses_the_write_and_tells_the_host_which_limit() {
    let limits = StateLimits { key: 10, value: 100, total: 150 };
    let lending = Lending::builder("app")
        .state(Arc::new(MemoryState::new(limits)))
        .build(&descriptor(), &Network::new())
        .unwrap();
    let imports = lending.imports(Function::Begin);
    assert!(imports.state_swap("a", None, Some(vec![0; 99])).await);
    assert!(!imports.state_swap("b", None, Some(vec![0; 99])).await);
    for (key, new, says) in [
        ("b", Some(99), "would have 200"),
        ("a", Some(101), "a value has at most 100 bytes"),
        ("a long long key", None, "a key has at most 10 bytes"),
    ] {
        let new = new.map(|length| vec![0; length]);
        let trouble = imports.state_trouble(key, new.as_deref()).await;
        let Some(Ended::LimitReached { limit: Limit::StateSize, allowed }) = trouble else {
            panic!("{trouble:?}")
        };
        assert!(allowed.contains(says), "{allowed}");
    }
    assert_eq!(imports.state_trouble("a", Some(&[0; 50])).await, None);
    assert_eq!(lending.state_usage().await, Ok(100));
}
