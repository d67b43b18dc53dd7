//! Nothing is left in memory that an answer could depend on.

use adapter_spec::types::{CallOptions, Value};

use crate::{
    Application,
    check::{Checked, Expect as _, Stop, ensure, same},
    trial::{Actor, Disturbance, Trial, Which},
};

/// How often two instances are compared until the ledger stands still meanwhile.
const TRIES: usize = 8;

/// Answers to questions that any instance must answer alike, as text.
async fn answers(
    trial: &Trial,
    instance: &Application,
    actor: &Actor,
    written: &crate::trial::Written,
) -> Result<Vec<String>, Stop> {
    let account = trial.account(instance, actor).await?;
    let mut answers = vec![format!("accounts {account}")];
    answers.push(format!("count {:?}", trial.count(instance, actor).await));
    let read = trial.evaluate("text", Vec::new())?;
    answers.push(format!("text {:?}", instance.read(read, actor, CallOptions::default()).await));
    let (id, tracking) = (&written.envelope.transaction, written.envelope.tracking.clone());
    answers.push(format!("receipt {:?}", instance.receipt(id, tracking).await));
    let abi = instance.contract_abi(&trial.contracts.probe).await;
    answers.push(format!("contract-abi {abi:?}"));
    let estimate = instance.estimate(trial.add(1)?, actor.parties(), CallOptions::default()).await;
    answers.push(format!("estimate {estimate:?}"));
    Ok(answers)
}

/// An application that has been used, somebody who used it, and what was written by that.
async fn used(trial: &mut Trial) -> Result<(Application, Actor, crate::trial::Written), Stop> {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let (amount, options) = (trial.amount(), trial.options());
    let written = application.write_well(trial.add(amount)?, &actor, options).await?;
    trial.count(&application, &actor).await?;
    Ok((application, actor, written))
}

pub(super) async fn like_a_fresh_one(trial: &mut Trial) -> Checked {
    let (application, actor, written) = used(trial).await?;
    for _ in 0..TRIES {
        let before = application.status().await.expected("the ledger's status")?.head;
        let of_used = answers(trial, &application, &actor, &written).await?;
        let of_fresh = answers(trial, &application.restarted().await?, &actor, &written).await?;
        let after = application.status().await.expected("the ledger's status")?.head;
        if before != after {
            continue;
        }
        let differ = of_fresh.iter().zip(&of_used).find(|(fresh, used)| fresh != used);
        return match differ {
            None => Ok(()),
            Some((fresh, used)) => {
                ensure(false, format!("a used instance answers like a fresh one: {fresh:.300}"), || {
                    format!("{used:.300}")
                })
            }
        };
    }
    Err(Stop::Unknown("the ledger never stood still between two questions".into()))
}

pub(super) async fn sees_what_others_wrote(trial: &mut Trial) -> Checked {
    let (application, actor, _) = used(trial).await?;
    let counter = trial.counter(&application, &actor).await?;
    let other = application.restarted().await?;
    let (amount, options) = (trial.amount(), trial.options());
    other.write_well(trial.add(amount)?, &actor, options).await?;
    trial.advance(1).await?;
    counter
        .grew_by(trial, &application, amount.into(), "what another instance wrote since the last look")
        .await?;
    let at = application.status().await.expected("the ledger's status")?.head.number;
    let fresh = other.restarted().await?.status().await.expected("the ledger's status")?.head.number;
    ensure(at <= fresh, "a used instance sees the newest block like a fresh one", || {
        format!("{at}, and {fresh} afterwards by a fresh one")
    })
}

pub(super) async fn nothing_remembered(trial: &mut Trial) -> Checked {
    let (application, actor, _) = used(trial).await?;
    let account = trial.account(&application, &actor).await?;
    let (word, other_word) = (trial.name(), trial.name());
    let on_the_ledger = trial.evaluate("count", vec![Value::Text(account)])?;
    let mut questions = vec![on_the_ledger.clone()];
    for word in [word, other_word] {
        questions.push(trial.evaluate("echo-text", vec![Value::Text(word)])?);
    }
    for question in &questions {
        let read = application.read(question.clone(), &actor, CallOptions::default()).await;
        read.expected("a read")?;
    }
    application.disturb(Which::all(), Disturbance::Unreachable);
    let compared = compared(&application, &actor, &questions).await;
    // Memory may outlive an instance, where instances share a process: then a fresh one remembers as well.
    let alone = application.read(on_the_ledger, &actor, CallOptions::default()).await;
    application.calm();
    compared?;
    ensure(alone.is_err(), "with no node in reach nobody says what is on the ledger now", || {
        format!("{alone:.300?}")
    })
}

async fn compared(
    application: &Application,
    actor: &Actor,
    questions: &[adapter_spec::types::Call],
) -> Checked {
    let fresh = application.restarted().await?;
    for question in questions {
        let of_used = application.read(question.clone(), actor, CallOptions::default()).await;
        let of_fresh = fresh.read(question.clone(), actor, CallOptions::default()).await;
        ensure(
            of_used.is_ok() == of_fresh.is_ok(),
            "with no node in reach a used instance answers like a fresh one",
            || format!("{of_used:?}, and a fresh one {of_fresh:?}"),
        )?;
    }
    let (used, fresh) = (application.status().await, fresh.status().await);
    same(&fresh.is_ok(), &used.is_ok(), "with no node in reach, whether a status is answered")
}

pub(super) async fn strangers(trial: &mut Trial) -> Checked {
    let (first, second) = (trial.application().await?, trial.application().await?);
    let actor = trial.actor(&first).await?;
    // The same questions, to whom nothing is common but the adapter.
    for _ in 0..3 {
        let (one, other) = (trial.name(), trial.name());
        for (application, word) in [(&first, &one), (&second, &other)] {
            let question = trial.evaluate("echo-text", vec![Value::Text(word.clone())])?;
            let output = application.read(question, &actor, CallOptions::default()).await;
            let output = output.expected("a read")?;
            let heard = [String::from_utf8_lossy(&output.raw).into_owned(), output.json.unwrap_or_default()];
            ensure(
                heard.iter().any(|text| text.contains(word.as_str())),
                "an application gets the answer to its own question",
                || format!("{heard:?} for {word:?}"),
            )?;
        }
        // What one wrote to its state is not the other's.
        let request = first.begin(trial.add(1)?, actor.parties(), trial.options()).await;
        request.expected("begin starts the call")?;
    }
    let answer = second.begin(trial.add(1)?, actor.parties(), trial.options()).await;
    answer.expected("begin starts another application's call")?;
    Ok(())
}
