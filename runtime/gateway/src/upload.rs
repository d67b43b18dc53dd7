//! Upload mode: participants hold their keys. The node hands out what to sign and takes the signatures.
//!
//! A continuation leaves the node sealed, bound to application, participant, idempotency key and expiry. A record of it stays
//! here and goes as it is taken, so that it is taken once, also across a restart; what is never taken is abandoned
//! after its time.

use std::{sync::Arc, time::Duration};

use adapter_spec::types::{
    Call, Error, ErrorCode, Party, PublicKey, SignRequest, Signature, SignatureScheme, SigningInput, Step,
    Validity,
};
pub use berth_api::{Next, ToSign, possession};
use berth_journal::{Begin, DriveError, Outcome, PayloadDigest, Settlement, State, conclude};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Instrument as _;

use crate::{
    application::{Application, Opened, Role},
    calls::{self, HexBytes, OptionsRequest, Written, WrittenState, call_options},
    follower::{self, Progress},
    gateway::{Shared, not_written},
    keys::{check_certificate, point_of},
    problem::Problem,
    quota,
};

const KEYS: &str = "node/own-key/";
const CONTINUATIONS: &str = "node/continuation/";
/// What continuations are sealed for.
const PURPOSE: &str = "continuation";
/// The longest that a continuation is taken, whatever its adapter says.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// How often continuations that nobody took are looked for.
pub(crate) const SWEEP: Duration = Duration::from_secs(30);

/// A participant's own key, with the proof that they have it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRequest {
    /// How it signs.
    pub scheme: SignatureScheme,
    /// SEC1 uncompressed point, 65 bytes, hexadecimal.
    pub point: HexBytes,
    /// X.509 certificate, DER, hexadecimal, where the framework has certificates.
    #[serde(default)]
    pub certificate: Option<HexBytes>,
    /// The key's signature over [`possession`]: r and s, 32 bytes each, hexadecimal.
    #[schemars(
        description = "The key's signature over the lines `berth key`, the application's id, the participant's name and the point in \
                       hexadecimal without 0x, each with a line feed: r and s, 32 bytes each, hexadecimal"
    )]
    pub signature: HexBytes,
}

/// The continuation with the signatures that were asked for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeRequest {
    /// From the answer before.
    pub continuation: String,
    /// In the order of the items.
    #[serde(default)]
    pub signatures: Vec<Signature>,
}

/// What is sealed into a continuation.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Under which its record is kept.
    id: String,
    #[serde(flatten)]
    bound: Bound,
    expires: Timestamp,
    /// The adapter's own, hexadecimal.
    inner: String,
}

/// What a continuation is bound to.
#[derive(Serialize, Deserialize)]
struct Bound {
    participant: String,
    /// What the call needs, looked at again as it goes on.
    #[serde(default = "write")]
    role: Role,
    /// The idempotency key; none of a read.
    key: Option<String>,
    /// SHA-256 of the parties, so that it belongs to this call alone.
    payload: PayloadDigest,
    /// Bytes of the call, for the account of what was used.
    stored: u64,
    round: u32,
}

/// What an older version's continuations need, which do not say it.
fn write() -> Role {
    Role::Write
}

/// What is kept of a continuation that was handed out.
#[derive(Serialize, Deserialize)]
struct HandedOut {
    expires: Timestamp,
    /// The adapter's continuation, sealed, hexadecimal.
    sealed: String,
}

fn expired() -> Problem {
    Error::new(
        ErrorCode::Expired,
        "this continuation is not taken: it was taken before, its time is over, or it is not yours; begin again",
    )
    .into()
}

