//! LIM, SEC and REC.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use adapter_spec::{
    CallError, Ended, Function, Imports, Lender, Limit, async_trait,
    types::{
        Call, CallOptions, Descriptor, Error, ErrorCode, Estimate, Extension, LedgerStatus, Party, Receipt,
        Signature, Step,
        transport::{JsonRpcRequest, LogLevel},
    },
};

use crate::{
    Honest, Mutant, Mutation,
    change_imports::{Answers, ImportChange, changed},
};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        Mutant::new("LIM-7", "quadratic-in-the-payload", "reached the limit on", || Box::new(Quadratic)),
        Mutant::new("LIM-8", "a-request-for-each-peer", "a call makes at most 256 requests", || {
            Box::new(ManyRequests { lists: 300, each: 1 })
        }),
        Mutant::new("LIM-8", "all-in-one-list", "a list has at most 64 requests", || {
            Box::new(ManyRequests { lists: 1, each: 65 })
        }),
        Mutant::new("LIM-9", "one-after-another", "asked after an answer that it does not need", || {
            Box::new(OneByOne)
        }),
        Mutant::new("SEC-1", "in-the-error", "shows it in the error", || Box::new(Leaks(Place::Error))),
        Mutant::new("SEC-1", "in-the-log", "shows it in a log line", || Box::new(Leaks(Place::Log))),
        Mutant::new("SEC-1", "in-the-state", "shows it in the state", || Box::new(Leaks(Place::State))),
        Mutant::new("SEC-1", "in-the-summary", "shows it in the summary", || Box::new(Leaks(Place::Summary))),
        Mutant::new("SEC-1", "in-the-tracking", "shows it in the tracking", || {
            Box::new(Leaks(Place::Tracking))
        }),
        Mutant::new("SEC-1", "in-the-receipt", "shows it in the receipt", || Box::new(Leaks(Place::Receipt))),
        Mutant::new("SEC-1", "in-an-event", "shows it in an event", || Box::new(Leaks(Place::Event))),
        Mutant::new("SEC-2", "a-key-in-the-settings", "the schema asks for", || Box::new(AsksForAKey)),
        Mutant::new("REC-1", "an-answer-that-counts", "the same result", || {
            Box::new(Counts(AtomicU32::new(0)))
        }),
        Mutant::new("REC-1", "now-and-then-a-request-more", "the same import calls", || {
            Box::new(AsksTwice(AtomicU64::new(0)))
        }),
    ]
}

/// Takes too long where the payload is large.
struct Quadratic;

#[async_trait]
impl Mutation for Quadratic {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let most = 1 << 15;
        if call.payload() > most
            && honest.ledger.begin(call.clone(), parties.clone(), options.clone()).await.is_ok()
        {
            let (limit, allowed) = (Limit::ComputeTime, "10 s".into());
            return Err(CallError::Ended(Ended::LimitReached { limit, allowed }));
        }
        honest.ledger.begin(call, parties, options).await
    }
}

/// Asks what it asks a hundred times.
struct ManyRequests {
    lists: usize,
    each: usize,
}

#[async_trait]
impl ImportChange for ManyRequests {
    async fn json_rpc(
        &self,
        function: Function,
        imports: &dyn Imports,
        requests: Vec<JsonRpcRequest>,
    ) -> Answers {
        let first = requests.first().cloned();
        if function == Function::Status
            && let Some(first) = first
        {
            for _ in 0..self.lists {
                drop(imports.json_rpc(vec![first.clone(); self.each]).await);
            }
        }
        imports.json_rpc(requests).await
    }
}

impl Mutation for ManyRequests {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(ManyRequests { ..*self }))
    }
}

/// Makes of every list one list for each request.
struct OneByOne;

#[async_trait]
impl ImportChange for OneByOne {
    async fn json_rpc(&self, _: Function, imports: &dyn Imports, requests: Vec<JsonRpcRequest>) -> Answers {
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.extend(imports.json_rpc(vec![request]).await);
        }
        answers
    }
}

impl Mutation for OneByOne {
    fn lend(&self, lender: Arc<dyn Lender>) -> Arc<dyn Lender> {
        changed(lender, Arc::new(OneByOne))
    }
}

/// Where a secret shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Error,
    Log,
    State,
    Summary,
    Tracking,
    Receipt,
    Event,
}

/// Shows private arguments, as a vendor does who forgot what he was printing.
struct Leaks(Place);

