//! The life of a call.
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

#[tokio::test]
async fn a_write_goes_from_pending_to_final_and_never_back() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    bed.node.automine(false);
    let envelope = bed.sign(bed.begin(invoke(&probe, "add(integer)", vec![integer(5)])).await.unwrap()).await;
    let envelope = envelope.unwrap();
    assert_eq!(bed.receipt(&envelope).await.inclusion, Inclusion::Unknown);
    bed.send(&envelope).await.unwrap();
    bed.send(&envelope).await.unwrap();
    assert_eq!(bed.receipt(&envelope).await.inclusion, Inclusion::Pending);
    for confirmations in [Inclusion::Included(1), Inclusion::Included(2), Inclusion::Final, Inclusion::Final]
    {
        bed.mine(1);
        let receipt = bed.receipt(&envelope).await;
        assert_eq!(receipt.inclusion, confirmations);
        assert_eq!(receipt.outcome.unwrap().unwrap().json.unwrap(), "5");
        assert_eq!((receipt.index, receipt.events.len()), (Some(0), 1));
    }
    bed.send(&envelope).await.unwrap();
    assert_eq!(bed.count(&probe).await, "5");
}

#[tokio::test]
async fn both_schemes_sign_and_a_missing_recovery_id_is_found() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let key = key(SignatureScheme::EcdsaSecp256k1Keccak256, 9);
    bed.node.fund_key(&key.public_key(), 1_000_000);
    for (salt, keep) in [(1, true), (2, false)] {
        let call = invoke(&probe, "add(integer)", vec![integer(1)]);
        let request = bed.begin_with(&key, call, options(salt)).await.unwrap();
        let mut signature = key.sign(&request.items[0].input).unwrap();
        if !keep {
            signature.recovery_id = None;
        }
        let Step::Send(envelope) = bed.ledger.resume(request.continuation, vec![signature]).await.unwrap()
        else {
            panic!("a signature that is right is enough");
        };
        bed.send(&envelope).await.unwrap();
        assert!(bed.receipt(&envelope).await.outcome.unwrap().is_ok());
    }
    assert_eq!(bed.ledger.accounts(key.public_key()).await.unwrap(), [account(&key)]);
    assert!(bed.ledger.accounts(p256(99).public_key()).await.unwrap().is_empty());
}

#[tokio::test]
async fn signatures_that_are_not_the_signers_are_refused() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let request = bed.begin(invoke(&probe, "add(integer)", vec![integer(1)])).await.unwrap();
    let input = &request.items[0].input;
    let good = bed.key.sign(input).unwrap();
    let other = p256(8).sign(input).unwrap();
    let mut damaged = good.clone();
    damaged.bytes[5] ^= 1;
    let with_id = Signature { recovery_id: Some(0), ..good.clone() };
    for wrong in [vec![], vec![good.clone(), good.clone()], vec![other], vec![damaged], vec![with_id]] {
        let error = answered(bed.ledger.resume(request.continuation.clone(), wrong).await);
        assert_eq!(error.code, ErrorCode::InvalidArgument);
    }
    assert!(bed.ledger.resume(request.continuation, vec![good]).await.is_ok());
}

#[tokio::test]
async fn a_failed_execution_is_never_success() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let error = bed.begin(invoke(&probe, "fail(text)", vec![text("no such luck")])).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Reverted);
    assert!(error.message.contains("no such luck"), "{error}");
    let receipt = bed.write(invoke(&probe, "fail-in-block(text)", vec![text("late")])).await;
    let error = receipt.outcome.unwrap().unwrap_err();
    assert_eq!((error.code, error.native.as_deref()), (ErrorCode::Reverted, Some("4001")));
    assert!(error.message.contains("late") && receipt.fee.is_some() && receipt.block.is_some());
    let block = bed.ledger.block(BlockSelector::At(Confidence::Latest)).await.unwrap();
    assert_eq!(block.transactions, [BlockEntry { transaction: receipt.transaction, failed: Some(true) }]);
}

