//! What a call would cost.

use adapter_spec::{Function, types::Estimate};
use berth_lending::recording::Import;

use crate::{
    check::{Checked, Expect as _, Facts, Fault, Stop, ensure},
    trial::{Observed, Trial},
};

pub(super) fn are_decimal(call: &Observed, _facts: &Facts) -> Option<Result<(), Fault>> {
    if call.function != Function::Estimate {
        return None;
    }
    let estimate: Estimate = call.success()?;
    let is_decimal = |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = [("fee", estimate.fee), ("units", estimate.units)];
    let odd = numbers.into_iter().find(|(_, number)| number.as_ref().is_some_and(|text| !is_decimal(text)));
    Some(odd.map_or(Ok(()), |(what, number)| {
        Err(Fault::new(
            format!("an estimate's {what} is a decimal number in the smallest unit"),
            format!("its {what} is {:?}", number.unwrap_or_default()),
        ))
    }))
}

pub(super) async fn change_nothing(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let number = u32::try_from(1 + trial.below(1000)).unwrap_or(1);
    let before = trial.count(&application, &actor).await?;
    for _ in 0..3 {
        let (call, options) = (trial.add(number)?, trial.options());
        application
            .estimate(call, actor.parties(), options)
            .await
            .expected("estimate of a good call answers")?;
        let swaps = application.last_call()?.count(Import::StateSwap);
        ensure(swaps == 0, "estimate changes nothing", || format!("it reserves something: {swaps} swaps"))?;
    }
    trial.advance(2).await?;
    let after = trial.count(&application, &actor).await?;
    ensure(before == after, "estimate changes nothing", || format!("the counter was {before} and is {after}"))
}

pub(super) async fn are_near_the_fee(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    // The first write of an account may cost more than later ones; that is not what the clause is about.
    let (call, options) = (trial.add(1)?, trial.options());
    application.write_well(call, &actor, options).await?;
    let (call, options) = (trial.add(2)?, trial.options());
    let estimate = application
        .estimate(call.clone(), actor.parties(), options.clone())
        .await
        .expected("estimate of a good call answers")?;
    let paid = application.write_well(call, &actor, options).await?.receipt.fee;
    let decimal = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<u128>().ok());
    let (Some(estimated), Some(paid)) = (decimal(&estimate.fee), decimal(&paid)) else {
        return Err(Stop::NotApplicable("the ledger has no fees".into()));
    };
    let expected = format!("an estimate of at least what is paid and at most twice that: {paid} were paid");
    ensure(estimated >= paid && estimated <= paid.saturating_mul(2), expected, || {
        format!("{estimated} were estimated")
    })
}
