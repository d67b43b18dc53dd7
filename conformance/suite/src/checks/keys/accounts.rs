//! Which accounts a key has, and which keys are none.

use adapter_spec::{
    CallError,
    types::{Call, Error, ErrorCode, Party, PublicKey, Step},
};

use super::super::describe::SCHEMES;
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    ground::certificate,
    trial::{Application, Trial},
};

pub(super) async fn of_known_keys(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    for vector in trial.facts.testbed.vectors.clone() {
        let point = hex::decode(vector.point.trim_start_matches("0x"))
            .map_err(|_| Stop::Harness("a vector's point is not hexadecimal".into()))?;
        let certificate = certificate(vector.certificate.as_deref())?;
        let key = PublicKey { scheme: vector.scheme, point, certificate };
        let accounts = application.accounts(key).await.expected("accounts of a known key")?;
        ensure(
            accounts == vector.accounts,
            format!("the accounts {:?} (after {})", vector.accounts, vector.source),
            || format!("the accounts {accounts:?}"),
        )?;
    }
    Ok(())
}

/// What `begin` says to a write by this key.
async fn begin(
    trial: &mut Trial,
    application: &Application,
    key: PublicKey,
) -> Result<Result<(), Error>, Stop> {
    let call: Call = trial.add(1)?;
    let parties = vec![Party { account: None, keys: vec![key] }];
    match application.begin(call, parties, trial.options()).await {
        Ok(step) => {
            if let Step::Sign(request) = step {
                application.abandon(request.continuation).await.expected("abandon frees a call")?;
            }
            Ok(Ok(()))
        }
        Err(CallError::Answered(error)) => Ok(Err(error)),
        Err(CallError::Ended(ended)) => fail("an answer of begin", ended.to_string()),
    }
}

/// Neither `accounts` nor `begin` takes this key.
async fn is_refused(trial: &mut Trial, application: &Application, key: PublicKey, what: &str) -> Checked {
    let expected = |function: &str| format!("{function} answers invalid-argument to {what}");
    let error = application.accounts(key.clone()).await.refused(&expected("accounts"))?;
    ensure(error.code == ErrorCode::InvalidArgument, expected("accounts"), || error.to_string())?;
    match begin(trial, application, key).await? {
        Ok(()) => fail(expected("begin"), "it accepts the key"),
        Err(error) => {
            ensure(error.code == ErrorCode::InvalidArgument, expected("begin"), || error.to_string())
        }
    }
}

pub(super) async fn other_schemes_are_refused(trial: &mut Trial) -> Checked {
    let declared = trial.facts.schemes();
    let application = trial.application().await?;
    for scheme in SCHEMES.into_iter().filter(|scheme| !declared.contains(scheme)) {
        let key = trial.fresh_key(scheme)?.public_key();
        is_refused(trial, &application, key, &format!("a key of the scheme {scheme:?}")).await?;
    }
    Ok(())
}

pub(super) async fn malformed_points_are_refused(trial: &mut Trial) -> Checked {
    let application = trial.application().await?;
    let actor = trial.actor(&application).await?;
    let Some(good) = actor.party.keys.first().cloned() else { return fail("a key", "none") };
    let coordinates = good.point.get(1..).unwrap_or_default();
    let x = coordinates.get(..32).unwrap_or_default();
    let first = |byte: u8, rest: &[u8]| [&[byte], rest].concat();
    let parity = 2 + (coordinates.last().copied().unwrap_or_default() & 1);
    let points = [
        ("no point at all", Vec::new()),
        ("a point without its first byte", coordinates.to_vec()),
        ("a compressed point", first(parity, x)),
        ("a point of 66 bytes", [good.point.as_slice(), &[0]].concat()),
        ("a point with the first byte 6", first(6, coordinates)),
        ("a point with the first byte 0", first(0, coordinates)),
    ];
    for (what, point) in points {
        let key = PublicKey { point, ..good.clone() };
        is_refused(trial, &application, key, what).await?;
    }
    Ok(())
}

pub(super) async fn missing_certificate_is_refused(trial: &mut Trial) -> Checked {
    if !trial.facts.testbed.certificates_required {
        return Err(Stop::NotApplicable("the framework needs no certificates of its participants".into()));
    }
    let application = trial.application().await?;
    let actor = trial.party(0)?;
    let Some(good) = actor.party.keys.first().cloned() else { return fail("a key", "none") };
    let key = PublicKey { certificate: None, ..good };
    is_refused(trial, &application, key, "a key without the certificate that the framework needs").await
}

pub(super) async fn none_is_an_empty_list(trial: &mut Trial) -> Checked {
    if trial.facts.testbed.certificates_required {
        return Err(Stop::NotApplicable("a key without a certificate is no valid key here".into()));
    }
    let application = trial.application().await?;
    for scheme in trial.facts.schemes() {
        let key = trial.fresh_key(scheme)?.public_key();
        application.accounts(key).await.expected(
            "accounts answers a list, perhaps an empty one, for a valid key that nobody has used",
        )?;
    }
    Ok(())
}
