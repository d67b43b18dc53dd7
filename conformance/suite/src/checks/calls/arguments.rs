//! Arguments, on their way in and out.

use adapter_spec::types::{Call, ContractCall, ErrorCode, Value};

use super::{super::outputs, begin::refusal_once_signed};
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Application, Trial},
};

/// An echo gives back what it was given.
async fn comes_back(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    function: &str,
    value: Value,
) -> Checked {
    let call = trial.evaluate(function, vec![value.clone()])?;
    let options = trial.options();
    let shown = format!("{value:?}");
    let shown: String = shown.chars().take(200).collect();
    let output =
        application.read(call, actor, options).await.expected(&format!("{function} takes {shown}"))?;
    ensure(outputs::is(&output, &value), format!("{function} gives back {shown}"), || {
        let came: String = outputs::shown(&output).chars().take(300).collect();
        format!("another value came back: {came}")
    })
}

async fn all_come_back(trial: &mut Trial, function: &str, values: Vec<Value>) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    for value in values {
        comes_back(trial, &application, &actor, function, value).await?;
    }
    Ok(())
}

pub(super) async fn texts_come_back(trial: &mut Trial) -> Checked {
    let name = trial.name();
    let texts = [
        String::new(),
        " ".into(),
        format!(" {name}\t{name}\n"),
        "\"quoted\" \\ and 'quoted' {}[]<>&%00 %s $1".into(),
        // Composed and not; from right to left; beyond the basic plane; many joined into one.
        format!(
            "{name} \u{e9} e\u{301} \u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{4e2d}\u{6587} \u{1f469}\u{200d}\u{1f4bb}"
        ),
        "0x1f".into(),
        "12345678901234567890".into(),
        "true".into(),
        "null".into(),
        name.repeat(300),
    ];
    all_come_back(trial, "echo-text", texts.map(Value::Text).to_vec()).await
}

pub(super) async fn bytes_come_back(trial: &mut Trial) -> Checked {
    let length = 1 + trial.below(2000);
    let values = [Vec::new(), vec![0], (0..=255).collect(), vec![0; 33], trial.bytes(length)];
    all_come_back(trial, "echo-bytes", values.map(Value::Bytes).to_vec()).await
}

pub(super) async fn integers_come_back(trial: &mut Trial) -> Checked {
    let random = i64::from_be_bytes(trial.bytes(8).try_into().unwrap_or_default());
    // The neighbours of what a double, and 32 and 64 bits with a sign, can hold.
    let numbers = [
        0,
        1,
        -1,
        255,
        256,
        i64::from(i32::MAX) + 1,
        i64::from(i32::MIN) - 1,
        (1 << 53) + 1,
        -(1 << 53) - 1,
        i64::MAX,
        i64::MIN + 1,
        random,
    ];
    let values = numbers.map(|number| Value::Integer(number.to_string())).to_vec();
    all_come_back(trial, "echo-integer", values).await
}

pub(super) async fn booleans_come_back(trial: &mut Trial) -> Checked {
    all_come_back(trial, "echo-boolean", vec![Value::Boolean(true), Value::Boolean(false)]).await
}

pub(super) async fn lists_come_back(trial: &mut Trial) -> Checked {
    let (one, other) = (trial.below(1000), trial.below(1_000_000));
    let texts = ["[]".to_owned(), "[[]]".into(), format!("[[{one}],[],[{other},0,1]]")];
    all_come_back(trial, "echo-json", texts.map(Value::Json).to_vec()).await
}

pub(super) async fn largest_counts(trial: &mut Trial) -> Checked {
    let largest = trial.facts.testbed.probe.largest.clone().unwrap_or_default();
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    if trial.count(&application, &actor).await? != "0" {
        trial.facts.testbed.offers("entry", "fund", trial.facts.testbed.makes_accounts())?;
        return Err(Stop::Unknown(
            "the largest number takes a counter at 0, and the test bed cannot fund".into(),
        ));
    }
    let call = trial.invoke("add", vec![Value::Integer(largest.clone())])?;
    let options = trial.options();
    application.write_well(call, &actor, options).await?;
    let count = trial.count(&application, &actor).await?;
    ensure(count == largest, format!("the largest integer that add takes arrives whole: {largest}"), || {
        format!("the counter is {count}")
    })
}

pub(super) async fn unfit_ones_are_refused(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    for arguments in trial.facts.testbed.probe.unfit.clone() {
        for call in [trial.invoke("add", arguments.clone())?, trial.evaluate("add", arguments.clone())?] {
            let kind = if matches!(call, Call::Invoke(_)) { "invoke" } else { "evaluate" };
            let error = refusal_once_signed(trial, &application, &actor, call).await?;
            let code = error.as_ref().map(|error| error.code);
            ensure(
                code == Some(ErrorCode::InvalidArgument),
                format!("{kind} answers invalid-argument to arguments that do not fit: {arguments:?}"),
                || error.map_or("it takes them".into(), |error| error.to_string()),
            )?;
        }
    }
    Ok(())
}

pub(super) async fn types_are_never_guessed(trial: &mut Trial) -> Checked {
    let by_signature = trial.function("add", vec![Value::Integer("1".into())])?;
    let Some((bare, _)) = by_signature.function.split_once('(') else {
        return Err(Stop::NotApplicable("functions of this framework are not named by signatures".into()));
    };
    let bare = bare.to_owned();
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let call = Call::Invoke(ContractCall { abi: None, ..by_signature.clone() });
    if let Some(error) = refusal_once_signed(trial, &application, &actor, call).await? {
        return fail("a function named by its signature needs no description", error.to_string());
    }
    if by_signature.abi.is_some() {
        let call = Call::Invoke(ContractCall { function: bare.clone(), ..by_signature.clone() });
        if let Some(error) = refusal_once_signed(trial, &application, &actor, call).await? {
            return fail("a function named alone is found in abi", error.to_string());
        }
    }
    // Where the ledger itself knows a contract's description, nothing is guessed.
    if trial.facts.descriptor.capabilities.iter().any(|name| name == "contract-abi") {
        let known = application.contract_abi(&by_signature.contract).await;
        if known.expected("contract-abi of a known contract")?.is_some() {
            return Ok(());
        }
    }
    let call = Call::Invoke(ContractCall { function: bare, abi: None, ..by_signature });
    let error = refusal_once_signed(trial, &application, &actor, call).await?;
    let code = error.as_ref().map(|error| error.code);
    ensure(
        code == Some(ErrorCode::InvalidArgument),
        "invalid-argument to a function with neither signature nor abi",
        || error.map_or("its types are guessed".into(), |error| error.to_string()),
    )
}
