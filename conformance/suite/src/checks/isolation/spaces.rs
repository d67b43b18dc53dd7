//! Ledger spaces on one node are kept apart.

use adapter_spec::types::{
    BlockSelector, CallOptions, Confidence, ErrorCode, EventFilter, EventStart, Inclusion, Value,
};

use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::{Trial, Written},
};

/// Pages of events after which it is not looked further.
const MOST_PAGES: usize = 100;

/// One application in each space, and what the first wrote in its own.
async fn two_spaces(trial: &mut Trial) -> Result<(Application, Application, Written, String), Stop> {
    let here = trial.application().await?;
    let settings = trial.facts.testbed.other_settings.clone().unwrap_or_default();
    let settings = serde_json::Value::Object(settings).to_string();
    let there = trial.application_with(&settings, usize::MAX).await?;
    let there = there.expected("open succeeds with the settings of another ledger space")?;
    let actor = trial.actor(&here).await?;
    let (word, options) = (trial.name(), trial.options());
    let call = trial.invoke("put", vec![Value::Text(word.clone())])?;
    let written = here.write_well(call, &actor, options).await?;
    Ok((here, there, written, word))
}

pub(super) async fn values(trial: &mut Trial) -> Checked {
    let (here, there, written, word) = two_spaces(trial).await?;
    let actor = trial.party(0)?;
    let read = trial.evaluate("text", Vec::new())?;
    let output =
        here.read(read.clone(), &actor, CallOptions::default()).await.expected("the text is read")?;
    let is_word = |output: &adapter_spec::types::Output| {
        String::from_utf8_lossy(&output.raw).contains(&word)
            || output.json.as_ref().is_some_and(|json| json.contains(&word))
    };
    ensure(is_word(&output), "the text that was written in this ledger space", || format!("{output:?}"))?;
    // The contract may not even be there.
    if let Ok(output) = there.read(read, &actor, CallOptions::default()).await {
        ensure(!is_word(&output), "no value of another ledger space", || {
            format!("{word:?}, which was written in the other one")
        })?;
    }
    let (id, tracking) = (&written.envelope.transaction, written.envelope.tracking.clone());
    match there.receipt(id, tracking).await {
        Ok(receipt) => ensure(
            !matches!(receipt.inclusion, Inclusion::Included(_) | Inclusion::Final | Inclusion::Pending),
            "no transaction of another ledger space",
            || format!("{:?} for a transaction of the other one", receipt.inclusion),
        ),
        Err(error) if error.answered().is_some() => Ok(()),
        Err(error) => fail("a receipt, or an error", error.to_string()),
    }?;
    // Nor does an envelope of one space take effect in the other.
    let sent = there.try_send(&written.envelope).await?;
    ensure(sent.is_err(), "no success for sending an envelope of another ledger space", || "success".into())
}

pub(super) async fn events(trial: &mut Trial) -> Checked {
    let (_, there, written, _) = two_spaces(trial).await?;
    let filter = EventFilter { contract: None, name: None, abi: None, confidence: Confidence::Latest };
    let mut start = EventStart::Earliest;
    for _ in 0..MOST_PAGES {
        let page = there.events(filter.clone(), start, 100, 1 << 20).await.expected("a page of events")?;
        let foreign = page.events.iter().find(|event| {
            event.transaction == written.envelope.transaction
                || written.receipt.block.as_ref() == Some(&event.block)
        });
        if let Some(event) = foreign {
            return fail("no event of another ledger space", format!("{event:?}"));
        }
        if page.events.is_empty() {
            break;
        }
        start = EventStart::Cursor(page.cursor);
    }
    Ok(())
}

pub(super) async fn blocks(trial: &mut Trial) -> Checked {
    let (here, there, written, _) = two_spaces(trial).await?;
    let Some(block) = written.receipt.block else {
        return fail("the block of an included transaction", "none");
    };
    let at = BlockSelector::Hash(block.hash.clone());
    same(
        &block,
        &here.block(at.clone()).await.expected("the block, in its own space")?.reference,
        "the block",
    )?;
    let error =
        there.block(at).await.refused("`not-found` for the hash of a block of another ledger space")?;
    ensure(
        error.code == ErrorCode::NotFound,
        "`not-found` for the hash of a block of another ledger space",
        || error.to_string(),
    )?;
    if let Ok(other) = there.block(BlockSelector::Number(block.number)).await {
        ensure(other.reference.hash != block.hash, "another ledger space has blocks of its own", || {
            format!("the same block {}", block.number)
        })?;
    }
    Ok(())
}
