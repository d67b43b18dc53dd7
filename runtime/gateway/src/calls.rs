//! Calls of an application: reads, and writes that happen once.

use std::{sync::Arc, time::Duration};

use adapter_spec::{
    CallError,
    types::{
        Call, CallOptions, ContractCall, Deployment, Effect, Error, ErrorCode, Estimate, NativeCall, Output,
        Party, PublicKey, Receipt, SignatureScheme, SigningInput, Step, Value,
    },
};
pub use berth_api::{OptionsRequest, Until, Written, WrittenState};
use berth_journal::{EntryKey, Settlement, State, Task, Work, carry_out};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::{
    application::{Application, Opened},
    follower::{self, Progress},
    gateway::Shared,
    keys::TrustSigner,
    problem::Problem,
    quota::{self, Reservation},
};

/// The longest that a request waits for its transaction.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

/// A function of a contract.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FunctionRequest {
    /// Contract address, name or chaincode.
    pub contract: String,
    /// Function name, or its signature where the framework needs types.
    pub function: String,
    /// In the order of the function's parameters.
    #[serde(default)]
    pub arguments: Vec<Value>,
    /// Interface description, where the caller has one.
    #[serde(default)]
    pub abi: Option<String>,
    /// Names and values (hexadecimal with `0x`) that never reach the ledger in clear.
    #[serde(default)]
    pub private_arguments: Vec<(String, HexBytes)>,
    /// Who acts, and what goes with the call.
    #[serde(flatten)]
    pub options: OptionsRequest,
}

/// Bytes as hexadecimal text with `0x`.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, extend("pattern" = "^(0x)?([0-9a-fA-F]{2})*$"))]
pub struct HexBytes(Vec<u8>);

impl HexBytes {
    /// The bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl TryFrom<String> for HexBytes {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        hex::decode(digits).map(HexBytes).map_err(|_| "bytes must be an even number of hexadecimal digits")
    }
}

/// A contract for the ledger.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployRequest {
    /// Its name, where the ledger names contracts.
    #[serde(default)]
    pub name: String,
    /// Its version, where the ledger keeps versions.
    #[serde(default)]
    pub version: String,
    /// The code, hexadecimal with `0x`.
    pub code: HexBytes,
    /// Interface description.
    #[serde(default)]
    pub abi: Option<String>,
    /// Of the constructor.
    #[serde(default)]
    pub arguments: Vec<Value>,
    /// Who acts, and what goes with the call.
    #[serde(flatten)]
    pub options: OptionsRequest,
}

/// An operation that only this framework has.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NativeRequest {
    /// A name among the descriptor's capabilities.
    pub name: String,
    /// Its arguments.
    pub arguments: serde_json::Value,
    /// Who acts, and what goes with the call.
    #[serde(flatten)]
    pub options: OptionsRequest,
}

impl FunctionRequest {
    pub(crate) fn into_call(self) -> (ContractCall, OptionsRequest) {
        let private = self.private_arguments.into_iter().map(|(name, value)| (name, value.0));
        let call = ContractCall {
            contract: self.contract,
            function: self.function,
            arguments: self.arguments,
            abi: self.abi,
            private_arguments: private.collect(),
        };
        (call, self.options)
    }
}

impl DeployRequest {
    pub(crate) fn into_call(self) -> (Call, OptionsRequest) {
        let deployment = Deployment {
            name: self.name,
            version: self.version,
            code: self.code.0,
            abi: self.abi,
            arguments: self.arguments,
        };
        (Call::Deploy(deployment), self.options)
    }
}

impl NativeRequest {
    pub(crate) fn into_call(self) -> (Call, OptionsRequest) {
        (Call::Native(NativeCall { name: self.name, json: self.arguments.to_string() }), self.options)
    }
}

