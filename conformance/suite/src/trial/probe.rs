//! The contract that checks call.

use adapter_spec::types::{Call, CallOptions, ContractCall, Goal, Value};

use super::{Actor, Application, Trial};
use crate::check::{Expect as _, Stop, fail};

/// Contracts that were put on the ledger before the checks.
#[derive(Clone, Debug, Default)]
pub struct Contracts {
    /// The probe, as the framework addresses it.
    pub probe: String,
    /// The preset contract; none where the adapter has no store.
    pub preset: Option<String>,
}

impl Trial {
    /// Puts the contracts on the ledger: the run's preparation.
    pub(crate) async fn prepare(&mut self) -> Result<Contracts, Stop> {
        let application = self.application().await?;
        let owner = self.party(0)?;
        let testbed = self.facts.testbed.clone();
        let probe = match (testbed.probe.contract, testbed.probe.deployment) {
            (Some(contract), _) => contract,
            (None, Some(deployment)) => self.deploy(&application, &owner, Call::Deploy(deployment)).await?,
            (None, None) => {
                return Err(Stop::Harness("the test bed's probe is neither there nor deployable".into()));
            }
        };
        let preset = match testbed.preset {
            Some(preset) => Some(preset),
            None if self.facts.interfaces.store => {
                let plan = application
                    .plan(Goal::Preset)
                    .await
                    .expected("plan says how the preset contract is made")?;
                let mut preset = None;
                for planned in plan {
                    preset = Some(self.deploy(&application, &owner, planned.call).await?);
                }
                preset
            }
            None => None,
        };
        Ok(Contracts { probe, preset })
    }

    async fn deploy(&mut self, application: &Application, owner: &Actor, call: Call) -> Result<String, Stop> {
        let options = self.options();
        let written = application.write_well(call, owner, options).await?;
        match written.receipt.created {
            Some(created) => Ok(created),
            None => fail("the receipt of a deployment names what was made", "it names nothing"),
        }
    }

    /// A call of the probe's function by the suite's name for it; a write.
    ///
    /// # Errors
    /// `Unknown` where the test bed does not have it.
    pub fn invoke(&self, function: &str, arguments: Vec<Value>) -> Result<Call, Stop> {
        Ok(Call::Invoke(self.function(function, arguments)?))
    }

    /// The same as a read.
    ///
    /// # Errors
    /// `Unknown` where the test bed does not have it.
    pub fn evaluate(&self, function: &str, arguments: Vec<Value>) -> Result<Call, Stop> {
        Ok(Call::Evaluate(self.function(function, arguments)?))
    }

    /// The call of a function of the probe.
    ///
    /// # Errors
    /// `Unknown` where the test bed does not have it.
    pub fn function(&self, function: &str, arguments: Vec<Value>) -> Result<ContractCall, Stop> {
        let probe = &self.facts.testbed.probe;
        let named = probe.functions.get(function);
        let named =
            named.ok_or_else(|| Stop::Unknown(format!("the test bed's probe has no {function:?}")))?;
        Ok(ContractCall {
            contract: self.contracts.probe.clone(),
            function: named.clone(),
            arguments,
            abi: probe.abi.clone(),
            private_arguments: Vec::new(),
        })
    }

    /// A write that adds to the actor's own counter and makes one event.
    ///
    /// # Errors
    /// `Unknown` where the test bed does not have it.
    pub fn add(&self, number: u32) -> Result<Call, Stop> {
        self.invoke("add", vec![Value::Integer(number.to_string())])
    }

    /// The actor's counter.
    ///
    /// # Errors
    /// A fault when it cannot be read.
    pub async fn count(&self, application: &Application, actor: &Actor) -> Result<String, Stop> {
        let account = self.account(application, actor).await?;
        let read = self.evaluate("count", vec![Value::Text(account)])?;
        let output =
            application.read(read, actor, CallOptions::default()).await.expected("the counter is read")?;
        match output.json.and_then(|json| serde_json::from_str::<serde_json::Value>(&json).ok()) {
            Some(json) => Ok(number_in(&json).unwrap_or_default()),
            // A ledger without types gives the text of the number.
            None => match std::str::from_utf8(&output.raw) {
                Ok(text) if text.parse::<i128>().is_ok() => Ok(text.to_owned()),
                _ => Ok(hex::encode(output.raw)),
            },
        }
    }

    /// The actor's first account.
    ///
    /// # Errors
    /// A fault when it has none.
    pub async fn account(&self, application: &Application, actor: &Actor) -> Result<String, Stop> {
        if let Some(account) = &actor.party.account {
            return Ok(account.clone());
        }
        let Some(key) = actor.party.keys.first() else { return fail("a key", "none") };
        let accounts = application.accounts(key.clone()).await.expected("accounts of a good key")?;
        accounts.into_iter().next().map_or_else(|| fail("an account", "none"), Ok)
    }

    /// The call of a store operation on the preset contract.
    ///
    /// # Errors
    /// A fault when the adapter gives none.
    pub async fn store_call(
        &self,
        application: &Application,
        operation: adapter_spec::types::StoreOperation,
    ) -> Result<Call, Stop> {
        let preset = self.contracts.preset.clone().unwrap_or_default();
        application.to_call(&preset, operation).await.expected("to-call gives the operation's call")
    }
}

/// The one number in a JSON value, whether as a number, a text, or the only element of an array.
fn number_in(json: &serde_json::Value) -> Option<String> {
    match json {
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Array(items) => items.first().and_then(number_in),
        _ => None,
    }
}
