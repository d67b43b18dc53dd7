//! Nodes that are down, slow, or fail in the middle of a call.

use adapter_spec::types::ErrorCode;

use crate::{
    check::{Checked, Stop, ensure, fail},
    checks::deeds::{DEEDS, Day, Deed, Done, ended, facts},
    trial::{Disturbance, Ending, Trial, Which},
};

/// What a call may come to while something goes wrong.
pub(super) struct Allowed<'a> {
    /// Errors with these codes.
    pub(super) codes: &'a [ErrorCode],
    /// Whether they must be retryable.
    pub(super) retryable: bool,
    /// A true answer, since what went wrong is perhaps not needed for it.
    pub(super) success: bool,
}

/// Judges one deed that something went wrong in, and that was repeated when nothing did.
pub(super) fn judge(deed: Deed, what: &str, done: &Done, allowed: &Allowed<'_>) -> Checked {
    let names: Vec<_> = allowed.codes.iter().map(|code| code.name()).collect();
    let retryable = if allowed.retryable { ", retryable" } else { "" };
    let expected = format!("{}, {what}: {}{retryable}", deed.name(), names.join(" or "));
    match &done.wrong.ending {
        Ending::Error(error) | Ending::SendFailure(_, error) => {
            let holds = allowed.codes.contains(&error.code) && (!allowed.retryable || error.retryable);
            ensure(holds, expected, || ended(&done.wrong))?;
        }
        Ending::Success(_) if allowed.success || done.wrong.requests().is_empty() => {
            if let (Some(wrong), Some(again)) = (facts(deed, &done.wrong), done.again.as_ref()) {
                let is_true = facts(deed, again).is_none_or(|again| again == wrong);
                ensure(is_true, format!("{expected}, or what is true"), || ended(&done.wrong))?;
            }
        }
        _ => return fail(expected, ended(&done.wrong)),
    }
    let Some(again) = &done.again else { return Ok(()) };
    ensure(
        matches!(again.ending, Ending::Success(_)),
        format!("{}: the next call, with nothing wrong, works", deed.name()),
        || format!("after {what}: {}", ended(again)),
    )
}

/// All requests of a call fail in the same way.
pub(super) async fn down_or_slow(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    let down: &[ErrorCode] = &[ErrorCode::Unavailable];
    let slow: &[ErrorCode] = &[ErrorCode::Timeout];
    let either: &[ErrorCode] = &[ErrorCode::Unavailable, ErrorCode::Timeout];
    for deed in DEEDS {
        if !day.can(trial, *deed) {
            continue;
        }
        for (disturbance, what, codes) in [
            (Disturbance::Unreachable, "the node is down", down),
            (Disturbance::Slow, "the node is slow", slow),
            (Disturbance::LostBefore, "no answer comes back", either),
        ] {
            let done = day.under(trial, *deed, &[(Which::all(), disturbance)]).await?;
            judge(*deed, what, &done, &Allowed { codes, retryable: true, success: false })?;
        }
    }
    Ok(())
}

/// The places of a call's requests that are looked at: the first, the middle, the last.
pub(super) fn places(requests: usize) -> Vec<u32> {
    let mut places = vec![0, requests / 2, requests.saturating_sub(1)];
    places.dedup();
    places.into_iter().filter_map(|place| u32::try_from(place).ok()).collect()
}

/// One request of a call fails: the first, one in the middle, the last.
pub(super) async fn in_the_middle(trial: &mut Trial) -> Checked {
    let day = Day::begin(trial).await?.with_preset(trial).await?;
    for deed in DEEDS {
        if !day.can(trial, *deed) {
            continue;
        }
        let requests = day.calmly(trial, *deed).await?.requests().len();
        if requests == 0 {
            continue;
        }
        for place in places(requests) {
            for (disturbance, what) in [
                (Disturbance::Unreachable, "the node goes down"),
                (Disturbance::Slow, "the node becomes slow"),
                (Disturbance::Lost, "an answer is lost"),
            ] {
                let done = day.under(trial, *deed, &[(Which::all().nth(place), disturbance)]).await?;
                let codes = &[ErrorCode::Unavailable, ErrorCode::Timeout];
                let what = format!("{what} at request {}", place + 1);
                judge(*deed, &what, &done, &Allowed { codes, retryable: true, success: true })?;
            }
        }
    }
    Ok(())
}

/// Nothing that a deed needs is there.
pub(super) fn nothing_to_show(what: &str) -> Stop {
    Stop::NotApplicable(what.into())
}
