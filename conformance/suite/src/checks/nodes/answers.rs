//! Answers that are none, or none to this question.

use adapter_spec::{
    CallError, Function,
    types::{Block, BlockSelector, EndpointNeed, ErrorCode, Transport},
};
use serde_json::Value;

use super::failures::{Allowed, judge, nothing_to_show, places};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    checks::deeds::{DEEDS, Day, Deed, Done, ended},
    trial::{Application, Disturbance, Ending, Observed, Request, Trial, Which},
};

/// What a broken answer may become.
const BROKEN: &[ErrorCode] = &[ErrorCode::CorruptResponse, ErrorCode::Unavailable];

/// All ways in which an answer is none, with words for them.
fn broken(trial: &mut Trial) -> Vec<(Disturbance, &'static str)> {
    let random = trial.bytes(64);
    vec![
        (Disturbance::Empty, "an empty answer"),
        (Disturbance::CutOff(60), "an answer that is cut off"),
        (Disturbance::Instead(random), "random bytes"),
        (Disturbance::Instead(vec![0; 4096]), "zeros"),
        (Disturbance::Nested(20_000), "a deeply nested answer"),
        (Disturbance::Page, "a page for people"),
        (Disturbance::Retyped, "an answer of other types"),
        (Disturbance::Instead(b"[[],{},\"\"]".to_vec()), "an answer of another shape"),
        (Disturbance::Instead(b"{}".to_vec()), "an empty object"),
    ]
}

/// Where the transaction left with a request whose answer was broken, another node can say that it has it already. And an empty
/// gRPC message is a whole one, which may be all that a node says to a submission.
fn may_succeed(trial: &Trial, deed: Deed, disturbance: &Disturbance) -> bool {
    let is_whole = || {
        let grpc = |need: &EndpointNeed| need.transport == Transport::Grpc;
        matches!(disturbance, Disturbance::Empty) && trial.facts.descriptor.endpoints.iter().any(grpc)
    };
    deed == Deed::Send && (disturbance.leaves() || is_whole())
}

/// Every request of a call gets a broken answer, of a kind that the seed chooses.
pub(super) async fn none(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    for deed in DEEDS {
        if !day.can(trial, *deed) {
            continue;
        }
        let mut kinds = broken(trial);
        for _ in 0..4 {
            let (disturbance, what) = kinds.swap_remove(trial.below(kinds.len()));
            let success = may_succeed(trial, *deed, &disturbance);
            let done = day.under(trial, *deed, &[(Which::all(), disturbance)]).await?;
            judge(*deed, what, &done, &Allowed { codes: BROKEN, retryable: false, success })?;
        }
    }
    Ok(())
}

/// One request of a call gets a broken answer, of each kind.
pub(super) async fn none_anywhere(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    for deed in DEEDS {
        if !day.can(trial, *deed) {
            continue;
        }
        let requests = day.calmly(trial, *deed).await?.requests().len();
        if requests == 0 {
            continue;
        }
        for (disturbance, what) in broken(trial) {
            let success = may_succeed(trial, *deed, &disturbance);
            let done = day.under(trial, *deed, &[(Which::all(), disturbance.clone())]).await?;
            judge(*deed, what, &done, &Allowed { codes: BROKEN, retryable: false, success })?;
            // A transaction for each place and kind would be many.
            for place in places(if *deed == Deed::Send { 1 } else { requests }) {
                let wrong = [(Which::all().nth(place), disturbance.clone())];
                let done = day.under(trial, *deed, &wrong).await?;
                let what = format!("{what} at request {}", place + 1);
                judge(*deed, &what, &done, &Allowed { codes: BROKEN, retryable: false, success: true })?;
            }
        }
    }
    Ok(())
}

/// Lengths in answers are four gigabytes.
pub(super) async fn huge_lengths(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    for deed in DEEDS {
        if !day.can(trial, *deed) {
            continue;
        }
        // What is sent costs a transaction each time.
        let shares: &[u8] = if *deed == Deed::Send { &[50] } else { &[0, 3, 10, 25, 50, 75, 90, 100] };
        for share in shares {
            let done = day.under(trial, *deed, &[(Which::all(), Disturbance::Huge(*share))]).await?;
            let expected =
                format!("{}: a stated length is not believed beyond the bytes that came", deed.name());
            let is_answered = !matches!(done.wrong.ending, Ending::Ended(_));
            ensure(is_answered, expected, || ended(&done.wrong))?;
        }
    }
    Ok(())
}

