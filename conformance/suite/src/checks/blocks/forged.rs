//! Answers that a node should not give.

use adapter_spec::{
    CallError, Function,
    types::{Block, BlockSelector, ErrorCode},
};
use serde_json::Value;

use super::{get, hash_of, shown, written};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Application, Disturbance, Request, Trial, Which},
};

/// How many changed answers are tried for each request.
const CHANGES: usize = 24;

/// An application with one endpoint under each need: no other node can put right what one gets wrong.
async fn one_node(trial: &mut Trial) -> Result<Application, Stop> {
    let settings = serde_json::Value::Object(trial.facts.testbed.settings.clone()).to_string();
    trial.application_with(&settings, 1).await?.expected("open succeeds with settings that fit")
}

/// A fault unless a forgery was noticed, or changed nothing that a block's hash stands for.
fn noticed(selector: &BlockSelector, honest: &Block, came: Result<Block, CallError>, how: &str) -> Checked {
    let came = match came {
        Ok(block) => block,
        Err(CallError::Answered(_)) => return Ok(()),
        Err(CallError::Ended(ended)) => return fail("an error of the standard", format!("{how}: {ended}")),
    };
    let is_asked_for = match selector {
        BlockSelector::Number(number) => came.reference.number == *number,
        BlockSelector::Hash(hash) => came.reference.hash == *hash,
        BlockSelector::At(_) => true,
    };
    // By number, a whole other header may be another block of that height: nobody can tell.
    let is_whole = came
        .header
        .as_ref()
        .is_none_or(|header| hash_of(header, came.reference.number) == came.reference.hash);
    let facts = |block: &Block| {
        (block.reference.clone(), block.parent.clone(), block.header.clone(), block.timestamp_millis)
    };
    let is_honest = came.reference.hash != honest.reference.hash || facts(&came) == facts(honest);
    ensure(is_asked_for && is_whole && is_honest, "a forged block is refused: corrupt-response", || {
        format!("{how}: success, for {}", shown(selector))
    })
}

/// A fault where the other block came.
fn is_not(came: &Result<Block, CallError>, other: &Block, selector: &BlockSelector, how: &str) -> Checked {
    let is_other = matches!(came, Ok(block) if block.reference.hash == other.reference.hash);
    ensure(!is_other, "a forged block is refused: corrupt-response", || {
        format!("{how}: the other block, for {}", shown(selector))
    })
}

/// The text that a request was answered with: the JSON of JSON-RPC, or the body or message.
fn answer_of(request: &Request) -> Option<(Vec<u8>, bool)> {
    let answer = request.answer.as_ref()?.get("Ok")?;
    let bytes = |text: &Value| hex::decode(text.as_str()?.trim_start_matches("0x")).ok();
    match answer {
        Value::String(text) if text.starts_with("0x") => Some((bytes(answer)?, false)),
        Value::String(text) => Some((text.clone().into_bytes(), true)),
        Value::Object(response) => {
            let body = bytes(response.get("body")?)?;
            let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
            Some((body, is_json))
        }
        _ => None,
    }
}

/// Another byte at this place: another digit for a digit, so that text stays text; else one bit turned.
fn changed(answer: &[u8], at: usize, is_text: bool, choice: usize) -> Vec<u8> {
    let mut changed = answer.to_vec();
    if let Some(byte) = changed.get_mut(at) {
        *byte = match *byte {
            b'0'..=b'8' if is_text => *byte + 1,
            b'9' if is_text => b'1',
            b'a'..=b'e' if is_text => *byte + 1,
            b'f' if is_text => b'a',
            other if is_text => other,
            other => other ^ (1 << (choice % 8)),
        };
    }
    changed
}

/// The first place from here on that a change changes; digits come in names too, and there they change the form.
fn place(answer: &[u8], from: usize, is_text: bool) -> usize {
    let fits = |byte: &u8| !is_text || byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let after = answer.iter().skip(from).position(fits).map(|at| at + from);
    after.or_else(|| answer.iter().position(fits)).unwrap_or_default()
}