/// The call's parties and options, with the key in trust that signs for them.
async fn acting(
    shared: &Shared,
    application: &Application,
    opened: &Opened,
    participant: &str,
    options: &OptionsRequest,
) -> Result<(Vec<Party>, CallOptions, TrustSigner), Problem> {
    let descriptor = &opened.offered.descriptor;
    let scheme = scheme(opened, options.scheme)?;
    let key = shared.keys.get(&application.id, participant, scheme).await?;
    let signer = TrustSigner { key, signs_digests: descriptor.signs_digests.is_some() };
    let parties = vec![Party { account: options.account.clone(), keys: vec![signer.public_key()] }];
    Ok((parties, call_options(options), signer))
}

pub(crate) fn scheme(opened: &Opened, wanted: Option<SignatureScheme>) -> Result<SignatureScheme, Problem> {
    let schemes = &opened.offered.descriptor.schemes;
    let scheme = wanted.or_else(|| schemes.first().copied()).filter(|scheme| schemes.contains(scheme));
    scheme.ok_or_else(|| Problem::invalid(format!("scheme: the adapter takes {schemes:?}")))
}

pub(crate) fn call_options(options: &OptionsRequest) -> CallOptions {
    CallOptions { amount: options.amount.clone(), max_fee: options.max_fee.clone(), ..CallOptions::default() }
}

/// The participant's key in trust, and the accounts that it has on the ledger.
pub(crate) async fn account(
    shared: &Shared,
    application: &Application,
    participant: &str,
    wanted: Option<SignatureScheme>,
) -> Result<(PublicKey, Vec<String>), Problem> {
    let opened = application.open(&shared.ground).await?;
    let key = shared.keys.get(&application.id, participant, scheme(&opened, wanted)?).await?.public_key();
    match opened.ledger.accounts(key.clone()).await {
        Ok(accounts) => Ok((key, accounts)),
        // Where accounts come from certificates, there is none before there is a certificate.
        Err(CallError::Answered(error))
            if error.code == ErrorCode::InvalidArgument && key.certificate.is_none() =>
        {
            Ok((key, Vec::new()))
        }
        Err(error) => Err(error.into()),
    }
}

/// A request in PEM for a certificate of the participant's key in trust, for an authority of the ledger.
pub(crate) async fn certificate_request(
    shared: &Shared,
    application: &Application,
    participant: &str,
) -> Result<String, Problem> {
    let opened = application.open(&shared.ground).await?;
    let scheme = scheme(&opened, Some(SignatureScheme::EcdsaP256Sha256))?;
    let key = shared.keys.get(&application.id, participant, scheme).await?;
    let sign = |message: &[u8]| {
        let signed = key.signing_key().sign(&SigningInput::Message(message.to_vec()));
        signed.ok().map(|signature| signature.bytes)
    };
    let request = berth_identity::certificate_request(participant, &key.public_key().point, sign);
    request.map_err(|error| {
        tracing::error!(%error, "no certificate request");
        Problem::trouble("the node could not make the request")
    })
}

/// Gives the participant's key in trust its certificate. Gives it with the accounts that it has on the ledger now.
pub(crate) async fn certify(
    shared: &Shared,
    application: &Application,
    participant: &str,
    wanted: Option<SignatureScheme>,
    certificate: &[u8],
) -> Result<(PublicKey, Vec<String>), Problem> {
    let opened = application.open(&shared.ground).await?;
    let scheme = scheme(&opened, wanted)?;
    let key = shared.keys.certify(&application.id, participant, scheme, certificate).await?.public_key();
    let accounts = opened.ledger.accounts(key.clone()).await?;
    Ok((key, accounts))
}

/// Reads.
pub(crate) async fn evaluate(
    shared: &Shared,
    application: &Application,
    participant: &str,
    call: ContractCall,
    options: OptionsRequest,
) -> Result<Output, Problem> {
    let opened = application.open(&shared.ground).await?;
    let (parties, call_options, signer) = acting(shared, application, &opened, participant, &options).await?;
    let mut step = opened.ledger.begin(Call::Evaluate(call), parties, call_options).await?;
    // Some frameworks want reads signed.
    for _ in 0..16 {
        match step {
            Step::Answer(output) => return Ok(output),
            Step::Send(_) => break,
            Step::Sign(request) => {
                let signed = berth_journal::Signer::sign(&signer, &request).await;
                let signatures = match signed {
                    Ok(signatures) => signatures,
                    Err(error) => {
                        let _ = opened.ledger.abandon(request.continuation).await;
                        return Err(Error::new(ErrorCode::Internal, error.to_string()).into());
                    }
                };
                step = opened.ledger.resume(request.continuation, signatures).await?;
            }
        }
    }
    Err(Error::new(ErrorCode::Internal, "the adapter does not end a read in an answer").into())
}

