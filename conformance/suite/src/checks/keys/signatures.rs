//! Signatures that are taken, and those that are not.

use adapter_spec::{
    CallError,
    types::{Error, ErrorCode, SignItem, SignRequest, Signature, SignatureScheme, SigningInput, Step},
};

use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::{Actor, Application, Signed, Trial, mirrored},
};

/// What becomes of a signature's bytes.
type Damage = Box<dyn Fn(&mut Vec<u8>) + Send + Sync>;

fn is_secp256k1(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::EcdsaSecp256k1Keccak256 | SignatureScheme::EcdsaSecp256k1Sha256Canonical
    )
}

/// Recovery is of keys on secp256k1 alone.
async fn somebody_on_secp256k1(trial: &mut Trial, application: &Application) -> Result<Actor, Stop> {
    let declared = trial.facts.schemes().into_iter().find(|scheme| is_secp256k1(*scheme));
    match declared {
        Some(scheme) => trial.actor_of(application, scheme).await,
        None => Err(Stop::NotApplicable("the framework's keys are not on secp256k1".into())),
    }
}

/// Begins a write that adds `number`, and what it asks to be signed.
async fn asked(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    number: u32,
) -> Result<SignRequest, Stop> {
    let (call, options) = (trial.add(number)?, trial.options());
    let step = application.begin(call, actor.parties(), options).await.expected("begin starts the call")?;
    match step {
        Step::Sign(request) => Ok(request),
        other => fail("a write asks its party to sign", format!("begin goes on without: {other:.200?}")),
    }
}

/// What `resume` says to these signatures of this request.
async fn resume(
    application: &Application,
    request: &SignRequest,
    signatures: Vec<Signature>,
) -> Result<Result<Step, Error>, Stop> {
    match application.resume(request.continuation.clone(), signatures).await {
        Ok(step) => Ok(Ok(step)),
        Err(CallError::Answered(error)) => Ok(Err(error)),
        Err(CallError::Ended(ended)) => fail("an answer of resume", ended.to_string()),
    }
}

/// `resume` answers `invalid-argument` to what `spoil` makes of good signatures.
async fn is_refused(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    what: &str,
    spoil: impl FnOnce(&mut Trial, &SignRequest, Vec<Signature>) -> Result<Vec<Signature>, Stop>,
) -> Checked {
    let request = asked(trial, application, actor, 1).await?;
    let good = actor.sign(&request)?;
    let spoilt = spoil(trial, &request, good)?;
    let answer = resume(application, &request, spoilt).await?;
    application.abandon(request.continuation).await.expected("abandon frees a call")?;
    let expected = format!("resume answers invalid-argument to {what}");
    match answer {
        Ok(_) => fail(expected, "it goes on"),
        Err(error) => ensure(error.code == ErrorCode::InvalidArgument, expected, || error.to_string()),
    }
}

/// The same input with one bit turned.
fn turned(input: &SigningInput) -> SigningInput {
    let turn = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 1;
        }
        bytes
    };
    match input {
        SigningInput::Message(bytes) => SigningInput::Message(turn(bytes)),
        SigningInput::Digest(bytes) => SigningInput::Digest(turn(bytes)),
        SigningInput::Sm2(message) => SigningInput::Sm2(adapter_spec::types::Sm2Message {
            data: turn(&message.data),
            ..message.clone()
        }),
        // A person's text: a signature over anything else will do.
        SigningInput::TypedData(json) => SigningInput::Digest({
            let mut digest: Vec<u8> = json.bytes().cycle().take(32).collect();
            digest.resize(32, 1);
            digest
        }),
    }
}

fn changed(mut signatures: Vec<Signature>, change: impl Fn(&mut Vec<u8>)) -> Vec<Signature> {
    if let Some(first) = signatures.first_mut() {
        change(&mut first.bytes);
    }
    signatures
}

pub(super) async fn bad_ones_are_refused(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let key = actor.key.clone();
    is_refused(trial, &application, &actor, "a signature by another key", |trial, request, _| {
        let other = trial.fresh_key(key.scheme())?;
        let sign = |item: &SignItem| {
            other.sign(&item.input).map_err(|error| Stop::Harness(format!("another key: {error}")))
        };
        request.items.iter().map(sign).collect()
    })
    .await?;
    is_refused(trial, &application, &actor, "a signature over another message", |_, request, _| {
        let sign = |item: &SignItem| {
            key.sign(&turned(&item.input)).map_err(|error| Stop::Harness(format!("another input: {error}")))
        };
        request.items.iter().map(sign).collect()
    })
    .await?;
    let place = trial.below(32);
    let damages: [(&str, Damage); 7] = [
        ("a signature with a bit of r turned", Box::new(move |bytes| turn(bytes, place))),
        ("a signature with a bit of s turned", Box::new(move |bytes| turn(bytes, 32 + place))),
        ("a signature without its last byte", Box::new(|bytes| bytes.truncate(63))),
        ("a signature with a byte behind it", Box::new(|bytes| bytes.push(0))),
        ("a signature with s alone", Box::new(|bytes| drop(bytes.drain(..32)))),
        ("a signature of no bytes", Box::new(Vec::clear)),
        ("a signature of zeros", Box::new(|bytes| bytes.fill(0))),
    ];
    for (what, damage) in damages {
        is_refused(trial, &application, &actor, what, |_, _, good| Ok(changed(good, damage))).await?;
    }
    Ok(())
}