pub(super) async fn changed_answers(trial: &mut Trial) -> Checked {
    let application = one_node(trial).await?;
    let transaction = written(trial, &application).await?;
    let Some(reference) = transaction.receipt.block else { return fail("the transaction's block", "none") };
    for selector in [BlockSelector::Hash(reference.hash.clone()), BlockSelector::Number(reference.number)] {
        let honest = get(&application, selector.clone()).await?;
        let requests = application.last_call()?.requests();
        for (number, request) in requests.iter().enumerate() {
            let Some((answer, is_text)) = answer_of(request) else { continue };
            let nth = u32::try_from(number).unwrap_or(u32::MAX);
            for change in 0..CHANGES.min(answer.len()) {
                // All over the answer, with some chance.
                let part = answer.len().div_ceil(CHANGES).max(1);
                let at = place(&answer, change * part + trial.below(part), is_text);
                let forged = changed(&answer, at, is_text, trial.below(8));
                if forged == answer {
                    continue;
                }
                application.disturb(Which::of(Function::Block).nth(nth), Disturbance::Instead(forged));
                let came = application.block(selector.clone()).await;
                application.calm();
                let how = format!("byte {at} of the answer to {} changed", request.method);
                noticed(&selector, &honest, came, &how)?;
            }
        }
    }
    Ok(())
}

pub(super) async fn another_block(trial: &mut Trial) -> Checked {
    let application = one_node(trial).await?;
    let mut blocks = Vec::new();
    for _ in 0..2 {
        let transaction = written(trial, &application).await?;
        let Some(reference) = transaction.receipt.block else {
            return fail("the transaction's block", "none");
        };
        let block = get(&application, BlockSelector::Hash(reference.hash)).await?;
        blocks.push((block, application.last_call()?.requests()));
    }
    let [(first, answered), (second, asked)] = blocks.as_slice() else { return Ok(()) };
    let mut refused = Vec::new();
    for selector in
        [BlockSelector::Hash(second.reference.hash.clone()), BlockSelector::Number(second.reference.number)]
    {
        // The other block's answers, each instead of its own.
        for (number, (request, other)) in asked.iter().zip(answered.iter()).enumerate() {
            let Some((answer, _)) = answer_of(other) else { continue };
            if answer_of(request).is_some_and(|(own, _)| own == answer) {
                continue;
            }
            let nth = u32::try_from(number).unwrap_or(u32::MAX);
            application.disturb(Which::of(Function::Block).nth(nth), Disturbance::Instead(answer));
            let came = application.block(selector.clone()).await;
            application.calm();
            refused.extend(came.as_ref().err().and_then(|error| Some(error.answered()?.code)));
            let how = format!("another block's answer to {}", request.method);
            is_not(&came, first, &selector, &how)?;
            noticed(&selector, second, came, &how)?;
        }
        application.disturb(Which::of(Function::Block), Disturbance::Duplicated);
        application.block(BlockSelector::Hash(first.reference.hash.clone())).await.ok();
        let came = application.block(selector.clone()).await;
        application.calm();
        let how = "the answer to an earlier question";
        is_not(&came, first, &selector, how)?;
        noticed(&selector, second, came, how)?;
    }
    // One of these requests was for the block; the others may go wrong in a way of their own.
    let is_right = refused.is_empty() || refused.contains(&ErrorCode::CorruptResponse);
    ensure(is_right, "corrupt-response for another block's answer", || {
        refused.iter().map(|code| code.name()).collect::<Vec<_>>().join(", ")
    })
}

pub(super) async fn broken_answers(trial: &mut Trial) -> Checked {
    let application = one_node(trial).await?;
    let transaction = written(trial, &application).await?;
    let Some(reference) = transaction.receipt.block else { return fail("the transaction's block", "none") };
    let selector = BlockSelector::Hash(reference.hash);
    let honest = get(&application, selector.clone()).await?;
    let requests = u32::try_from(application.last_call()?.requests().len()).unwrap_or(u32::MAX);
    let part = u8::try_from(trial.below(100)).unwrap_or_default();
    let broken = [
        Disturbance::Turned(part),
        Disturbance::Turned(99),
        Disturbance::CutOff(part),
        Disturbance::Empty,
        Disturbance::Instead(b"{}".to_vec()),
        Disturbance::Instead(b"[]".to_vec()),
        Disturbance::Instead(b"\"0x\"".to_vec()),
        Disturbance::Instead(trial.bytes(200)),
        Disturbance::Nested(5000),
    ];
    for nth in 0..requests {
        for disturbance in &broken {
            application.disturb(Which::of(Function::Block).nth(nth), disturbance.clone());
            let came = application.block(selector.clone()).await;
            application.calm();
            noticed(&selector, &honest, came, &format!("{disturbance:.80?}"))?;
        }
    }
    Ok(())
}
