//! One application: its ledger, its key, and what its calls cost.

use std::{sync::Arc, time::Duration};

use adapter_spec::{
    CallError, Ledger,
    types::{
        Call, CallOptions, ContractCall, Descriptor, Error, Output, Receipt, Step, StoreAnswer,
        StoreOperation, Value,
    },
};
use berth_cli::{
    cost,
    flow::{self, Signed, Until, Waiting},
};
use berth_crypto::SigningKey;
use berth_host::Usage;

use crate::Trouble;

/// What the demonstration acts through.
pub struct Application {
    pub ledger: Arc<dyn Ledger>,
    pub descriptor: Descriptor,
    pub key: SigningKey,
    pub meter: Arc<cost::Ledger>,
    /// What each step of the demonstration cost.
    pub costs: Vec<(String, Usage)>,
    writes: u64,
}

impl Application {
    pub fn new(
        ledger: Arc<dyn Ledger>,
        descriptor: Descriptor,
        key: SigningKey,
        meter: Arc<cost::Ledger>,
    ) -> Self {
        Application { ledger, descriptor, key, meter, costs: Vec::new(), writes: 0 }
    }

    /// Notes what was used since the last note.
    pub fn note(&mut self, what: &str) {
        let usage = self.meter.take();
        self.costs.push((what.into(), usage));
    }

    /// A write, from begin to the block that carries it.
    pub async fn write(&mut self, call: Call) -> Result<Receipt, Trouble> {
        let parties = vec![adapter_spec::types::Party { account: None, keys: vec![self.key.public_key()] }];
        self.writes += 1;
        let options = CallOptions { salt: self.writes.to_be_bytes().to_vec(), ..CallOptions::default() };
        let ledger = &*self.ledger;
        let step = ledger.begin(call, parties, options).await?;
        let signed = flow::sign(ledger, &self.descriptor, &self.key, step, |_| {}).await?;
        let Signed::Envelope(envelope) = signed else {
            return Err("the adapter answered a write without a transaction".into());
        };
        ledger.send(envelope.clone()).await?;
        let waiting = Waiting { until: Until::Included, patience: Duration::from_secs(30), at_once: false };
        let receipt =
            flow::wait(ledger, &envelope.transaction, &envelope.tracking, waiting, |_, _| {}).await?;
        match &receipt.outcome {
            Some(Ok(_)) => Ok(receipt),
            Some(Err(error)) => Err(error.clone().into()),
            None => Err("the transaction is in no block after 30 seconds".into()),
        }
    }

    /// A read.
    pub async fn read(&self, call: Call) -> Result<Output, Trouble> {
        match self.ledger.begin(call, Vec::new(), CallOptions::default()).await? {
            Step::Answer(output) => Ok(output),
            _ => Err("the adapter wants a signature for a read".into()),
        }
    }

    /// An operation of the preset store. An error of the standard is an answer here.
    pub async fn store(
        &mut self,
        contract: &str,
        operation: StoreOperation,
    ) -> Result<Result<StoreAnswer, Error>, Trouble> {
        let call = self.ledger.to_call(contract, operation.clone()).await?;
        let outcome = match call {
            Call::Evaluate(_) => self.read(call).await,
            write => match self.write(write).await {
                Ok(receipt) => receipt.outcome.transpose()?.ok_or_else(|| "no outcome".into()),
                Err(trouble) => Err(trouble),
            },
        };
        let outcome = match outcome {
            Ok(output) => Ok(output),
            Err(trouble) => Err(answered(trouble)?),
        };
        match self.ledger.from_outcome(operation, outcome).await {
            Ok(answer) => Ok(Ok(answer)),
            Err(CallError::Answered(error)) => Ok(Err(error)),
            Err(error) => Err(error.into()),
        }
    }
}

/// The adapter's own answer among all that can go wrong.
fn answered(trouble: Trouble) -> Result<Error, Trouble> {
    if let Some(error) = trouble.downcast_ref::<Error>() {
        return Ok(error.clone());
    }
    if let Some(CallError::Answered(error)) = trouble.downcast_ref::<CallError>() {
        return Ok(error.clone());
    }
    Err(trouble)
}

/// A function of a contract with its arguments.
pub fn function(contract: &str, function: &str, arguments: Vec<Value>) -> ContractCall {
    ContractCall {
        contract: contract.into(),
        function: function.into(),
        arguments,
        abi: None,
        private_arguments: Vec::new(),
    }
}
