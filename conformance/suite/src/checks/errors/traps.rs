//! Nothing traps.

use adapter_spec::{
    Ended,
    types::{
        BlockSelector, Call, CallOptions, Claim, Confidence, Envelope, ErrorCode, EventFilter, EventStart,
        Goal, NativeCall, Party, PublicKey, Signature, Step, StoreEntry, StoreOperation, Validity, Value,
    },
};

use crate::{
    check::{Checked, Facts, Fault, Stop, ensure},
    checks::deeds::{DEEDS, Day, Deed},
    trial::{Disturbance, Ending, Observed, Trial, Which},
};

pub(super) fn none(call: &Observed, _: &Facts) -> Option<Result<(), Fault>> {
    let expected = "a typed answer, and internal only for the adapter's own contradictions";
    Some(match &call.ending {
        Ending::Ended(ended @ Ended::Trapped { .. }) => {
            Err(Fault::new(expected, format!("{}: {ended}", call.function)))
        }
        Ending::Error(error) | Ending::SendFailure(_, error) if error.code == ErrorCode::Internal => {
            Err(Fault::new(expected, format!("{} answered internal: {}", call.function, error.message)))
        }
        _ => Ok(()),
    })
}

fn judge(call: &Observed) -> Checked {
    match &call.ending {
        Ending::Ended(ended) => {
            ensure(false, format!("{}: a typed answer", call.function), || ended.to_string())
        }
        Ending::Error(error) | Ending::SendFailure(_, error) => ensure(
            error.code != ErrorCode::Internal,
            format!("{}: a code by its meaning", call.function),
            || format!("internal: {}", error.message),
        ),
        _ => Ok(()),
    }
}

/// The same with some of its bytes changed, cut off, or doubled.
fn mangled(trial: &mut Trial, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match trial.below(4) {
        0 => bytes.truncate(trial.below(bytes.len().max(1))),
        1 => bytes.extend(trial.bytes(9)),
        2 => {
            let at = trial.below(bytes.len().max(1));
            bytes.iter_mut().skip(at).take(4).for_each(|byte| *byte = 0xff);
        }
        _ => {
            let at = trial.below(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (at % 8);
            }
        }
    }
    bytes
}

/// Texts that are hard on decoders.
fn texts(trial: &mut Trial) -> Vec<String> {
    vec![
        String::new(),
        "\0".into(),
        "\u{202e}\u{feff}\u{1f980}\u{301}".into(),
        "0x".into(),
        format!("0x{}", "f".repeat(79)),
        "-".into(),
        "1e999999999".into(),
        format!("{}(", trial.name()),
        "((((((((((".into(),
        "tuple[][18446744073709551616](".into(),
        "{\"\":[".into(),
        "[".repeat(20_000),
        "9".repeat(5_000),
        "../../%2e%2e/?#".into(),
        trial.name().repeat(2_000),
    ]
}