#[tokio::test]
async fn arguments_come_back_as_they_were() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    for (function, argument, json) in [
        ("echo(text)", text("\u{e9}\"\u{0}"), "\"\u{e9}\\\"\\u0000\""),
        ("echo(bytes)", Value::Bytes(vec![0, 255]), "\"0x00ff\""),
        ("echo(integer)", integer(i128::MIN), "\"-170141183460469231731687303715884105728\""),
        ("echo(integer)", integer(-3), "-3"),
        ("echo(boolean)", Value::Boolean(true), "true"),
        ("echo(json)", Value::Json("[1, 9007199254740993]".into()), "[1, \"9007199254740993\"]"),
    ] {
        let read = bed.read(evaluate(&probe, function, vec![argument.clone()])).await.unwrap();
        assert_eq!(read.json.as_deref(), Some(json));
        assert_eq!(berth_model::wire::value::decode(&read.raw).unwrap(), argument);
        let written = bed.write(invoke(&probe, function, vec![argument])).await;
        assert_eq!(written.outcome.unwrap().unwrap(), read);
    }
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_code() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let code = async |contract: &str, function: &str, arguments: Vec<Value>| {
        let read = bed.read(evaluate(contract, function, arguments.clone())).await.unwrap_err().code;
        let write = bed.begin(invoke(contract, function, arguments)).await.unwrap_err().code;
        assert_eq!(read, write);
        read
    };
    assert_eq!(code("nowhere", "count()", vec![]).await, ErrorCode::NotFound);
    assert_eq!(code(&probe, "discount()", vec![]).await, ErrorCode::NotFound);
    assert_eq!(code(&probe, "count", vec![]).await, ErrorCode::InvalidArgument);
    assert_eq!(
        code(&probe, "echo(integer)", vec![Value::Integer("1e3".into())]).await,
        ErrorCode::InvalidArgument
    );
    assert_eq!(code(&probe, "count()", vec![integer(1)]).await, ErrorCode::InvalidArgument);
    let large = vec![Value::Bytes(vec![0; 65_537])];
    assert_eq!(code(&probe, "echo(bytes)", large).await, ErrorCode::TooLarge);
    assert!(bed.begin(invoke(&probe, "echo(bytes)", vec![Value::Bytes(vec![0; 65_536])])).await.is_ok());
    let stranger = p256(8);
    let guarded = || invoke(&probe, "guarded()", vec![]);
    let denied = bed.begin_with(&stranger, guarded(), options(1)).await.unwrap_err();
    assert_eq!((denied.code, denied.native.as_deref()), (ErrorCode::PermissionDenied, Some("1010")));
    bed.node.fund_key(&stranger.public_key(), 1_000_000);
    let denied = bed.begin_with(&stranger, guarded(), options(1)).await.unwrap_err();
    assert_eq!((denied.code, denied.native.as_deref()), (ErrorCode::PermissionDenied, Some("4004")));
    assert!(bed.begin(guarded()).await.is_ok());
}

