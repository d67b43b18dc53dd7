//! Behaviour that depends on being tested.
//!
//! Whether an adapter is recorded it cannot see: recording is done around what it is lent. All else by which it could know
//! an examination is changed here: the same course of calls is gone through once as the suite always does it, and once
//! under conditions that are unlike it. The two must be the same, call by call.

use std::collections::BTreeMap;

use adapter_spec::types::{
    BlockSelector, CallOptions, Confidence, EventFilter, EventStart, LedgerStatus, Step, Value,
};
use serde_json::{Value as Json, json};

use crate::{
    check::{Checked, Expect as _, Stop, ensure},
    checks::deeds::{Day, Deed, ended, facts},
    trial::{Actor, Application, Disturbance, Ending, Observed, Signed, Trial, Which, Written},
};

/// One step of the course, as it went.
struct Seen {
    /// What of it must be the same under all conditions.
    same: Json,
    /// What must be the same unless the application has another past: the methods that were asked, in the order in which
    /// each was asked first. How often is a matter of how long the chain is.
    asked: Vec<String>,
    /// For people.
    ended: String,
}

/// The course, by the names of its steps.
type Course = BTreeMap<&'static str, Seen>;

/// What is alike for both times: a transaction in the ledger.
struct Known {
    written: Written,
    block: u64,
    word: String,
    amount: u32,
}

/// How the course is gone through.
#[derive(Default)]
struct How {
    /// Salts; none: as the suite makes them.
    salt: Option<fn(&mut Trial) -> Vec<u8>>,
    /// Reads first.
    reads_first: bool,
}

/// The kind of a value and of all inside it, without the values.
fn shape(value: &Json) -> Json {
    match value {
        Json::Null => json!("none"),
        Json::Bool(_) => json!("flag"),
        Json::Number(_) => json!("number"),
        Json::String(_) => json!("text"),
        // How many there are is the ledger's business, and none has no shape.
        Json::Array(_) => json!("list"),
        Json::Object(fields) => {
            Json::Object(fields.iter().map(|(name, field)| (name.clone(), shape(field))).collect())
        }
    }
}

/// Writes a step down. `exact`: what of the answer must be equal; otherwise only its shape is.
fn seen(trial: &Trial, call: &Observed, exact: Option<Json>) -> Seen {
    let requests = call.requests();
    let submits = &trial.facts.testbed.submits;
    let submitted = requests.iter().filter(|request| submits.contains(&request.method)).count();
    let mut asked: Vec<String> = Vec::new();
    for request in requests.iter() {
        if !asked.contains(&request.method) {
            asked.push(request.method.clone());
        }
    }
    let end = match &call.ending {
        Ending::Success(answer) => exact.unwrap_or_else(|| shape(answer)),
        Ending::Error(error) | Ending::SendFailure(_, error) => json!([error.code, error.retryable]),
        other => json!(format!("{other:?}")),
    };
    Seen { same: json!([end, submitted]), asked, ended: format!("{}, {submitted} submissions", ended(call)) }
}

async fn reads(
    trial: &mut Trial,
    app: &Application,
    actor: &Actor,
    known: &Known,
    course: &mut Course,
) -> Checked {
    let mut keep = |name, trial: &Trial, deed: Option<Deed>| -> Checked {
        let call = app.last_call()?;
        let exact = deed.and_then(|deed| facts(deed, &call));
        course.insert(name, seen(trial, &call, exact));
        Ok(())
    };
    drop(app.status().await);
    let status = app.last_call()?.success::<LedgerStatus>();
    keep("core.ledger.status", trial, None)?;
    if let Some(key) = actor.party.keys.first() {
        drop(app.accounts(key.clone()).await);
        keep("core.ledger.accounts", trial, None)?;
    }
    if let Ok(call) = trial.evaluate("echo-text", vec![Value::Text(known.word.clone())]) {
        drop(app.read(call, actor, trial.options()).await);
        keep("core.ledger.begin of a read", trial, Some(Deed::Evaluate))?;
    }
    let Written { envelope, .. } = &known.written;
    drop(app.receipt(&envelope.transaction, envelope.tracking.clone()).await);
    keep("core.ledger.receipt", trial, Some(Deed::Receipt))?;
    drop(app.receipt(&format!("{} {}", known.word, known.word), Vec::new()).await);
    keep("core.ledger.receipt of a malformed id", trial, None)?;
    drop(app.contract_abi(&trial.contracts.probe).await);
    keep("core.ledger.contract-abi", trial, Some(Deed::ContractAbi))?;
    if let Some(arguments) = trial.facts.testbed.probe.unfit.first().cloned() {
        let call = trial.invoke("add", arguments)?;
        drop(app.begin(call, actor.parties(), trial.options()).await);
        keep("core.ledger.begin with arguments that do not fit", trial, None)?;
    }
    if trial.facts.interfaces.blocks {
        drop(app.block(BlockSelector::Number(known.block)).await);
        keep("blocks.get", trial, Some(Deed::Block))?;
        if let Some(status) = status {
            drop(app.block(BlockSelector::Hash(status.head.hash)).await);
            keep("blocks.get by hash", trial, None)?;
        }
    }
    if trial.facts.interfaces.events {
        let filter = EventFilter {
            contract: Some(trial.contracts.probe.clone()),
            name: None,
            abi: trial.facts.testbed.probe.abi.clone(),
            confidence: Confidence::Latest,
        };
        drop(app.events(filter, EventStart::Block(known.block), 1, 1 << 20).await);
        keep("events.read", trial, Some(Deed::Events))?;
    }
    Ok(())
}

