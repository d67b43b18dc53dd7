//! What a component reaches of what its application lends: only declared reads outside `send`, and its own state.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{net::TcpListener, sync::Arc};

use adapter_spec::{
    Adapter, CallError, Ended, Ledger, Limit,
    types::{Envelope, Transport, Validity},
};
use berth_host::{Host, HostConfig, Limits};
use berth_lending::{Endpoint, Lending, MemoryState, Network, StateLimits, StateStore};
use support::{component, native, options, text};

/// The hostile adapter with a node that nobody listens for, and this state.
async fn open(application: &str, state: Arc<dyn StateStore>) -> Arc<dyn Ledger> {
    let host = Host::new(HostConfig { instances: 4, ..HostConfig::default() }).unwrap();
    let adapter = host.load(&component("hostile"), Limits::default()).await.unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lending = Lending::builder(application)
        .endpoint(Endpoint::new("n1", "node", Transport::JsonRpc, format!("http://{free}")))
        .state(state)
        .build(&adapter.describe().await.unwrap(), &Network::new())
        .unwrap();
    adapter.open(lending, "{}").await.unwrap()
}

fn state() -> Arc<dyn StateStore> {
    Arc::new(MemoryState::new(StateLimits::default()))
}

async fn act(ledger: &dyn Ledger, name: &str, json: &str) -> String {
    text(ledger.begin(native(name, json), vec![], options()).await.unwrap())
}

#[tokio::test]
async fn only_send_reaches_what_is_no_declared_read() {
    let ledger = open("app", state()).await;
    let read = act(&*ledger, "read", "n1").await;
    assert!(read.starts_with("Unreachable"), "a declared read goes out, and nobody listens: {read}");
    let write = act(&*ledger, "write", "n1").await;
    assert!(write.starts_with("Refused"), "{write}");
    let other = act(&*ledger, "read", "another").await;
    assert!(other.starts_with("Refused"), "{other}");
    let envelope = Envelope {
        transaction: "n1".into(),
        bytes: vec![],
        valid_until: Validity::Unbounded,
        tracking: vec![],
    };
    let CallError::Answered(sent) = ledger.send(envelope).await.unwrap_err() else { panic!() };
    assert!(sent.error.message.contains("Unreachable"), "send may write: {sent}");
}

#[tokio::test]
async fn one_application_never_reads_anothers_state() {
    let state = state();
    let (a, b) = (open("a", state.clone()).await, open("b", state).await);
    act(&*a, "remember", "of a").await;
    assert_eq!(act(&*b, "recall", "").await, "");
    act(&*b, "remember", "of b").await;
    assert_eq!(act(&*a, "recall", "").await, "of a");
}

#[tokio::test]
async fn flooding_the_state_ends_at_the_applications_limit_and_what_was_there_stays() {
    let limits = StateLimits { total: 100_000, ..StateLimits::default() };
    let ledger = open("app", Arc::new(MemoryState::new(limits))).await;
    act(&*ledger, "remember", "before").await;
    match ledger.begin(native("flood-the-state", ""), vec![], options()).await {
        Err(CallError::Ended(Ended::LimitReached { limit: Limit::StateSize, .. })) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(act(&*ledger, "recall", "").await, "before");
}

#[tokio::test]
async fn the_adapter_that_fits_one_screen_reads_asks_for_a_signature_and_sends() {
    use adapter_spec::types::{Call, ContractCall, Party, SignatureScheme, Step};
    let host = Host::new(HostConfig { instances: 4, ..HostConfig::default() }).unwrap();
    let adapter = host.load(&component("tally"), Limits::default()).await.unwrap();
    let node = berth_lending::ScriptedLender::new("app", |request| {
        Some(Ok(if request.method == "total" { "41" } else { "true" }.to_owned()))
    });
    let ledger = adapter.open(node.lend(), "{}").await.unwrap();
    let call = ContractCall {
        contract: String::new(),
        function: "one more".into(),
        arguments: vec![],
        abi: None,
        private_arguments: vec![],
    };
    assert_eq!(text(ledger.begin(Call::Evaluate(call.clone()), vec![], options()).await.unwrap()), "41");
    let key = berth_crypto::SigningKey::random(SignatureScheme::EcdsaP256Sha256).unwrap();
    let party = Party { account: None, keys: vec![key.public_key()] };
    let step = ledger.begin(Call::Invoke(call), vec![party], options()).await.unwrap();
    let Step::Sign(request) = step else { panic!("{step:?}") };
    let signature = key.sign(&request.items[0].input).unwrap();
    let step = ledger.resume(request.continuation, vec![signature]).await.unwrap();
    let Step::Send(envelope) = step else { panic!("{step:?}") };
    ledger.send(envelope).await.unwrap();
}