#[tokio::test]
async fn a_bare_name_is_enough_where_a_description_tells_its_types() {
    let bed = bed().await;
    let abi = r#"{"functions": ["count()", "echo(text)", "echo(bytes)"]}"#;
    let described = Deployment { abi: Some(abi.into()), ..deployment(b"probe") };
    let probe = bed.write(Call::Deploy(described)).await.created.unwrap();
    assert_eq!(bed.ledger.contract_abi(&probe).await.unwrap().as_deref(), Some(abi));
    assert_eq!(bed.read(evaluate(&probe, "count", vec![])).await.unwrap().json.unwrap(), "0");
    let ambiguous = bed.read(evaluate(&probe, "echo", vec![text("a")])).await.unwrap_err();
    assert_eq!(ambiguous.code, ErrorCode::InvalidArgument);
    let mut call = contract_call(&probe, "echo", vec![text("a")]);
    call.abi = Some(r#"{"functions": ["echo(text)"]}"#.into());
    assert_eq!(bed.read(Call::Evaluate(call)).await.unwrap().json.unwrap(), "\"a\"");
    let bare = bed.deploy(b"probe").await;
    assert_eq!(bed.ledger.contract_abi(&bare).await.unwrap(), None);
    assert_eq!(answered(bed.ledger.contract_abi("nowhere").await).code, ErrorCode::NotFound);
}

#[tokio::test]
async fn options_are_obeyed_or_refused() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let add = || invoke(&probe, "add(integer)", vec![integer(1)]);
    let begin = async |options| bed.begin_with(&bed.key, add(), options).await;
    let cost = bed.ledger.estimate(add(), vec![party(&bed.key)], options(1)).await.unwrap().fee.unwrap();
    let cost: u64 = cost.parse().unwrap();
    let cheap = CallOptions { max_fee: Some((cost - 1).to_string()), ..options(1) };
    assert_eq!(begin(cheap).await.unwrap_err().code, ErrorCode::Underpriced);
    let just = CallOptions { max_fee: Some(cost.to_string()), ..options(1) };
    assert_eq!(begin(just).await.unwrap().max_fee.unwrap(), cost.to_string());
    let odd = |amount: &str| CallOptions { amount: Some(amount.into()), ..options(1) };
    assert_eq!(begin(odd("1.5")).await.unwrap_err().code, ErrorCode::InvalidArgument);
    assert_eq!(begin(odd("1000000000")).await.unwrap_err().code, ErrorCode::InsufficientFunds);
    assert_eq!(begin(odd(&"9".repeat(60))).await.unwrap_err().code, ErrorCode::InsufficientFunds);
    let at = CallOptions { at: Some(BlockSelector::Number(1)), ..options(1) };
    assert_eq!(begin(at).await.unwrap_err().code, ErrorCode::Unsupported);
    let request = begin(odd("7")).await.unwrap();
    bed.send(&bed.sign(request).await.unwrap()).await.unwrap();
    assert_eq!(bed.read(evaluate(&probe, "received()", vec![])).await.unwrap().json.unwrap(), "7");
    let amount = bed.read_with(evaluate(&probe, "count()", vec![]), odd("7")).await.unwrap_err();
    assert_eq!(amount.code, ErrorCode::Unsupported);
}

#[tokio::test]
async fn a_read_is_of_exactly_the_block_that_is_asked_for() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let before = bed.ledger.status().await.unwrap().head;
    bed.write(invoke(&probe, "add(integer)", vec![integer(1)])).await;
    let at = async |selector| {
        let options = CallOptions { at: Some(selector), ..CallOptions::default() };
        bed.read_with(evaluate(&probe, "count()", vec![]), options).await
    };
    assert_eq!(at(BlockSelector::Number(before.number)).await.unwrap().json.unwrap(), "0");
    assert_eq!(at(BlockSelector::Hash(before.hash)).await.unwrap().json.unwrap(), "0");
    assert_eq!(at(BlockSelector::At(Confidence::Latest)).await.unwrap().json.unwrap(), "1");
    let future = at(BlockSelector::Number(before.number + 2)).await.unwrap_err();
    assert_eq!((future.code, future.retryable), (ErrorCode::OutOfRange, true));
    assert_eq!(at(BlockSelector::Hash(vec![1; 32])).await.unwrap_err().code, ErrorCode::NotFound);
    bed.node.prune("main", before.number + 1);
    assert_eq!(at(BlockSelector::Number(before.number)).await.unwrap_err().code, ErrorCode::Pruned);
}

#[tokio::test]
async fn reading_what_would_write_changes_nothing() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let head = bed.node.head("main");
    let read = bed.read(evaluate(&probe, "add(integer)", vec![integer(5)])).await.unwrap();
    assert_eq!(read.json.unwrap(), "5");
    assert_eq!(bed.count(&probe).await, "0");
    assert_eq!(bed.node.head("main"), head);
}