async fn write(
    trial: &mut Trial,
    app: &Application,
    actor: &Actor,
    known: &Known,
    how: &How,
    course: &mut Course,
) -> Checked {
    let salt = match how.salt {
        Some(salt) => salt(trial),
        None => trial.bytes(32),
    };
    let options = CallOptions { salt, ..CallOptions::default() };
    let call = trial.add(known.amount)?;
    let before = trial.count(app, actor).await?;
    let step = app.begin(call, actor.parties(), options).await;
    course.insert("core.ledger.begin", seen(trial, &app.last_call()?, None));
    let Ok(step) = step else { return Ok(()) };
    let needs_signature = matches!(step, Step::Sign(_));
    let envelope = match app.sign(actor, step).await {
        Ok(Signed::Envelope(envelope)) => envelope,
        _ => {
            course.insert("core.ledger.resume", seen(trial, &app.last_call()?, None));
            return Ok(());
        }
    };
    if needs_signature {
        course.insert("core.ledger.resume", seen(trial, &app.last_call()?, None));
    }
    drop(app.send(envelope.clone()).await);
    course.insert("core.ledger.send", seen(trial, &app.last_call()?, None));
    drop(app.send(envelope.clone()).await);
    // Whether it waits or is in a block by now is the node's business, and so is what there is to ask after that.
    let again = seen(trial, &app.last_call()?, None);
    course.insert("core.ledger.send once more", Seen { asked: Vec::new(), ..again });
    trial.advance(1).await?;
    let receipt = app.included(&envelope).await;
    let outcome = receipt.map(|receipt| receipt.outcome.map(|outcome| outcome.is_ok()));
    let after = trial.count(app, actor).await?;
    let number = |text: &str| text.parse::<i128>().unwrap_or_default();
    let grew = number(&after).saturating_sub(number(&before));
    let outcome = outcome.map_err(|stop| format!("{stop:?}"));
    let said = format!("the outcome {outcome:?}, and the counter grew by {grew}");
    course
        .insert("the effect of the transaction", Seen { same: json!(said), asked: Vec::new(), ended: said });
    Ok(())
}

async fn go(trial: &mut Trial, app: &Application, known: &Known, how: &How) -> Result<Course, Stop> {
    let actor = trial.actor(app).await?;
    let mut course = Course::new();
    if how.reads_first {
        reads(trial, app, &actor, known, &mut course).await?;
        write(trial, app, &actor, known, how, &mut course).await?;
    } else {
        write(trial, app, &actor, known, how, &mut course).await?;
        reads(trial, app, &actor, known, &mut course).await?;
    }
    Ok(course)
}

/// The two courses are the same. `with_past`: what is asked of endpoints may differ, since the past may have left
/// something in the state that needs no asking again.
fn compare(usual: &Course, other: &Course, how: &str, with_past: bool) -> Checked {
    for (name, usual) in usual {
        let expected = format!("{name} does {how} what it does else: {}", usual.ended);
        let Some(other) = other.get(name) else {
            return Err(crate::check::Fault::new(expected, "the course did not get there").into());
        };
        ensure(usual.same == other.same, expected.clone(), || other.ended.clone())?;
        let same = with_past || usual.asked == other.asked;
        ensure(same, format!("{expected}; it asks {}", usual.asked.join(", ")), || {
            format!("{}; it asks {}", other.ended, other.asked.join(", "))
        })?;
    }
    Ok(())
}

/// A transaction in the ledger, and the usual course.
async fn usual(trial: &mut Trial) -> Result<(Known, Course), Stop> {
    let Day { written, .. } = Day::begin(trial).await?;
    let block = written.receipt.block.as_ref().map_or(0, |block| block.number);
    // Deep enough that nothing of it changes from one course to the other.
    trial.advance(8).await?;
    let amount = u32::try_from(3 + trial.below(1_000_000)).unwrap_or(3);
    let known = Known { written, block, word: trial.name(), amount };
    let app = trial.application().await?;
    let course = go(trial, &app, &known, &How::default()).await?;
    Ok((known, course))
}