/// The bytes of an answer, as the endpoint gave them.
fn body(request: &Request) -> Option<Vec<u8>> {
    match request.answer.as_ref()?.get("Ok")? {
        Value::String(text) => {
            Some(match text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok()) {
                // Of gRPC the message, in hexadecimal; of JSON-RPC the text of the result, which never begins so.
                Some(bytes) => bytes,
                None => text.clone().into_bytes(),
            })
        }
        response => hex::decode(response.get("body")?.as_str()?.strip_prefix("0x")?).ok(),
    }
}

/// Has the requests of this function get what the same methods answered in `other`, over and over.
fn mix_up(app: &Application, function: Function, other: &Observed) {
    let mut answers = std::collections::BTreeMap::<String, Vec<Vec<u8>>>::new();
    for request in other.requests().iter() {
        if let Some(body) = body(request) {
            answers.entry(request.method.clone()).or_default().push(body);
        }
    }
    for (method, bodies) in answers {
        let last = bodies.len().saturating_sub(1);
        for (number, body) in bodies.into_iter().enumerate() {
            let which = Which {
                function: Some(function),
                method: Some(method.clone()),
                from: u32::try_from(number).unwrap_or(u32::MAX),
                // The last one for all that come.
                count: (number < last).then_some(1),
                ..Which::all()
            };
            app.disturb(which, Disturbance::Instead(body));
        }
    }
}

/// A day in an application that is lent one endpoint alone: a second one would put right what the first does wrong.
async fn with_one_endpoint(trial: &mut Trial) -> Result<Day, Stop> {
    let settings = Value::Object(trial.facts.testbed.settings.clone()).to_string();
    let app = trial.application_with(&settings, 1).await?.expected("open succeeds with settings that fit")?;
    Day::with(trial, app).await
}

fn corrupt(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::CorruptResponse | ErrorCode::Unavailable)
}

/// A block's questions get another block's answers.
pub(super) async fn of_another_block(trial: &mut Trial) -> Checked {
    let day = with_one_endpoint(trial).await?;
    let app = &day.application;
    let number = day.block();
    app.block(BlockSelector::Number(number.saturating_sub(1))).await.expected("a block that is there")?;
    let other = app.last_call()?;
    let right: Block = app.block(BlockSelector::Number(number)).await.expected("a block that is there")?;
    for selector in [BlockSelector::Number(number), BlockSelector::Hash(right.reference.hash.clone())] {
        mix_up(app, Function::Block, &other);
        let came = app.block(selector.clone()).await;
        app.calm();
        let expected = format!("{selector:?}, answered with another block: corrupt-response");
        match came {
            Err(CallError::Answered(error)) if corrupt(error.code) => {}
            Err(error) => return fail(expected, error.to_string()),
            Ok(block) => ensure(block == right, expected, || {
                format!("the block {} as if it were the right one", block.reference.number)
            })?,
        }
        let again = app.block(selector).await.expected("the next call works")?;
        ensure(again == right, "the right block, when the node answers rightly", || format!("{again:?}"))?;
    }
    Ok(())
}

/// A receipt's questions get another transaction's answers.
pub(super) async fn of_another_transaction(trial: &mut Trial) -> Checked {
    let day = with_one_endpoint(trial).await?;
    let app = &day.application;
    let first = &day.written.envelope;
    let ask = async |app: &Application, envelope: &adapter_spec::types::Envelope| {
        app.receipt(&envelope.transaction, envelope.tracking.clone()).await
    };
    ask(app, first).await.expected("a receipt")?;
    let other = app.last_call()?;
    let (call, options) = (trial.add(3)?, trial.options());
    let envelope = app.envelope(call, &day.actor, options).await?;
    // Not sent yet: whatever is said of it now is of the other one.
    mix_up(app, Function::Receipt, &other);
    let came = ask(app, &envelope).await;
    app.calm();
    let expected = "a receipt, answered with another transaction's: corrupt-response";
    match came {
        Err(CallError::Answered(error)) if corrupt(error.code) => {}
        Err(error) => return fail(expected, error.to_string()),
        Ok(receipt) => {
            let is_included = receipt.block.is_some() || receipt.outcome.is_some();
            ensure(!is_included, expected, || {
                format!("a receipt in a block of a transaction that was never sent: {:?}", receipt.inclusion)
            })?;
        }
    }
    app.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
    trial.advance(1).await?;
    app.included(&envelope).await?;
    Ok(())
}

