//! Every limit is reached by an adapter that means harm; each ends that call alone, and says which limit it was.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use adapter_spec::{Adapter, CallError, Ended, Ledger, Limit, types::ErrorCode};
use berth_host::{ComponentAdapter, Host, HostConfig, Limits};
use support::{answering, component, lender, native, options, silent, text};

async fn hostile(limits: Limits) -> ComponentAdapter {
    let host = Host::new(HostConfig { instances: 8, ..HostConfig::default() }).unwrap();
    host.load(&component("hostile"), limits).await.unwrap()
}

/// Has the adapter do its worst, and then something harmless.
async fn ends(ledger: &Arc<dyn Ledger>, act: &str) -> Ended {
    let ended = match ledger.begin(native(act, ""), vec![], options()).await {
        Err(CallError::Ended(ended)) => ended,
        other => panic!("{act} was not ended: {other:?}"),
    };
    let answer = ledger.begin(native("echo", "still here"), vec![], options()).await.unwrap();
    assert_eq!(text(answer), "still here", "after {act}");
    ended
}

async fn reaches(limits: Limits, act: &str, expected: Limit) {
    let ledger = hostile(limits).await.open(lender("app").lend(), "{}").await.unwrap();
    match ends(&ledger, act).await {
        Ended::LimitReached { limit, .. } => assert_eq!(limit, expected, "{act}"),
        other => panic!("{act} ended by something else: {other:?}"),
    }
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_compute_time() {
    let limits = Limits { compute_time: Duration::from_millis(30), ..Limits::default() };
    reaches(limits, "spin", Limit::ComputeTime).await;
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_wall_time_when_that_is_shorter() {
    let limits = Limits { wall_time: Duration::from_secs(1), ..Limits::default() };
    reaches(limits, "spin", Limit::WallTime).await;
}

#[tokio::test]
async fn waiting_for_a_silent_endpoint_ends_at_the_wall_time() {
    let limits = Limits { wall_time: Duration::from_secs(1), ..Limits::default() };
    let ledger = hostile(limits).await.open(silent("app").lend(), "{}").await.unwrap();
    let ended = ends(&ledger, "read").await;
    assert!(matches!(ended, Ended::LimitReached { limit: Limit::WallTime, .. }), "{ended:?}");
}

#[tokio::test]
async fn growing_memory_ends_at_its_limit() {
    reaches(Limits { memory: 8 << 20, ..Limits::default() }, "grow", Limit::Memory).await;
}

#[tokio::test]
async fn endless_host_calls_end_at_their_limit() {
    reaches(Limits { host_calls: 500, ..Limits::default() }, "call-the-host", Limit::HostCalls).await;
}

#[tokio::test]
async fn flooding_the_log_ends_at_its_limit() {
    reaches(Limits::default(), "flood-the-log", Limit::LogVolume).await;
}

#[tokio::test]
async fn a_value_of_state_that_is_too_large_ends_the_call() {
    reaches(Limits::default(), "hoard-state", Limit::StateSize).await;
}

#[tokio::test]
async fn flooding_an_endpoint_ends_at_the_bytes_out() {
    reaches(Limits { bytes_out: 4 << 20, ..Limits::default() }, "flood-an-endpoint", Limit::BytesOut).await;
}

#[tokio::test]
async fn swallowing_answers_ends_at_the_bytes_in() {
    let limits = Limits { bytes_in: 1 << 20, ..Limits::default() };
    let swallowed = answering("app", &format!("\"{}\"", "y".repeat(100_000)));
    let ledger = hostile(limits).await.open(swallowed.lend(), "{}").await.unwrap();
    let ended = ends(&ledger, "swallow").await;
    assert!(matches!(ended, Ended::LimitReached { limit: Limit::BytesIn, .. }), "{ended:?}");
}

#[tokio::test]
async fn hoarding_streams_ends_at_the_handles() {
    reaches(Limits { handles: 5, ..Limits::default() }, "hoard-streams", Limit::Handles).await;
}

#[tokio::test]
async fn a_huge_answer_ends_at_the_result_size() {
    let limits = Limits { result_bytes: 1 << 20, memory: 200 << 20, ..Limits::default() };
    reaches(limits, "huge-answer", Limit::ResultSize).await;
}

#[tokio::test]
async fn asking_for_gigabytes_of_randomness_ends_the_call() {
    reaches(Limits::default(), "ask-for-randomness", Limit::ResultSize).await;
}

#[tokio::test]
async fn a_trap_ends_the_call_and_a_stack_overflow_is_one() {
    let ledger = hostile(Limits::default()).await.open(lender("app").lend(), "{}").await.unwrap();
    for act in ["trap", "recurse"] {
        let ended = ends(&ledger, act).await;
        assert!(matches!(ended, Ended::Trapped { .. }), "{act}: {ended:?}");
    }
}

#[tokio::test]
async fn a_trap_in_any_function_ends_only_that_call() {
    use adapter_spec::types::*;
    let adapter = hostile(Limits::default()).await;
    let ledger = adapter.open(lender("app").lend(), r#"{"trap":true}"#).await.unwrap();
    let envelope = Envelope {
        transaction: "t".into(),
        bytes: vec![],
        valid_until: Validity::Unbounded,
        tracking: vec![],
    };
    let key = PublicKey { scheme: SignatureScheme::EcdsaP256Sha256, point: vec![], certificate: None };
    let call = native("echo", "");
    let trapped = |ended: Option<Ended>| assert!(matches!(ended, Some(Ended::Trapped { .. })), "{ended:?}");
    fn ended<T, E: std::error::Error + 'static>(result: Result<T, CallError<E>>) -> Option<Ended> {
        match result {
            Err(CallError::Ended(ended)) => Some(ended),
            _ => None,
        }
    }
    trapped(ended(ledger.status().await));
    trapped(ended(ledger.accounts(key).await));
    trapped(ended(ledger.begin(call.clone(), vec![], options()).await));
    trapped(ended(ledger.resume(vec![], vec![]).await));
    trapped(ended(ledger.abandon(vec![]).await));
    trapped(ended(ledger.send(envelope.clone()).await));
    trapped(ended(ledger.replace(envelope, vec![], options()).await));
    trapped(ended(ledger.receipt("t", vec![]).await));
    trapped(ended(ledger.estimate(call, vec![], options()).await));
    trapped(ended(ledger.plan(Goal::Preset).await));
    trapped(ended(ledger.contract_abi("c").await));
    trapped(ended(ledger.block(BlockSelector::Number(1)).await));
    let opened = adapter.open(lender("app").lend(), r#"{"trap":"open"}"#).await;
    trapped(ended(opened.map(|_| ())));
    // Other applications of the same adapter go on.
    let other = adapter.open(lender("other").lend(), "{}").await.unwrap();
    assert_eq!(text(other.begin(native("echo", "fine"), vec![], options()).await.unwrap()), "fine");
}

#[tokio::test]
async fn an_interface_that_is_not_exported_answers_unsupported() {
    use adapter_spec::types::{Claim, StoreOperation};
    let adapter = hostile(Limits::default()).await;
    assert_eq!(adapter.interfaces().names(), ["core", "blocks"]);
    let ledger = adapter.open(lender("app").lend(), "{}").await.unwrap();
    let error = ledger.prove(Claim::Included("t".into())).await.unwrap_err();
    assert_eq!(error.answered().unwrap().code, ErrorCode::Unsupported);
    let error = ledger.to_call("c", StoreOperation::Get("k".into())).await.unwrap_err();
    assert_eq!(error.answered().unwrap().code, ErrorCode::Unsupported);
}

#[tokio::test]
async fn calls_beyond_the_instances_of_an_application_wait_and_are_told_when_it_takes_too_long() {
    let limits = Limits {
        instances: 1,
        wall_time: Duration::from_millis(200),
        compute_time: Duration::from_secs(60),
        ..Limits::default()
    };
    let ledger = hostile(limits).await.open(silent("app").lend(), "{}").await.unwrap();
    let results =
        futures_util::future::join_all((0..3).map(|_| ledger.begin(native("read", ""), vec![], options())))
            .await;
    let overloaded =
        results.iter().filter(|r| matches!(r, Err(CallError::Ended(Ended::Overloaded { .. })))).count();
    assert!(overloaded >= 1, "{results:?}");
    assert!(results.iter().all(|r| matches!(r, Err(CallError::Ended(_)))), "{results:?}");
}
