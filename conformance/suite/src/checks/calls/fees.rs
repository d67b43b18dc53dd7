//! What a call may cost and what it sends along.

use adapter_spec::{
    CallError,
    types::{CallOptions, Error, ErrorCode, SignRequest, Step},
};

use super::begin::refusal_with;
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Application, Signed, Trial},
};

pub(super) async fn what_is_no_number_is_refused(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let word = trial.name();
    for text in ["", "-1", "1.5", "0x10", "1e3", " 1", word.as_str()] {
        let amount = CallOptions { amount: Some(text.into()), ..trial.options() };
        let max_fee = CallOptions { max_fee: Some(text.into()), ..trial.options() };
        for (what, options) in [("an amount", amount), ("a max-fee", max_fee)] {
            let call = trial.add(1)?;
            let error = refusal_with(&application, actor.parties(), call, options).await?;
            let code = error.as_ref().map(|error| error.code);
            ensure(
                matches!(code, Some(ErrorCode::InvalidArgument | ErrorCode::Unsupported)),
                format!("begin answers invalid-argument to {what} of {text:?}, which is no decimal number"),
                || error.map_or("it takes it".into(), |error| error.to_string()),
            )?;
        }
    }
    Ok(())
}

/// What a call asks to be signed, given up again; or why it is refused.
async fn asked(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    options: CallOptions,
) -> Result<Result<SignRequest, Error>, Stop> {
    match application.begin(trial.add(1)?, actor.parties(), options).await {
        Ok(Step::Sign(request)) => {
            application.abandon(request.continuation.clone()).await.expected("abandon frees a call")?;
            Ok(Ok(request))
        }
        Ok(_) => fail("a write asks its party to sign", "begin goes on without"),
        Err(CallError::Answered(error)) => Ok(Err(error)),
        Err(CallError::Ended(ended)) => fail("an answer of begin", ended.to_string()),
    }
}

pub(super) async fn an_amount_is_not_ignored(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let options = trial.options();
    let amount = 1 + trial.below(1000);
    let with = |amount: String| CallOptions { amount: Some(amount), ..options.clone() };
    let without = asked(trial, &application, &actor, options.clone()).await?;
    let some = asked(trial, &application, &actor, with(amount.to_string())).await?;
    // Ledgers without currency, and functions that take none, say so.
    let (Ok(without), Ok(some)) = (without, some) else { return Ok(()) };
    ensure(without.items != some.items, "an amount is obeyed or answered with an error", || {
        format!("an amount of {amount} changes nothing of what is signed")
    })?;
    // Nobody has so much.
    let much = asked(trial, &application, &actor, with("9".repeat(60))).await?;
    ensure(much.is_err(), "an amount is obeyed or answered with an error", || {
        "an amount beyond all that there is goes on".into()
    })
}

/// Makes a write and gives what was paid for it; none where the ledger has no fees.
async fn paid(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    options: CallOptions,
) -> Result<Option<u128>, Stop> {
    let step = application
        .begin(trial.add(1)?, actor.parties(), options.clone())
        .await
        .expected("begin starts a call whose max-fee is enough")?;
    if let (Step::Sign(request), Some(most)) = (&step, &options.max_fee) {
        let within = |fee: &String| fee.parse::<u128>().ok() <= most.parse().ok();
        ensure(
            request.max_fee.as_ref().is_none_or(within),
            format!("what is signed costs no more than max-fee: {most}"),
            || format!("it may cost {:?}", request.max_fee),
        )?;
    }
    let Signed::Envelope(envelope) = application.sign(actor, step).await? else {
        return fail("a write ends in send", "an answer");
    };
    application.send(envelope.clone()).await.expected("send of a good envelope succeeds")?;
    let fee = application.included(&envelope).await?.fee;
    match fee {
        None => Ok(None),
        Some(fee) => match fee.parse() {
            Ok(fee) => Ok(Some(fee)),
            Err(_) => fail("a fee that is a decimal number", fee),
        },
    }
}

pub(super) async fn never_more_than_max_fee(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let options = trial.options();
    let usual = match paid(trial, &application, &actor, options).await? {
        None | Some(0) => return Err(Stop::NotApplicable("the ledger has no fees".into())),
        Some(usual) => usual,
    };
    // Room for a price that moves.
    let enough = usual.saturating_mul(3);
    let options = CallOptions { max_fee: Some(enough.to_string()), ..trial.options() };
    let fee = paid(trial, &application, &actor, options).await?.unwrap_or(0);
    ensure(fee <= enough, format!("no more than max-fee is paid: {enough}"), || format!("{fee} were paid"))?;
    let little = usual / 4;
    let options = CallOptions { max_fee: Some(little.to_string()), ..trial.options() };
    match asked(trial, &application, &actor, options).await? {
        Err(error) if error.code == ErrorCode::Underpriced => Ok(()),
        Err(error) => fail(
            format!(
                "begin answers underpriced where the ledger asks for more than max-fee: {usual} > {little}"
            ),
            error.to_string(),
        ),
        Ok(_) => fail(
            format!(
                "begin answers underpriced where the ledger asks for more than max-fee: {usual} > {little}"
            ),
            "begin goes on",
        ),
    }
}