/// What a call would cost. Changes nothing.
pub(crate) async fn estimate(
    shared: &Shared,
    application: &Application,
    participant: &str,
    call: Call,
    options: OptionsRequest,
) -> Result<Estimate, Problem> {
    let opened = application.open(&shared.ground).await?;
    let (parties, call_options, _) = acting(shared, application, &opened, participant, &options).await?;
    Ok(opened.ledger.estimate(call, parties, call_options).await?)
}

/// A write that the application's quotas have room for.
pub(crate) struct Admitted<'a> {
    actor: &'a str,
    entry: EntryKey,
    key: &'a str,
    call: Call,
    options: OptionsRequest,
    reservation: Reservation,
}

/// Takes a write's part of the quotas. `actor` signs, by a key in trust; `entry` is its place in the journal, and `key` what the
/// caller calls it.
pub(crate) fn admit<'a>(
    application: &Arc<Application>,
    actor: &'a str,
    entry: EntryKey,
    key: &'a str,
    (call, options): (Call, OptionsRequest),
) -> Result<Admitted<'a>, Problem> {
    let reservation = quota::admit(application, call.payload())?;
    Ok(Admitted { actor, entry, key, call, options, reservation })
}

/// Writes once, in trust mode: the node signs. The work goes on when the caller goes away.
pub(crate) async fn write(
    shared: &Arc<Shared>,
    application: &Arc<Application>,
    admitted: Admitted<'_>,
) -> Result<Written, Problem> {
    let Admitted { actor, entry: entry_key, key, call, options, reservation } = admitted;
    let opened = application.open(&shared.ground).await?;
    let (parties, call_options, signer) = acting(shared, application, &opened, actor, &options).await?;
    let work = Work { key: entry_key.clone(), task: Task::Call(call), parties, options: call_options };
    let task = {
        let (shared, application) = (shared.clone(), application.clone());
        let written = async move {
            let turn = opened
                .offered
                .descriptor
                .ordered_accounts
                .then(|| application.account(&signer.public_key().point));
            let held = match &turn {
                Some(turn) => Some(turn.lock().await),
                None => None,
            };
            let outcome =
                carry_out(&shared.journal, &*opened.ledger, work, &signer, || reservation.count()).await?;
            drop(held);
            let answer = match &outcome {
                berth_journal::Outcome::Answered(output) => Some(output.clone()),
                _ => None,
            };
            let progress = Progress::of(outcome);
            if let Some(progress) = progress.clone().filter(|progress| progress.settlement.is_none()) {
                reservation.followed(|| follower::follow(&shared, &application, entry_key, Some(progress)));
            }
            Ok::<_, Problem>((progress, answer))
        };
        tokio::spawn(written.in_current_span())
    };
    let (progress, answer) = task.await.map_err(|error| {
        tracing::error!(%error, "a write broke off");
        Problem::trouble("the write broke off: send the same request again, with the same key")
            .with_effect(Effect::Unknown)
    })??;
    match (progress, answer) {
        (Some(progress), _) => told(key, progress),
        // A native call may be a read.
        (None, answer) => Ok(Written {
            key: key.to_owned(),
            state: WrittenState::Settled,
            transaction: None,
            settlement: Some(Settlement::Answered),
            receipt: answer.map(answered),
            trouble: None,
        }),
    }
}

/// An answer in the place where a write's outcome stands.
fn answered(output: Output) -> Receipt {
    Receipt {
        transaction: String::new(),
        inclusion: adapter_spec::types::Inclusion::Final,
        block: None,
        index: None,
        outcome: Some(Ok(output)),
        created: None,
        events: Vec::new(),
        fee: None,
        extensions: Vec::new(),
    }
}

