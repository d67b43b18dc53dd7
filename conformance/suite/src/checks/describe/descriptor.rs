//! What an adapter says of itself.

use adapter_spec::{
    CallError,
    types::{Descriptor, Error, ErrorCode, Finality, Party, PublicKey, SignatureScheme, Step},
};
use serde_json::Value;

use super::endpoints::where_it;
use crate::{
    check::{Checked, Expect as _, Stop, ensure, fail},
    trial::Trial,
};

/// All that there are.
pub(crate) const SCHEMES: [SignatureScheme; 4] = [
    SignatureScheme::EcdsaP256Sha256,
    SignatureScheme::EcdsaSecp256k1Keccak256,
    SignatureScheme::EcdsaSecp256k1Sha256Canonical,
    SignatureScheme::Sm2Sm3,
];

/// The fields in which two descriptors differ.
fn differences(one: &Descriptor, other: &Descriptor) -> Vec<String> {
    let fields = |descriptor| match serde_json::to_value(descriptor) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let other = fields(other);
    let differ = fields(one).into_iter().filter(|(name, value)| other.get(name) != Some(value));
    differ.map(|(name, _)| name).collect()
}

pub(super) async fn is_the_same_every_time(trial: &mut Trial) -> Checked {
    let first = trial.facts.descriptor.clone();
    for round in ["at the start", "with an application open", "after a write", "with two applications open"] {
        let again = trial.adapter.describe().await.expected("describe answers")?;
        let differences = differences(&first, &again);
        ensure(differences.is_empty(), "the same descriptor every time", || {
            format!("another one {round}: {} differ", differences.join(", "))
        })?;
        if round == "with an application open" {
            let application = trial.application().await?;
            let actor = trial.actor(&application).await?;
            let (call, options) = (trial.add(1)?, trial.options());
            application.write_well(call, &actor, options).await?;
        } else {
            trial.application().await?;
        }
    }
    Ok(())
}

pub(super) async fn names_have_their_form(trial: &mut Trial) -> Checked {
    let descriptor = &trial.facts.descriptor;
    let is_name = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    for (field, name) in [("name", &descriptor.name), ("framework", &descriptor.framework)] {
        ensure(is_name(name), format!("{field}: 1 to 64 lower-case letters, digits and hyphens"), || {
            format!("{field} is {name:?}")
        })?;
    }
    let version = &descriptor.version;
    ensure(semver::Version::parse(version).is_ok(), "version: a semantic version", || {
        format!("version is {version:?}")
    })?;
    let versions = &descriptor.framework_versions;
    ensure(
        !versions.is_empty() && versions.iter().all(|version| !version.trim().is_empty()),
        "framework-versions: at least one version that the adapter was made for",
        || format!("framework-versions is {versions:?}"),
    )
}

pub(super) async fn purposes_are_given(trial: &mut Trial) -> Checked {
    let descriptor = &trial.facts.descriptor;
    let endpoints = descriptor.endpoints.iter().map(|need| (&need.name, &need.purpose));
    let keys = descriptor.service_keys.iter().map(|need| (&need.name, &need.purpose));
    for (name, purpose) in endpoints.chain(keys) {
        ensure(purpose.split_whitespace().count() > 1, "a sentence that says what it is used for", || {
            format!("the purpose of {name:?} is {purpose:?}")
        })?;
    }
    Ok(())
}

pub(super) async fn finality_fits(trial: &mut Trial) -> Checked {
    let finality = trial.facts.descriptor.finality.clone();
    if finality == Finality::Depth(0) {
        return fail("a depth that counts the block itself, so at least 1", "finality is a depth of 0");
    }
    if finality == Finality::Immediate && trial.can("reorganise") {
        return fail(
            "immediate finality only where no node can ever drop a block",
            "finality is immediate, and the test bed drops blocks of this ledger",
        );
    }
    let application = trial.application().await?;
    let status = application.status().await.expected("status answers")?;
    let above = status.head.number.saturating_sub(status.finalized.number);
    ensure(finality != Finality::Immediate || above == 0, "with immediate finality the head is final", || {
        format!("finality is immediate, and the head is {above} blocks above the newest final block")
    })
}

pub(super) async fn permissioned_fits(trial: &mut Trial) -> Checked {
    if trial.facts.descriptor.permissioned {
        return Ok(());
    }
    match trial.facts.testbed.permissioned {
        Some(false) => Ok(()),
        Some(true) => fail(
            "permissioned is false only where anybody can join the ledger",
            "permissioned is false, and the test bed's ledger admits its participants",
        ),
        None => Err(Stop::Unknown("the test bed does not say whether participants are admitted".into())),
    }
}

/// A call of a fresh key; its answer says whether a key of this scheme is taken.
async fn begin_with(trial: &mut Trial, key: PublicKey) -> Result<Option<Error>, Stop> {
    let application = trial.application().await?;
    let (call, options) = (trial.add(1)?, trial.options());
    let parties = vec![Party { account: None, keys: vec![key] }];
    match application.begin(call, parties, options).await {
        Ok(Step::Sign(request)) => {
            application.abandon(request.continuation).await.expected("abandon frees a call")?;
            Ok(None)
        }
        Ok(_) => Ok(None),
        Err(CallError::Answered(error)) => Ok(Some(error)),
        Err(CallError::Ended(ended)) => fail("an answer of begin", ended.to_string()),
    }
}

pub(super) async fn exactly_these_schemes(trial: &mut Trial) -> Checked {
    let declared = trial.facts.schemes();
    let parties = trial.facts.testbed.parties.clone();
    ensure(!declared.is_empty() || parties.is_empty(), "schemes lists what begin accepts", || {
        "schemes is empty".into()
    })?;
    for scheme in SCHEMES {
        let application = trial.application().await?;
        if declared.contains(&scheme) {
            match trial.actor_of(&application, scheme).await {
                Ok(actor) => {
                    let (call, options) = (trial.add(1)?, trial.options());
                    let written = application.write_well(call, &actor, options).await;
                    where_it(written, &format!("a key of the declared scheme {scheme:?} is taken"))?;
                }
                // Nobody has such a key: whether it is taken shows where nothing but its form counts.
                Err(Stop::Unknown(_)) if !trial.facts.testbed.certificates_required => {
                    let key = trial.fresh_key(scheme)?.public_key();
                    application
                        .accounts(key)
                        .await
                        .expected(&format!("a key of the declared scheme {scheme:?} is taken"))?;
                }
                Err(stop) => return Err(stop),
            }
            continue;
        }
        let key = match parties.iter().position(|party| party.scheme == scheme) {
            Some(number) => trial.party(number)?.party.keys.into_iter().next(),
            None => Some(trial.fresh_key(scheme)?.public_key()),
        };
        let Some(key) = key else { continue };
        let error = begin_with(trial, key).await?;
        let code = error.as_ref().map(|error| error.code);
        ensure(
            code == Some(ErrorCode::InvalidArgument),
            format!("begin answers invalid-argument to a key of the undeclared scheme {scheme:?}"),
            || error.map_or("it accepts the key".into(), |error| error.to_string()),
        )?;
    }
    Ok(())
}
