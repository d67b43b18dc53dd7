//! The preset store, plans, and proofs.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests; clippy.toml covers test functions only"
)]

mod support;

use adapter_spec::{Adapter as _, types::*};
use berth_model::{MAIN_SPACE, native};
use support::*;

async fn preset(bed: &Bed) -> String {
    let plan = bed.ledger.plan(Goal::Preset).await.unwrap();
    let [planned] = plan.as_slice() else { panic!("{plan:?}") };
    bed.write(planned.call.clone()).await.created.unwrap()
}

/// Carries a store operation out, as a host does.
async fn apply(bed: &Bed, contract: &str, operation: StoreOperation) -> Result<StoreAnswer, ErrorCode> {
    let call = match bed.ledger.to_call(contract, operation.clone()).await {
        Ok(call) => call,
        Err(error) => return Err(error.answered().unwrap().code),
    };
    let outcome = match call {
        Call::Evaluate(_) => bed.read(call).await,
        _ => match bed.begin(call).await {
            Err(error) => Err(error),
            Ok(request) => {
                let envelope = bed.sign(request).await.unwrap();
                bed.send(&envelope).await.unwrap();
                bed.receipt(&envelope).await.outcome.unwrap()
            }
        },
    };
    let answer = bed.ledger.from_outcome(operation, outcome).await;
    answer.map_err(|error| error.answered().unwrap().code)
}

fn insert(key: &str, value: &[u8]) -> StoreOperation {
    StoreOperation::Insert(StoreEntry { key: key.into(), value: value.into() })
}

fn update(key: &str, value: &[u8]) -> StoreOperation {
    StoreOperation::Update(StoreEntry { key: key.into(), value: value.into() })
}

fn get(key: &str) -> StoreOperation {
    StoreOperation::Get(key.into())
}

#[tokio::test]
async fn the_store_keeps_its_rules() {
    let bed = bed().await;
    let store = preset(&bed).await;
    assert_eq!(store, "preset");
    assert!(bed.ledger.plan(Goal::Preset).await.unwrap().is_empty());
    for key in ["k", "\u{0}/\u{1f600}\"", &"\u{e9}".repeat(127)] {
        assert_eq!(apply(&bed, &store, get(key)).await, Err(ErrorCode::NotFound));
        assert_eq!(apply(&bed, &store, update(key, b"1")).await, Err(ErrorCode::NotFound));
        assert_eq!(apply(&bed, &store, StoreOperation::Delete(key.into())).await, Err(ErrorCode::NotFound));
        assert_eq!(apply(&bed, &store, StoreOperation::History(key.into())).await, Err(ErrorCode::NotFound));
        assert_eq!(apply(&bed, &store, insert(key, b"")).await, Ok(StoreAnswer::Done));
        assert_eq!(apply(&bed, &store, get(key)).await, Ok(StoreAnswer::Value(vec![])));
        assert_eq!(apply(&bed, &store, insert(key, b"1")).await, Err(ErrorCode::AlreadyExists));
        assert_eq!(apply(&bed, &store, update(key, &[7; 4096])).await, Ok(StoreAnswer::Done));
        assert_eq!(apply(&bed, "", get(key)).await, Ok(StoreAnswer::Value(vec![7; 4096])));
        assert_eq!(apply(&bed, &store, StoreOperation::Delete(key.into())).await, Ok(StoreAnswer::Done));
        assert_eq!(apply(&bed, &store, get(key)).await, Err(ErrorCode::NotFound));
        assert_eq!(apply(&bed, &store, insert(key, b"again")).await, Ok(StoreAnswer::Done));
        let Ok(StoreAnswer::History(history)) =
            apply(&bed, &store, StoreOperation::History(key.into())).await
        else {
            panic!("there is a history");
        };
        let values: Vec<_> = history.iter().map(|version| version.value.clone()).collect();
        assert_eq!(values, [Some(vec![]), Some(vec![7; 4096]), None, Some(b"again".to_vec())]);
        let last = history.last().unwrap();
        let receipt = bed.ledger.receipt(&last.transaction, vec![]).await.unwrap();
        assert_eq!(receipt.block, Some(last.block.clone()));
    }
    assert_eq!(apply(&bed, &store, get("")).await, Err(ErrorCode::InvalidArgument));
    assert_eq!(apply(&bed, &store, get(&"k".repeat(256))).await, Err(ErrorCode::TooLarge));
    assert_eq!(apply(&bed, &store, insert("l", &[0; 16_385])).await, Err(ErrorCode::TooLarge));
}