/// The answers of each list come in the opposite order.
pub(super) async fn reordered(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    let mut lists = 0;
    for deed in [Deed::Status, Deed::Receipt, Deed::Block, Deed::Events, Deed::StoreGet, Deed::Evaluate] {
        if !day.can(trial, deed) {
            continue;
        }
        day.application.reorder(deed.functions());
        let wrong = day.calmly(trial, deed).await?;
        day.application.calm();
        lists += wrong.exchanges.len();
        let again = day.calmly(trial, deed).await?;
        let done = Done { wrong, again: Some(again) };
        let what = "the answers of a list in another order";
        judge(deed, what, &done, &Allowed { codes: BROKEN, retryable: false, success: true })?;
    }
    if lists == 0 {
        return Err(nothing_to_show("no call asks an endpoint"));
    }
    Ok(())
}

/// Whether an answer of the call has these bytes, as they are or in hexadecimal.
fn names(call: &Observed, bytes: &[u8]) -> bool {
    let digits = hex::encode(bytes);
    call.requests().iter().filter_map(body).any(|body| {
        String::from_utf8_lossy(&body).to_lowercase().contains(&digits)
            || body.windows(bytes.len().max(1)).any(|part| part == bytes)
    })
}

/// Another one of the same length.
fn another(trial: &mut Trial, bytes: &[u8]) -> Vec<u8> {
    let mut other = bytes.to_vec();
    let at = trial.below(other.len().max(1));
    if let Some(byte) = other.get_mut(at) {
        *byte ^= 0x10;
    }
    other
}

/// The node says of the transaction that was sent that it has another id.
pub(super) async fn another_id(trial: &mut Trial) -> Checked {
    let day = with_one_endpoint(trial).await?;
    let app = &day.application;
    let (call, options) = (trial.add(5)?, trial.options());
    let envelope = app.envelope(call, &day.actor, options).await?;
    let id = envelope.transaction.as_bytes();
    let digits = envelope.transaction.strip_prefix("0x").unwrap_or(&envelope.transaction);
    let id = hex::decode(digits).unwrap_or_else(|_| id.to_vec());
    let other = another(trial, &id);
    app.disturb(Which::of(Function::Send), Disturbance::Replaced(id.clone(), other.clone()));
    let came = app.try_send(&envelope).await?;
    app.calm();
    let call = app.last_call()?;
    app.send(envelope.clone()).await.expected("sending again succeeds")?;
    trial.advance(1).await?;
    app.included(&envelope).await?;
    if !names(&call, &other) {
        return Err(nothing_to_show("the node's answer to a submission names no id"));
    }
    let expected = "send, answered with another id than the transaction's own: corrupt-response";
    match came {
        Err(failure) if failure.error.code == ErrorCode::CorruptResponse => Ok(()),
        Err(failure) => fail(expected, failure.to_string()),
        Ok(()) => fail(expected, "success"),
    }
}

/// The node says of a block that it has another hash than its bytes have.
pub(super) async fn another_hash(trial: &mut Trial) -> Checked {
    let day = with_one_endpoint(trial).await?;
    let app = &day.application;
    let right = app.block(BlockSelector::Number(day.block())).await.expected("a block that is there")?;
    if right.header.is_none() {
        return Err(nothing_to_show("the adapter gives no bytes that hash to the block's id"));
    }
    let hash = right.reference.hash;
    let other = another(trial, &hash);
    app.disturb(Which::of(Function::Block), Disturbance::Replaced(hash.clone(), other.clone()));
    let came = app.block(BlockSelector::Number(day.block())).await;
    app.calm();
    if !names(&app.last_call()?, &other) {
        return Err(nothing_to_show("the node's answer does not name the block's hash"));
    }
    let expected = "a block whose bytes do not hash to the hash that the node gives: corrupt-response";
    match came {
        Err(CallError::Answered(error)) if error.code == ErrorCode::CorruptResponse => Ok(()),
        Err(error) => fail(expected, error.to_string()),
        Ok(block) if block.reference.hash == hash => Ok(()),
        Ok(block) => {
            fail(expected, format!("success, with the hash 0x{}", hex::encode(block.reference.hash)))
        }
    }
}