/// How a write that was heard of is answered.
pub(crate) fn told(key: &str, progress: Progress) -> Result<Written, Problem> {
    if let Some(Settlement::Never(error)) = progress.settlement {
        return Err(Problem::from(error).with_effect(Effect::Never));
    }
    Ok(Written {
        key: key.to_owned(),
        state: if progress.settlement.is_some() { WrittenState::Settled } else { WrittenState::UnderWay },
        transaction: Some(progress.transaction),
        settlement: progress.settlement,
        receipt: progress.receipt.map(Arc::unwrap_or_clone),
        trouble: progress.trouble,
    })
}

/// What became of a write, by its place in the journal; `key` is what the caller calls it.
pub(crate) async fn written(
    shared: &Shared,
    application: &Application,
    entry_key: &EntryKey,
    key: &str,
) -> Result<Written, Problem> {
    let heard = application.follower.hear(entry_key).and_then(|heard| heard.borrow().clone());
    if let Some(progress) = heard {
        return told(key, progress);
    }
    let entry = shared.journal.entry(entry_key).await?;
    let entry = entry.ok_or_else(|| {
        Problem::from(Error::new(
            ErrorCode::NotFound,
            "you have no call with this idempotency key in this application",
        ))
    })?;
    let (state, transaction, settlement) = match entry.state {
        State::Begun => (WrittenState::Begun, None, None),
        State::Signed(signed) | State::Sent(signed) => {
            let envelope = signed.envelope;
            (WrittenState::UnderWay, Some((envelope.transaction, envelope.tracking)), None)
        }
        State::Settled(settled) => {
            let transaction = settled.transaction.map(|settled| (settled.id, settled.tracking));
            (WrittenState::Settled, transaction, Some(settled.settlement))
        }
    };
    if let Some(Settlement::Never(error)) = settlement {
        return Err(Problem::from(error).with_effect(Effect::Never));
    }
    let (receipt, trouble) = match &transaction {
        None => (None, None),
        Some((id, tracking)) => match application.open(&shared.ground).await {
            Err(problem) => (None, Some(problem.detail)),
            Ok(opened) => match opened.ledger.receipt(id, tracking.clone()).await {
                Ok(receipt) => (Some(receipt), None),
                Err(error) => (None, Some(shown(&error))),
            },
        },
    };
    let transaction = transaction.map(|(id, _)| id);
    Ok(Written { key: key.to_owned(), state, transaction, settlement, receipt, trouble })
}

fn shown(error: &CallError) -> String {
    error.to_string()
}

/// Waits until a write has come so far, or the time is over, and tells how far it is.
pub(crate) async fn wait(
    shared: &Shared,
    application: &Application,
    entry_key: &EntryKey,
    written_so_far: Written,
    until: Until,
    patience: Duration,
) -> Result<Written, Problem> {
    if until == Until::Sent || written_so_far.state != WrittenState::UnderWay {
        return Ok(written_so_far);
    }
    let Some(mut heard) = application.follower.hear(entry_key) else {
        // It was settled between the two looks, or nobody follows it yet.
        return written(shared, application, entry_key, &written_so_far.key).await;
    };
    let far_enough = |progress: &Option<Progress>| {
        progress.as_ref().is_some_and(|progress| match until {
            Until::Sent => true,
            Until::Included => progress.is_included(),
            Until::Settled => progress.settlement.is_some(),
        })
    };
    let last = tokio::time::timeout(patience.min(MAX_WAIT), wait_for(&mut heard, far_enough)).await;
    let progress = match last {
        Ok(progress) => progress,
        Err(_) => heard.borrow().clone(),
    };
    match progress {
        Some(progress) => told(&written_so_far.key, progress),
        None => written(shared, application, entry_key, &written_so_far.key).await,
    }
}

/// The first progress that is far enough; the last one where nobody follows any more.
async fn wait_for(
    heard: &mut watch::Receiver<Option<Progress>>,
    far_enough: impl FnMut(&Option<Progress>) -> bool,
) -> Option<Progress> {
    if let Ok(progress) = heard.wait_for(far_enough).await {
        return progress.clone();
    }
    heard.borrow().clone()
}
