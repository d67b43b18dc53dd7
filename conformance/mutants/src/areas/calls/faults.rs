//! Faults of one call.

use adapter_spec::{
    CallError, Function, async_trait,
    types::{
        Call, CallOptions, ContractCall, Envelope, Error, ErrorCode, Estimate, Goal, LedgerStatus, Output,
        Party, PlannedCall, Receipt, Signature, Step, Validity, Value,
        transport::{JsonRpcRequest, LogLevel},
    },
};

use crate::{
    Honest, Mutation,
    change_begin::{function, is},
};

fn nothing() -> Step {
    Step::Answer(Output { raw: Vec::new(), json: None })
}

/// Says that additions are done when they are begun.
pub(super) struct Answers;

#[async_trait]
impl Mutation for Answers {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let adds = matches!(call, Call::Invoke(_)) && is(&call, "add");
        let step = honest.ledger.begin(call, parties, options).await?;
        Ok(if adds { nothing() } else { step })
    }
}

/// Makes transactions of reads; and where it is set, sends them itself and answers that the read is done.
pub(super) struct SendsReads(pub(super) bool);

/// Before the continuation of a read that writes.
const MARK: &[u8] = b"read ";

#[async_trait]
impl Mutation for SendsReads {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let Call::Evaluate(read) = call else {
            return honest.ledger.begin(call, parties, options).await;
        };
        if !self.0 {
            return Ok(Step::Send(Envelope {
                transaction: "0".repeat(64),
                bytes: read.function.into_bytes(),
                valid_until: Validity::Unbounded,
                tracking: Vec::new(),
            }));
        }
        if !read.function.starts_with("add") {
            return honest.ledger.begin(Call::Evaluate(read), parties, options).await;
        }
        let mut step = honest.ledger.begin(Call::Invoke(read), parties, options).await?;
        if let Step::Sign(request) = &mut step {
            request.continuation.splice(0..0, MARK.iter().copied());
        }
        Ok(step)
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let Some(own) = continuation.strip_prefix(MARK) else {
            return honest.ledger.resume(continuation, signatures).await;
        };
        match honest.ledger.resume(own.to_vec(), signatures).await? {
            Step::Send(envelope) => {
                let _ = honest.ledger.send(envelope).await;
                Ok(nothing())
            }
            step => Ok(step),
        }
    }
}

/// Looks at the ledger before it looks at the size.
pub(super) struct AsksFirst;

#[async_trait]
impl Mutation for AsksFirst {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let imports = honest.imports(Function::Begin);
        if let Some(lent) = imports.lent_as("node").into_iter().next() {
            let request = JsonRpcRequest {
                endpoint: lent.endpoint,
                method: "ledger_status".into(),
                params: "{\"space\": \"main\"}".into(),
                sensitive: false,
            };
            let _ = imports.json_rpc(vec![request]).await;
        }
        honest.ledger.begin(call, parties, options).await
    }
}

fn secrets(call: &Call) -> String {
    let private = function(call).map(|call| call.private_arguments.as_slice()).unwrap_or_default();
    private.iter().map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value))).collect()
}

/// Writes what is private to the log.
pub(super) struct LogsSecrets;

#[async_trait]
impl Mutation for LogsSecrets {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let line = format!("begin with {}", secrets(&call));
        honest.imports(Function::Begin).log(LogLevel::Debug, &line);
        honest.ledger.begin(call, parties, options).await
    }
}

/// Shows the signer what is private, and everybody who reads with them.
pub(super) struct ShowsSecrets;

#[async_trait]
impl Mutation for ShowsSecrets {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let secrets = secrets(&call);
        let mut step = honest.ledger.begin(call, parties, options).await?;
        if let Step::Sign(request) = &mut step {
            request.summary.push_str(&secrets);
        }
        Ok(step)
    }
}

/// Answers nothing where an error is due that this picks.
pub(super) struct Empties(pub(super) fn(&CallOptions, &Error) -> bool);

#[async_trait]
impl Mutation for Empties {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        match honest.ledger.begin(call, parties, options.clone()).await {
            Err(CallError::Answered(error)) if self.0(&options, &error) => Ok(nothing()),
            other => other,
        }
    }
}

