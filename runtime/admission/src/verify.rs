//! The steps of admission, as functions of what they look at: nothing is read, written or remembered here.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    bundle::Bundle,
    certificate::{self, Certificate, Limits, Release, Tier},
    component,
    denial::Denial,
    digest::Digest,
    evidence::{self, TestResult},
    memory::Floor,
    policy::{Accepted, Policy},
    revocation::RevocationList,
    statement::Statement,
};

/// How far clocks may differ: a revocation list may be from this far in the future.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A file, and what it wants to be let in as.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// All bytes of the file.
    pub file: &'a [u8],
    /// The bundle beside it, undecoded.
    pub bundle: Option<&'a [u8]>,
    /// What it is about to be loaded as.
    pub tier: Tier,
    /// The adapter's name that the operator asked for; any when there is none.
    pub name: Option<&'a str>,
    /// The limits that it would run under; those of the certificate when there are none.
    pub limits: Option<Limits>,
}

/// What an offer is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// What the operator demands.
    pub policy: &'a Policy,
    /// The newest revocation list, verified.
    pub list: Option<&'a RevocationList>,
    /// What was seen before.
    pub floor: &'a Floor,
    /// The present.
    pub now: Timestamp,
}

/// A certificate that was verified, at least as far as that it is about the file at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    /// What it says.
    pub certificate: Certificate,
    /// Digest of its payload: what it is called by, and revoked by.
    pub digest: Digest,
}

/// What an offer may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Digest of the file.
    pub digest: Digest,
    /// Its certificate; none where the policy did not insist on one.
    pub certified: Option<Certified>,
    /// What it imports, all of it allowed.
    pub imports: BTreeSet<String>,
    /// What it may use.
    pub limits: Limits,
}

/// All steps, in their order, as mode `enforce` has them. For programs that check a certificate without loading anything.
///
/// # Errors
/// [`Denial`]: the first step that says no.
pub fn verify(offer: &Offer<'_>, grounds: &Grounds<'_>) -> Result<Verified, Denial> {
    let digest = check_file(offer, grounds.policy)?;
    let mut certified = None;
    examine(offer, grounds, digest, &mut certified)?;
    check_boundary(offer, grounds.policy, digest, certified)
}

/// The file's size and digest.
pub(crate) fn check_file(offer: &Offer<'_>, policy: &Policy) -> Result<Digest, Denial> {
    let bytes = offer.file.len() as u64;
    if bytes > policy.max_file_bytes {
        return Err(Denial::FileTooLarge { bytes, allowed: policy.max_file_bytes });
    }
    Ok(Digest::of(offer.file))
}

/// Everything from the bundle to the security version. `certified` is set once the certificate is known to be genuine and
/// about this file, whatever a later step says.
pub(crate) fn examine(
    offer: &Offer<'_>,
    grounds: &Grounds<'_>,
    digest: Digest,
    certified: &mut Option<Certified>,
) -> Result<(), Denial> {
    let policy = grounds.policy;
    let bundle = Bundle::from_json(offer.bundle.ok_or(Denial::NoBundle)?)?;
    let signers = &policy.certifiers;
    bundle.certificate.verify(&signers.keys, signers.threshold).map_err(Denial::Signatures)?;
    let statement = Statement::<Certificate>::from_envelope(&bundle.certificate, certificate::PREDICATE_TYPE)
        .map_err(Denial::Types)?;
    check_identity(offer, digest, &statement)?;
    let known =
        Certified { certificate: statement.into_predicate(), digest: bundle.certificate.payload_digest() };
    let certificate = &known.certificate;
    let examined = check_verdict(policy, certificate, grounds.now)
        .and_then(|()| check_evidence(policy, &bundle, certificate, digest))
        .and_then(|()| check_validity(policy, certificate, grounds.now))
        .and_then(|()| check_revocation(grounds, digest, known.digest))
        .and_then(|()| check_log(policy, &bundle))
        .and_then(|()| check_security_version(grounds.floor, certificate));
    *certified = Some(known);
    examined
}

