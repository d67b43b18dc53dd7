//! What became of a transaction, events, and what the preset store answered.

use adapter_spec::types::{Event, Inclusion, Output, Receipt, StoreAnswer, StoreVersion};

use super::{Sheet, block_ref, bytes, grouped_digits};

/// How far a transaction has come, in words.
pub(crate) fn inclusion(inclusion: &Inclusion) -> String {
    match inclusion {
        Inclusion::Unknown => "the ledger does not know it".into(),
        Inclusion::Pending => "accepted, in no block yet".into(),
        Inclusion::Included(1) => "in a block, with 1 confirmation".into(),
        Inclusion::Included(count) => format!("in a block, with {count} confirmations"),
        Inclusion::Final => "final".into(),
        Inclusion::Expired => "expired: it can no longer enter a block".into(),
        Inclusion::Superseded(by) if by.is_empty() => "superseded by another transaction".into(),
        Inclusion::Superseded(by) => format!("superseded by {by}"),
    }
}

/// A receipt for people.
pub(crate) fn receipt(sheet: &mut Sheet, receipt: &Receipt) {
    sheet.field("transaction", &receipt.transaction);
    sheet.field("inclusion", &inclusion(&receipt.inclusion));
    if let Some(block) = &receipt.block {
        sheet.field("block", &block_ref(block));
    }
    match &receipt.outcome {
        None => {}
        Some(Err(error)) => sheet.field("outcome", &format!("FAILED, {}", super::error(error))),
        Some(Ok(result)) => sheet.field("outcome", &format!("succeeded{}", result_of(result))),
    }
    if let Some(created) = &receipt.created {
        sheet.field("created", created);
    }
    if let Some(fee) = &receipt.fee {
        sheet.field("fee paid", &grouped_digits(fee));
    }
    for one in &receipt.events {
        sheet.field("event", &event_text(one));
    }
}

fn result_of(output: &Output) -> String {
    match (&output.json, output.raw.is_empty()) {
        (Some(json), _) => format!(", answered {json}"),
        (None, false) => format!(", answered {}", bytes(&output.raw)),
        (None, true) => String::new(),
    }
}

/// What a read answered: what it decodes to, else the bytes.
pub(crate) fn output(sheet: &mut Sheet, output: &Output) {
    match &output.json {
        Some(json) => sheet.line(json),
        None => sheet.line(&bytes(&output.raw)),
    }
}

/// One event on its own, in one or two lines.
pub(crate) fn event(sheet: &mut Sheet, event: &Event) {
    let retracted = if event.retracted { "RETRACTED " } else { "" };
    sheet.field(&format!("block {}", event.block.number), &format!("{retracted}{}", event_text(event)));
    sheet.field("", &format!("contract {}, transaction {}", event.contract, event.transaction));
}

fn event_text(event: &Event) -> String {
    let content = event.json.clone().unwrap_or_else(|| bytes(&event.payload));
    format!("{} {content}", event.name)
}

/// What a store operation came to.
pub(crate) fn store_answer(sheet: &mut Sheet, answer: &StoreAnswer) {
    match answer {
        StoreAnswer::Done => sheet.line("done"),
        StoreAnswer::Value(value) => sheet.line(&bytes(value)),
        StoreAnswer::History(versions) if versions.is_empty() => sheet.line("there never was such a key"),
        StoreAnswer::History(versions) => store_history(sheet, versions),
    }
}

/// The versions of a key, oldest first.
fn store_history(sheet: &mut Sheet, versions: &[StoreVersion]) {
    for version in versions {
        let value = version.value.as_deref().map_or_else(|| "deleted".into(), bytes);
        sheet.field(&format!("block {}", version.block.number), &value);
        sheet.field("", &format!("transaction {}", version.transaction));
    }
}