/// Keeps a participant's key, if they have it and the adapter knows what to do with it. Gives it with the accounts that it has on the
/// ledger now.
pub(crate) async fn put_key(
    shared: &Shared,
    application: &Application,
    participant: &str,
    request: KeyRequest,
) -> Result<(PublicKey, Vec<String>), Problem> {
    let key = PublicKey {
        scheme: request.scheme,
        point: request.point.into_bytes(),
        certificate: request.certificate.map(HexBytes::into_bytes),
    };
    if let Some(certificate) = key.certificate.as_deref() {
        check_certificate(certificate)?;
        if point_of(certificate).is_some_and(|point| point != key.point) {
            return Err(Problem::invalid("certificate: it is of another key"));
        }
    }
    let said = SigningInput::Message(possession(&application.id, participant, &key.point).into_bytes());
    let signature = Signature { bytes: request.signature.into_bytes(), recovery_id: None };
    if !berth_crypto::verify(&key, &said, &signature) {
        return Err(Problem::invalid("signature: it is not this key's over the text of possession"));
    }
    // Before it is kept: what the adapter refuses takes no good key's place.
    let opened = application.open(&shared.ground).await?;
    calls::scheme(&opened, Some(key.scheme))?;
    let accounts = opened.ledger.accounts(key.clone()).await?;
    let place = format!("{KEYS}{}/{participant}/{}", application.id, scheme_name(key.scheme));
    shared.records.put(&place, &key).await.map_err(not_written)?;
    Ok((key, accounts))
}