#[tokio::test]
async fn private_arguments_stay_with_the_node_and_its_auditors() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let mut call = contract_call(&probe, "keep(text)", vec![text("price")]);
    call.private_arguments = vec![("price".into(), b"canary".to_vec())];
    let request = bed.begin(Call::Invoke(call)).await.unwrap();
    assert!(!request.summary.contains("canary"));
    let envelope = bed.sign(request).await.unwrap();
    bed.send(&envelope).await.unwrap();
    let receipt = bed.receipt(&envelope).await;
    assert!(receipt.outcome.clone().unwrap().is_ok());
    let shown = format!("{receipt:?}{:?}{:?}{:?}", bed.lender.state(), bed.lender.log(), envelope.tracking);
    assert!(!shown.contains("canary") && !shown.contains(&format!("{:?}", b"canary")));
    let reveal = || evaluate(&probe, "reveal(text)", vec![text("price")]);
    assert_eq!(bed.read(reveal()).await.unwrap_err().code, ErrorCode::PermissionDenied);
    let lender = bed.lender.clone().with_auditor(p256(50));
    let audited = Bed { ledger: native().open(lender.lend(), SETTINGS).await.unwrap(), ..bed };
    assert_eq!(audited.read(reveal()).await.unwrap().json.unwrap(), r#"[["price","0x63616e617279"]]"#);
}

#[tokio::test]
async fn parties_that_do_not_fit_are_refused() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let begin = async |parties: Vec<Party>| {
        let call = invoke(&probe, "add(integer)", vec![integer(1)]);
        bed.ledger.begin(call, parties, options(1)).await.map_err(|error| error.answered().unwrap().code)
    };
    let key = bed.key.public_key();
    let named = |account: &str| Party { account: Some(account.into()), keys: vec![key.clone()] };
    let of = |key: PublicKey| vec![Party { account: None, keys: vec![key] }];
    for wrong in [
        vec![],
        vec![party(&bed.key), party(&bed.key)],
        vec![Party { account: None, keys: vec![] }],
        vec![Party { account: None, keys: vec![key.clone(), key.clone()] }],
        vec![named("nobody")],
        of(PublicKey { point: key.point[..64].to_vec(), ..key.clone() }),
        of(PublicKey { point: [&[2], &key.point[1..]].concat(), ..key.clone() }),
        of(PublicKey { scheme: SignatureScheme::EcdsaSecp256k1Sha256Canonical, ..key.clone() }),
    ] {
        assert_eq!(begin(wrong).await, Err(ErrorCode::InvalidArgument));
    }
    assert_eq!(begin(vec![named(&account(&p256(8)))]).await, Err(ErrorCode::PermissionDenied));
    let certified = PublicKey { certificate: Some(vec![0x30, 1, 2]), ..key.clone() };
    let Ok(Step::Sign(request)) = begin(of(certified.clone())).await else {
        panic!("certificates are taken")
    };
    assert_eq!(request.items[0].key, certified);
    let SigningInput::Message(signed) = &request.items[0].input else { panic!("messages are signed") };
    assert!(signed.windows(3).any(|bytes| bytes == [0x30, 1, 2]));
}

#[tokio::test]
async fn texts_that_people_read_are_bounded() {
    let bed = bed().await;
    let odd = "\u{10ffff}\n".repeat(12);
    let named = Deployment { name: odd.clone(), version: odd, ..deployment(b"probe") };
    let summary = bed.begin(Call::Deploy(named)).await.unwrap().summary;
    assert!(summary.len() <= 1024 && !summary.contains('\n'), "{}", summary.len());
    let probe = bed.deploy(b"probe").await;
    let many = vec![Value::Boolean(true); 65_000];
    let error = bed.begin(invoke(&probe, "count()", many)).await.unwrap_err();
    assert!(error.code == ErrorCode::InvalidArgument && error.message.len() <= 4096);
}