/// Gives reads' outputs in another form.
pub(super) struct Without(pub(super) fn(&mut Output));

#[async_trait]
impl Mutation for Without {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let mut step = honest.ledger.begin(call, parties, options).await?;
        if let Step::Answer(output) = &mut step {
            self.0(output);
        }
        Ok(step)
    }
}

/// More than a host wants to keep of each call.
pub(super) struct Padded;

const PADDING: usize = 80_000;

#[async_trait]
impl Mutation for Padded {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let mut step = honest.ledger.begin(call, parties, options).await?;
        if let Step::Sign(request) = &mut step {
            request.continuation.extend(vec![0; PADDING]);
        }
        Ok(step)
    }

    async fn resume(
        &self,
        honest: &Honest,
        mut continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        continuation.truncate(continuation.len().saturating_sub(PADDING));
        honest.ledger.resume(continuation, signatures).await
    }
}

/// Has a call signed that its trial run showed to fail.
pub(super) struct SkipsTrials;

#[async_trait]
impl Mutation for SkipsTrials {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let begun = honest.ledger.begin(call.clone(), parties.clone(), options.clone()).await;
        match (begun, call) {
            (Err(CallError::Answered(error)), Call::Invoke(call)) if error.code == ErrorCode::Reverted => {
                // The bytes of another call stand for those of the one that fails.
                let harmless = ContractCall {
                    function: "add(integer)".into(),
                    arguments: vec![Value::Integer("0".into())],
                    ..call
                };
                honest.ledger.begin(Call::Invoke(harmless), parties, options).await
            }
            (begun, _) => begun,
        }
    }
}

/// Says something else of where the ledger stands.
pub(super) struct Statuses(pub(super) fn(&mut LedgerStatus));

#[async_trait]
impl Mutation for Statuses {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        let mut status = honest.ledger.status().await?;
        self.0(&mut status);
        Ok(status)
    }
}

/// Says something else of costs; perhaps finds them out by beginning the call.
pub(super) struct Estimates {
    pub(super) begins: bool,
    pub(super) change: fn(&mut Estimate),
}

impl Estimates {
    pub(super) fn new(change: fn(&mut Estimate)) -> Self {
        Estimates { begins: false, change }
    }
}

#[async_trait]
impl Mutation for Estimates {
    async fn estimate(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        if self.begins {
            honest.ledger.begin(call.clone(), parties.clone(), options.clone()).await?;
        }
        let mut estimate = honest.ledger.estimate(call, parties, options).await?;
        (self.change)(&mut estimate);
        Ok(estimate)
    }
}

/// Plans nothing where something is to be done, or something where nothing is.
pub(super) struct Plans {
    pub(super) is_empty: bool,
}

#[async_trait]
impl Mutation for Plans {
    async fn plan(&self, honest: &Honest, goal: Goal) -> Result<Vec<PlannedCall>, CallError> {
        let is_account = matches!(goal, Goal::Account(_));
        let is_deployment = matches!(goal, Goal::Deploy(_));
        let mut plan = honest.ledger.plan(goal).await?;
        if self.is_empty && is_deployment {
            plan.clear();
        }
        if !self.is_empty && is_account {
            let call = ContractCall {
                contract: "accounts".into(),
                function: "admit()".into(),
                arguments: Vec::new(),
                abi: None,
                private_arguments: Vec::new(),
            };
            plan.push(PlannedCall { call: Call::Invoke(call), role: "anybody".into(), endpoint: None });
        }
        Ok(plan)
    }
}

/// Has no description of what is not there.
pub(super) struct Silence;

#[async_trait]
impl Mutation for Silence {
    async fn contract_abi(&self, honest: &Honest, contract: &str) -> Result<Option<String>, CallError> {
        match honest.ledger.contract_abi(contract).await {
            Err(CallError::Answered(error)) if error.code == ErrorCode::NotFound => Ok(None),
            other => other,
        }
    }
}

/// Calls what was made by the name that it was made under.
pub(super) struct Renames;

#[async_trait]
impl Mutation for Renames {
    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let mut receipt = honest.ledger.receipt(transaction, tracking).await?;
        receipt.created = receipt.created.map(|created| created.chars().rev().collect());
        Ok(receipt)
    }
}