/// All that a caller can hand in, broken in many ways.
pub(super) async fn callers(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?;
    let (app, parties) = (&day.application, day.actor.parties());
    let options = trial.options();
    let step = app.begin(trial.add(1)?, parties.clone(), options).await;
    if let Ok(Step::Sign(request)) = step {
        let signatures = day.actor.sign(&request)?;
        for _ in 0..40 {
            let continuation = mangled(trial, &request.continuation);
            drop(app.resume(continuation.clone(), signatures.clone()).await);
            drop(app.abandon(continuation).await);
        }
        let wrong = |bytes: Vec<u8>, recovery_id| vec![Signature { bytes, recovery_id }];
        for signatures in [
            Vec::new(),
            wrong(Vec::new(), None),
            wrong(vec![0; 64], Some(0)),
            wrong(vec![0xff; 64], Some(255)),
            wrong(vec![1; 100_000], Some(1)),
            vec![Signature { bytes: vec![1; 64], recovery_id: None }; 300],
        ] {
            drop(app.resume(request.continuation.clone(), signatures).await);
        }
        drop(app.abandon(request.continuation).await);
    }
    // Envelopes that no adapter made: none of them is a transaction of this actor's.
    let envelope = day.written.envelope.clone();
    for _ in 0..20 {
        let bytes = mangled(trial, &envelope.bytes);
        drop(app.send(Envelope { bytes, ..envelope.clone() }).await);
        let tracking = mangled(trial, &envelope.tracking);
        drop(app.receipt(&envelope.transaction, tracking).await);
    }
    drop(
        app.send(Envelope {
            transaction: String::new(),
            bytes: Vec::new(),
            valid_until: Validity::Block(u64::MAX),
            tracking: Vec::new(),
        })
        .await,
    );
    for text in texts(trial) {
        drop(app.receipt(&text, Vec::new()).await);
        for (call, label) in hostile_calls(trial, &text)? {
            let options = CallOptions {
                amount: (label == "amount").then(|| text.clone()),
                max_fee: (label == "max-fee").then(|| text.clone()),
                ..trial.options()
            };
            match app.begin(call, parties.clone(), options).await {
                Ok(Step::Sign(request)) => drop(app.abandon(request.continuation).await),
                other => drop(other),
            }
        }
        drop(app.contract_abi(&text).await);
        drop(app.plan(Goal::Account(text.clone())).await);
        drop(app.plan(Goal::Space(text.clone())).await);
        let party = Party { account: Some(text.clone()), ..day.actor.party.clone() };
        match app.begin(trial.add(1)?, vec![party], trial.options()).await {
            Ok(Step::Sign(request)) => drop(app.abandon(request.continuation).await),
            other => drop(other),
        }
        if trial.facts.interfaces.store {
            let preset = trial.contracts.preset.clone().unwrap_or_default();
            drop(app.to_call(&preset, StoreOperation::Get(text.clone())).await);
            let entry = StoreEntry { key: text.clone(), value: vec![0xff; 5_000] };
            drop(app.to_call(&text, StoreOperation::Insert(entry)).await);
        }
        if trial.facts.interfaces.events {
            let filter = EventFilter {
                contract: Some(text.clone()),
                name: Some(text.clone()),
                abi: Some(text.clone()),
                confidence: Confidence::Final,
            };
            drop(app.events(filter, EventStart::Cursor(text.clone().into_bytes()), u32::MAX, u32::MAX).await);
        }
        if trial.facts.interfaces.proofs {
            drop(app.prove(Claim::Included(text.clone())).await);
        }
    }
    for point in [Vec::new(), vec![4], vec![4; 65], vec![0xff; 65], vec![4; 100_000]] {
        for certificate in [None, Some(Vec::new()), Some(vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff])] {
            let key = PublicKey { scheme: day.actor.key.scheme(), point: point.clone(), certificate };
            drop(app.accounts(key.clone()).await);
            drop(
                app.begin(trial.add(1)?, vec![Party { account: None, keys: vec![key] }], trial.options())
                    .await,
            );
        }
    }
    drop(app.begin(trial.add(1)?, Vec::new(), trial.options()).await);
    if trial.facts.interfaces.blocks {
        for hash in [Vec::new(), vec![0; 1], vec![0xff; 32], vec![0; 100_000]] {
            drop(app.block(BlockSelector::Hash(hash)).await);
        }
        drop(app.block(BlockSelector::Number(u64::MAX)).await);
    }
    app.calls().iter().try_for_each(judge)
}

/// Calls with this text in each of their places.
fn hostile_calls(trial: &Trial, text: &str) -> Result<Vec<(Call, &'static str)>, Stop> {
    let add = trial.function("add", vec![Value::Integer("1".into())])?;
    let with = |argument: Value| {
        let mut call = add.clone();
        call.arguments = vec![argument];
        Call::Invoke(call)
    };
    let mut calls = vec![
        (with(Value::Text(text.into())), "text"),
        (with(Value::Integer(text.into())), "integer"),
        (with(Value::Json(text.into())), "json"),
        (with(Value::Bytes(text.as_bytes().to_vec())), "bytes"),
        (Call::Invoke(add.clone()), "amount"),
        (Call::Invoke(add.clone()), "max-fee"),
    ];
    let mut changed = |change: fn(&mut adapter_spec::types::ContractCall, String)| {
        let mut call = add.clone();
        change(&mut call, text.to_owned());
        calls.push((Call::Evaluate(call), "place"));
    };
    changed(|call, text| call.contract = text);
    changed(|call, text| call.function = text);
    changed(|call, text| call.abi = Some(text));
    changed(|call, text| call.private_arguments = vec![(text.clone(), text.into_bytes())]);
    for capability in &trial.facts.descriptor.capabilities {
        calls.push((Call::Native(NativeCall { name: capability.clone(), json: text.into() }), "native"));
    }
    Ok(calls)
}

/// True answers with one thing in them that is wrong.
pub(super) async fn nodes(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    for deed in DEEDS {
        // What is sent is not made broken again and again: each attempt would cost a transaction.
        if !day.can(trial, *deed) || *deed == Deed::Send {
            continue;
        }
        let requests = day.calmly(trial, *deed).await?.requests().len();
        for place in 0..u32::try_from(requests.min(4)).unwrap_or(4) {
            for _ in 0..6 {
                let share = u8::try_from(trial.below(100)).unwrap_or_default();
                let leaf = trial.below(64);
                for disturbance in [
                    Disturbance::Turned(share),
                    Disturbance::RetypedOne(leaf),
                    Disturbance::Huge(share),
                    Disturbance::CutOff(share),
                ] {
                    let done = day.under(trial, *deed, &[(Which::all().nth(place), disturbance)]).await?;
                    judge(&done.wrong)?;
                }
            }
        }
    }
    Ok(())
}