fn turn(bytes: &mut [u8], place: usize) {
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 4;
    }
}

pub(super) async fn wrong_number_is_refused(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    is_refused(trial, &application, &actor, "no signature", |_, _, _| Ok(Vec::new())).await?;
    is_refused(trial, &application, &actor, "a signature more than was asked for", |_, _, mut good| {
        good.extend(good.last().cloned());
        Ok(good)
    })
    .await
}

pub(super) async fn upper_half_is_refused(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let scheme = actor.key.scheme();
    if scheme == SignatureScheme::Sm2Sm3 {
        return Err(Stop::NotApplicable("SM2 has no lower half".into()));
    }
    is_refused(trial, &application, &actor, "a signature with s in the upper half", |_, _, good| {
        let mirror = |signature: &Signature| mirrored(scheme, signature);
        good.iter()
            .map(mirror)
            .collect::<Option<_>>()
            .ok_or_else(|| Stop::Harness("the suite's own signature has no mirror".into()))
    })
    .await
}

/// Goes on with these signatures until the write is in a block; then the counter is `expected`.
async fn takes_effect(
    trial: &mut Trial,
    application: &Application,
    actor: &Actor,
    step: Step,
    number: u32,
    before: &str,
) -> Checked {
    let envelope = match application.sign(actor, step).await? {
        Signed::Envelope(envelope) => envelope,
        Signed::Answer(output) => return fail("a write ends in send", format!("an answer: {output:?}")),
    };
    application.send(envelope.clone()).await.expected("send of what was signed succeeds")?;
    application.included(&envelope).await?;
    let after = trial.count(application, actor).await?;
    let sum = |text: &str| text.parse::<i128>().unwrap_or_default();
    ensure(sum(&after) - sum(before) == i128::from(number), "the signer's own counter grows", || {
        format!("it was {before} and is {after} after {number} were added")
    })
}

pub(super) async fn wrong_recovery_id_does_no_harm(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = somebody_on_secp256k1(trial, &application).await?;
    for id in [2, 27, 255] {
        is_refused(trial, &application, &actor, &format!("the recovery-id {id}"), |_, _, mut good| {
            good.iter_mut().for_each(|signature| signature.recovery_id = Some(id));
            Ok(good)
        })
        .await?;
    }
    // The other parity recovers somebody else: it is refused, or put right.
    let before = trial.count(&application, &actor).await?;
    let number = u32::try_from(1 + trial.below(1000)).unwrap_or(1);
    let request = asked(trial, &application, &actor, number).await?;
    let mut signatures = actor.sign(&request)?;
    for signature in &mut signatures {
        signature.recovery_id = signature.recovery_id.map(|id| id ^ 1);
    }
    match resume(&application, &request, signatures).await? {
        Ok(step) => takes_effect(trial, &application, &actor, step, number, &before).await,
        Err(error) => {
            application.abandon(request.continuation).await.expected("abandon frees a call")?;
            let expected = "resume answers invalid-argument to a recovery-id of another key";
            ensure(error.code == ErrorCode::InvalidArgument, expected, || error.to_string())
        }
    }
}

pub(super) async fn missing_recovery_id_is_computed(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = somebody_on_secp256k1(trial, &application).await?;
    let before = trial.count(&application, &actor).await?;
    let number = u32::try_from(1 + trial.below(1000)).unwrap_or(1);
    let request = asked(trial, &application, &actor, number).await?;
    let mut signatures = actor.sign(&request)?;
    for signature in &mut signatures {
        signature.recovery_id = None;
    }
    match resume(&application, &request, signatures).await? {
        Ok(step) => takes_effect(trial, &application, &actor, step, number, &before).await,
        Err(error) => {
            application.abandon(request.continuation).await.expected("abandon frees a call")?;
            fail("resume computes a recovery-id that is missing", error.to_string())
        }
    }
}
