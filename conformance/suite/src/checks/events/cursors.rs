//! Cursors: what comes back from outside.

use adapter_spec::{
    CallError, Function,
    types::{Confidence, ErrorCode, EventFilter, EventStart},
};

use super::follower::{Follower, filter, heights, make};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail, same},
    trial::{Disturbance, Observed, Signed, Trial, Which},
};

/// How many transactions with two events each go into as few blocks as possible.
const TRANSACTIONS: usize = 120;

async fn read(
    application: &crate::Application,
    filter: EventFilter,
    cursor: Vec<u8>,
) -> Result<(), CallError> {
    application.events(filter, EventStart::Cursor(cursor), 10, 1 << 20).await.map(|_| ())
}

pub(super) async fn garbage(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let filter = filter(trial, Confidence::Latest);
    let mut follower = Follower::from_block(filter.clone(), made.start()?);
    let cursor = follower.page(&made.application).await?.cursor;
    let half = cursor.get(..cursor.len() / 2).unwrap_or_default().to_vec();
    let tries = [
        ("an empty cursor", Vec::new()),
        ("a cursor of one byte", trial.bytes(1)),
        ("five random bytes", trial.bytes(5)),
        ("777 random bytes", trial.bytes(777)),
        ("more bytes than a cursor may have", trial.bytes(17_000)),
        ("text", b"nonsense".to_vec()),
        ("JSON nested too deep", [vec![b'['; 5000], vec![b']'; 5000]].concat()),
        ("half a cursor", half),
    ];
    for (what, bytes) in tries {
        let expected = format!("{what}: invalid-argument");
        let error = read(&made.application, filter.clone(), bytes).await.refused(&expected)?;
        ensure(error.code == ErrorCode::InvalidArgument, expected, || error.to_string())?;
    }
    // A cursor with one changed byte may be another good one; it must not end the call.
    for _ in 0..8 {
        let mut bytes = cursor.clone();
        let at = trial.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << trial.below(8);
        }
        if let Err(CallError::Ended(ended)) = read(&made.application, filter.clone(), bytes).await {
            return fail("an answer to a changed cursor", ended.to_string());
        }
    }
    Ok(())
}

pub(super) async fn beyond_the_head(trial: &mut Trial) -> Checked {
    let settings = serde_json::Value::Object(trial.facts.testbed.settings.clone()).to_string();
    let opened = trial.application_with(&settings, 1).await?;
    let behind = opened.expected("open succeeds with settings that fit")?;
    let filter = filter(trial, Confidence::Latest);
    behind.remember();
    let first = behind.events(filter.clone(), EventStart::Latest, 10, 1 << 20).await;
    first.expected("a page of events")?;
    let made = make(trial, &[1, 1, 1]).await?;
    let mut follower = Follower::from_block(filter.clone(), made.start()?);
    follower.read_to_the_end(&made.application).await?;
    let EventStart::Cursor(cursor) = follower.start else { return fail("a cursor", "none") };
    // This application's node answers as it did before: a replica that hangs.
    behind.disturb(Which::of(Function::Events), Disturbance::Stale);
    let came = read(&behind, filter, cursor).await;
    behind.calm();
    // A replica is told by the questions that it answered before; where each is asked anew, as one that is signed, there is none.
    let calls = behind.calls();
    let questions =
        |call: &Observed| -> Vec<_> { call.requests().iter().map(|asked| asked.content.clone()).collect() };
    if let Some((last, before)) = calls.split_last()
        && let (asked, earlier) = (questions(last), before.iter().flat_map(questions).collect::<Vec<_>>())
        && !asked.is_empty()
        && !asked.iter().any(|question| earlier.contains(question))
        && came.is_ok()
    {
        return Err(Stop::NotApplicable("the adapter asks nothing twice in the same words".into()));
    }
    let error = came.refused("a cursor beyond the node's head: out-of-range")?;
    if matches!(error.code, ErrorCode::CorruptResponse | ErrorCode::Unavailable) {
        return Err(Stop::NotApplicable("the adapter takes no answer of a node that hangs".into()));
    }
    ensure(
        error.code == ErrorCode::OutOfRange && error.retryable,
        "a cursor beyond the node's head: out-of-range, retryable",
        || format!("{error}, retryable {}", error.retryable),
    )
}

pub(super) async fn pruned(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1, 1]).await?;
    let filter = filter(trial, Confidence::Latest);
    let mut follower = Follower::from_block(filter.clone(), made.start()?).limit(1);
    let cursor = follower.page(&made.application).await?.cursor;
    trial.advance(4).await?;
    let (head, _) = heights(&made.application).await?;
    trial.control("prune", &[("block", head)]).await?;
    let came = read(&made.application, filter, cursor).await;
    trial.control("prune", &[("block", 0)]).await?;
    let error = came.refused("a cursor whose blocks the node has dropped: pruned")?;
    same(&ErrorCode::Pruned, &error.code, "a cursor whose blocks the node has dropped")
}

pub(super) async fn another_filter(trial: &mut Trial) -> Checked {
    let made = make(trial, &[1]).await?;
    let own = filter(trial, Confidence::Latest);
    let mut follower = Follower::from_block(own.clone(), made.start()?);
    let cursor = follower.page(&made.application).await?.cursor;
    let others = [
        EventFilter { name: None, ..own.clone() },
        EventFilter { contract: None, ..own.clone() },
        EventFilter { confidence: Confidence::Final, ..own },
    ];
    for other in others {
        let expected = "a cursor of another filter: invalid-argument";
        let error = read(&made.application, other, cursor.clone()).await.refused(expected)?;
        ensure(error.code == ErrorCode::InvalidArgument, expected, || error.to_string())?;
    }
    Ok(())
}

/// The rule looks at the cursors; this makes many events in blocks that are not final.
pub(super) async fn many_events(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (head, _) = heights(&application).await?;
    trial.control("hold", &[]).await?;
    let mut last = None;
    let mut end = Ok(());
    for _ in 0..TRANSACTIONS {
        let options = trial.options();
        let call = trial.invoke("add-twice", vec![adapter_spec::types::Value::Integer("1".into())])?;
        let begun = application.begin(call, actor.parties(), options).await.expected("begin starts the call");
        let signed = match begun {
            Ok(step) => application.sign(&actor, step).await,
            Err(stop) => Err(stop),
        };
        match signed {
            Ok(Signed::Envelope(envelope)) => {
                end = application.try_send(&envelope).await.map(|_| ());
                last = Some(envelope);
            }
            Ok(Signed::Answer(_)) => end = fail("a call that writes ends in send", "an answer"),
            Err(stop) => end = Err(stop),
        }
        if end.is_err() {
            break;
        }
    }
    trial.control("release", &[]).await?;
    end?;
    if let Some(last) = last {
        application.included(&last).await?;
    }
    let mut follower =
        Follower::from_block(filter(trial, Confidence::Latest), head.saturating_add(1)).limit(500);
    for _ in 0..20 {
        let page = follower.page(&application).await?;
        let length = page.cursor.len();
        ensure(length <= 16 * 1024, "a cursor of at most 16384 bytes", || {
            format!("{length} bytes after {} events", follower.came.len())
        })?;
        if page.events.is_empty() {
            break;
        }
    }
    ensure(follower.came.len() >= TRANSACTIONS, "the events of many transactions", || {
        format!("{} events", follower.came.len())
    })
}