fn check_identity(
    offer: &Offer<'_>,
    digest: Digest,
    statement: &Statement<Certificate>,
) -> Result<(), Denial> {
    let subject = statement.subject();
    let certificate = statement.predicate();
    if subject.digest.sha256 != digest {
        return Err(Denial::OtherFile { certified: subject.digest.sha256, offered: digest });
    }
    let certified = &certificate.adapter.name;
    let other = [Some(subject.name.as_str()), offer.name]
        .into_iter()
        .flatten()
        .find(|name| *name != certified.as_str());
    if let Some(wanted) = other {
        return Err(Denial::OtherName { certified: certified.clone(), wanted: wanted.to_owned() });
    }
    if certificate.tier != offer.tier {
        return Err(Denial::OtherTier { certified: certificate.tier, offered: offer.tier });
    }
    Ok(())
}

fn check_verdict(policy: &Policy, certificate: &Certificate, now: Timestamp) -> Result<(), Denial> {
    certificate.check().map_err(Denial::Certificate)?;
    if let Some(level) = policy.levels.iter().find(|level| !certificate.levels.contains(*level)) {
        return Err(Denial::LevelMissing(level.clone()));
    }
    check_release("the standard", &policy.standards, &certificate.standard)?;
    check_release("the suite", &policy.suites, &certificate.suite)?;
    let engine = certificate.engine_configuration.sha256;
    if policy.engines.as_ref().is_some_and(|engines| !engines.contains(&engine)) {
        return Err(Denial::EngineNotAccepted(engine));
    }
    if !policy.tiers.contains(&certificate.tier) {
        return Err(Denial::TierNotAllowed(certificate.tier));
    }
    let adapter = &certificate.adapter.name;
    if policy.adapters.as_ref().is_some_and(|names| !names.contains(adapter)) {
        return Err(Denial::AdapterNotAllowed(adapter.clone()));
    }
    let framework = &certificate.framework.name;
    if policy.frameworks.as_ref().is_some_and(|names| !names.contains(framework)) {
        return Err(Denial::FrameworkNotAllowed(framework.clone()));
    }
    check_waivers(policy, certificate, now)
}

fn check_release(what: &'static str, accepted: &[Accepted], release: &Release) -> Result<(), Denial> {
    let digest = release.digest.sha256;
    let fits = |one: &Accepted| {
        one.version == release.version && one.digest.is_none_or(|accepted| accepted == digest)
    };
    if accepted.iter().any(fits) {
        return Ok(());
    }
    Err(Denial::ReleaseNotAccepted { what, version: release.version.clone(), digest })
}

fn check_waivers(policy: &Policy, certificate: &Certificate, now: Timestamp) -> Result<(), Denial> {
    let waivers = certificate.waivers.len();
    if waivers > policy.waivers.maximum {
        return Err(Denial::TooManyWaivers { waivers, allowed: policy.waivers.maximum });
    }
    for waiver in &certificate.waivers {
        if policy.waivers.clauses.as_ref().is_some_and(|clauses| !clauses.contains(&waiver.clause)) {
            return Err(Denial::WaiverNotAllowed(waiver.clause.clone()));
        }
        if now >= waiver.until {
            return Err(Denial::WaiverExpired { clause: waiver.clause.clone(), until: waiver.until });
        }
    }
    Ok(())
}

fn check_evidence(
    policy: &Policy,
    bundle: &Bundle,
    certificate: &Certificate,
    digest: Digest,
) -> Result<(), Denial> {
    let signers = &policy.certifiers;
    bundle.evidence.verify(&signers.keys, signers.threshold).map_err(Denial::EvidenceSignatures)?;
    let statement = Statement::<TestResult>::from_envelope(&bundle.evidence, evidence::PREDICATE_TYPE)
        .map_err(Denial::EvidenceTypes)?;
    let (found, named) = (bundle.evidence.payload_digest(), certificate.evidence.statement.sha256);
    if found != named {
        return Err(Denial::OtherEvidence { found, named });
    }
    let about = statement.subject().digest.sha256;
    if about != digest {
        return Err(Denial::EvidenceOfOtherFile(about));
    }
    statement.predicate().check(certificate).map_err(Denial::Evidence)
}