fn scheme_name(scheme: SignatureScheme) -> String {
    serde_json::to_value(scheme).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

async fn parties(
    shared: &Shared,
    application: &Application,
    opened: &Opened,
    participant: &str,
    options: &OptionsRequest,
) -> Result<Vec<Party>, Problem> {
    let scheme = calls::scheme(opened, options.scheme)?;
    let place = format!("{KEYS}{}/{participant}/{}", application.id, scheme_name(scheme));
    let key: Option<PublicKey> = shared.records.get(&place).await.map_err(not_written)?;
    let key = key.ok_or_else(|| {
        Problem::invalid(format!(
            "you have uploaded no key of the scheme {} here: PUT it to keys first",
            scheme_name(scheme)
        ))
    })?;
    Ok(vec![Party { account: options.account.clone(), keys: vec![key] }])
}

/// Begins a call. A write needs an idempotency key, and goes on where it stopped when it comes again.
pub(crate) async fn begin(
    shared: &Arc<Shared>,
    application: &Arc<Application>,
    participant: &str,
    (role, key): (Role, Option<&str>),
    call: Call,
    options: OptionsRequest,
) -> Result<Next, Problem> {
    let opened = application.open(&shared.ground).await?;
    let parties = parties(shared, application, &opened, participant, &options).await?;
    let mut call_options = call_options(&options);
    let payload = PayloadDigest::of_call(&call, &parties, &call_options);
    if let Some(key) = key {
        let entry_key = application.entry_key(participant, key)?;
        // Only looked at: what counts is when the signatures come.
        drop(quota::admit(application, call.payload())?);
        match shared.journal.begin(&entry_key, payload).await.map_err(DriveError::Journal)? {
            Begin::Conflict => return Err(DriveError::Conflict.into()),
            Begin::New { salt } => call_options.salt = salt.as_bytes().to_vec(),
            Begin::Resumed(entry) => match entry.state {
                State::Begun => call_options.salt = entry.salt.as_bytes().to_vec(),
                State::Signed(_) | State::Sent(_) | State::Settled(_) => {
                    let written = calls::written(shared, application, &entry_key, key).await?;
                    return Ok(Next::Written(Box::new(written)));
                }
            },
        }
    } else {
        call_options.salt = vec![0; 32];
    }
    let stored = call.payload();
    let step = opened.ledger.begin(call, parties, call_options).await?;
    let (participant, key) = (participant.to_owned(), key.map(str::to_owned));
    let bound = Bound { participant, role, key, payload, stored, round: 1 };
    go_on(shared, application, &opened, bound, step).await
}

/// Goes on with the signatures.
pub(crate) async fn resume(
    shared: &Arc<Shared>,
    application: &Arc<Application>,
    participant: &str,
    request: ResumeRequest,
) -> Result<Next, Problem> {
    let sealed = unseal(shared, application, participant, &request.continuation)?;
    if !application.roles(participant).contains(&sealed.bound.role) {
        return Err(Problem::forbidden(sealed.bound.role.name()));
    }
    take(shared, application, &sealed).await?;
    let inner = hex::decode(&sealed.inner).map_err(|_| expired())?;
    let opened = application.open(&shared.ground).await?;
    if Timestamp::now() > sealed.expires {
        let _ = opened.ledger.abandon(inner).await;
        return Err(expired());
    }
    match opened.ledger.resume(inner.clone(), request.signatures).await {
        Ok(step) => {
            let bound = Bound { round: sealed.bound.round + 1, ..sealed.bound };
            go_on(shared, application, &opened, bound, step).await
        }
        Err(error) => {
            // It was taken, so nobody can resume it any more.
            let _ = opened.ledger.abandon(inner).await;
            Err(error.into())
        }
    }
}

/// Gives a call up.
pub(crate) async fn abandon(
    shared: &Shared,
    application: &Application,
    participant: &str,
    continuation: &str,
) -> Result<(), Problem> {
    let sealed = unseal(shared, application, participant, continuation)?;
    take(shared, application, &sealed).await?;
    let inner = hex::decode(&sealed.inner).map_err(|_| expired())?;
    let opened = application.open(&shared.ground).await?;
    Ok(opened.ledger.abandon(inner).await?)
}

async fn go_on(
    shared: &Arc<Shared>,
    application: &Arc<Application>,
    opened: &Opened,
    bound: Bound,
    step: Step,
) -> Result<Next, Problem> {
    let fault = |what: &str| Err(Problem::from(Error::new(ErrorCode::Internal, what)));
    let (participant, stored) = (bound.participant.as_str(), bound.stored);
    match (step, bound.key.as_deref()) {
        (Step::Sign(request), _) if bound.round > 16 => {
            let _ = opened.ledger.abandon(request.continuation).await;
            fault("the adapter asks for signatures more than 16 times in one call")
        }
        (Step::Sign(request), _) => {
            let undeclared = opened.offered.descriptor.signs_digests.is_none()
                && request.items.iter().any(|item| matches!(item.input, SigningInput::Digest(_)));
            if undeclared {
                let _ = opened.ledger.abandon(request.continuation).await;
                return fault(
                    "the adapter asks to sign a bare digest and does not declare that it ever does",
                );
            }
            Ok(Next::Sign(hand_out(shared, application, bound, request).await?))
        }
        (Step::Answer(output), None) => Ok(Next::Answer(output)),
        (Step::Answer(output), Some(key)) => {
            let entry_key = application.entry_key(participant, key)?;
            shared.journal.settle(&entry_key, Settlement::Answered).await?;
            Ok(Next::Answer(output))
        }
        (Step::Send(_), None) => fault("the adapter ends a read in a transaction"),
        (Step::Send(envelope), Some(key)) => {
            let entry_key = application.entry_key(participant, key)?;
            let reservation = quota::reserve(application, stored)?;
            let (task_shared, task_application) = (shared.clone(), application.clone());
            let ledger = opened.ledger.clone();
            // The work goes on when the caller goes away.
            let concluded = async move {
                let outcome: Outcome =
                    conclude(&task_shared.journal, &*ledger, &entry_key, envelope, None, || {
                        reservation.count()
                    })
                    .await?;
                let progress = Progress::of(outcome);
                if let Some(progress) = progress.clone().filter(|progress| progress.settlement.is_none()) {
                    reservation.followed(|| {
                        follower::follow(&task_shared, &task_application, entry_key, Some(progress));
                    });
                }
                Ok::<_, Problem>(progress)
            };
            let progress = tokio::spawn(concluded.in_current_span()).await.map_err(|error| {
                tracing::error!(%error, "a write broke off");
                Problem::trouble("the write broke off: begin again with the same key")
            })??;
            let written = match progress {
                Some(progress) => calls::told(key, progress)?,
                None => Written {
                    key: key.to_owned(),
                    state: WrittenState::Settled,
                    transaction: None,
                    settlement: Some(Settlement::Answered),
                    receipt: None,
                    trouble: None,
                },
            };
            Ok(Next::Written(Box::new(written)))
        }
    }
}

/// What a continuation opens for.
fn context(application: &Application) -> Vec<u8> {
    [b"application ", application.id.as_bytes()].concat()
}

async fn hand_out(
    shared: &Shared,
    application: &Application,
    bound: Bound,
    request: SignRequest,
) -> Result<ToSign, Problem> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|_| Problem::trouble("the system gives no randomness"))?;
    let id = hex::encode(random);
    let now = Timestamp::now();
    let longest = now + jiff::SignedDuration::try_from(LONGEST).unwrap_or(jiff::SignedDuration::ZERO);
    let expires = match request.valid_until {
        Validity::Millis(millis) => i64::try_from(millis)
            .ok()
            .and_then(|millis| Timestamp::from_millisecond(millis).ok())
            .map_or(longest, |until| until.min(longest)),
        Validity::Block(_) | Validity::Unbounded => longest,
    };
    let sealed = Sealed { id: id.clone(), bound, expires, inner: hex::encode(&request.continuation) };
    let json = serde_json::to_vec(&sealed)
        .map_err(|error| Problem::trouble(format!("the continuation is not written: {error}")))?;
    let seal = |bytes: &[u8]| {
        let sealed = shared.master.seal(PURPOSE, &context(application), bytes);
        sealed.map(hex::encode).map_err(|error| Problem::trouble(error.to_string()))
    };
    let record = HandedOut { expires, sealed: seal(&request.continuation)? };
    let place = format!("{CONTINUATIONS}{}/{id}", application.id);
    shared.records.put(&place, &record).await.map_err(not_written)?;
    Ok(ToSign {
        items: request.items,
        summary_claim: request.summary,
        max_fee: request.max_fee,
        expires,
        continuation: seal(&json)?,
    })
}

