//! Nonces: calls that are given up, late, side by side, or replaced.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml covers test functions only"
)]

mod support;

use adapter_spec::{Adapter as _, types::*};
use berth_model::native;
use support::*;

fn add(probe: &str) -> Call {
    invoke(probe, "add(integer)", vec![integer(1)])
}

#[tokio::test]
async fn a_hundred_calls_that_are_given_up_leave_no_gap() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let mut given_up = Vec::new();
    for salt in 100..200 {
        given_up.push(bed.begin_with(&bed.key, add(&probe), options(salt)).await.unwrap());
    }
    for request in &given_up {
        bed.ledger.abandon(request.continuation.clone()).await.unwrap();
        bed.ledger.abandon(request.continuation.clone()).await.unwrap();
    }
    let receipt = bed.write(add(&probe)).await;
    assert_eq!(receipt.inclusion, Inclusion::Included(1));
    let late = bed.sign(given_up.remove(0)).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::Expired);
    assert!(bed.lender.state().values().all(|value| value.len() < 32 * 1024));
}

#[tokio::test]
async fn a_signature_after_its_time_answers_expired_and_the_nonce_is_free() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let request = bed.begin(add(&probe)).await.unwrap();
    let Validity::Millis(_) = request.valid_until else { panic!("what is reserved has an end") };
    bed.lender.advance(121_000);
    assert_eq!(bed.sign(request.clone()).await.unwrap_err().code, ErrorCode::Expired);
    bed.ledger.abandon(request.continuation).await.unwrap();
    assert_eq!(bed.write(add(&probe)).await.inclusion, Inclusion::Included(1));
}

#[tokio::test]
async fn whoever_signs_first_has_the_lowest_nonce() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let first = bed.begin_with(&bed.key, add(&probe), options(1)).await.unwrap();
    let second = bed.begin_with(&bed.key, add(&probe), options(2)).await.unwrap();
    let second = bed.sign(second).await.unwrap();
    bed.send(&second).await.unwrap();
    assert_eq!(bed.receipt(&second).await.inclusion, Inclusion::Included(1));
    let first = bed.sign(first).await.unwrap();
    bed.send(&first).await.unwrap();
    assert_eq!(bed.count(&probe).await, "2");
}

#[tokio::test]
async fn the_same_salt_gives_the_same_bytes_and_another_one_others() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let first = bed.begin_with(&bed.key, add(&probe), options(1)).await.unwrap();
    let again = bed.begin_with(&bed.key, add(&probe), options(1)).await.unwrap();
    assert_eq!(first.items, again.items);
    bed.ledger.abandon(first.continuation).await.unwrap();
    let other = bed.begin_with(&bed.key, add(&probe), options(2)).await.unwrap();
    assert_ne!(first.items, other.items);
}

#[tokio::test]
async fn continuations_that_are_broken_or_of_another_space_are_refused() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let request = bed.begin(add(&probe)).await.unwrap();
    let signature = bed.key.sign(&request.items[0].input).unwrap();
    for wrong in [vec![], vec![0; 40], request.continuation[..request.continuation.len() - 1].to_vec()] {
        let error = answered(bed.ledger.resume(wrong.clone(), vec![signature.clone()]).await);
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert_eq!(answered(bed.ledger.abandon(wrong).await).code, ErrorCode::InvalidArgument);
    }
    let settings = r#"{"chain": "model", "space": "other"}"#;
    let other = native().open(bed.lender.lend(), settings).await.unwrap();
    let error = answered(other.resume(request.continuation, vec![signature]).await);
    assert_eq!(error.code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn of_an_original_and_its_replacement_only_one_takes_effect() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    bed.node.automine(false);
    let original = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
    bed.send(&original).await.unwrap();
    let replace =
        async |salt| bed.ledger.replace(original.clone(), vec![party(&bed.key)], options(salt)).await;
    let Step::Sign(request) = replace(50).await.unwrap() else { panic!("a replacement is signed") };
    let replacement = bed.sign(request).await.unwrap();
    bed.send(&replacement).await.unwrap();
    assert_eq!(bed.receipt(&replacement).await.inclusion, Inclusion::Pending);
    assert_eq!(bed.receipt(&original).await.inclusion, Inclusion::Unknown);
    bed.mine(3);
    assert_eq!(bed.receipt(&replacement).await.inclusion, Inclusion::Final);
    let lost = Inclusion::Superseded(replacement.transaction.clone());
    assert_eq!(bed.receipt(&original).await.inclusion, lost);
    assert_eq!(bed.count(&probe).await, "1");
    let failure = bed.send(&original).await.unwrap_err();
    assert_eq!((failure.error.code, failure.error.retryable), (ErrorCode::Conflict, true));
    let again = bed.ledger.replace(replacement, vec![party(&bed.key)], options(51)).await;
    assert_eq!(answered(again).code, ErrorCode::AlreadyExists);
}