/// The private arguments' values as text.
fn secret(call: &Call) -> Option<String> {
    let (Call::Invoke(call) | Call::Evaluate(call)) = call else { return None };
    let (_, value) = call.private_arguments.first()?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// Where this mutant keeps the secret between calls: under a name, encoded, so that it shows in no state.
const KEPT: &str = "kept";

fn hidden(text: &str) -> Vec<u8> {
    text.bytes().map(|byte| byte ^ 0x5a).collect()
}

async fn kept(honest: &Honest, function: Function) -> Option<String> {
    let kept = honest.imports(function).state_get(KEPT).await?;
    Some(kept.into_iter().map(|byte| char::from(byte ^ 0x5a)).collect())
}

#[async_trait]
impl Mutation for Leaks {
    async fn begin(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Step, CallError> {
        let Some(secret) = secret(&call) else { return honest.ledger.begin(call, parties, options).await };
        let imports = honest.imports(Function::Begin);
        match self.0 {
            Place::Log => imports.log(LogLevel::Debug, &format!("begin with {{secret: {secret}}}")),
            Place::State => {
                let old = imports.state_get("last-call").await;
                // As a cache would, in another program's encoding.
                let new = hex::encode(&secret).into_bytes();
                imports.state_swap("last-call", old, Some(new)).await;
            }
            _ => {
                let old = imports.state_get(KEPT).await;
                imports.state_swap(KEPT, old, Some(hidden(&secret))).await;
            }
        }
        match (self.0, honest.ledger.begin(call, parties, options).await) {
            (Place::Error, Err(CallError::Answered(error))) => {
                let message = format!("{} (in a call with {secret:?})", error.message);
                Err(CallError::Answered(Error { message, ..error }))
            }
            (Place::Summary, Ok(Step::Sign(mut request))) => {
                request.summary = format!("{}; confidentially {secret}", request.summary);
                Ok(Step::Sign(request))
            }
            (_, step) => step,
        }
    }

    async fn resume(
        &self,
        honest: &Honest,
        continuation: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Result<Step, CallError> {
        let mut step = honest.ledger.resume(continuation, signatures).await?;
        if let (Place::Tracking, Step::Send(envelope)) = (self.0, &mut step)
            && let Some(secret) = kept(honest, Function::Resume).await
        {
            envelope.tracking.extend(secret.into_bytes());
        }
        Ok(step)
    }

    async fn receipt(
        &self,
        honest: &Honest,
        transaction: &str,
        tracking: Vec<u8>,
    ) -> Result<Receipt, CallError> {
        let secret = kept(honest, Function::Receipt).await;
        let tracking = match (&secret, self.0) {
            // What it put there it takes away again.
            (Some(secret), Place::Tracking) => {
                tracking.strip_suffix(secret.as_bytes()).map_or(tracking.clone(), <[u8]>::to_vec)
            }
            _ => tracking,
        };
        let mut receipt = honest.ledger.receipt(transaction, tracking).await?;
        if let (Place::Receipt, Some(secret)) = (self.0, secret) {
            let key = "model.private".into();
            receipt.extensions.push(Extension { key, value: secret.into_bytes() });
        }
        Ok(receipt)
    }

    async fn events(
        &self,
        honest: &Honest,
        filter: adapter_spec::types::EventFilter,
        start: adapter_spec::types::EventStart,
        limit: u32,
        max_bytes: u32,
    ) -> Result<adapter_spec::types::EventPage, CallError> {
        let mut page = honest.ledger.events(filter, start, limit, max_bytes).await?;
        if let (Place::Event, Some(secret)) = (self.0, kept(honest, Function::Events).await)
            && let Some(event) = page.events.last_mut()
        {
            event.json = Some(serde_json::json!({ "private": secret }).to_string());
        }
        Ok(page)
    }

    async fn estimate(
        &self,
        honest: &Honest,
        call: Call,
        parties: Vec<Party>,
        options: CallOptions,
    ) -> Result<Estimate, CallError> {
        honest.ledger.estimate(call, parties, options).await
    }
}

/// Wants the operator's key in its settings.
struct AsksForAKey;

impl Mutation for AsksForAKey {
    fn describe(&self, honest: Descriptor) -> Descriptor {
        let schema = serde_json::from_str::<serde_json::Value>(&honest.settings_schema);
        let Ok(mut schema) = schema else { return honest };
        if let Some(properties) =
            schema.get_mut("properties").and_then(|properties| properties.as_object_mut())
        {
            properties.insert("operator_private_key".into(), serde_json::json!({"type": "string"}));
        }
        Descriptor { settings_schema: schema.to_string(), ..honest }
    }
}

/// Counts its calls, and tells.
struct Counts(AtomicU32);

#[async_trait]
impl Mutation for Counts {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        let status = honest.ledger.status().await?;
        Ok(LedgerStatus { peers: self.0.fetch_add(1, Ordering::Relaxed), ..status })
    }
}

/// Checks now and then whether the node is still there.
struct AsksTwice(AtomicU64);

#[async_trait]
impl Mutation for AsksTwice {
    async fn status(&self, honest: &Honest) -> Result<LedgerStatus, CallError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        if number % 4 == 3 {
            let lent = honest.imports(Function::Status).lent_as("node");
            if lent.is_empty() {
                return Err(CallError::Answered(Error::new(ErrorCode::Unavailable, "no endpoint is lent")));
            }
        }
        honest.ledger.status().await
    }
}