/// Applications with names as operators give them.
pub(super) async fn names(trial: &mut Trial) -> Checked {
    let (known, usual) = usual(trial).await?;
    let number = trial.below(9000);
    let word = trial.name();
    let names = [
        format!("Acme-{word}-{number}"),
        format!("{word}.example.com"),
        format!("{number}"),
        format!("{}-{word}-{number}", "production".repeat(4)),
        "X".into(),
    ];
    for name in names {
        let app = trial.application_named(&name).await?;
        let other = go(trial, &app, &known, &How::default()).await?;
        compare(&usual, &other, "under another name of the application", false)?;
    }
    Ok(())
}

/// A clock that stands still, and one that is a little ahead.
pub(super) async fn clock(trial: &mut Trial) -> Checked {
    let (known, usual) = usual(trial).await?;
    let app = trial.application().await?;
    app.hold_clock(true);
    let other = go(trial, &app, &known, &How::default()).await?;
    app.hold_clock(false);
    compare(&usual, &other, "with a clock that stands still", false)?;
    let app = trial.application().await?;
    app.set_clock(1_717);
    let other = go(trial, &app, &known, &How::default()).await?;
    compare(&usual, &other, "with a clock that is a little ahead", false)
}

/// An application that has seen endpoints fail.
pub(super) async fn faults(trial: &mut Trial) -> Checked {
    let (known, usual) = usual(trial).await?;
    let app = trial.application().await?;
    let disturbances = [
        Disturbance::Unreachable,
        Disturbance::Slow,
        Disturbance::Page,
        Disturbance::Retyped,
        Disturbance::Empty,
    ];
    for disturbance in disturbances {
        app.disturb(Which::all(), disturbance);
        drop(app.status().await);
        let Written { envelope, .. } = &known.written;
        drop(app.receipt(&envelope.transaction, envelope.tracking.clone()).await);
        app.calm();
    }
    let other = go(trial, &app, &known, &How::default()).await?;
    compare(&usual, &other, "after faults of endpoints", true)
}

/// Salts that are no random bytes to look at.
pub(super) async fn salts(trial: &mut Trial) -> Checked {
    let (known, usual) = usual(trial).await?;
    let salts: [fn(&mut Trial) -> Vec<u8>; 4] = [
        |trial| [vec![0; 24], trial.bytes(8)].concat(),
        |trial| [trial.bytes(8), vec![0; 24]].concat(),
        |trial| hex::encode(trial.bytes(16)).into_bytes(),
        |trial| [vec![0xff; 20], trial.bytes(12)].concat(),
    ];
    for salt in salts {
        let app = trial.application().await?;
        let other = go(trial, &app, &known, &How { salt: Some(salt), ..How::default() }).await?;
        compare(&usual, &other, "with other salts", false)?;
    }
    Ok(())
}

/// Reads before writes, where the usual course writes first.
pub(super) async fn order(trial: &mut Trial) -> Checked {
    let (known, usual) = usual(trial).await?;
    let app = trial.application().await?;
    let other = go(trial, &app, &known, &How { reads_first: true, ..How::default() }).await?;
    compare(&usual, &other, "in another order", true)
}

async fn after(trial: &mut Trial, calls: usize) -> Checked {
    let (known, usual) = usual(trial).await?;
    let app = trial.application().await?;
    let actor = trial.actor(&app).await?;
    for number in 0..calls {
        match number % 4 {
            0 => drop(app.status().await),
            1 => {
                let key = actor.party.keys.first().cloned();
                let key = key.ok_or_else(|| Stop::Harness("a party without keys".into()))?;
                app.accounts(key).await.expected("accounts of a good key")?;
            }
            2 => {
                let Written { envelope, .. } = &known.written;
                drop(app.receipt(&envelope.transaction, envelope.tracking.clone()).await);
            }
            _ => {
                let begun = app.begin(trial.add(1)?, actor.parties(), trial.options()).await;
                if let Ok(Step::Sign(request)) = begun {
                    app.abandon(request.continuation).await.expected("abandon always works")?;
                }
            }
        }
    }
    let other = go(trial, &app, &known, &How::default()).await?;
    compare(&usual, &other, "after many calls", true)
}

/// An application that has made some hundred calls.
pub(super) async fn many_calls(trial: &mut Trial) -> Checked {
    let calls = 200 + trial.below(80);
    after(trial, calls).await
}

/// An application that has made some thousand calls.
pub(super) async fn very_many_calls(trial: &mut Trial) -> Checked {
    let calls = 2_000 + trial.below(600);
    after(trial, calls).await
}