#[tokio::test]
async fn a_transaction_whose_window_has_passed_is_expired_for_good() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let envelope = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
    let Validity::Block(last) = envelope.valid_until else { panic!("the window is in blocks") };
    let head = bed.node.head("main");
    bed.mine(u32::try_from(last - head).unwrap());
    assert_eq!(bed.receipt(&envelope).await.inclusion, Inclusion::Unknown);
    bed.mine(1);
    let failure = bed.send(&envelope).await.unwrap_err();
    assert_eq!((failure.error.code, failure.effect), (ErrorCode::Expired, Effect::Never));
    bed.mine(3);
    assert_eq!(bed.receipt(&envelope).await.inclusion, Inclusion::Expired);
    assert_eq!(bed.count(&probe).await, "0");
}

#[tokio::test]
async fn an_envelope_is_taken_up_to_its_last_block() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let envelope = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
    let Validity::Block(last) = envelope.valid_until else { panic!("the window is in blocks") };
    bed.mine(u32::try_from(last - bed.node.head("main")).unwrap());
    bed.send(&envelope).await.unwrap();
    assert_eq!(bed.receipt(&envelope).await.inclusion, Inclusion::Included(1));
}

#[tokio::test]
async fn an_envelope_stands_for_itself_and_losing_the_state_doubles_nothing() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let envelope = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
    let ledger = native().open(bed.lender.lend(), SETTINGS).await.unwrap();
    bed.lender.lose_state();
    ledger.send(envelope.clone()).await.unwrap();
    bed.send(&envelope).await.unwrap();
    let receipt = ledger.receipt(&envelope.transaction, vec![]).await.unwrap();
    assert_eq!(receipt.inclusion, Inclusion::Included(1));
    assert_eq!(bed.count(&probe).await, "1");
}

#[tokio::test]
async fn of_two_with_one_nonce_the_second_conflicts() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    // Another application has the same key, and a state of its own.
    let elsewhere = bed.node.lender("elsewhere");
    let ledger = native().open(elsewhere.lend(), SETTINGS).await.unwrap();
    let elsewhere = Bed { node: bed.node.clone(), lender: elsewhere, ledger, key: p256(7) };
    let first = bed.sign(bed.begin(add(&probe)).await.unwrap()).await.unwrap();
    let second = elsewhere.begin_with(&elsewhere.key, add(&probe), options(77)).await.unwrap();
    let second = elsewhere.sign(second).await.unwrap();
    bed.send(&first).await.unwrap();
    let failure = elsewhere.send(&second).await.unwrap_err();
    assert_eq!(failure.effect, Effect::Never);
    assert_eq!((failure.error.code, failure.error.retryable), (ErrorCode::Conflict, true));
    assert_eq!(failure.error.native.as_deref(), Some("1002"));
    bed.mine(3);
    let lost = elsewhere.receipt(&second).await.inclusion;
    assert_eq!(lost, Inclusion::Superseded(first.transaction));
}

#[tokio::test]
async fn a_call_that_is_signed_and_given_up_frees_its_nonce() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let request = bed.begin_with(&bed.key, add(&probe), options(77)).await.unwrap();
    let given_up = bed.sign(request.clone()).await.unwrap();
    bed.ledger.abandon(request.continuation).await.unwrap();
    assert_eq!(bed.write(add(&probe)).await.inclusion, Inclusion::Included(1));
    assert_eq!(bed.send(&given_up).await.unwrap_err().error.code, ErrorCode::Conflict);
    assert_eq!(bed.count(&probe).await, "1");
}