#[tokio::test]
async fn of_two_inserts_at_once_the_ledger_lets_one_through() {
    let bed = bed().await;
    let store = preset(&bed).await;
    let rival = p256(8);
    bed.node.fund_key(&rival.public_key(), 1_000_000);
    let mut outcomes = Vec::new();
    let mut envelopes = Vec::new();
    for (key, salt) in [(&bed.key, 1), (&rival, 2)] {
        let call = bed.ledger.to_call(&store, insert("k", b"1")).await.unwrap();
        let request = bed.begin_with(key, call, options(salt)).await.unwrap();
        envelopes.push(bed.sign_with(key, request).await.unwrap());
    }
    for envelope in &envelopes {
        bed.send(envelope).await.unwrap();
        outcomes.push(bed.receipt(envelope).await.outcome.unwrap());
    }
    assert!(outcomes[0].is_ok());
    assert_eq!(outcomes[1].as_ref().unwrap_err().code, ErrorCode::AlreadyExists);
}

#[tokio::test]
async fn plans_lead_to_their_goals_and_are_empty_there() {
    let bed = bed().await;
    bed.node.appoint(&account(&bed.key));
    let newcomer = account(&p256(60));
    let wanted = Deployment { code: b"probe\0and more".to_vec(), ..deployment(b"") };
    for goal in
        [Goal::Deploy(wanted), Goal::Preset, Goal::Account(newcomer.clone()), Goal::Space("third".into())]
    {
        let plan = bed.ledger.plan(goal.clone()).await.unwrap();
        assert_eq!(plan.len(), 1, "{goal:?}");
        for planned in plan {
            assert!(bed.write(planned.call).await.outcome.unwrap().is_ok());
        }
        assert!(bed.ledger.plan(goal.clone()).await.unwrap().is_empty(), "{goal:?}");
    }
    assert_eq!(bed.ledger.accounts(p256(60).public_key()).await.unwrap(), [newcomer]);
    let third = native().open(bed.lender.lend(), r#"{"chain": "model", "space": "third"}"#).await.unwrap();
    assert_eq!(third.status().await.unwrap().head.number, 1);
    let wrong = answered(bed.ledger.plan(Goal::Account("me".into())).await);
    assert_eq!(wrong.code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn native_calls_are_checked_and_done() {
    let bed = bed().await;
    let other = account(&p256(8));
    bed.node.fund(&other, 5);
    let native = |name: &str, json: &str| Call::Native(NativeCall { name: name.into(), json: json.into() });
    let transfer = native("transfer", &format!(r#"{{"to": "{other}", "amount": "10"}}"#));
    assert!(bed.write(transfer).await.outcome.unwrap().is_ok());
    let balance = native("balance", &format!(r#"{{"account": "{other}"}}"#));
    assert_eq!(bed.read(balance).await.unwrap().json.unwrap(), "\"15\"");
    for wrong in ["", "{}", r#"{"to": "x", "amount": "1"}"#, r#"{"to": 1, "amount": "1"}"#] {
        let error = bed.begin(native("transfer", wrong)).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{wrong}");
    }
    assert_eq!(bed.begin(native("burn-all", "{}")).await.unwrap_err().code, ErrorCode::Unsupported);
    let admit = native("admit", &format!(r#"{{"account": "{}"}}"#, account(&p256(61))));
    assert_eq!(bed.begin(admit).await.unwrap_err().code, ErrorCode::PermissionDenied);
}

/// One true claim of each kind, and one that is not.
async fn claims(bed: &Bed) -> (Vec<Claim>, Vec<Claim>) {
    let store = preset(bed).await;
    let probe = bed.deploy(b"probe").await;
    apply(bed, &store, insert("k", b"value")).await.unwrap();
    let added = bed.write(invoke(&probe, "add(integer)", vec![integer(1)])).await;
    let failed = bed.write(invoke(&probe, "fail-in-block(text)", vec![text("no")])).await;
    bed.mine(3);
    let preset = |key: &str, value: Option<&[u8]>| {
        Claim::PresetValue(PresetValue { key: key.into(), value: value.map(<[u8]>::to_vec) })
    };
    let slot = |area: &str, key: &[u8], value: Option<&[u8]>| {
        let value = value.map(<[u8]>::to_vec);
        Claim::Slot(Slot { contract: area.into(), key: key.to_vec(), value })
    };
    let event = added.events[0].clone();
    let hold = vec![
        Claim::Included(added.transaction.clone()),
        Claim::Included(failed.transaction.clone()),
        Claim::Succeeded(added.transaction),
        Claim::Event(event.clone()),
        preset("k", Some(b"value")),
        preset("l", None),
        slot(&probe, b"count", Some(b"1")),
        slot("aaa", b"", None),
        slot("zzz", b"", None),
    ];
    let not = vec![
        Claim::Included("00".repeat(32)),
        Claim::Succeeded(failed.transaction),
        Claim::Event(Event { payload: vec![1], ..event.clone() }),
        Claim::Event(Event { retracted: true, ..event }),
        preset("k", Some(b"other")),
        preset("k", None),
        preset("l", Some(b"")),
        slot(&probe, b"count", Some(b"2")),
    ];
    (hold, not)
}

#[tokio::test]
async fn true_claims_are_proven_and_others_are_not_found() {
    let bed = bed().await;
    let (hold, not) = claims(&bed).await;
    let anchor = bed.node.anchor(MAIN_SPACE, "preset");
    for claim in hold {
        let proof = bed.ledger.prove(claim.clone()).await.unwrap();
        assert_eq!(proof.claim, claim);
        native().verify(bed.lender.lend(), anchor.clone(), proof).await.unwrap();
    }
    for claim in not {
        assert_eq!(answered(bed.ledger.prove(claim).await).code, ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn no_changed_byte_of_a_proof_or_its_anchor_verifies() {
    let bed = bed().await;
    let (hold, not) = claims(&bed).await;
    let anchor = bed.node.anchor(MAIN_SPACE, "preset");
    let code = async |anchor: &[u8], proof: &Proof| {
        let verified = native().verify(bed.lender.lend(), anchor.to_vec(), proof.clone()).await;
        verified.err().map(|error| error.answered().unwrap().code)
    };
    for claim in hold.into_iter().step_by(2) {
        let proof = bed.ledger.prove(claim).await.unwrap();
        for place in 0..proof.bytes.len() {
            let mut bytes = proof.bytes.clone();
            bytes[place] ^= 1;
            let changed = Proof { bytes, ..proof.clone() };
            assert_eq!(code(&anchor, &changed).await, Some(ErrorCode::CorruptResponse), "byte {place}");
        }
        for end in [0, 1, proof.bytes.len() - 1] {
            let cut = Proof { bytes: proof.bytes[..end].to_vec(), ..proof.clone() };
            assert_eq!(code(&anchor, &cut).await, Some(ErrorCode::CorruptResponse));
        }
        for place in 0..anchor.len() {
            let mut changed = anchor.clone();
            changed[place] ^= 1;
            let code = code(&changed, &proof).await.unwrap();
            assert!(matches!(code, ErrorCode::InvalidArgument | ErrorCode::CorruptResponse));
        }
        let other = [
            berth_model::ModelNode::new("elsewhere").anchor(MAIN_SPACE, "preset"),
            bed.node.anchor("other", "preset"),
            bed.node.anchor(MAIN_SPACE, "another"),
        ];
        for anchor in &other {
            assert_eq!(code(anchor, &proof).await, Some(ErrorCode::CorruptResponse));
        }
        for claim in &not {
            let changed = Proof { claim: claim.clone(), ..proof.clone() };
            assert_eq!(code(&anchor, &changed).await, Some(ErrorCode::CorruptResponse));
        }
        let block = BlockRef { number: proof.block.number + 1, ..proof.block.clone() };
        assert_eq!(code(&anchor, &Proof { block, ..proof.clone() }).await, Some(ErrorCode::CorruptResponse));
    }
    let proof = bed.ledger.prove(Claim::Slot(Slot { contract: "z".into(), key: vec![], value: None })).await;
    assert_eq!(code(b"no anchor", &proof.unwrap()).await, Some(ErrorCode::InvalidArgument));
}

#[tokio::test]
async fn what_is_not_final_is_not_proven_yet() {
    let bed = bed().await;
    let probe = bed.deploy(b"probe").await;
    let added = bed.write(invoke(&probe, "add(integer)", vec![integer(1)])).await;
    let error = answered(bed.ledger.prove(Claim::Included(added.transaction)).await);
    assert_eq!((error.code, error.retryable), (ErrorCode::NotFound, true));
}