/// Reads a participant's continuation. One answer for every reason why it is not one.
fn unseal(
    shared: &Shared,
    application: &Application,
    participant: &str,
    continuation: &str,
) -> Result<Sealed, Problem> {
    let bytes = hex::decode(continuation).map_err(|_| expired())?;
    let opened = shared.master.open(PURPOSE, &context(application), &bytes).map_err(|_| expired())?;
    let sealed: Sealed = serde_json::from_slice(&opened).map_err(|_| expired())?;
    if sealed.bound.participant == participant { Ok(sealed) } else { Err(expired()) }
}

/// Takes a continuation, once. The same answer where it was taken before.
async fn take(shared: &Shared, application: &Application, sealed: &Sealed) -> Result<(), Problem> {
    let place = format!("{CONTINUATIONS}{}/{}", application.id, sealed.id);
    if shared.records.take(&place).await.map_err(not_written)? { Ok(()) } else { Err(expired()) }
}

/// Abandons what was handed out and not taken in time.
pub(crate) async fn sweep(shared: &Shared, application: &Application) {
    let prefix = format!("{CONTINUATIONS}{}/", application.id);
    let Ok(all) = shared.records.all::<HandedOut>(&prefix).await else { return };
    let now = Timestamp::now();
    for (id, record) in all.into_iter().filter(|(_, record)| record.expires < now) {
        if !shared.records.take(&format!("{prefix}{id}")).await.unwrap_or(false) {
            continue;
        }
        let inner = hex::decode(&record.sealed)
            .ok()
            .and_then(|sealed| shared.master.open(PURPOSE, &context(application), &sealed).ok());
        if let (Some(inner), Ok(opened)) = (inner, application.open(&shared.ground).await) {
            // What was reserved ends by itself too.
            let _ = opened.ledger.abandon(inner.to_vec()).await;
        }
    }
}
