//! Plans, deployments, and descriptions of contracts.

use adapter_spec::{
    CallError,
    types::{Call, ContractCall, Deployment, ErrorCode, Goal, PlannedCall, Receipt, Value},
};

use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Application, Trial},
};

fn deployment(trial: &mut Trial) -> Result<Deployment, Stop> {
    let deployment = trial.facts.testbed.probe.deployment.clone();
    trial.facts.testbed.offers("entry", "deployment", deployment.is_some())?;
    let deployment =
        deployment.ok_or_else(|| Stop::Unknown("the test bed's probe cannot be deployed again".into()))?;
    // Where ledgers go by names, a name of its own.
    Ok(Deployment { name: format!("{}-{}", deployment.name, trial.name()), ..deployment })
}

/// What a plan says; none where this goal is not offered.
async fn plan(application: &Application, goal: Goal, what: &str) -> Result<Option<Vec<PlannedCall>>, Stop> {
    match application.plan(goal).await {
        Ok(calls) => Ok(Some(calls)),
        Err(CallError::Answered(error)) if error.code == ErrorCode::Unsupported => Ok(None),
        Err(error) => fail(format!("a plan for {what}"), error.to_string()),
    }
}

/// A contract that was made can be called by what the receipt named.
async fn can_be_called(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    created: &str,
) -> Checked {
    let account = trial.account(application, actor).await?;
    let call = trial.function("count", vec![Value::Text(account)])?;
    let call = Call::Evaluate(ContractCall { contract: created.to_owned(), ..call });
    let options = trial.options();
    application
        .read(call, actor, options)
        .await
        .expected(&format!("the contract that was made can be called as {created:?}"))?;
    Ok(())
}

fn named(receipt: &Receipt) -> Result<String, Stop> {
    match &receipt.created {
        Some(created) => Ok(created.clone()),
        None => fail(
            "the receipt of a deployment names in created how the contract is called",
            "it names nothing",
        ),
    }
}

pub(super) async fn reach_the_goal(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.party(0)?;
    let deployment = deployment(trial)?;
    let Some(calls) = plan(&application, Goal::Deploy(deployment), "a deployment").await? else {
        return Err(Stop::NotApplicable("the adapter plans no deployments".into()));
    };
    ensure(!calls.is_empty(), "a plan of at least one call for a contract that is not there", || {
        "the plan is empty".into()
    })?;
    let mut created = None;
    for planned in calls {
        ensure(!planned.role.trim().is_empty(), "every planned call says who must make it", || {
            "its role is empty".into()
        })?;
        if planned.endpoint.is_some() || matches!(planned.call, Call::Native(_)) {
            return Err(Stop::Unknown(format!(
                "the test bed does not say who {:?} is, who must make the plan's next call",
                planned.role
            )));
        }
        let options = trial.options();
        let written = application.write_well(planned.call, &actor, options).await?;
        created = written.receipt.created.or(created);
    }
    match created {
        Some(created) => can_be_called(trial, &application, &actor, &created).await,
        None => fail("the plan's calls make the contract", "none of their receipts names one"),
    }
}

pub(super) async fn what_is_reached_needs_nothing(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let account = trial.account(&application, &actor).await?;
    let Some(calls) = plan(&application, Goal::Account(account.clone()), "an account").await? else {
        return Err(Stop::NotApplicable("the adapter plans no accounts".into()));
    };
    ensure(
        calls.is_empty(),
        format!("an empty plan for the account {account}, which is there already"),
        || format!("a plan of {} calls", calls.len()),
    )
}

pub(super) async fn descriptions_of_contracts(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let probe = trial.contracts.probe.clone();
    application.contract_abi(&probe).await.expected("contract-abi answers for a contract that is there")?;
    let missing = trial.facts.testbed.probe.missing_contract.clone().unwrap_or_default();
    let expected = "contract-abi answers not-found for an unknown contract";
    let error = application.contract_abi(&missing).await.refused(expected)?;
    ensure(error.code == ErrorCode::NotFound, expected, || error.to_string())
}

pub(super) async fn a_deployment_can_be_addressed(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.party(0)?;
    let call = Call::Deploy(deployment(trial)?);
    let options = trial.options();
    let written = application.write_well(call, &actor, options).await?;
    let created = named(&written.receipt)?;
    // Whoever asks later is told the same.
    let elsewhere = application.restarted().await?;
    let receipt = elsewhere.included(&written.envelope).await?;
    let again = named(&receipt)?;
    ensure(created == again, format!("the same name in created at every look: {created:?}"), || {
        format!("{again:?}")
    })?;
    can_be_called(trial, &elsewhere, &actor, &created).await
}