pub(crate) fn check_validity(
    policy: &Policy,
    certificate: &Certificate,
    now: Timestamp,
) -> Result<(), Denial> {
    if now < certificate.not_before {
        return Err(Denial::NotYetValid(certificate.not_before));
    }
    if now >= certificate.not_after {
        return Err(Denial::Expired(certificate.not_after));
    }
    match policy.max_age_days {
        Some(days)
            if now.duration_since(certificate.issued) > SignedDuration::from_hours(24 * i64::from(days)) =>
        {
            Err(Denial::TooOld { issued: certificate.issued, allowed_days: days })
        }
        _ => Ok(()),
    }
}

fn check_revocation(grounds: &Grounds<'_>, component: Digest, certificate: Digest) -> Result<(), Denial> {
    let list = grounds.list.ok_or(Denial::NoRevocationList)?;
    // What is revoked stays so in a stale list, and is the better reason.
    still_admitted(component, Some(certificate), list)?;
    if grounds.now >= list.next_update {
        return Err(Denial::StaleRevocationList(list.next_update));
    }
    // A signed list is also a witness of the time.
    if list.issued.duration_since(grounds.now) > CLOCK_SKEW {
        return Err(Denial::ClockBehind(list.issued));
    }
    Ok(())
}

/// Whether a list leaves what is running to run. A list that is stale leaves it: only new loads are then denied.
///
/// # Errors
/// [`Denial::Revoked`]
pub fn still_admitted(
    component: Digest,
    certificate: Option<Digest>,
    list: &RevocationList,
) -> Result<(), Denial> {
    match list.find(component, certificate) {
        Some(entry) => Err(Denial::Revoked { kind: entry.kind, reason: entry.reason.clone() }),
        None => Ok(()),
    }
}

fn check_log(policy: &Policy, bundle: &Bundle) -> Result<(), Denial> {
    let text = bundle.log_proof.as_deref().ok_or(Denial::NoLogProof)?;
    let proof = crate::log::proof::LogProof::parse(text)?;
    let trust = &policy.log;
    proof.verify(&bundle.certificate.to_json(), &trust.origin, &trust.witnesses, trust.threshold)?;
    Ok(())
}

pub(crate) fn check_security_version(floor: &Floor, certificate: &Certificate) -> Result<(), Denial> {
    let name = &certificate.adapter.name;
    let (certified, lowest) = (certificate.adapter.security_version, floor.security_version(name));
    if certified < lowest {
        return Err(Denial::SecurityVersion { name: name.clone(), certified, lowest });
    }
    Ok(())
}

/// Imports and limits: held in mode `warn` too, where a certificate may be missing and the policy alone decides.
pub(crate) fn check_boundary(
    offer: &Offer<'_>,
    policy: &Policy,
    digest: Digest,
    certified: Option<Certified>,
) -> Result<Verified, Denial> {
    let certificate = certified.as_ref().map(|known| &known.certificate);
    let imports = match offer.tier {
        Tier::Component => component::imports(offer.file)?,
        // Native code has no imports to look at: nothing holds it, which is why a policy has to name the tier.
        Tier::Native => BTreeSet::new(),
    };
    for import in &imports {
        if certificate.is_some_and(|certificate| !certificate.imports.contains(import)) {
            return Err(Denial::ImportNotCertified(import.clone()));
        }
        if !policy.allows_import(import) {
            return Err(Denial::ImportNotAllowed(import.clone()));
        }
    }
    let ceiling = policy.ceiling();
    let most = certificate.map_or(ceiling, |certificate| certificate.limits);
    if let Some((limit, wanted, allowed)) = most.first_above(&ceiling) {
        return Err(Denial::LimitAbovePolicy { limit, wanted, allowed });
    }
    let limits = offer.limits.unwrap_or(most);
    if let Some((limit, wanted, certified)) = limits.first_above(&most) {
        return Err(match certificate {
            Some(_) => Denial::LimitAboveCertified { limit, wanted, certified },
            None => Denial::LimitAbovePolicy { limit, wanted, allowed: certified },
        });
    }
    Ok(Verified { digest, certified, imports, limits })
}
